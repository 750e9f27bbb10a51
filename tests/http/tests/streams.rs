//! Replies that outlive their readers: stopping, attaching, coming back.

use std::{sync::Arc, time::Duration};

use domain::ManualClock;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Client, Events, Gate, Script, ScriptedModel, TestServer, items, kinds, text};

fn stream_path(reply: &str) -> String {
    format!("/api/v1/messages/{reply}/stream")
}

async fn reply_of(client: &Client, conversation: &str) -> Value {
    let history = client.get(&format!("/api/v1/conversations/{conversation}/messages")).await.expect(200);
    items(&history).last().cloned().unwrap_or_default()
}

/// A reply that has said two pieces and waits to say a third.
struct Waiting {
    model: Arc<ScriptedModel>,
    client: Client,
    conversation: String,
    reply: String,
    gate: Gate,
    events: Events,
    seen: Vec<Value>,
    _server: TestServer,
}

impl Waiting {
    async fn begin(server: TestServer, model: Arc<ScriptedModel>) -> Self {
        let (client, _) = server.user("ada").await;
        let conversation = client.conversation(json!({})).await;
        let gate = Gate::default();
        model.push(Script::says(&["One, ", "two, "]).waits_for(&gate).text("three."));
        let mut events = client.say_streamed(&conversation, "Count").await;
        let mut seen = events.until("chunk").await;
        seen.extend(events.until("chunk").await);
        let reply = text(&seen[0]["message_id"]).to_owned();
        Self { model, client, conversation, reply, gate, events, seen, _server: server }
    }

