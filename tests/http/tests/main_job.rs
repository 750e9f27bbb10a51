//! The main job: from a new account to a streamed answer that cites the page of an uploaded document.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use support::{Client, Fact, Script, ScriptedModel, TestServer, fixture, fixture_bytes};

/// Uploads the fixture and opens a grounded conversation about it.
async fn grounded_conversation(client: &Client, file: &str) -> (Value, String) {
    let document = client.document(file, fixture_bytes(file)).await;
    assert_eq!(
        (document["status"].as_str(), document["embedding"].as_str()),
        (Some("ready"), Some("ready")),
        "{document}"
    );
    let conversation = client.conversation(json!({"grounding": "grounded_rag"})).await;
    (document, conversation)
}

fn kinds(events: &[Value]) -> Vec<&str> {
    let mut kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    kinds.dedup();
    kinds
}

fn cites(event: &Value, document: &Value, fact: &Fact) -> bool {
    event["document_id"] == document["id"] && event["page"].as_u64() == fact.page.map(u64::from)
}

/// Every fact of the fixture, asked over the stream; the model repeats the sentence that holds the answer.
async fn every_fact_is_cited(file: &str) {
    let model = ScriptedModel::new();
    // The threshold is calibrated for real vectors, which hashed words are not.
    let server = TestServer::builder().model(&model).set("grounding.min_score", 0.05).start();
    let (client, _) = server.user("ada").await;
    let (document, conversation) = grounded_conversation(&client, file).await;
    for fact in fixture(file).facts {
        model.push(Script::says(&["It is written: ", &fact.phrase, "."]));
        let events = client.say_streamed(&conversation, &fact.question).await.rest().await;
        assert_eq!(kinds(&events), ["start", "chunk", "citation", "done"], "{}: {events:?}", fact.question);
        assert!((1..).zip(&events).all(|(n, event)| event["seq"] == n), "{events:?}");
        let found = events.iter().any(|event| event["type"] == "citation" && cites(event, &document, &fact));
        assert!(found, "{} is on page {:?}: {events:?}", fact.question, fact.page);
        let done = events.last().unwrap();
        assert_eq!(done["citations"][0]["document_id"], document["id"]);
        let sent = model.requests().pop().unwrap();
        let prompt: String = sent.messages.iter().map(|message| message.content.as_str()).collect();
        assert!(
            prompt.split_whitespace().collect::<String>().contains(&fact.answer.split_whitespace().collect::<String>()),
            "{} was sent without {}",
            fact.question,
            fact.answer
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_of_a_pdf_by_libreoffice_are_cited_with_their_page() {
    every_fact_is_cited("lighthouses.pdf").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_of_a_pdf_by_chromium_are_cited_with_their_page() {
    every_fact_is_cited("tramway.pdf").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_of_a_two_column_pdf_by_tex_are_cited_with_their_page() {
    every_fact_is_cited("tide-mills.pdf").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_of_a_pdf_by_reportlab_are_cited_with_their_page() {
    every_fact_is_cited("invoice.pdf").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_of_a_pdf_in_several_scripts_are_cited_with_their_page() {
    every_fact_is_cited("libraries.pdf").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_answer_is_the_stream_folded_and_history_shows_both_messages() {
    let model = ScriptedModel::new();
    let server = TestServer::with(&model);
    let (client, _) = server.user("ada").await;
    let (document, conversation) = grounded_conversation(&client, "lighthouses.pdf").await;
    let fact = fixture("lighthouses.pdf").facts.remove(0);
    model.push(Script::says(&[&fact.phrase, " [1]", " [9]."]));
    let answer = client.say(&conversation, &fact.question).await.expect(201);
    assert_eq!(answer["message"]["content"], fact.question);
    let reply = &answer["reply"];
    assert_eq!(reply["status"], "complete");
    assert_eq!(reply["content"], format!("{} [1].", fact.phrase), "the marker without a passage is gone");
    assert!(cites(&reply["citations"][0], &document, &fact), "{reply}");
    assert_eq!(reply["citations"][0]["attributed"], "marker");
    assert!(!reply["sources"].as_array().unwrap().is_empty());

    let history = client.get(&format!("/api/v1/conversations/{conversation}/messages")).await.expect(200);
    let roles: Vec<&str> = history["items"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant"]);
    assert_eq!(history["items"][1], *reply);
}

#[tokio::test(flavor = "multi_thread")]
async fn question_that_no_document_answers_is_refused_without_a_model_call() {
    let model = ScriptedModel::new();
    let server = TestServer::with(&model);
    let (client, _) = server.user("ada").await;
    let (_, conversation) = grounded_conversation(&client, "lighthouses.pdf").await;
    let answer = client.say(&conversation, "How do I sharpen chisels?").await.expect(201);
    assert_eq!(answer["reply"]["content"], "I don't have specific information about this topic.");
    assert_eq!(answer["reply"]["confidence"], "none");
    assert_eq!(answer["reply"]["citations"], json!([]));
    assert!(model.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn open_chat_works_without_documents() {
    let model = ScriptedModel::new();
    let server = TestServer::with(&model);
    let (client, _) = server.user("ada").await;
    let conversation = client.conversation(json!({})).await;
    model.push(Script::says(&["Good ", "morning."]).usage(12, 3));
    let events = client.say_streamed(&conversation, "Good morning!").await.rest().await;
    assert_eq!(kinds(&events), ["start", "chunk", "done"]);
    let done = events.last().unwrap();
    assert_eq!(done["content"], "Good morning.");
    assert_eq!(done["model_used"], "scripted/model");
    assert_eq!(
        done["usage"],
        json!({"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15, "cost_usd": 0.000018, "estimated": false})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_another_user_are_never_found() {
    let server = TestServer::builder().start();
    let (ada, _) = server.user("ada").await;
    ada.document("lighthouses.pdf", fixture_bytes("lighthouses.pdf")).await;
    let (ben, _) = server.user("ben").await;
    let fact = fixture("lighthouses.pdf").facts.remove(0);
    let request = ben.request(reqwest::Method::GET, "/api/v1/rag/search").query(&[("q", &fact.question)]);
    assert_eq!(ben.send(request).await.expect(200)["items"], json!([]));
}
