//! Short-term memory: what the model gets to see of a conversation, and the account of it.

use std::sync::Arc;

use domain::{ChatMessage, ChatRequest, ChatRole};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::{Client, Script, ScriptedModel, TestServer, assert_fields, fixture_bytes, items, text};

/// A window of 300 words leaves 225 to the prompt: a quarter is kept for the reply.
const WINDOW: u32 = 300;
const AVAILABLE: u64 = 225;
/// What [`support::WordCounter`] adds for each message, and for the prompt.
const MESSAGE_OVERHEAD: usize = 4;
const PROMPT_OVERHEAD: usize = 3;

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

fn cost(messages: &[ChatMessage]) -> u64 {
    let texts: usize = messages.iter().map(|message| words(&message.content) + MESSAGE_OVERHEAD).sum();
    u64::try_from(texts + PROMPT_OVERHEAD).unwrap_or(u64::MAX)
}

fn numbered(who: &str, n: usize) -> String {
    format!("{who} {n} {}", "word ".repeat(8 + n % 11).trim_end())
}

fn role(role: ChatRole) -> &'static str {
    match role {
        ChatRole::System => "system",
        ChatRole::User => "user",
        ChatRole::Assistant => "assistant",
    }
}

async fn receipt(client: &Client, reply: &Value) -> Value {
    client.get(&format!("/api/v1/messages/{}/context", text(&reply["id"]))).await.expect(200)
}

async fn memory(client: &Client, conversation: &str) -> Value {
    client.get(&format!("/api/v1/conversations/{conversation}/memory")).await.expect(200)
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array().map(|list| list.iter().map(text).collect()).unwrap_or_default()
}

/// The receipt adds up, keeps to its budget, and is what the model was sent byte for byte.
fn check_receipt(receipt: &Value, sent: &ChatRequest) {
    assert_fields(receipt, "message_id model tokenizer budget sections coverage omitted messages request_sha256");
    assert_fields(&receipt["budget"], "window max_context_tokens reserve available");
    assert_fields(&receipt["coverage"], "raw summarised_until pending");
    let sections = receipt["sections"].as_array().cloned().unwrap_or_default();
    let counted: u64 = sections.iter().filter_map(|section| section["tokens"].as_u64()).sum();
    assert_eq!(counted, cost(&sent.messages), "the sections sum up to what was sent");
    assert!(Some(counted) <= receipt["budget"]["available"].as_u64(), "{receipt}");
    let messages: Vec<Value> =
        sent.messages.iter().map(|message| json!({"role": role(message.role), "content": message.content})).collect();
    assert_eq!(receipt["messages"], Value::Array(messages));
    let digest = Sha256::digest(serde_json::to_vec(&sent.messages).unwrap_or_default());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(receipt["request_sha256"], hex);
}

async fn scene(model: &Arc<ScriptedModel>) -> (TestServer, Client, String) {
    let server = TestServer::builder().model(model).set("prompt.system_instruction", "Be brief.").start();
    let (client, _) = server.user("ada").await;
    let conversation = client.conversation(json!({})).await;
    (server, client, conversation)
}

