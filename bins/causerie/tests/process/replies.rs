//! Replies of a provider behind an OpenAI-compatible address, and a server that is killed.

use serde_json::json;
use support::{Client, items, kinds, text};

use crate::{
    provider::{Manner, provider},
    serving::{Serving, serve},
};

async fn last_message(client: &Client, conversation: &str) -> serde_json::Value {
    let history = client.get(&format!("/api/v1/conversations/{conversation}/messages")).await.expect(200);
    items(&history).last().cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn compatible_address_alone_gives_a_chat_model() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = serve(&folder.path().join("data"));
    command.env("OPENAI_BASE_URL", provider("Good day.", Manner::Whole));
    let server = Serving::start(command);
    let (client, _) = server.client().registered("ada").await;
    let conversation = client.conversation(json!({})).await;
    let answer = client.say(&conversation, "Hello").await.expect(201);
    assert_eq!(text(&answer["reply"]["content"]), "Good day.");
    assert!(text(&answer["reply"]["model_used"]).starts_with("openai/"), "{answer}");
    let events = client.say_streamed(&conversation, "Hello").await.rest().await;
    assert_eq!(kinds(&events), ["start", "chunk", "done"]);
    server.terminate();
}

#[tokio::test(flavor = "multi_thread")]
async fn provider_of_another_name_answers_for_the_size_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = serve(&folder.path().join("data"));
    command.env("CAUSERIE_PROVIDERS__MINE__BASE_URL", provider("Mine.", Manner::Whole));
    command.env("CAUSERIE_MODELS__MEDIUM", "mine/some-model");
    let server = Serving::start(command);
    let (client, _) = server.client().registered("ada").await;
    let answer = client.say(&client.conversation(json!({})).await, "Hello").await.expect(201);
    assert_eq!(text(&answer["reply"]["model_used"]), "mine/some-model");
    server.terminate();
}

#[tokio::test(flavor = "multi_thread")]
async fn provider_that_is_not_there_is_a_failure_of_the_reply_alone() {
    let folder = tempfile::tempdir().unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = serve(&folder.path().join("data"));
    command.env("OPENAI_BASE_URL", format!("http://{closed}/v1")).env("OPENAI_API_KEY", "sk-very-secret");
    let server = Serving::start(command);
    let (client, _) = server.client().registered("ada").await;
    let conversation = client.conversation(json!({})).await;
    let problem = client.say(&conversation, "Hello").await.expect_problem(502, "upstream_failed");
    let reply = last_message(&client, &conversation).await;
    assert_eq!((&reply["id"], text(&reply["status"])), (&problem["message_id"], "failed"));
    let ended = server.terminate();
    assert!(!ended.log.contains("sk-very-secret") && !ended.output.contains("sk-very-secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn reply_of_a_killed_server_is_interrupted_with_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = serve(&data);
    command.env("OPENAI_BASE_URL", provider("Half of ", Manner::Stalls));
    let server = Serving::start(command);
    let (client, _) = server.client().registered("ada").await;
    let conversation = client.conversation(json!({})).await;
    let mut events = client.say_streamed(&conversation, "Tell me").await;
    let reply = text(&events.until("chunk").await[0]["message_id"]).to_owned();
    while last_message(&client, &conversation).await["content"] != "Half of " {
        tokio::task::yield_now().await;
    }
    let ended = server.kill();
    assert_eq!(ended.status.code(), None, "killed by a signal");

    let mut command = serve(&data);
    command.env("OPENAI_BASE_URL", provider("All of it.", Manner::Whole));
    let server = Serving::start(command);
    let client = server.client().with_token(client.token());
    let stored = last_message(&client, &conversation).await;
    assert_eq!((text(&stored["id"]), text(&stored["status"])), (reply.as_str(), "interrupted"));
    assert_eq!(text(&stored["content"]), "Half of ");
    let replayed = client.attach(&reply, 0).await.rest().await;
    assert_eq!(kinds(&replayed), ["start", "snapshot", "error"]);
    assert_eq!((&replayed[2]["code"], &replayed[2]["retryable"]), (&json!("interrupted"), &json!(true)));
    client.say(&conversation, "Again").await.expect(201);
    server.terminate();
}
