//! What is kept of a conversation's short-term memory between replies.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::MessageId;

/// Who wrote a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SummaryKind {
    /// A summariser model.
    Model,
    /// Sentences taken over as they are.
    Extractive,
}

/// The rolling summary of everything up to the watermark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The text.
    pub text: String,
    /// Tokens of the text.
    pub tokens: u32,
    /// The newest message that it covers.
    pub covers_until_message_id: MessageId,
    /// Who wrote it.
    pub kind: SummaryKind,
    /// When.
    pub updated_at: DateTime<Utc>,
}

/// The state of the adaptive policy for one conversation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConversationMemory {
    /// Smoothed tokens per interaction; absent before the first.
    pub avg_tokens: Option<f64>,
    /// Interactions kept raw at the last pruning; absent before the first turn.
    pub dynamic_k: Option<u32>,
    /// The newest message that the summary covers.
    pub watermark: Option<MessageId>,
    /// Position of the first message after the watermark.
    pub buffer_from: u64,
    /// The rolling summary.
    pub summary: Option<Summary>,
    /// Tokens that the last reply's prompt had for history.
    pub history_budget: Option<u32>,
}