#[tokio::test(flavor = "multi_thread")]
async fn conversation_far_longer_than_the_window_goes_on_working() {
    let model = ScriptedModel::with_window(WINDOW);
    let (_server, client, conversation) = scene(&model).await;
    let (mut said, mut ids) = (Vec::new(), Vec::new());
    for n in 0..60 {
        let (question, answer) = (numbered("Question", n), numbered("Answer", n));
        model.push(Script::says(&[&answer]));
        let turn = client.say(&conversation, &question).await.expect(201);
        assert_eq!(text(&turn["reply"]["content"]), answer);

        let sent = model.requests().pop().unwrap();
        assert!(cost(&sent.messages) <= AVAILABLE, "turn {n}: {} tokens", cost(&sent.messages));
        assert_eq!(sent.messages[0].role, ChatRole::System);
        let (last, window) = sent.messages[1..].split_last().unwrap();
        assert_eq!((last.role, &last.content), (ChatRole::User, &question), "the new message is there whole");
        let window: Vec<&String> = window.iter().map(|message| &message.content).collect();
        assert_eq!(window, said[said.len() - window.len()..].iter().collect::<Vec<_>>(), "a contiguous newest suffix");
        assert!(n == 0 || !window.is_empty(), "turn {n} has no history");
        assert_eq!(window.len() % 2, 0, "whole interactions");

        let receipt = receipt(&client, &turn["reply"]).await;
        check_receipt(&receipt, &sent);
        let coverage = &receipt["coverage"];
        let (raw, pending) = (strings(&coverage["raw"]), strings(&coverage["pending"]));
        assert_eq!(raw.len(), window.len());
        assert_eq!([pending, raw].concat(), ids, "every message is in exactly one place");

        said.extend([question, answer]);
        ids.extend([text(&turn["message"]["id"]).to_owned(), text(&turn["reply"]["id"]).to_owned()]);
    }
    let path = format!("/api/v1/conversations/{conversation}/messages");
    assert_eq!(client.ids_by_cursor(&path, 100).await, ids, "memory work removes no message");
    let memory = memory(&client, &conversation).await;
    assert_eq!(memory["buffer"]["interactions"], 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn history_that_was_left_out_is_named_with_its_cost() {
    let model = ScriptedModel::with_window(WINDOW);
    let (_server, client, conversation) = scene(&model).await;
    for n in 0..4 {
        client.say(&conversation, &format!("Question {n} {}", "word ".repeat(30))).await.expect(201);
    }
    let turn = client.say(&conversation, "Last").await.expect(201);
    let receipt = receipt(&client, &turn["reply"]).await;
    let omitted = &receipt["omitted"][0];
    assert_fields(omitted, "kind source_ids tokens reason");
    assert_eq!((text(&omitted["kind"]), &omitted["source_ids"]), ("raw_window", &receipt["coverage"]["pending"]));
    assert!(omitted["tokens"].as_u64() > Some(0) && !text(&omitted["reason"]).is_empty(), "{omitted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_empty_before_the_first_turn_and_follows_the_formula_after() {
    let model = ScriptedModel::with_window(WINDOW);
    let (_server, client, conversation) = scene(&model).await;
    assert_eq!(
        memory(&client, &conversation).await,
        json!({
            "policy": "adaptive", "avg_tokens": null, "dynamic_k": null,
            "buffer": {"interactions": 0, "tokens": 0}, "history_budget": null, "watermark_message_id": null,
            "summary": null
        })
    );
    let mut average: Option<f64> = None;
    let (mut interactions, mut tokens) = (0_u32, 0);
    for (question, answer) in [("one two three", "four"), ("five", "six seven eight nine ten"), ("a b", "c d e")] {
        model.push(Script::says(&[answer]));
        let before = average;
        let turn = client.say(&conversation, question).await.expect(201);
        let c_t = words(question) + words(answer) + 2 * MESSAGE_OVERHEAD;
        let c_t = f64::from(u32::try_from(c_t).unwrap());
        average = Some(average.map_or(c_t, |average| 0.3 * c_t + 0.7 * average));
        interactions += 1;
        tokens += words(question) + words(answer);

        let memory = memory(&client, &conversation).await;
        let shown = memory["avg_tokens"].as_f64().unwrap();
        assert!((shown - average.unwrap()).abs() < 1e-9, "{shown} is not {average:?}");
        assert_eq!(memory["buffer"], json!({"interactions": interactions, "tokens": tokens}));
        let history = memory["history_budget"].as_f64().unwrap();
        let spent = words(question) + words("Be brief.") + 2 * MESSAGE_OVERHEAD + PROMPT_OVERHEAD;
        let available = receipt(&client, &turn["reply"]).await["budget"]["available"].as_f64().unwrap();
        assert!((history - (available - f64::from(u32::try_from(spent).unwrap()))).abs() < 1e-9, "{memory}");
        // ⌊ρ·H / avg⌋ between k_min and k_max; nothing speaks for less than k_max before the first interaction.
        let k = before.map_or(50.0, |average| (0.5 * history / average).floor().clamp(2.0, 50.0));
        assert_eq!(memory["dynamic_k"].as_f64(), Some(k));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn average_gives_the_newest_interaction_the_weight_of_the_configuration() {
    let model = ScriptedModel::new();
    let server = TestServer::builder().model(&model).set("memory.smoothing_factor", 1).start();
    let (client, _) = server.user("ada").await;
    let conversation = client.conversation(json!({})).await;
    for (question, cost) in [("one two three four five", 14.0), ("one", 10.0)] {
        model.push(Script::says(&["ok"]));
        client.say(&conversation, question).await.expect(201);
        assert_eq!(memory(&client, &conversation).await["avg_tokens"], cost);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prompt_keeps_to_the_limit_of_the_configuration_in_a_larger_window() {
    let model = ScriptedModel::with_window(8_192);
    let server = TestServer::builder().model(&model).set("memory.max_context_tokens", 256).start();
    let (client, _) = server.user("ada").await;
    let conversation = client.conversation(json!({})).await;
    for n in 0..12 {
        let turn = client.say(&conversation, &format!("Question {n} {}", "word ".repeat(25))).await.expect(201);
        let sent = model.requests().pop().unwrap();
        assert!(cost(&sent.messages) <= 256);
        let receipt = receipt(&client, &turn["reply"]).await;
        check_receipt(&receipt, &sent);
        assert_eq!((&receipt["budget"]["available"], &receipt["budget"]["window"]), (&json!(256), &json!(8_192)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn passages_and_history_share_a_small_window_and_the_receipt_tells_how() {
    let model = ScriptedModel::with_window(1_200);
    let (_server, client, conversation) = scene(&model).await;
    client.document("lighthouses.pdf", fixture_bytes("lighthouses.pdf")).await;
    for n in 0..8 {
        client.say(&conversation, &format!("Question {n} {}", "word ".repeat(60))).await.expect(201);
    }
    let path = format!("/api/v1/conversations/{conversation}/messages");
    let question = json!({"content": "Who ground the lens at Gannet Rock?", "grounding": "grounded_rag"});
    let turn = client.post(&path, question).await.expect(201);
    let sent = model.requests().pop().unwrap();
    let receipt = receipt(&client, &turn["reply"]).await;
    check_receipt(&receipt, &sent);
    let sections = receipt["sections"].as_array().unwrap();
    let kinds: Vec<&str> = sections.iter().map(|section| text(&section["kind"])).collect();
    assert_eq!(kinds, ["system_instruction", "retrieved_documents", "raw_window", "new_message"]);
    let sources: Vec<&str> =
        turn["reply"]["sources"].as_array().unwrap().iter().map(|p| text(&p["chunk_id"])).collect();
    assert_eq!(strings(&sections[1]["source_ids"]), sources);
    assert!(sent.messages[0].content.contains("Brothers Hellick"), "{}", sent.messages[0].content);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_and_failed_replies_leave_a_history_that_can_be_sent() {
    let model = ScriptedModel::new();
    let (_server, client, conversation) = scene(&model).await;
    model.push(Script::refuses(domain::ModelFault::Retryable));
    client.say(&conversation, "First").await.expect_problem(502, "upstream_failed");
    model.push(Script::says(&["Half"]).fails(domain::ModelFault::Retryable));
    client.say(&conversation, "Second").await.expect_problem(502, "upstream_failed");
    client.say(&conversation, "Third").await.expect(201);
    let sent = model.requests().pop().unwrap();
    let contents: Vec<&str> = sent.messages.iter().map(|message| message.content.as_str()).collect();
    assert_eq!(contents, ["Be brief.", "First", "Second", "Half", "Third"]);
    assert!(items(&client.get(&format!("/api/v1/conversations/{conversation}/messages")).await.expect(200)).len() == 6);
}
