//! The short-term memory of a conversation.

use chrono::{DateTime, Utc};
use serde::Serialize;
use services::conversations::MemoryView;
use utoipa::ToSchema;
use uuid::Uuid;

wire_enum! {
    /// Who wrote a summary.
    SummaryKind of domain::SummaryKind { Model, Extractive }
}

/// What is kept of a conversation's short-term memory between replies.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Memory {
    /// Name of the policy.
    #[schema(example = "adaptive")]
    policy: String,
    /// Smoothed tokens per interaction; `null` before the first turn.
    avg_tokens: Option<f64>,
    /// Interactions kept raw at the last pruning; `null` before the first turn.
    dynamic_k: Option<u32>,
    /// What lies after the watermark.
    buffer: Buffer,
    /// Tokens that the last reply's prompt had for history.
    history_budget: Option<u32>,
    /// The newest message that the summary covers.
    watermark_message_id: Option<Uuid>,
    summary: Option<Summary>,
}

/// The interactions after the watermark.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Buffer {
    interactions: u64,
    tokens: u64,
}

/// The rolling summary of everything up to the watermark.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Summary {
    text: String,
    tokens: u32,
    covers_until_message_id: Uuid,
    kind: SummaryKind,
    updated_at: DateTime<Utc>,
}

impl From<domain::Summary> for Summary {
    fn from(it: domain::Summary) -> Self {
        Self {
            text: it.text,
            tokens: it.tokens,
            covers_until_message_id: it.covers_until_message_id.into(),
            kind: it.kind.into(),
            updated_at: it.updated_at,
        }
    }
}

impl From<MemoryView> for Memory {
    fn from(MemoryView { policy, memory, buffer }: MemoryView) -> Self {
        Self {
            policy,
            avg_tokens: memory.avg_tokens,
            dynamic_k: memory.dynamic_k,
            buffer: Buffer { interactions: buffer.interactions, tokens: buffer.tokens },
            history_budget: memory.history_budget,
            watermark_message_id: memory.watermark.map(Uuid::from),
            summary: memory.summary.map(Summary::from),
        }
    }
}
