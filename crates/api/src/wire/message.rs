//! Messages and replies.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use services::turn::PostMessage;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    conversation::{Conversation, Grounding, ModelSize, ids},
    retrieval::Passage,
};

wire_enum! {
    /// Who wrote a message.
    MessageRole of domain::MessageRole { User, Assistant }
}

wire_enum! {
    /// Where a message is in its life.
    MessageStatus of domain::MessageStatus { Accepted, Streaming, Complete, Cancelled, Interrupted, Failed }
}

wire_enum! {
    /// How much a grounded reply rests on its passages.
    Confidence of domain::Confidence { None, Low, Medium, High }
}

wire_enum! {
    /// Why a reply ended.
    FinishReason of domain::FinishReason { Stop, Length, ContentFilter, Cancelled }
}

/// A piece of a message in its full form.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Part {
    Text { text: String },
    Reasoning { text: String },
}

impl From<domain::MessagePart> for Part {
    fn from(part: domain::MessagePart) -> Self {
        match part {
            domain::MessagePart::Text { text } => Self::Text { text },
            domain::MessagePart::Reasoning { text } => Self::Reasoning { text },
        }
    }
}

/// Tokens and money of one reply.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    /// Price in US dollars, where it is known.
    cost_usd: Option<f64>,
    /// Counted here because the provider reported nothing.
    estimated: bool,
}

impl From<domain::Usage> for Usage {
    fn from(usage: domain::Usage) -> Self {
        Self {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            total_tokens: usage.total_tokens,
            cost_usd: usage.cost_usd,
            estimated: usage.estimated,
        }
    }
}

/// A passage that a reply rests on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Citation {
    /// The number by which the text refers to it, as `[n]`.
    index: u32,
    document_id: Uuid,
    version: u32,
    /// Title of the document.
    title: String,
    /// The page it begins on, from 1; `null` where the format has no pages.
    page: Option<u32>,
    chunk_id: Uuid,
    /// The part of the passage to show.
    snippet: String,
    score: f32,
    /// `marker`: the text names it; `overlap`: the text shares its words.
    attributed: String,
}

impl From<domain::Citation> for Citation {
    fn from(it: domain::Citation) -> Self {
        Self {
            index: it.index,
            document_id: it.document_id.into(),
            version: it.version,
            title: it.title,
            page: it.page,
            chunk_id: it.chunk_id.into(),
            snippet: it.snippet,
            score: it.score,
            attributed: it.attributed,
        }
    }
}

/// A message of a conversation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Message {
    id: Uuid,
    conversation_id: Uuid,
    /// The message before it.
    parent_id: Option<Uuid>,
    role: MessageRole,
    status: MessageStatus,
    /// The text.
    content: String,
    /// The full form.
    parts: Vec<Part>,
    /// The model that wrote it, `provider/model`.
    model_used: Option<String>,
    usage: Option<Usage>,
    /// The passages that the text rests on.
    citations: Vec<Citation>,
    /// The passages that the model was sent.
    sources: Vec<Passage>,
    confidence: Option<Confidence>,
    /// What the reader should know.
    warnings: Vec<String>,
    finish_reason: Option<FinishReason>,
    /// What the reader thought of it.
    #[schema(value_type = Option<Object>)]
    feedback: Option<()>,
    /// Files that came with it.
    #[schema(value_type = Vec<Object>)]
    attachments: [(); 0],
    created_at: DateTime<Utc>,
}

impl From<domain::Message> for Message {
    fn from(it: domain::Message) -> Self {
        Self {
            id: it.id.into(),
            conversation_id: it.conversation_id.into(),
            parent_id: it.parent_id.map(Uuid::from),
            role: it.role.into(),
            status: it.status.into(),
            content: it.content,
            parts: it.parts.into_iter().map(Part::from).collect(),
            model_used: it.model_used,
            usage: it.usage.map(Usage::from),
            citations: it.citations.into_iter().map(Citation::from).collect(),
            sources: it.sources.into_iter().map(Passage::from).collect(),
            confidence: it.confidence.map(Confidence::from),
            warnings: it.warnings,
            finish_reason: it.finish_reason.map(FinishReason::from),
            feedback: None,
            attachments: [],
            created_at: it.created_at,
        }
    }
}

/// A message to be answered. What is left out is as the conversation says.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"content": "How many days of leave do I have?", "stream": true}))]
pub(crate) struct NewMessage {
    content: String,
    #[serde(default)]
    mode: Option<String>,
    #[serde(default)]
    model_size: Option<ModelSize>,
    /// `provider/model`, in place of the size.
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    grounding: Option<Grounding>,
    #[serde(default)]
    document_ids: Option<Vec<Uuid>>,
    /// Answers with events; `Accept: text/event-stream` asks for the same.
    #[serde(default)]
    pub(crate) stream: Option<bool>,
}

impl From<NewMessage> for PostMessage {
    fn from(body: NewMessage) -> Self {
        Self {
            content: body.content,
            mode: body.mode,
            model_size: body.model_size.map(Into::into),
            model: body.model,
            grounding: body.grounding.map(Into::into),
            document_ids: body.document_ids.map(ids),
        }
    }
}

/// A message with its whole reply.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Answered {
    pub(crate) message: Message,
    pub(crate) reply: Message,
}

/// A new conversation; with a first message also that and its whole reply.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Opened {
    pub(crate) conversation: Conversation,
    pub(crate) message: Message,
    pub(crate) reply: Message,
}

/// What creating a conversation answers: the conversation, or with `first_message` also the exchange.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "describes two possible bodies in the OpenAPI document")]
pub(crate) enum CreatedConversation {
    Empty(Box<Conversation>),
    Answered(Box<Opened>),
}
