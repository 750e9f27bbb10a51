//! The OpenAI-compatible adapter against a server that plays a script byte by byte.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed expectation is how a test fails")]

mod embeddings;
mod failures;
mod requests;
mod streaming;
mod timeouts;
mod upstream;

use std::sync::Once;

use domain::{ChatEvent, ChatMessage, ChatRequest, ChatRole, ModelError, ports::ChatModel};
use futures::StreamExt;
use llm_providers::{
    catalogue::ChatEntry,
    openai::{Connection, ConnectionSettings, Dialect, OpenAiChat, Timeouts},
};

/// A key that must never be seen again.
const KEY: &str = "sk-test-0123456789abcdef";

fn settings(base_url: &str) -> ConnectionSettings {
    static TLS: Once = Once::new();
    TLS.call_once(|| rustls::crypto::ring::default_provider().install_default().unwrap());
    ConnectionSettings {
        provider: "custom".to_owned(),
        base_url: base_url.to_owned(),
        api_key: Some(KEY.into()),
        timeouts: Timeouts::default(),
        dialect: Dialect::default(),
    }
}

fn entry() -> ChatEntry {
    ChatEntry {
        context_window: 8_192,
        max_output_tokens: 4_096,
        tokenizer: None,
        price: None,
        max_tokens_field: None,
        sampling: true,
    }
}

fn chat_with(settings: ConnectionSettings) -> OpenAiChat {
    OpenAiChat::new(&Connection::open(settings).unwrap(), "some-model", &entry())
}

fn chat(base_url: &str) -> OpenAiChat {
    chat_with(settings(base_url))
}

fn request() -> ChatRequest {
    ChatRequest {
        messages: vec![ChatMessage { role: ChatRole::User, content: "Hello?".to_owned() }],
        max_output_tokens: 50,
        temperature: None,
        top_p: None,
        stop: Vec::new(),
        seed: None,
    }
}

/// Everything that a reply brought, up to its end.
async fn reply(model: &OpenAiChat) -> Vec<Result<ChatEvent, ModelError>> {
    match model.stream(request()).await {
        Ok(stream) => stream.collect().await,
        Err(error) => vec![Err(error)],
    }
}

/// The events of a reply that must succeed.
async fn events(model: &OpenAiChat) -> Vec<ChatEvent> {
    reply(model).await.into_iter().map(Result::unwrap).collect()
}

/// The error that a reply must end in, and the events before it.
async fn failure(model: &OpenAiChat) -> (Vec<ChatEvent>, ModelError) {
    let mut items = reply(model).await;
    let error = items.pop().expect("a reply has items").expect_err("the reply must fail");
    (items.into_iter().map(Result::unwrap).collect(), error)
}
