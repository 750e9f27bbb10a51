//! Posting messages: what is answered, what is kept, what is refused.

use domain::{FinishReason, ModelFault};
use serde_json::{Value, json};
use support::{Answer, Client, Gate, Script, ScriptedModel, TestServer, assert_fields, items, kinds, text};

const CONVERSATIONS: &str = "/api/v1/conversations";
const MESSAGE_FIELDS: &str = "id conversation_id parent_id role status content parts model_used usage citations \
                              sources confidence warnings finish_reason feedback attachments created_at";

fn messages_path(conversation: &str) -> String {
    format!("{CONVERSATIONS}/{conversation}/messages")
}

async fn history(client: &Client, conversation: &str) -> Vec<Value> {
    items(&client.get(&messages_path(conversation)).await.expect(200)).clone()
}

async fn post(client: &Client, conversation: &str, body: Value) -> Answer {
    client.post(&messages_path(conversation), body).await
}

/// A server, a person and a conversation of theirs.
async fn scene(model: &std::sync::Arc<ScriptedModel>) -> (TestServer, Client, String) {
    let server = TestServer::with(model);
    let (client, _) = server.user("ada").await;
    let conversation = client.conversation(json!({})).await;
    (server, client, conversation)
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_answer_has_message_and_reply_with_every_field() {
    let model = ScriptedModel::new();
    let (_server, client, conversation) = scene(&model).await;
    model.push(Script::default().reasoning("They greet me.").text("Good ").text("morning.").usage(9, 3));
    let answer = client.say(&conversation, "Good morning!").await.expect(201);
    assert_fields(&answer, "message reply");
    let (message, reply) = (&answer["message"], &answer["reply"]);
    assert_fields(message, MESSAGE_FIELDS);
    assert_fields(reply, MESSAGE_FIELDS);
    assert_eq!((text(&message["role"]), text(&message["status"])), ("user", "complete"));
    assert_eq!((text(&reply["role"]), text(&reply["status"])), ("assistant", "complete"));
    assert_eq!(message["parts"], json!([{"type": "text", "text": "Good morning!"}]));
    let parts = json!([{"type": "reasoning", "text": "They greet me."}, {"type": "text", "text": "Good morning."}]);
    assert_eq!((&reply["parts"], text(&reply["content"])), (&parts, "Good morning."));
    assert_eq!((&message["parent_id"], &reply["parent_id"]), (&Value::Null, &message["id"]));
    assert_eq!((text(&reply["model_used"]), text(&reply["finish_reason"])), ("scripted/model", "stop"));
    assert_eq!(reply["usage"]["total_tokens"], 12);
    assert_eq!(history(&client, &conversation).await, [message.clone(), reply.clone()]);
    let kept = client.get(&format!("{CONVERSATIONS}/{conversation}")).await.expect(200);
    assert_eq!((&kept["active_message_id"], &kept["message_count"]), (&reply["id"], &json!(2)));
    assert_eq!(kept["title"], "Good morning!", "the first message names the conversation");
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_is_framed_as_the_contract_says() {
    let model = ScriptedModel::new();
    let (_server, client, conversation) = scene(&model).await;
    model.push(Script::default().reasoning("Hm.").text("Two\nlines").text(" and ☕."));
    let request = client.request(reqwest::Method::POST, &messages_path(&conversation));
    let body = json!({"content": "Speak", "stream": true});
    let answer = client.send(request.header("Accept-Encoding", "gzip").json(&body)).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "text/event-stream"));
    assert!(answer.header("cache-control").contains("no-cache"), "{:?}", answer.headers);
    assert_eq!(answer.header("x-accel-buffering"), "no");
    assert_eq!(answer.header("content-encoding"), "", "events are not held back to be packed");
    assert!(answer.text.ends_with("\n\n"), "{:?}", answer.text);
    let events: Vec<Value> = (1..)
        .zip(answer.text.trim_end().split("\n\n"))
        .map(|(seq, frame)| {
            let (id, data) = frame.split_once('\n').unwrap();
            assert_eq!(id, format!("id: {seq}"));
            let event: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(event["seq"], seq);
            event
        })
        .collect();
    assert_eq!(kinds(&events), ["start", "reasoning", "chunk", "done"]);
    assert_fields(&events[0], "type seq message_id conversation_id user_message_id model");
    assert_fields(&events[1], "type seq content");
    assert_eq!((text(&events[2]["content"]), text(&events[3]["content"])), ("Two\nlines", " and ☕."));
    let done = &events[4];
    assert_fields(done, "type seq message_id content model_used usage citations confidence finish_reason");
    assert_fields(&done["usage"], "prompt_tokens completion_tokens total_tokens cost_usd estimated");
    assert_eq!(text(&done["content"]), "Two\nlines and ☕.");
    let stored = history(&client, &conversation).await;
    assert_eq!((&events[0]["user_message_id"], &events[0]["message_id"]), (&stored[0]["id"], &stored[1]["id"]));
    assert_eq!((&events[0]["conversation_id"], &done["content"]), (&json!(conversation), &stored[1]["content"]));
    assert_eq!(done["usage"], stored[1]["usage"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_is_asked_for_by_body_or_by_accept_and_the_body_wins() {
    let model = ScriptedModel::new();
    let (_server, client, conversation) = scene(&model).await;
    let request = |body: Value| {
        let request = client.request(reqwest::Method::POST, &messages_path(&conversation));
        request.header("Accept", "text/event-stream").json(&body)
    };
    let events = client.events(request(json!({"content": "Hello"}))).await.rest().await;
    assert_eq!(kinds(&events), ["start", "chunk", "done"]);
    let plain = client.send(request(json!({"content": "Hello", "stream": false}))).await;
    plain.expect(201);
    post(&client, &conversation, json!({"content": "Hello"})).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn first_message_makes_the_conversation_and_its_first_exchange() {
    let model = ScriptedModel::new();
    let (_server, client, _) = scene(&model).await;
    model.push(Script::says(&["Good day."]));
    let body = json!({"first_message": "Good day to you. How are the bees?", "tags": ["bees"]});
    let made = client.post(CONVERSATIONS, body).await.expect(201);
    assert_fields(&made, "conversation message reply");
    let conversation = &made["conversation"];
    assert_eq!((&conversation["tags"], &conversation["message_count"]), (&json!(["bees"]), &json!(2)));
    assert_eq!((text(&conversation["title"]), text(&made["reply"]["content"])), ("Good day to you.", "Good day."));
    assert_eq!(conversation["active_message_id"], made["reply"]["id"]);
    let stored = history(&client, text(&conversation["id"])).await;
    assert_eq!(stored, [made["message"].clone(), made["reply"].clone()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn first_message_can_be_streamed() {
    let model = ScriptedModel::new();
    let (_server, client, _) = scene(&model).await;
    let request = client.request(reqwest::Method::POST, CONVERSATIONS);
    let body = json!({"first_message": "Hello", "stream": true, "title": "Mine"});
    let events = client.events(request.json(&body)).await.rest().await;
    assert_eq!(kinds(&events), ["start", "chunk", "done"]);
    let path = format!("{CONVERSATIONS}/{}", text(&events[0]["conversation_id"]));
    assert_eq!(client.get(&path).await.expect(200)["title"], "Mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn first_message_that_is_refused_leaves_no_conversation() {
    let model = ScriptedModel::with_window(300);
    let server = TestServer::with(&model);
    let (client, _) = server.user("ada").await;
    client.post(CONVERSATIONS, json!({"first_message": " "})).await.expect_invalid(&["content"]);
    let long = "word ".repeat(300);
    client.post(CONVERSATIONS, json!({"first_message": long})).await.expect_problem(422, "message_too_long");
    assert_eq!(client.get(CONVERSATIONS).await.expect(200)["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_read_in_either_order_and_in_parts() {
    let model = ScriptedModel::new();
    let (_server, client, conversation) = scene(&model).await;
    for n in 0..4 {
        client.say(&conversation, &format!("Number {n}")).await.expect(201);
    }
    let path = messages_path(&conversation);
    let forward = client.ids_by_cursor(&path, 100).await;
    assert_eq!(forward.len(), 8);
    for limit in [1, 3, 8] {
        assert_eq!(client.ids_by_cursor(&path, limit).await, forward);
        assert_eq!(client.ids_by_page(&path, limit, 8).await, forward);
    }
    let newest = client.get(&format!("{path}?order=desc&limit=3")).await.expect(200);
    let cursor = text(&newest["next_cursor"]);
    let older = client.get(&format!("{path}?order=desc&cursor={cursor}")).await.expect(200);
    let mut backward = support::ids_of(&newest);
    backward.extend(support::ids_of(&older));
    backward.reverse();
    assert_eq!(backward, forward);
    client.get(&format!("{path}?order=sideways")).await.expect_invalid(&["order"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn message_without_text_is_refused_and_not_kept() {
    let model = ScriptedModel::new();
    let (_server, client, conversation) = scene(&model).await;
    for body in [
        json!({"content": ""}),
        json!({"content": " \n\t"}),
        json!({}),
        json!({"content": 7}),
        json!({"content": null}),
    ] {
        post(&client, &conversation, body).await.expect_invalid(&["content"]);
    }
    assert_eq!(history(&client, &conversation).await, [Value::Null; 0]);
    assert!(model.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn message_up_to_the_window_is_answered_and_one_word_more_is_refused_whole() {
    let model = ScriptedModel::with_window(300);
    let server = TestServer::builder().model(&model).set("prompt.system_instruction", "Be brief.").start();
    let (client, _) = server.user("ada").await;
    let conversation = client.conversation(json!({})).await;
    // A window of 300 less a quarter for the reply, less two words of instructions and the overheads 4, 4 and 3.
    let most = 225 - 2 - 4 - 4 - 3;
    let over = "word ".repeat(most + 1);
    let problem = post(&client, &conversation, json!({"content": over})).await.expect_problem(422, "message_too_long");
    assert!(text(&problem["detail"]).contains(&most.to_string()), "{problem}");
    let streamed = json!({"content": over, "stream": true});
    post(&client, &conversation, streamed).await.expect_problem(422, "message_too_long");
    assert_eq!(history(&client, &conversation).await, [Value::Null; 0]);
    assert!(model.requests().is_empty());
    let fits = "word ".repeat(most);
    client.say(&conversation, &fits).await.expect(201);
    assert_eq!(model.requests()[0].messages.last().unwrap().content, fits);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_model_is_refused_and_nothing_is_kept() {
    let model = ScriptedModel::new();
    let (_server, client, conversation) = scene(&model).await;
    for name in ["nobody/none", "scripted", "openai/gpt-4o"] {
        let body = json!({"content": "Hello", "model": name});
        post(&client, &conversation, body).await.expect_problem(422, "unknown_model");
    }
    post(&client, &conversation, json!({"content": "Hello", "model_size": "giant"}))
        .await
        .expect_invalid(&["model_size"]);
    assert_eq!(history(&client, &conversation).await, [Value::Null; 0]);
    post(&client, &conversation, json!({"content": "Hello", "model": "scripted/model"})).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn second_message_while_a_reply_runs_is_refused_and_not_kept() {
    let model = ScriptedModel::new();
    let (_server, client, conversation) = scene(&model).await;
    let gate = Gate::default();
    model.push(Script::says(&["Slowly"]).waits_for(&gate).text(" done."));
    let mut running = client.say_streamed(&conversation, "First").await;
    running.until("chunk").await;
    let refused = client.say(&conversation, "Second").await;
    assert_eq!(refused.header("retry-after"), "1");
    refused.expect_problem(409, "turn_in_progress");
    let stored = history(&client, &conversation).await;
    assert_eq!(stored.len(), 2);
    assert!(matches!(text(&stored[1]["status"]), "accepted" | "streaming"), "{}", stored[1]);
    gate.open();
    running.until("done").await;
    client.say(&conversation, "Second").await.expect(201);
    assert_eq!(history(&client, &conversation).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_of_one_person_are_answered_side_by_side_up_to_the_limit() {
    let model = ScriptedModel::new();
    let server = TestServer::builder().model(&model).set("turn.max_running_per_user", 2).start();
    let (ada, _) = server.user("ada").await;
    let (ben, _) = server.user("ben").await;
    let gate = Gate::default();
    let mut running = Vec::new();
    for _ in 0..2 {
        model.push(Script::default().waits_for(&gate).text("At last."));
        let mut events = ada.say_streamed(&ada.conversation(json!({})).await, "Hello").await;
        events.until("start").await;
        running.push(events);
    }
    let third = ada.conversation(json!({})).await;
    let refused = ada.say(&third, "Hello").await;
    assert_eq!(refused.header("retry-after"), "1");
    refused.expect_problem(429, "too_many_running");
    assert_eq!(history(&ada, &third).await, [Value::Null; 0]);
    ben.say(&ben.conversation(json!({})).await, "Hello").await.expect(201);
    gate.open();
    for events in &mut running {
        events.until("done").await;
    }
    while ada.say(&third, "Hello").await.status == 429 {
        tokio::task::yield_now().await;
    }
    assert_eq!(history(&ada, &third).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_estimated_where_the_provider_reports_none() {
    let model = ScriptedModel::new();
    let (_server, client, conversation) = scene(&model).await;
    model.push(Script::says(&["Three words here"]).finishes(FinishReason::Length));
    let answer = client.say(&conversation, "Hello").await.expect(201);
    let usage = &answer["reply"]["usage"];
    assert_eq!((&usage["estimated"], &usage["completion_tokens"]), (&json!(true), &json!(3)));
    let receipt = client.get(&format!("/api/v1/messages/{}/context", text(&answer["reply"]["id"]))).await.expect(200);
    let counted: u64 = receipt["sections"].as_array().unwrap().iter().filter_map(|s| s["tokens"].as_u64()).sum();
    assert_eq!(usage["prompt_tokens"], counted);
    assert_eq!(answer["reply"]["finish_reason"], "length");
}

#[tokio::test(flavor = "multi_thread")]
async fn receipt_of_what_had_none_is_not_found() {
    let model = ScriptedModel::new();
    let (_server, client, conversation) = scene(&model).await;
    let answer = client.say(&conversation, "Hello").await.expect(201);
    let question = format!("/api/v1/messages/{}", text(&answer["message"]["id"]));
    client.get(&format!("{question}/context")).await.expect_problem(404, "not_found");
    client.get(&format!("{question}/stream")).await.expect_problem(404, "not_found");
    client.post(&format!("{question}/cancel"), json!({})).await.expect_problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn model_that_fails_before_its_first_word_is_a_problem_and_the_message_is_kept() {
    let model = ScriptedModel::new();
    let (_server, client, conversation) = scene(&model).await;
    let cases = [
        (ModelFault::Retryable, 502, "upstream_failed"),
        (ModelFault::Permanent, 502, "upstream_failed"),
        (ModelFault::Timeout, 504, "upstream_timeout"),
        (ModelFault::Unavailable, 503, "no_model"),
    ];
    for (n, (fault, status, code)) in cases.into_iter().enumerate() {
        model.push(Script::refuses(fault));
        let problem = client.say(&conversation, "Are you there?").await.expect_problem(status, code);
        let stored = history(&client, &conversation).await;
        assert_eq!(stored.len(), 2 * (n + 1));
        let [.., message, reply] = &stored[..] else { unreachable!() };
        assert_eq!(text(&message["content"]), "Are you there?");
        assert_eq!((&reply["id"], text(&reply["status"])), (&problem["message_id"], "failed"), "{code}");
        assert!(!text(&problem["detail"]).is_empty());
    }
    client.say(&conversation, "And now?").await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn model_that_breaks_off_leaves_its_text_on_the_failed_reply() {
    let model = ScriptedModel::new();
    let (_server, client, conversation) = scene(&model).await;
    model.push(Script::says(&["Half of ", "an answer"]).fails(ModelFault::Retryable));
    let problem = client.say(&conversation, "Tell me").await.expect_problem(502, "upstream_failed");
    model.push(Script::says(&["Half of"]).fails(ModelFault::Timeout));
    let events = client.say_streamed(&conversation, "Tell me again").await.rest().await;
    assert_eq!(kinds(&events), ["start", "chunk", "error"]);
    let error = events.last().unwrap();
    assert_fields(error, "type seq code detail retryable message_id");
    assert_eq!((text(&error["code"]), &error["retryable"]), ("upstream_timeout", &json!(true)));
    let stored = history(&client, &conversation).await;
    assert_eq!((&stored[1]["id"], &stored[3]["id"]), (&problem["message_id"], &error["message_id"]));
    for (reply, content) in [(&stored[1], "Half of an answer"), (&stored[3], "Half of")] {
        assert_eq!((text(&reply["status"]), text(&reply["content"])), ("failed", content));
        assert_eq!(reply["finish_reason"], Value::Null);
    }
    client.say(&conversation, "And now?").await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_model_the_message_is_kept_and_the_answer_says_what_to_do() {
    let server = TestServer::builder().without_chat_model().start();
    let (client, _) = server.user("ada").await;
    let conversation = client.conversation(json!({})).await;
    let problem = client.say(&conversation, "Hello").await.expect_problem(503, "no_model");
    assert!(text(&problem["detail"]).contains("causerie models pull"), "{problem}");
    let events = client.say_streamed(&conversation, "Hello again").await.rest().await;
    assert_eq!(kinds(&events), ["start", "error"]);
    assert_eq!((text(&events[1]["code"]), &events[0]["model"]), ("no_model", &Value::Null));
    let stored = history(&client, &conversation).await;
    let contents: Vec<&str> = stored.iter().map(|message| text(&message["content"])).collect();
    assert_eq!(contents, ["Hello", "", "Hello again", ""]);
    assert_eq!((&stored[1]["id"], text(&stored[1]["status"])), (&problem["message_id"], "failed"));
}