    async fn on_a_server_of_its_own() -> Self {
        let model = ScriptedModel::new();
        Self::begin(TestServer::with(&model), model).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_reply_keeps_its_text_and_stops_the_model() {
    let mut waiting = Waiting::on_a_server_of_its_own().await;
    let cancel = format!("/api/v1/messages/{}/cancel", waiting.reply);
    waiting.client.post(&cancel, json!({})).await.expect(204);
    let last = waiting.events.until("done").await.pop().unwrap();
    assert_eq!((text(&last["finish_reason"]), text(&last["content"])), ("cancelled", "One, two, "));
    assert!(waiting.events.next().await.is_none(), "nothing follows the end");
    waiting.model.until_dropped().await;
    let reply = reply_of(&waiting.client, &waiting.conversation).await;
    assert_eq!((text(&reply["status"]), text(&reply["content"])), ("cancelled", "One, two, "));
    assert_eq!(reply["finish_reason"], "cancelled");
    waiting.client.post(&cancel, json!({})).await.expect(204);
    assert_eq!(reply_of(&waiting.client, &waiting.conversation).await, reply);
    waiting.client.say(&waiting.conversation, "Go on").await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_answer_of_a_cancelled_reply_is_the_reply_as_it_was_stopped() {
    let model = ScriptedModel::new();
    let server = TestServer::with(&model);
    let (client, _) = server.user("ada").await;
    let conversation = client.conversation(json!({})).await;
    let gate = Gate::default();
    model.push(Script::default().waits_for(&gate).text("Never said."));
    let (poster, id) = (client.clone(), conversation.clone());
    let posting = tokio::spawn(async move { poster.say(&id, "Speak").await });
    let reply = loop {
        let reply = reply_of(&client, &conversation).await;
        if let Some(id) = reply["id"].as_str() {
            break id.to_owned();
        }
        tokio::task::yield_now().await;
    };
    client.post(&format!("/api/v1/messages/{reply}/cancel"), json!({})).await.expect(204);
    let answer = posting.await.unwrap().expect(201);
    assert_eq!((text(&answer["reply"]["status"]), text(&answer["reply"]["content"])), ("cancelled", ""));
    // The reply may have been stopped before the model was asked, and its script is then the next one's.
    gate.open();
    client.say(&conversation, "Then go on").await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_attach_miss_nothing_and_get_nothing_twice() {
    let waiting = Waiting::on_a_server_of_its_own().await;
    let (client, reply) = (&waiting.client, &waiting.reply);
    let whole = client.attach(reply, 0).await;
    let after_start = client.attach(reply, 1).await;
    let header = client.request(Method::GET, &stream_path(reply)).header("Last-Event-ID", "2");
    let after_two = client.events(header).await;
    let both = client.request(Method::GET, &stream_path(reply)).header("Last-Event-ID", "3").query(&[("after", 1)]);
    let from_now = client.events(both).await;
    waiting.gate.open();
    let mut all = waiting.seen.clone();
    all.extend(waiting.events.rest().await);
    assert_eq!(kinds(&all), ["start", "chunk", "done"]);
    assert_eq!(whole.rest().await, all);
    assert_eq!(after_start.rest().await, all[1..]);
    assert_eq!(after_two.rest().await, all[2..]);
    assert_eq!(from_now.rest().await, all[3..], "the header goes before the parameter");
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_reply_is_replayed_and_after_its_last_event_there_is_nothing() {
    let waiting = Waiting::on_a_server_of_its_own().await;
    waiting.gate.open();
    let mut all = waiting.seen;
    all.extend(waiting.events.rest().await);
    let (client, reply) = (&waiting.client, &waiting.reply);
    for after in 0..5 {
        let place = usize::try_from(after).unwrap();
        assert_eq!(client.attach(reply, after).await.rest().await, all[place..]);
    }
    let last = all.last().unwrap()["seq"].to_string();
    client.get(&format!("{}?after={last}", stream_path(reply))).await.expect(204);
    let header = client.request(Method::GET, &stream_path(reply)).header("Last-Event-ID", &last);
    client.send(header).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn reply_whose_log_is_no_longer_kept_is_replayed_as_a_snapshot() {
    let (model, clock) = (ScriptedModel::new(), Arc::new(ManualClock::new("2026-11-21T08:00:00Z".parse().unwrap())));
    let server = TestServer::builder().model(&model).clock(&clock).start();
    let waiting = Waiting::begin(server, model).await;
    waiting.gate.open();
    let all = waiting.events.rest().await;
    clock.advance(Duration::from_secs(601));
    waiting.client.say(&waiting.conversation, "Another").await.expect(201);
    let replayed = waiting.client.attach(&waiting.reply, 0).await.rest().await;
    assert_eq!(kinds(&replayed), ["start", "snapshot", "done"]);
    assert_eq!(text(&replayed[1]["content"]), "One, two, three.");
    assert_eq!(replayed[2]["content"], all.last().unwrap()["content"]);
    assert!((1..).zip(&replayed).all(|(seq, event)| event["seq"] == seq), "{replayed:?}");
    let back = waiting.client.attach(&waiting.reply, 2).await.rest().await;
    assert_eq!(kinds(&back), ["snapshot", "done"]);
    assert!((3..).zip(&back).all(|(seq, event)| event["seq"] == seq), "{back:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn place_in_a_stream_is_a_number() {
    let waiting = Waiting::on_a_server_of_its_own().await;
    let (client, path) = (&waiting.client, stream_path(&waiting.reply));
    client.get(&format!("{path}?after=two")).await.expect_invalid(&["after"]);
    let header = client.request(Method::GET, &path).header("Last-Event-ID", "-1");
    client.send(header).await.expect_invalid(&["Last-Event-ID"]);
    waiting.gate.open();
}

#[tokio::test(flavor = "multi_thread")]
async fn reader_that_leaves_does_not_stop_the_reply() {
    let waiting = Waiting::on_a_server_of_its_own().await;
    drop(waiting.events);
    let back = waiting.client.attach(&waiting.reply, 3).await;
    waiting.gate.open();
    let rest = back.rest().await;
    assert_eq!(kinds(&rest), ["chunk", "done"]);
    assert_eq!(rest[1]["content"], "One, two, three.");
    assert_eq!(reply_of(&waiting.client, &waiting.conversation).await["status"], "complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn client_that_gives_up_on_a_plain_answer_finds_it_in_the_history() {
    let model = ScriptedModel::new();
    let server = TestServer::with(&model);
    let (client, _) = server.user("ada").await;
    let conversation = client.conversation(json!({})).await;
    let gate = Gate::default();
    model.push(Script::says(&["Patience"]).waits_for(&gate).text(" pays."));
    let (poster, id) = (client.clone(), conversation.clone());
    let posting = tokio::spawn(async move { poster.say(&id, "Speak").await });
    let reply = loop {
        let reply = reply_of(&client, &conversation).await;
        if let Some(id) = reply["id"].as_str() {
            break id.to_owned();
        }
        tokio::task::yield_now().await;
    };
    posting.abort();
    let mut back = client.attach(&reply, 0).await;
    gate.open();
    assert_eq!(back.until("done").await.last().unwrap()["content"], "Patience pays.");
    assert_eq!(reply_of(&client, &conversation).await["status"], "complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_of_a_reply_whose_conversation_is_deleted_comes_to_an_end() {
    let mut waiting = Waiting::on_a_server_of_its_own().await;
    let path = format!("/api/v1/conversations/{}", waiting.conversation);
    waiting.client.delete(&path).await.expect(204);
    waiting.gate.open();
    let mut rest = Vec::new();
    while let Some(event) = waiting.events.next().await {
        rest.push(event);
    }
    let terminal = rest.iter().filter(|event| matches!(text(&event["type"]), "done" | "error")).count();
    assert_eq!(terminal, 1, "{rest:?}");
    waiting.client.get(&stream_path(&waiting.reply)).await.expect_problem(404, "not_found");
    let other = waiting.client.conversation(json!({})).await;
    waiting.client.say(&other, "Hello").await.expect(201);
}
