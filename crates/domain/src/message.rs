//! Messages, replies, and what a reply rests on.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{ChunkId, ConversationId, DocumentId, FinishReason, MessageId, Usage};

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageRole {
    /// A person.
    User,
    /// The assistant.
    Assistant,
}

/// Where a message is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageStatus {
    /// The reply was promised; nothing is written yet.
    Accepted,
    /// The reply is being written.
    Streaming,
    /// Whole.
    Complete,
    /// The person stopped the reply; its text so far is kept.
    Cancelled,
    /// A stop of the server cut the reply off; its text so far is kept.
    Interrupted,
    /// The model failed; text that came before is kept.
    Failed,
}

impl MessageStatus {
    /// Whether nothing more will happen to the message by itself.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Accepted | Self::Streaming)
    }
}

/// A piece of a message in its full form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum MessagePart {
    /// Plain text or Markdown.
    Text {
        /// The text.
        text: String,
    },
    /// The model's reasoning, where it shows it.
    Reasoning {
        /// The text.
        text: String,
    },
}

/// How much a grounded reply rests on its passages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// No passage was found; no model was called.
    None,
    /// Passages were sent, and the reply rests on none of them visibly.
    Low,
    /// The reply rests on passages of middling score.
    Medium,
    /// The reply rests on passages of high score.
    High,
}

/// How well a passage matched, by each way of looking.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct PassageScores {
    /// By words (BM25, larger is better).
    pub keyword: Option<f32>,
    /// By meaning (cosine, −1 to 1).
    pub dense: Option<f32>,
    /// By a reranker.
    pub rerank: Option<f32>,
}

/// A passage of a document that was found for a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    /// From which document.
    pub document_id: DocumentId,
    /// From which version of it, counted from 1.
    pub version: u32,
    /// The document's title.
    pub title: String,
    /// The page it begins on, counted from 1; absent where the format has no pages.
    pub page: Option<u32>,
    /// Identity of the passage.
    pub chunk_id: ChunkId,
    /// Its text.
    pub text: String,
    /// The fused score by which passages are ordered, 0 to 1.
    pub score: f32,
    /// The scores that were fused.
    pub scores: PassageScores,
}

/// A passage that a reply rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Citation {
    /// The number by which the text refers to it, from 1.
    pub index: u32,
    /// From which document.
    pub document_id: DocumentId,
    /// From which version of it.
    pub version: u32,
    /// The document's title.
    pub title: String,
    /// The page it begins on.
    pub page: Option<u32>,
    /// Identity of the passage.
    pub chunk_id: ChunkId,
    /// The part of the passage to show.
    pub snippet: String,
    /// Score of the passage.
    pub score: f32,
    /// `marker`: the text names it as `[n]`; `overlap`: the text shares its words.
    pub attributed: String,
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Identity.
    pub id: MessageId,
    /// Of which conversation.
    pub conversation_id: ConversationId,
    /// The message before it on its branch.
    pub parent_id: Option<MessageId>,
    /// Its place on its branch, from 0.
    pub position: u64,
    /// Who wrote it.
    pub role: MessageRole,
    /// Where it is in its life.
    pub status: MessageStatus,
    /// The text.
    pub content: String,
    /// The full form.
    pub parts: Vec<MessagePart>,
    /// Tokens of the text under [`Message::tokenizer`], without message overhead; counted once.
    pub tokens: u32,
    /// Which tokenizer counted.
    pub tokenizer: String,
    /// The model that wrote it, `provider/model`.
    pub model_used: Option<String>,
    /// Tokens and money, of a reply.
    pub usage: Option<Usage>,
    /// The passages that the text rests on.
    pub citations: Vec<Citation>,
    /// The passages that were sent to the model.
    pub sources: Vec<Passage>,
    /// How much it rests on them.
    pub confidence: Option<Confidence>,
    /// What the reader should know.
    pub warnings: Vec<String>,
    /// Why the reply ended.
    pub finish_reason: Option<FinishReason>,
    /// Stable code of the failure, of a failed or interrupted reply.
    pub error_code: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl Message {
    /// A complete message without text, to be filled in with what differs.
    #[must_use]
    pub fn empty(id: MessageId, conversation_id: ConversationId, role: MessageRole, created_at: DateTime<Utc>) -> Self {
        Self {
            id,
            conversation_id,
            parent_id: None,
            position: 0,
            role,
            status: MessageStatus::Complete,
            content: String::new(),
            parts: Vec::new(),
            tokens: 0,
            tokenizer: String::new(),
            model_used: None,
            usage: None,
            citations: Vec::new(),
            sources: Vec::new(),
            confidence: None,
            warnings: Vec::new(),
            finish_reason: None,
            error_code: None,
            created_at,
        }
    }
}
