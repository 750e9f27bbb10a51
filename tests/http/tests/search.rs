//! Search over documents: by words, by meaning, by both.

use reqwest::Method;
use serde_json::{Value, json};
use support::{Answer, Client, TestServer, assert_fields, fixture, fixture_bytes, items, text};

const SEARCH: &str = "/api/v1/rag/search";
/// The titles of what Ada has.
const SOUP: &str = "Nettle soup for a crowd";
const FERRY: &str = "ferry-notes";
const LIGHTS: &str = "The Lights of the Varnholt Coast";

async fn search(client: &Client, query: &[(&str, &str)]) -> Answer {
    client.send(client.request(Method::GET, SEARCH).query(query)).await
}

async fn found(client: &Client, query: &[(&str, &str)]) -> Vec<Value> {
    items(&search(client, query).await.expect(200)).clone()
}

/// Ada with the lighthouses, the soup and the ferry.
async fn library(server: &TestServer) -> Client {
    let (client, _) = server.user("ada").await;
    for (name, category, tags) in [
        ("lighthouses.pdf", "History", "sea"),
        ("soup.md", "Recipe", "food"),
        ("ferry-notes.txt", "Notes", "sea,river"),
    ] {
        let fields = [("category", category), ("tags", tags)];
        let accepted = client.upload_with(vec![(name, fixture_bytes(name))], &fields).await.expect(202);
        client.settled(text(&accepted["items"][0]["id"])).await;
    }
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_has_passages_best_first_with_every_field() {
    let server = TestServer::builder().start();
    let client = library(&server).await;
    let answer = search(&client, &[("q", "Who ground the lens at Gannet Rock?"), ("top_k", "10")]).await.expect(200);
    assert_fields(&answer, "items took_ms warnings");
    assert_eq!(answer["warnings"], json!([]));
    let passages = items(&answer);
    for passage in passages {
        assert_fields(passage, "document_id version title page chunk_id text score scores");
        assert_fields(&passage["scores"], "keyword dense rerank");
    }
    let scores: Vec<f64> = passages.iter().map(|passage| passage["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)), "{scores:?}");
    assert_eq!((text(&passages[0]["title"]), &passages[0]["page"]), (LIGHTS, &json!(2)));
    assert!(passages.iter().any(|passage| passage["page"].is_null()), "texts have no pages: {passages:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mode_finds_the_facts_and_shows_the_scores_it_has() {
    let server = TestServer::builder().start();
    let client = library(&server).await;
    for fact in fixture("soup.md").facts {
        for (mode, keyword, dense) in [("keyword", true, false), ("dense", false, true), ("hybrid", true, true)] {
            // Hashed words know no synonyms, so the question is put in the words of the text.
            let passages = found(&client, &[("q", &fact.phrase), ("mode", mode)]).await;
            let best = &passages[0];
            assert!(text(&best["text"]).contains(&fact.answer), "{mode}: {} gives {best}", fact.phrase);
            assert_eq!((best["scores"]["keyword"].is_number(), best["scores"]["dense"].is_number()), (keyword, dense));
            assert_eq!(best["scores"]["rerank"], Value::Null);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_passages_come_unless_told_and_from_one_to_fifty_may_be_asked() {
    let server = TestServer::builder().set("documents.chunk_tokens", 32).set("documents.chunk_overlap", 0).start();
    let client = library(&server).await;
    let question = ("q", "lighthouse lens keeper granite ferry");
    assert_eq!(found(&client, &[question]).await.len(), 3);
    assert_eq!(found(&client, &[question, ("top_k", "1")]).await.len(), 1);
    assert!(found(&client, &[question, ("top_k", "50")]).await.len() > 10);
    for wrong in ["0", "51", "-1", "many"] {
        search(&client, &[question, ("top_k", wrong)]).await.expect_invalid(&["top_k"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn search_is_narrowed_to_documents_categories_and_labels() {
    let server = TestServer::builder().start();
    let client = library(&server).await;
    let documents = client.get("/api/v1/documents").await.expect(200);
    let id = |file: &str| {
        let document = items(&documents).iter().find(|document| document["filename"] == file);
        text(&document.unwrap()["id"]).to_owned()
    };
    let (soup, ferry) = (id("soup.md"), id("ferry-notes.txt"));
    let both = format!("{soup},{ferry}");
    let cases = [
        (vec![("document_ids", soup.as_str())], vec![SOUP]),
        (vec![("document_ids", &both)], vec![SOUP, FERRY]),
        (vec![("document_ids", &soup), ("document_ids", &ferry)], vec![SOUP, FERRY]),
        (vec![("category", "Recipe")], vec![SOUP]),
        (vec![("tag", "sea")], vec![LIGHTS, FERRY]),
        (vec![("tag", "sea,river")], vec![FERRY]),
    ];
    for (filter, expected) in cases {
        for mode in ["keyword", "dense", "hybrid"] {
            let mut query = vec![("q", "the chain, the lens and the nettle soup"), ("mode", mode), ("top_k", "50")];
            query.extend_from_slice(&filter);
            let passages = found(&client, &query).await;
            let mut titles: Vec<&str> = passages.iter().map(|passage| text(&passage["title"])).collect();
            titles.sort_unstable();
            titles.dedup();
            assert_eq!(titles, expected, "{mode} {filter:?}");
        }
    }
    search(&client, &[("q", "soup"), ("document_ids", "no-id")]).await.expect_invalid(&["document_ids"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn question_and_mode_are_checked() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    search(&client, &[]).await.expect_invalid(&["q"]);
    search(&client, &[("q", " ")]).await.expect_invalid(&["q"]);
    search(&client, &[("q", "soup"), ("mode", "magic")]).await.expect_invalid(&["mode"]);
    search(&server.anonymous(), &[("q", "soup")]).await.expect_problem(401, "unauthenticated");
    for odd in ["\"", "NEAR(a b)", "a AND", "*", "?!", "\u{0}", "' OR 1=1 --", &"long ".repeat(1_000)] {
        assert_eq!(found(&client, &[("q", odd)]).await, [Value::Null; 0], "{odd}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_embedding_model_words_are_searched_and_it_is_said() {
    let server = TestServer::builder().without_embedding_model().start();
    let client = library(&server).await;
    let documents = client.get("/api/v1/documents").await.expect(200);
    assert!(items(&documents).iter().all(|document| document["embedding"] == "off"), "{documents}");
    let answer = search(&client, &[("q", "sieve with the blue handle")]).await.expect(200);
    assert_eq!(answer["items"][0]["title"], SOUP);
    let warnings = answer["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|warning| text(warning).contains("words only")), "{answer}");
    let asked = search(&client, &[("q", "sieve"), ("mode", "keyword")]).await.expect(200);
    assert_eq!(asked["warnings"], json!([]), "nothing is missing where words were asked for");
    let problem = search(&client, &[("q", "sieve"), ("mode", "dense")]).await.expect_problem(503, "no_model");
    assert!(text(&problem["detail"]).contains("causerie models pull"), "{problem}");
}
