//! Documents: taking files in, what becomes of each, and what is kept of them.

use std::path::Path;

use reqwest::{Method, multipart};
use serde_json::{Value, json};
use support::{Client, Fixture, TestServer, assert_fields, fixture, fixture_bytes, fixtures, ids_of, items, text};

const DOCUMENTS: &str = "/api/v1/documents";
const FIELDS: &str = "id title filename content_type size_bytes sha256 version category tags status embedding error \
                      pages chunks tokens warnings created_at updated_at";

fn path(document: &Value) -> String {
    format!("{DOCUMENTS}/{}", text(&document["id"]))
}

/// Files under a folder, however deep.
fn files_below(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files_below(&entry.path()) } else { 1 }).sum()
}

fn titles(list: &Value) -> Vec<&str> {
    items(list).iter().map(|document| text(&document["title"])).collect()
}

fn number(value: &Value) -> usize {
    value.as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or_default()
}

/// Text without white space, for phrases that break across lines.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

async fn becomes_ready(client: &Client, fixture: &Fixture) {
    let document = client.document(&fixture.file, fixture_bytes(&fixture.file)).await;
    assert_eq!((text(&document["status"]), text(&document["embedding"])), ("ready", "ready"), "{document}");
    assert_eq!(document["error"], Value::Null);
    assert_eq!(document["pages"], fixture.pages.unwrap_or(0), "{}", fixture.file);
    assert!(document["chunks"].as_u64() > Some(0) && document["tokens"].as_u64() > Some(0), "{document}");
    let content = client.get(&format!("{}/content", path(&document))).await.expect(200);
    let whole = text(&content["text"]);
    for fact in &fixture.facts {
        let place = match fact.page {
            None => whole,
            Some(wanted) => {
                let page = &content["pages"][wanted as usize - 1];
                assert_eq!(page["number"], wanted);
                &whole[number(&page["byte_start"])..number(&page["byte_end"])]
            }
        };
        assert!(squeezed(place).contains(&squeezed(&fact.phrase)), "{}: {}", fixture.file, fact.phrase);
    }
}

async fn fails_with(client: &Client, fixture: &Fixture) {
    let document = client.document(&fixture.file, fixture_bytes(&fixture.file)).await;
    assert_eq!(
        (text(&document["status"]), &document["error"]["code"]),
        ("failed", &json!(fixture.expect)),
        "{document}"
    );
    assert_fields(&document["error"], "code detail");
    assert!(!text(&document["error"]["detail"]).is_empty());
    let none = client.get(&format!("{}/content", path(&document))).await.expect_problem(409, "document_not_ready");
    assert!(text(&none["detail"]).contains(text(&document["error"]["detail"])), "{none}");
    assert_eq!(client.get(&format!("{}/chunks", path(&document))).await.expect(200)["items"], json!([]));
}

