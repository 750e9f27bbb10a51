//! What a stop of the server leaves, and what the next start makes of it.

use serde_json::{Value, json};
use support::{Client, Gate, Script, ScriptedModel, StuckParser, TestServer, fixture_bytes, items, kinds, text};

async fn history(client: &Client, conversation: &str) -> Vec<Value> {
    items(&client.get(&format!("/api/v1/conversations/{conversation}/messages")).await.expect(200)).clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn reply_that_a_stop_cuts_off_is_interrupted_and_keeps_its_text() {
    let model = ScriptedModel::new();
    let server = TestServer::builder().model(&model).set("server.shutdown_ms", 1).start();
    let (client, _) = server.user("ada").await;
    let conversation = client.conversation(json!({})).await;
    model.push(Script::says(&["Half of "]).waits_for(&Gate::default()).text("never"));
    let mut events = client.say_streamed(&conversation, "Tell me").await;
    let reply = text(&events.until("chunk").await[0]["message_id"]).to_owned();
    server.begin_stop();
    let error = events.until("error").await.pop().unwrap();
    assert_eq!((text(&error["code"]), &error["retryable"]), ("interrupted", &json!(true)));
    assert_eq!(text(&error["message_id"]), reply);
    model.until_dropped().await;

    let server = server.restart(|next| next);
    let client = server.anonymous().with_token(client.token());
    let stored = history(&client, &conversation).await;
    assert_eq!((text(&stored[0]["content"]), text(&stored[0]["status"])), ("Tell me", "complete"));
    assert_eq!((text(&stored[1]["content"]), text(&stored[1]["status"])), ("Half of ", "interrupted"));
    let replayed = client.attach(&reply, 0).await.rest().await;
    assert_eq!(kinds(&replayed), ["start", "snapshot", "error"]);
    assert_eq!((text(&replayed[1]["content"]), text(&replayed[2]["code"])), ("Half of ", "interrupted"));
    client.say(&conversation, "Again, please").await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_answer_that_a_stop_cuts_off_says_so_with_the_reply() {
    let model = ScriptedModel::new();
    let server = TestServer::builder().model(&model).set("server.shutdown_ms", 1).start();
    let (client, _) = server.user("ada").await;
    let conversation = client.conversation(json!({})).await;
    model.push(Script::default().waits_for(&Gate::default()).text("never"));
    let (poster, id) = (client.clone(), conversation.clone());
    let posting = tokio::spawn(async move { poster.say(&id, "Tell me").await });
    while history(&client, &conversation).await.is_empty() {
        tokio::task::yield_now().await;
    }
    server.begin_stop();
    let problem = posting.await.unwrap().expect_problem(503, "interrupted");
    let server = server.restart(|next| next);
    let client = server.anonymous().with_token(client.token());
    assert_eq!(history(&client, &conversation).await[1]["id"], problem["message_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn reply_that_ends_in_the_time_to_stop_is_whole() {
    let model = ScriptedModel::new();
    let server = TestServer::builder().model(&model).set("server.shutdown_ms", 60_000).start();
    let (client, _) = server.user("ada").await;
    let conversation = client.conversation(json!({})).await;
    let gate = Gate::default();
    model.push(Script::says(&["First "]).waits_for(&gate).text("and last."));
    let mut events = client.say_streamed(&conversation, "Tell me").await;
    events.until("chunk").await;
    server.begin_stop();
    gate.open();
    assert_eq!(events.until("done").await.last().unwrap()["content"], "First and last.");
    let server = server.restart(|next| next);
    let client = server.anonymous().with_token(client.token());
    assert_eq!(history(&client, &conversation).await[1]["status"], "complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_wait_at_a_stop_are_read_after_the_start() {
    let parser = StuckParser::new();
    let server =
        TestServer::builder().parser(parser.clone()).set("jobs.workers", 1).set("server.shutdown_ms", 1).start();
    let (client, _) = server.user("ada").await;
    let files = ["soup.md", "ferry-notes.txt"].map(|name| (name, fixture_bytes(name))).to_vec();
    let accepted = client.upload(files).await.expect(202);
    parser.until_asked().await;
    let server = server.restart(|next| next);
    let client = server.anonymous().with_token(client.token());
    for document in items(&accepted) {
        let settled = client.settled(text(&document["id"])).await;
        assert_eq!((text(&settled["status"]), text(&settled["embedding"])), ("ready", "ready"), "{settled}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_and_everything_else_survive_a_restart() {
    let server = TestServer::builder().start();
    let (client, account) = server.user("ada").await;
    let (signed_out, _) = server.user("ben").await;
    signed_out.post("/api/v1/auth/logout", json!({})).await.expect(204);
    let document = client.document("soup.md", fixture_bytes("soup.md")).await;
    let conversation = client.conversation(json!({"title": "Soup"})).await;
    client.say(&conversation, "Hello").await.expect(201);
    let before = history(&client, &conversation).await;

    let server = server.restart(|next| next);
    let client = server.anonymous().with_token(client.token());
    assert_eq!(client.get("/api/v1/me").await.expect(200)["id"], account.id);
    client.post("/api/v1/auth/refresh", json!({"refresh": account.refresh})).await.expect(200);
    let ended = server.anonymous().with_token(signed_out.token());
    ended.get("/api/v1/me").await.expect_problem(401, "session_revoked");
    assert_eq!(history(&client, &conversation).await, before);
    let path = format!("/api/v1/documents/{}", text(&document["id"]));
    assert_eq!(client.get(&path).await.expect(200), document);
    for mode in ["keyword", "dense"] {
        let found = client.get(&format!("/api/v1/rag/search?q=blue+handle&mode={mode}")).await.expect(200);
        assert_eq!(found["items"][0]["document_id"], document["id"], "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_made_once_for_their_owner_alone() {
    let server = TestServer::builder().start();
    let secrets = server.folder().join("secrets");
    let read = || -> Vec<(std::path::PathBuf, Vec<u8>)> {
        let entries = std::fs::read_dir(&secrets).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
    };
    let before = read();
    assert!(!before.is_empty());
    #[cfg(unix)]
    for (path, _) in &before {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
    let _server = server.restart(|next| next);
    assert_eq!(read(), before);
}
