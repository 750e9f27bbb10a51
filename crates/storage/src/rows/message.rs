//! `messages`.

use diesel::{Insertable, Queryable, Selectable};
use domain::{
    Citation, Confidence, ConversationId, FinishReason, Message, MessageId, MessagePart, MessageRole, MessageStatus,
    Passage, Usage,
};

use crate::{
    schema::messages,
    value::{Id, Json, Number, Time, Word},
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = messages)]
pub(crate) struct MessageRow {
    pub(crate) id: Id<MessageId>,
    pub(crate) conversation_id: Id<ConversationId>,
    pub(crate) parent_id: Option<Id<MessageId>>,
    pub(crate) position: Number<u64>,
    pub(crate) role: Word<MessageRole>,
    pub(crate) status: Word<MessageStatus>,
    pub(crate) tokens: Number<u32>,
    pub(crate) tokenizer: String,
    pub(crate) created_at: Time,
    pub(crate) model_used: Option<String>,
    pub(crate) confidence: Option<Word<Confidence>>,
    pub(crate) finish_reason: Option<Word<FinishReason>>,
    pub(crate) error_code: Option<String>,
    pub(crate) usage: Option<Json<Usage>>,
    pub(crate) warnings: Json<Vec<String>>,
    pub(crate) content: String,
    pub(crate) parts: Json<Vec<MessagePart>>,
    pub(crate) citations: Json<Vec<Citation>>,
    pub(crate) sources: Json<Vec<Passage>>,
}

impl From<Message> for MessageRow {
    fn from(message: Message) -> Self {
        Self {
            id: Id(message.id),
            conversation_id: Id(message.conversation_id),
            parent_id: message.parent_id.map(Id),
            position: Number(message.position),
            role: Word(message.role),
            status: Word(message.status),
            tokens: Number(message.tokens),
            tokenizer: message.tokenizer,
            created_at: Time(message.created_at),
            model_used: message.model_used,
            confidence: message.confidence.map(Word),
            finish_reason: message.finish_reason.map(Word),
            error_code: message.error_code,
            usage: message.usage.map(Json),
            warnings: Json(message.warnings),
            content: message.content,
            parts: Json(message.parts),
            citations: Json(message.citations),
            sources: Json(message.sources),
        }
    }
}

impl From<MessageRow> for Message {
    fn from(row: MessageRow) -> Self {
        Self {
            id: row.id.0,
            conversation_id: row.conversation_id.0,
            parent_id: row.parent_id.map(|id| id.0),
            position: row.position.0,
            role: row.role.0,
            status: row.status.0,
            content: row.content,
            parts: row.parts.0,
            tokens: row.tokens.0,
            tokenizer: row.tokenizer,
            model_used: row.model_used,
            usage: row.usage.map(|json| json.0),
            citations: row.citations.0,
            sources: row.sources.0,
            confidence: row.confidence.map(|word| word.0),
            warnings: row.warnings.0,
            finish_reason: row.finish_reason.map(|word| word.0),
            error_code: row.error_code,
            created_at: row.created_at.0,
        }
    }
}
