//! Conversations.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{ConversationId, DocumentId, MessageId, ModelSize, UserId};

/// Longest title, in characters.
pub const MAX_TITLE_CHARS: usize = 200;
/// Longest system prompt of a conversation, in characters.
pub const MAX_SYSTEM_PROMPT_CHARS: usize = 20_000;

/// Whether replies must rest on documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grounding {
    /// The model answers from what it knows.
    #[default]
    OpenChat,
    /// The model answers from retrieved passages, or says that it has nothing.
    GroundedRag,
}

/// What a conversation's memory does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemorySettings {
    /// Whether long-term memory is read and written.
    pub enabled: bool,
    /// Name of the short-term policy.
    pub policy: String,
}

/// A conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// Identity.
    pub id: ConversationId,
    /// Whose.
    pub owner_id: UserId,
    /// Shown in lists; absent until it has one.
    pub title: Option<String>,
    /// Name of the mode (`default`, `reason`, `code`, or one from configuration).
    pub mode: String,
    /// Whether replies must rest on documents.
    pub grounding: Grounding,
    /// Default size of the model.
    pub model_size: ModelSize,
    /// A particular model, `provider/model`, in place of the size.
    pub model: Option<String>,
    /// The documents that grounding is limited to; empty is all of the owner's.
    pub document_ids: Vec<DocumentId>,
    /// Labels.
    pub tags: Vec<String>,
    /// Shown first.
    pub pinned: bool,
    /// Hidden from the usual list.
    pub archived: bool,
    /// Neither reads nor writes long-term memory.
    pub temporary: bool,
    /// What its memory does.
    pub memory: MemorySettings,
    /// Instructions of this conversation, added to the operator's.
    pub system_prompt: Option<String>,
    /// The newest message of the active branch.
    pub active_message_id: Option<MessageId>,
    /// Messages of the active branch.
    pub message_count: u64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When something last happened in it.
    pub updated_at: DateTime<Utc>,
}

/// What a change of a conversation may set; absent leaves as is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConversationPatch {
    /// New title; `Some(None)` removes it.
    pub title: Option<Option<String>>,
    /// New mode.
    pub mode: Option<String>,
    /// New grounding.
    pub grounding: Option<Grounding>,
    /// New default size.
    pub model_size: Option<ModelSize>,
    /// New particular model; `Some(None)` removes it.
    pub model: Option<Option<String>>,
    /// New documents.
    pub document_ids: Option<Vec<DocumentId>>,
    /// New labels.
    pub tags: Option<Vec<String>>,
    /// Shown first or not.
    pub pinned: Option<bool>,
    /// Hidden or not.
    pub archived: Option<bool>,
    /// New memory settings.
    pub memory: Option<MemorySettings>,
    /// New instructions; `Some(None)` removes them.
    pub system_prompt: Option<Option<String>>,
}

/// What a list of conversations is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConversationFilter {
    /// Words that the title holds.
    pub title_contains: Option<String>,
    /// Hidden ones, or the others; absent is both.
    pub archived: Option<bool>,
    /// Pinned ones, or the others; absent is both.
    pub pinned: Option<bool>,
    /// Those with all of these labels.
    pub tags: Vec<String>,
}
