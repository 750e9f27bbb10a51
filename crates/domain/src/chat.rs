//! What is asked of a model and what it answers, in one neutral form.

use std::pin::Pin;

use futures::Stream;
use serde::{Deserialize, Serialize};

use crate::ErrorKind;

/// Who speaks in a message to a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatRole {
    /// The operator's instructions.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// One message as the model sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Who speaks.
    pub role: ChatRole,
    /// What is said.
    pub content: String,
}

/// A request for one reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// The prompt, oldest first.
    pub messages: Vec<ChatMessage>,
    /// The most tokens the reply may have.
    pub max_output_tokens: u32,
    /// 0 picks the likeliest token every time; absent is the provider's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Nucleus sampling: 0 < `top_p` ≤ 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    /// The reply ends before any of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// Makes sampling repeatable where the provider can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// Why a reply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model was done, or met a stop string.
    Stop,
    /// The output limit was reached.
    Length,
    /// The provider withheld the reply.
    ContentFilter,
    /// The person stopped it.
    Cancelled,
}

/// Tokens and money of one reply.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Tokens of the reply.
    pub completion_tokens: u64,
    /// Both together.
    pub total_tokens: u64,
    /// Price in US dollars, where the model's price is known.
    pub cost_usd: Option<f64>,
    /// Counted by us because the provider reported nothing.
    pub estimated: bool,
}

/// A piece of a streamed reply.
#[derive(Debug, Clone, PartialEq)]
pub enum ChatEvent {
    /// Text of the reply.
    Text(String),
    /// Text of the model's reasoning, where it shows it.
    Reasoning(String),
    /// What the provider counted; may come once, at any time. Cost is not filled in.
    Usage(Usage),
    /// The reply is whole; nothing follows but perhaps [`ChatEvent::Usage`].
    Finish(FinishReason),
}

/// The events of one reply. Dropping it cancels the generation, at the provider too.
pub type ChatStream = Pin<Box<dyn Stream<Item = Result<ChatEvent, ModelError>> + Send>>;

/// How a caller may react to a failed model call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelFault {
    /// Trying again may help (time-out aside): overload, 5xx, broken connection.
    Retryable,
    /// Trying again will not help: bad key, spent quota, refused content, bad request.
    Permanent,
    /// The prompt has more tokens than the model takes.
    ContextTooLong,
    /// No answer in the time allowed.
    Timeout,
    /// Our own queue for this model is full.
    Overloaded,
    /// There is no such model here, or it cannot be loaded.
    Unavailable,
}

/// A failed call of a chat, embedding or rerank model.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct ModelError {
    /// What kind of failure.
    pub fault: ModelFault,
    /// What happened and what to do, fit to be shown to a user: no keys, no addresses with credentials.
    pub detail: String,
    /// The provider's wish for a pause, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// The cause, for the log.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ModelError {
    /// A failure without a deeper cause.
    #[must_use]
    pub fn new(fault: ModelFault, detail: impl Into<String>) -> Self {
        Self { fault, detail: detail.into(), retry_after_ms: None, source: None }
    }

    /// The kind that callers see.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self.fault {
            ModelFault::Retryable | ModelFault::Permanent => ErrorKind::UpstreamFailed,
            ModelFault::ContextTooLong => ErrorKind::MessageTooLong,
            ModelFault::Timeout => ErrorKind::UpstreamTimeout,
            ModelFault::Overloaded => ErrorKind::Overloaded,
            ModelFault::Unavailable => ErrorKind::NoModel,
        }
    }
}

/// The three sizes that a client may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelSize {
    /// Quick and cheap.
    Small,
    /// The default.
    #[default]
    Medium,
    /// The most able.
    Large,
}

/// What is known of a chat model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelInfo {
    /// `provider/model`.
    pub id: String,
    /// Tokens that prompt and reply share.
    pub context_window: u32,
    /// The most tokens of a reply.
    pub max_output_tokens: u32,
    /// US dollars per million tokens of prompt and of reply, where known.
    pub price_per_million: Option<(f64, f64)>,
}

/// Whether a model can answer now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelState {
    /// It can.
    Ready,
    /// Its weights are being read; calls wait.
    Loading,
    /// It cannot, and this says why and what to do.
    Failed(String),
}

/// What an embedded text is for; some models want a different prefix for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmbedPurpose {
    /// A question.
    Query,
    /// A passage that may answer one.
    Passage,
}

/// What is known of an embedding model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddingInfo {
    /// `provider/model`; vectors of different ids are never compared.
    pub id: String,
    /// Components of a vector.
    pub dimensions: usize,
    /// Tokens beyond which text is cut off.
    pub max_tokens: usize,
}
