//! `conversations` and `conversation_memory`.

use diesel::{AsChangeset, Insertable, Queryable, Selectable};
use domain::{
    Conversation, ConversationId, ConversationMemory, DocumentId, Grounding, MemorySettings, MessageId, ModelSize,
    Summary, UserId,
};

use crate::{
    schema::{conversation_memory, conversations},
    value::{Id, Json, Number, Time, Word},
};

/// The form of a title that is searched: without regard to case.
pub(crate) fn title_key(title: &str) -> String {
    title.to_lowercase()
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = conversations, treat_none_as_null = true)]
pub(crate) struct ConversationRow {
    pub(crate) id: Id<ConversationId>,
    pub(crate) owner_id: Id<UserId>,
    pub(crate) title: Option<String>,
    pub(crate) title_key: Option<String>,
    pub(crate) mode: String,
    pub(crate) grounding: Word<Grounding>,
    pub(crate) model_size: Word<ModelSize>,
    pub(crate) model: Option<String>,
    pub(crate) document_ids: Json<Vec<DocumentId>>,
    pub(crate) tags: Json<Vec<String>>,
    pub(crate) pinned: bool,
    pub(crate) archived: bool,
    pub(crate) temporary: bool,
    pub(crate) memory_enabled: bool,
    pub(crate) memory_policy: String,
    pub(crate) system_prompt: Option<String>,
    pub(crate) active_message_id: Option<Id<MessageId>>,
    pub(crate) message_count: Number<u64>,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

impl From<Conversation> for ConversationRow {
    fn from(conversation: Conversation) -> Self {
        Self {
            id: Id(conversation.id),
            owner_id: Id(conversation.owner_id),
            title_key: conversation.title.as_deref().map(title_key),
            title: conversation.title,
            mode: conversation.mode,
            grounding: Word(conversation.grounding),
            model_size: Word(conversation.model_size),
            model: conversation.model,
            document_ids: Json(conversation.document_ids),
            tags: Json(conversation.tags),
            pinned: conversation.pinned,
            archived: conversation.archived,
            temporary: conversation.temporary,
            memory_enabled: conversation.memory.enabled,
            memory_policy: conversation.memory.policy,
            system_prompt: conversation.system_prompt,
            active_message_id: conversation.active_message_id.map(Id),
            message_count: Number(conversation.message_count),
            created_at: Time(conversation.created_at),
            updated_at: Time(conversation.updated_at),
        }
    }
}

impl From<ConversationRow> for Conversation {
    fn from(row: ConversationRow) -> Self {
        Self {
            id: row.id.0,
            owner_id: row.owner_id.0,
            title: row.title,
            mode: row.mode,
            grounding: row.grounding.0,
            model_size: row.model_size.0,
            model: row.model,
            document_ids: row.document_ids.0,
            tags: row.tags.0,
            pinned: row.pinned,
            archived: row.archived,
            temporary: row.temporary,
            memory: MemorySettings { enabled: row.memory_enabled, policy: row.memory_policy },
            system_prompt: row.system_prompt,
            active_message_id: row.active_message_id.map(|id| id.0),
            message_count: row.message_count.0,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = conversation_memory)]
pub(crate) struct MemoryRow {
    pub(crate) conversation_id: Id<ConversationId>,
    pub(crate) avg_tokens: Option<f64>,
    pub(crate) dynamic_k: Option<Number<u32>>,
    pub(crate) watermark: Option<Id<MessageId>>,
    pub(crate) buffer_from: Number<u64>,
    pub(crate) summary: Option<Json<Summary>>,
    pub(crate) history_budget: Option<Number<u32>>,
}

impl MemoryRow {
    /// The state before the first turn.
    pub(crate) fn empty(conversation: ConversationId) -> Self {
        Self {
            conversation_id: Id(conversation),
            avg_tokens: None,
            dynamic_k: None,
            watermark: None,
            buffer_from: Number(0),
            summary: None,
            history_budget: None,
        }
    }
}

impl From<MemoryRow> for ConversationMemory {
    fn from(row: MemoryRow) -> Self {
        Self {
            avg_tokens: row.avg_tokens,
            dynamic_k: row.dynamic_k.map(|number| number.0),
            watermark: row.watermark.map(|id| id.0),
            buffer_from: row.buffer_from.0,
            summary: row.summary.map(|json| json.0),
            history_budget: row.history_budget.map(|number| number.0),
        }
    }
}
