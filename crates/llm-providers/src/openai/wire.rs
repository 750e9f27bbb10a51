//! What is sent and what is read. Reading is tolerant: servers add fields, send `null`, and differ in types.

use domain::{ChatRequest, ChatRole};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::connection::Dialect;
use crate::catalogue::{MaxTokensField, SeedField};

/// A call of `/chat/completions`.
#[derive(Debug, Serialize)]
pub(super) struct ChatCall<'a> {
    model: &'a str,
    messages: Vec<MessageOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f32>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    random_seed: Option<u64>,
    // async-openai does not add it when it is given foreign types.
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Debug, Serialize)]
struct MessageOut<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Debug, Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// How a model's calls are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallForm {
    pub(super) dialect: Dialect,
    /// False leaves out temperature, `top_p` and stop strings, which the model refuses.
    pub(super) sampling: bool,
}

impl<'a> ChatCall<'a> {
    pub(super) fn new(model: &'a str, request: &'a ChatRequest, form: CallForm) -> Self {
        let CallForm { dialect, sampling } = form;
        let limit = |field| (dialect.max_tokens_field == field).then_some(request.max_output_tokens);
        let seed = |field| request.seed.filter(|_| dialect.seed_field == field);
        Self {
            model,
            messages: request.messages.iter().map(MessageOut::from).collect(),
            max_tokens: limit(MaxTokensField::MaxTokens),
            max_completion_tokens: limit(MaxTokensField::MaxCompletionTokens),
            temperature: request.temperature.filter(|_| sampling),
            top_p: request.top_p.filter(|_| sampling),
            stop: if sampling { &request.stop } else { &[] },
            seed: seed(SeedField::Seed),
            random_seed: seed(SeedField::RandomSeed),
            stream: true,
            stream_options: dialect.stream_usage.then_some(StreamOptions { include_usage: true }),
        }
    }
}

impl<'a> From<&'a domain::ChatMessage> for MessageOut<'a> {
    fn from(message: &'a domain::ChatMessage) -> Self {
        let role = match message.role {
            ChatRole::System => "system",
            ChatRole::User => "user",
            ChatRole::Assistant => "assistant",
        };
        Self { role, content: &message.content }
    }
}

/// A call of `/embeddings`. Floats are the default encoding, and the field that says so is not known everywhere.
#[derive(Debug, Serialize)]
pub(super) struct EmbeddingCall<'a> {
    pub(super) model: &'a str,
    pub(super) input: &'a [String],
}

/// One event of a reply, or a whole one. Not `flatten`ed: that would buffer every event twice.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Chunk {
    pub(super) choices: Option<Vec<Choice>>,
    pub(super) usage: Option<Either<Counts>>,
    /// The body ended; see [`super::body`].
    pub(super) end_of_body: bool,
    /// OpenAI's form of an error: an object, or in some servers a string.
    pub(super) error: Option<Value>,
    /// `"error"` where the event itself is the error object (vLLM, Mistral).
    pub(super) object: Option<Value>,
    #[serde(rename = "type")]
    pub(super) kind: Option<Value>,
    pub(super) message: Option<Value>,
    pub(super) code: Option<Value>,
    /// The error of FastAPI servers.
    pub(super) detail: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice {
    pub(super) delta: Option<Delta>,
    /// The whole message of a server that does not stream.
    pub(super) message: Option<Delta>,
    pub(super) finish_reason: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Delta {
    pub(super) content: Option<Content>,
    pub(super) reasoning_content: Option<Content>,
    pub(super) reasoning: Option<Content>,
    /// OpenAI's text when it declines; it stands in place of content.
    pub(super) refusal: Option<Content>,
}

/// Text, or the parts that Mistral's reasoning models send.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<Part>),
    Other(serde::de::IgnoredAny),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Part {
    pub(super) text: Option<String>,
    pub(super) thinking: Option<Vec<Part>>,
}

/// A value of the expected type, or anything else, which is ignored.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Either<T> {
    Known(T),
    Other(serde::de::IgnoredAny),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Counts {
    pub(super) prompt_tokens: Option<u64>,
    pub(super) completion_tokens: Option<u64>,
    pub(super) total_tokens: Option<u64>,
}

/// The answer of `/embeddings`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct EmbeddingAnswer {
    pub(super) data: Option<Vec<EmbeddingIn>>,
    pub(super) error: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct EmbeddingIn {
    pub(super) index: Option<usize>,
    pub(super) embedding: Vec<f32>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn any_shape_of_event_is_readable() {
        for event in [
            json!({}),
            json!({"choices": null, "usage": null, "error": null}),
            json!({"choices": [{"delta": null, "finish_reason": null}], "usage": "none"}),
            json!({"choices": [{"delta": {"content": null, "role": "assistant", "tool_calls": []}, "index": "0"}]}),
            json!({"choices": [{"delta": {"content": 7, "reasoning": {"a": 1}}, "logprobs": {}, "finish_reason": 3}]}),
            json!({"choices": [{"delta": {"content": [{"type": "thinking", "thinking": [{"text": "hm"}]}]}}]}),
            json!({"error": "no", "message": ["x"], "code": 502, "type": {}, "object": 4, "detail": {}}),
        ] {
            serde_json::from_value::<Chunk>(event.clone()).unwrap_or_else(|error| panic!("{event}: {error}"));
        }
    }
}