async fn is_refused(client: &Client, fixture: &Fixture, status: u16) {
    let refused = client.upload(vec![(&fixture.file, fixture_bytes(&fixture.file))]).await;
    let problem = refused.expect_problem(status, &fixture.expect);
    assert!(!text(&problem["detail"]).is_empty(), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fixture_ends_as_its_index_says() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    let fixtures = fixtures();
    for fixture in &fixtures {
        match fixture.expect.as_str() {
            "ready" => becomes_ready(&client, fixture).await,
            "empty_file" => is_refused(&client, fixture, 422).await,
            "unsupported_type" => is_refused(&client, fixture, 415).await,
            "password_protected" | "no_text" | "unreadable" | "limits_exceeded" => fails_with(&client, fixture).await,
            other => panic!("{}: the index expects `{other}`", fixture.file),
        }
    }
    let kept = fixtures.iter().filter(|f| !matches!(f.expect.as_str(), "empty_file" | "unsupported_type")).count();
    assert_eq!(client.get(&format!("{DOCUMENTS}?page=1")).await.expect(200)["total"], kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_file_is_queued_with_every_field() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    let bytes = fixture_bytes("lighthouses.pdf");
    let size = bytes.len();
    let fields =
        [("title", "The lights of Varnholt"), ("category", "History"), ("tags", "sea, coast"), ("tags", "1931")];
    let accepted = client.upload_with(vec![("lighthouses.pdf", bytes)], &fields).await.expect(202);
    let document = &accepted["items"][0];
    assert_fields(document, FIELDS);
    assert_eq!((text(&document["status"]), text(&document["embedding"])), ("queued", "pending"));
    assert_eq!(text(&document["title"]), "The lights of Varnholt");
    assert_eq!((&document["category"], &document["tags"]), (&json!("History"), &json!(["sea", "coast", "1931"])));
    assert_eq!((text(&document["filename"]), text(&document["content_type"])), ("lighthouses.pdf", "application/pdf"));
    assert_eq!((&document["size_bytes"], &document["version"]), (&json!(size), &json!(1)));
    let settled = client.settled(text(&document["id"])).await;
    assert_fields(&settled, FIELDS);
    assert_eq!((&settled["title"], &settled["sha256"]), (&document["title"], &document["sha256"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_file_does_not_refuse_the_others() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    let files = ["soup.md", "empty.pdf", "report.pdf", "ferry-notes.txt"];
    let accepted = client.upload(files.map(|name| (name, fixture_bytes(name))).to_vec()).await.expect(202);
    let [soup, empty, report, ferry] = &items(&accepted)[..] else { panic!("four items: {accepted}") };
    for (refused, name, code) in [(empty, "empty.pdf", "empty_file"), (report, "report.pdf", "unsupported_type")] {
        assert_fields(refused, "filename error");
        assert_fields(&refused["error"], "code detail");
        assert_eq!((text(&refused["filename"]), text(&refused["error"]["code"])), (name, code));
    }
    for taken in [soup, ferry] {
        assert_eq!(client.settled(text(&taken["id"])).await["status"], "ready");
    }
    assert_eq!(client.get(&format!("{DOCUMENTS}?page=1")).await.expect(200)["total"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_bad_files_are_all_named_and_nothing_is_kept() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    let files = ["empty.pdf", "report.pdf"].map(|name| (name, fixture_bytes(name))).to_vec();
    client.upload(files).await.expect_invalid(&["empty.pdf", "report.pdf"]);
    assert_eq!(client.get(DOCUMENTS).await.expect(200)["items"], json!([]));
    assert_eq!(files_below(&server.folder().join("blobs")), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn file_at_the_limit_is_taken_and_one_byte_more_is_not() {
    let server = TestServer::builder().set("documents.max_upload_bytes", 2_000).start();
    let (client, _) = server.user("ada").await;
    let file = |size: usize| "word ".repeat(size).into_bytes()[..size].to_vec();
    let problem = client.upload(vec![("notes.txt", file(2_001))]).await.expect_problem(413, "file_too_large");
    assert!(text(&problem["detail"]).contains("2000"), "{problem}");
    client.upload(vec![("notes.txt", file(100_000))]).await.expect_problem(413, "file_too_large");
    assert_eq!(client.get(DOCUMENTS).await.expect(200)["items"], json!([]));
    assert_eq!(files_below(&server.folder().join("blobs")), 0);
    let both = client.upload(vec![("large.txt", file(2_001)), ("notes.txt", file(2_000))]).await.expect(202);
    assert_eq!(both["items"][0]["error"]["code"], "file_too_large");
    assert_eq!(client.settled(text(&both["items"][1]["id"])).await["status"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn upload_over_its_limits_as_a_whole_is_refused() {
    let server = TestServer::builder()
        .set("documents.max_files", 2)
        .set("documents.max_upload_bytes", 50_000)
        .set("documents.max_request_bytes", 100_000)
        .start();
    let (client, _) = server.user("ada").await;
    let file = |size: usize| ("notes.txt", "word ".repeat(size / 5).into_bytes());
    client.upload(vec![file(100), file(100), file(100)]).await.expect_invalid(&["file"]);
    // Whatever the limit on requests, one largest file with its form always has room.
    client.upload(vec![file(49_000), file(49_000)]).await.expect(202);
    client.upload(vec![file(60_000), file(60_000)]).await.expect_problem(413, "file_too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_is_not_what_its_name_says_is_refused_with_both() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    let problem = client.upload(vec![("report.pdf", png)]).await.expect_problem(415, "unsupported_type");
    assert!(
        text(&problem["detail"]).contains("PDF") && text(&problem["detail"]).contains("Portable Network Graphics"),
        "{problem}"
    );
    client
        .upload(vec![("a.exe", b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff".to_vec())])
        .await
        .expect_problem(415, "unsupported_type");
    let renamed = client.document("notes.txt", fixture_bytes("lighthouses.pdf")).await;
    assert_eq!((text(&renamed["content_type"]), text(&renamed["status"])), ("application/pdf", "ready"));
}

#[tokio::test(flavor = "multi_thread")]
async fn upload_is_a_form_with_a_file() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    client.upload_with(vec![], &[("title", "Nothing")]).await.expect_invalid(&["file"]);
    client.post(DOCUMENTS, json!({"file": "x"})).await.expect_problem(415, "unsupported_media_type");
    let two = vec![("soup.md", fixture_bytes("soup.md")), ("ferry.txt", fixture_bytes("ferry-notes.txt"))];
    client.upload_with(two, &[("title", "Both")]).await.expect_invalid(&["title"]);
    let soup = || vec![("soup.md", fixture_bytes("soup.md"))];
    client.upload_with(soup(), &[("title", &"x".repeat(201))]).await.expect_invalid(&["title"]);
    client.upload_with(soup(), &[("tags", &"x".repeat(51))]).await.expect_invalid(&["tags"]);
    client.upload_with(soup(), &[("category", &"x".repeat(51))]).await.expect_invalid(&["category"]);
    let stranger = server.anonymous().upload(soup()).await;
    stranger.expect_problem(401, "unauthenticated");
    assert_eq!(files_below(&server.folder().join("blobs")), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_files_cannot_leave_their_place() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    for (name, kept) in [("../../etc/passwd.txt", "passwd.txt"), ("C:\\temp\\notes.txt", "notes.txt"), ("..", "file")] {
        let part = multipart::Part::bytes(b"some words".to_vec()).file_name(name);
        let form = multipart::Form::new().part("file", part);
        let accepted = client.send(client.request(Method::POST, DOCUMENTS).multipart(form)).await.expect(202);
        assert_eq!(accepted["items"][0]["filename"], kept);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn description_of_a_document_can_be_changed() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    let before = client.document("soup.md", fixture_bytes("soup.md")).await;
    let path = path(&before);
    let patch = json!({"title": " Nettle\nsoup ", "category": "Recipe", "tags": ["food", "food", " spring "]});
    let after = client.patch(&path, patch).await.expect(200);
    assert_eq!(text(&after["title"]), "Nettle soup");
    assert_eq!((&after["category"], &after["tags"]), (&json!("Recipe"), &json!(["food", "spring"])));
    assert_eq!((&after["filename"], &after["sha256"]), (&before["filename"], &before["sha256"]));
    let after = client.patch(&path, json!({"category": null})).await.expect(200);
    assert_eq!((&after["category"], text(&after["title"])), (&Value::Null, "Nettle soup"));
    for (patch, fields) in [
        (json!({"title": " "}), vec!["title"]),
        (json!({"title": null}), vec!["title"]),
        (json!({"title": "x".repeat(201), "tags": ["x".repeat(51)]}), vec!["title", "tags"]),
    ] {
        client.patch(&path, patch).await.expect_invalid(&fields);
    }
    assert_eq!(client.get(&path).await.expect(200), after);
}

#[tokio::test(flavor = "multi_thread")]
async fn list_is_narrowed_and_read_in_parts() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    for (name, category, tags) in
        [("soup.md", "Recipe", "food"), ("ferry-notes.txt", "Notes", "river,food"), ("truncated.pdf", "Notes", "river")]
    {
        let fields = [("category", category), ("tags", tags)];
        let accepted = client.upload_with(vec![(name, fixture_bytes(name))], &fields).await.expect(202);
        client.settled(text(&accepted["items"][0]["id"])).await;
    }
    let list = async |query: &str| client.get(&format!("{DOCUMENTS}?{query}")).await.expect(200);
    assert_eq!(titles(&list("").await), ["truncated", "ferry-notes", "Nettle soup for a crowd"]);
    assert_eq!(titles(&list("q=FERRY").await), ["ferry-notes"]);
    assert_eq!(titles(&list("status=failed").await), ["truncated"]);
    assert_eq!(titles(&list("status=ready&category=Notes").await), ["ferry-notes"]);
    assert_eq!(titles(&list("tag=river,food").await), ["ferry-notes"]);
    assert_eq!(titles(&list("tag=river&tag=food").await), ["ferry-notes"]);
    assert_eq!(list("category=Notes&page=1").await["total"], 2);
    client.get(&format!("{DOCUMENTS}?status=lost")).await.expect_invalid(&["status"]);
    let all = ids_of(&list("").await);
    assert_eq!(client.ids_by_cursor(DOCUMENTS, 1).await, all);
    assert_eq!(client.ids_by_page(DOCUMENTS, 2, 3).await, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn passages_stand_in_the_text_where_they_say_and_on_the_page_they_say() {
    let server = TestServer::builder().set("documents.chunk_tokens", 64).set("documents.chunk_overlap", 8).start();
    let (client, _) = server.user("ada").await;
    let document = client.document("lighthouses.pdf", fixture_bytes("lighthouses.pdf")).await;
    let content = client.get(&format!("{}/content", path(&document))).await.expect(200);
    assert_fields(&content, "document_id version text pages");
    assert_fields(&content["pages"][0], "number label byte_start byte_end");
    let (whole, pages) = (text(&content["text"]), content["pages"].as_array().unwrap());
    let list = client.get(&format!("{}/chunks?limit=100", path(&document))).await.expect(200);
    let chunks = items(&list);
    assert_eq!(document["chunks"], chunks.len());
    for (ordinal, chunk) in (0..).zip(chunks) {
        assert_fields(
            chunk,
            "id document_id version ordinal text page_from page_to byte_start byte_end heading_path tokens",
        );
        assert_eq!(chunk["ordinal"], ordinal);
        assert!(chunk["tokens"].as_u64() <= Some(64), "{chunk}");
        let (start, end) = (number(&chunk["byte_start"]), number(&chunk["byte_end"]));
        assert_eq!(&whole[start..end], text(&chunk["text"]));
        let first = &pages[number(&chunk["page_from"]) - 1];
        assert!((number(&first["byte_start"])..number(&first["byte_end"])).contains(&start), "{chunk}");
        assert!(chunk["page_to"].as_u64() >= chunk["page_from"].as_u64());
    }
    let fact = fixture("lighthouses.pdf").facts.remove(3);
    let holds = chunks.iter().find(|chunk| squeezed(text(&chunk["text"])).contains(&squeezed(&fact.answer))).unwrap();
    let page = fact.page.map(u64::from);
    assert!(holds["page_from"].as_u64() <= page && holds["page_to"].as_u64() >= page, "{holds}");
    let chunks_path = format!("{}/chunks", path(&document));
    assert_eq!(client.ids_by_cursor(&chunks_path, 3).await, ids_of(&list));
    assert_eq!(client.ids_by_page(&chunks_path, 5, chunks.len()).await, ids_of(&list));
}

#[tokio::test(flavor = "multi_thread")]
async fn original_is_given_back_byte_for_byte_as_a_download() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    for name in ["lighthouses.pdf", "letter.txt"] {
        let bytes = fixture_bytes(name);
        let document = client.document(name, bytes.clone()).await;
        let request = client.request(Method::GET, &format!("{}/original", path(&document)));
        let response = request.send().await.unwrap();
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert!(header("content-type").starts_with(text(&document["content_type"])));
        assert_eq!(header("content-disposition"), format!("attachment; filename=\"{name}\""));
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(response.bytes().await.unwrap(), bytes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_document_is_found_by_no_search_from_then_on() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    let document = client.document("soup.md", fixture_bytes("soup.md")).await;
    let search = async |mode: &str| {
        let query = [("q", "sieve with the blue handle"), ("mode", mode)];
        items(&client.send(client.request(Method::GET, "/api/v1/rag/search").query(&query)).await.expect(200)).len()
    };
    for mode in ["keyword", "dense", "hybrid"] {
        assert!(search(mode).await > 0, "{mode}");
    }
    client.delete(&path(&document)).await.expect(204);
    for mode in ["keyword", "dense", "hybrid"] {
        assert_eq!(search(mode).await, 0, "{mode}");
    }
    for rest in ["", "/content", "/chunks", "/original"] {
        client.get(&format!("{}{rest}", path(&document))).await.expect_problem(404, "not_found");
    }
    let blobs = server.folder().join("blobs");
    let removal = async {
        while files_below(&blobs) > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), removal).await.expect("the file goes too");
}

#[tokio::test(flavor = "multi_thread")]
async fn same_file_of_two_people_stays_until_both_have_deleted_it() {
    let server = TestServer::builder().start();
    let (ada, _) = server.user("ada").await;
    let (ben, _) = server.user("ben").await;
    let bytes = fixture_bytes("soup.md");
    let (hers, his) = (ada.document("soup.md", bytes.clone()).await, ben.document("mine.md", bytes).await);
    assert_eq!(hers["sha256"], his["sha256"]);
    ada.delete(&path(&hers)).await.expect(204);
    // Documents settle in the order of the queue, so the removal of hers has been done by then.
    ben.document("ferry.txt", fixture_bytes("ferry-notes.txt")).await;
    let original = ben.get(&format!("{}/original", path(&his))).await;
    assert_eq!(original.text.as_bytes(), fixture_bytes("soup.md"));
}
