//! What is sent.

use domain::{ChatMessage, ChatRequest, ChatRole, ModelState, ports::ChatModel};
use futures::StreamExt;
use llm_providers::{
    catalogue::{Catalogue, ChatEntry, MaxTokensField, SeedField},
    openai::{Connection, Dialect, OpenAiChat},
};
use serde_json::{Value, json};

use crate::{
    KEY, chat, chat_with, entry, events, request, settings,
    upstream::{Received, Upstream, stream, whole},
};

const HI: &[&str] =
    &["data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\n", "data: [DONE]\n\n"];

fn full_request() -> ChatRequest {
    let message = |role, content: &str| ChatMessage { role, content: content.to_owned() };
    ChatRequest {
        messages: vec![
            message(ChatRole::System, "Be brief."),
            message(ChatRole::User, "Hello \"you\" 👋"),
            message(ChatRole::Assistant, "Yes?"),
        ],
        max_output_tokens: 50,
        temperature: Some(0.7),
        top_p: Some(0.9),
        stop: vec!["END".to_owned()],
        seed: Some(u64::MAX),
    }
}

async fn sent(entry: &ChatEntry, dialect: Dialect, request: ChatRequest) -> Received {
    let mut upstream = Upstream::streaming(HI).await;
    let connection = Connection::open(crate::ConnectionSettings { dialect, ..settings(&upstream.base_url) }).unwrap();
    let model = OpenAiChat::new(&connection, "some-model", entry);
    model.stream(request).await.unwrap().collect::<Vec<_>>().await;
    upstream.next_request().await
}

fn messages() -> Value {
    json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello \"you\" 👋"},
        {"role": "assistant", "content": "Yes?"},
    ])
}

#[tokio::test]
async fn full_request_is_sent_in_the_common_form() {
    let received = sent(&entry(), Dialect::default(), full_request()).await;
    assert!(received.head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{}", received.head);
    assert_eq!(received.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(received.header("content-type"), Some("application/json"));
    assert!(received.header("user-agent").unwrap().starts_with("causerie/"));
    assert_eq!(
        received.body,
        json!({
            "model": "some-model",
            "messages": messages(),
            "max_tokens": 50,
            "temperature": json!(0.7),
            "top_p": json!(0.9),
            "stop": ["END"],
            "seed": u64::MAX,
            "stream": true,
            "stream_options": {"include_usage": true},
        })
    );
}

#[tokio::test]
async fn what_is_not_set_is_not_sent() {
    let received = sent(&entry(), Dialect::default(), request()).await;
    assert_eq!(
        received.body,
        json!({
            "model": "some-model",
            "messages": [{"role": "user", "content": "Hello?"}],
            "max_tokens": 50,
            "stream": true,
            "stream_options": {"include_usage": true},
        })
    );
}

#[tokio::test]
async fn reasoning_model_of_openai_gets_its_own_limit_and_no_sampling() {
    let entry = Catalogue::built_in().unwrap().chat("openai", "gpt-5");
    let received = sent(&entry, Dialect::default(), full_request()).await;
    assert_eq!(
        received.body,
        json!({
            "model": "some-model",
            "messages": messages(),
            "max_completion_tokens": 50,
            "seed": u64::MAX,
            "stream": true,
            "stream_options": {"include_usage": true},
        })
    );
}

#[tokio::test]
async fn dialect_renames_the_seed_and_leaves_out_usage() {
    let dialect =
        Dialect { max_tokens_field: MaxTokensField::MaxTokens, seed_field: SeedField::RandomSeed, stream_usage: false };
    let received = sent(&entry(), dialect, full_request()).await;
    assert_eq!(received.body["random_seed"], json!(u64::MAX));
    assert_eq!((received.body.get("seed"), received.body.get("stream_options")), (None, None));
}

#[tokio::test]
async fn without_a_key_no_authorization_is_sent() {
    for key in [None, Some(" ".into())] {
        let mut upstream = Upstream::streaming(HI).await;
        let model = chat_with(crate::ConnectionSettings { api_key: key, ..settings(&upstream.base_url) });
        events(&model).await;
        assert_eq!(upstream.next_request().await.header("authorization"), None);
    }
}

#[tokio::test]
async fn every_form_of_the_address_reaches_the_same_path() {
    let mut upstream = Upstream::playing((0..4).map(|_| stream(HI))).await;
    let bare = upstream.base_url.strip_suffix("/v1").unwrap().to_owned();
    let host = bare.strip_prefix("http://").unwrap();
    for base_url in [bare.as_str(), &format!("{bare}/"), &format!("{bare}/v1/"), host] {
        events(&chat(base_url)).await;
        let received = upstream.next_request().await;
        assert!(received.head.starts_with("POST /v1/chat/completions "), "{base_url}: {}", received.head);
    }
}

#[tokio::test]
async fn connection_is_used_again_after_a_reply_even_when_its_end_comes_late() {
    let late_end =
        ["data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"];
    let mut upstream = Upstream::playing([stream(&late_end), stream(HI), stream(HI)]).await;
    let model = chat(&upstream.base_url);
    for _ in 0..3 {
        events(&model).await;
        assert_eq!(upstream.next_request().await.connection, 0);
    }
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let target = [("location", "http://127.0.0.1:1/v1/chat/completions")];
    let mut upstream = Upstream::playing([whole("308 Permanent Redirect", &target, "")]).await;
    let (_, error) = crate::failure(&chat(&upstream.base_url)).await;
    assert_eq!(error.fault, domain::ModelFault::Permanent);
    assert!(error.to_string().contains("providers.custom.base_url"), "{error}");
    assert_eq!(upstream.next_request().await.connection, 0);
}

#[tokio::test]
async fn model_is_described_by_its_provider_and_the_catalogue() {
    let connection = Connection::open(settings("http://127.0.0.1:1")).unwrap();
    let entry = Catalogue::built_in().unwrap().chat("openai", "gpt-4o");
    let model = OpenAiChat::new(&connection, "gpt-4o", &entry);
    assert_eq!(model.info().id, "custom/gpt-4o");
    assert_eq!(model.info().price_per_million, Some((2.5, 10.0)));
    assert_eq!((model.state(), model.tokens().name()), (ModelState::Ready, "o200k_base"));
    let debug = format!("{model:?} {connection:?} {:?}", settings("http://127.0.0.1:1"));
    assert!(!debug.contains(KEY), "{debug}");
}
