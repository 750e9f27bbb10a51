//! The numbered events of a reply.

use serde::{Deserialize, Serialize};

use crate::{Citation, Confidence, ConversationId, FinishReason, MessageId, Usage};

/// One event of a reply. SSE and WebSocket carry its JSON as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplyEvent {
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
    /// Number within the reply, from 1 without gaps.
    pub seq: u64,
}

impl ReplyEvent {
    /// Whether nothing follows.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        matches!(self.body, EventBody::Done(_) | EventBody::Error { .. })
    }
}

/// What happened in a reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventBody {
    /// The reply exists.
    Start {
        /// The reply.
        message_id: MessageId,
        /// Its conversation.
        conversation_id: ConversationId,
        /// The message it answers.
        user_message_id: MessageId,
        /// The model that answers; absent where none is called.
        model: Option<String>,
    },
    /// More text.
    Chunk {
        /// The text to append.
        content: String,
    },
    /// More of the model's reasoning.
    Reasoning {
        /// The text to append.
        content: String,
    },
    /// The reply rests on this passage.
    Citation(Citation),
    /// Replaces the text so far.
    Snapshot {
        /// The whole text so far.
        content: String,
    },
    /// The reply is whole.
    Done(Box<ReplyDone>),
    /// The reply ended in a failure; its text so far is kept.
    Error {
        /// Stable code.
        code: String,
        /// What happened and what to do.
        detail: String,
        /// Whether asking again may help.
        retryable: bool,
        /// The reply.
        message_id: MessageId,
    },
}

/// The end of a reply, with everything a simple client needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplyDone {
    /// The reply.
    pub message_id: MessageId,
    /// Its whole text.
    pub content: String,
    /// The model that wrote it; absent where none was called.
    pub model_used: Option<String>,
    /// Tokens and money.
    pub usage: Usage,
    /// What it rests on.
    pub citations: Vec<Citation>,
    /// How much it rests on it; absent in open chat.
    pub confidence: Option<Confidence>,
    /// Why it ended.
    pub finish_reason: FinishReason,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_json_has_type_and_seq_beside_its_fields() {
        let event = ReplyEvent { body: EventBody::Chunk { content: "Hi".into() }, seq: 2 };
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(json, serde_json::json!({"type": "chunk", "content": "Hi", "seq": 2}));
        assert_eq!(serde_json::from_value::<ReplyEvent>(json).unwrap(), event);
    }
}
