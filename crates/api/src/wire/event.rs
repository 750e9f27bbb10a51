//! The numbered events of a reply, as streams carry them.

use domain::{EventBody, ReplyDone, ReplyEvent};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::message::{Citation, Confidence, FinishReason, Usage};

/// One event of a reply. `seq` counts from 1 within the reply; `done` or `error` comes exactly once and last.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schema(example = json!({"type": "chunk", "seq": 2, "content": "You have "}))]
pub(crate) enum Event {
    /// The reply exists.
    Start { seq: u64, message_id: Uuid, conversation_id: Uuid, user_message_id: Uuid, model: Option<String> },
    /// Text to append.
    Chunk { seq: u64, content: String },
    /// Reasoning to append, where the model shows it.
    Reasoning { seq: u64, content: String },
    /// The reply rests on this passage.
    Citation(CitationEvent),
    /// Replaces the text so far.
    Snapshot { seq: u64, content: String },
    /// The reply is whole.
    Done(Box<DoneEvent>),
    /// The reply failed; its text so far is kept.
    Error { seq: u64, code: String, detail: String, retryable: bool, message_id: Uuid },
}

/// A citation with its number in the stream.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CitationEvent {
    seq: u64,
    #[serde(flatten)]
    citation: Citation,
}

/// The end of a whole reply, with everything that a simple client needs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DoneEvent {
    seq: u64,
    message_id: Uuid,
    /// The whole text.
    content: String,
    model_used: Option<String>,
    usage: Usage,
    citations: Vec<Citation>,
    confidence: Option<Confidence>,
    finish_reason: FinishReason,
}

impl From<ReplyEvent> for Event {
    fn from(ReplyEvent { body, seq }: ReplyEvent) -> Self {
        match body {
            EventBody::Start { message_id, conversation_id, user_message_id, model } => Self::Start {
                seq,
                message_id: message_id.into(),
                conversation_id: conversation_id.into(),
                user_message_id: user_message_id.into(),
                model,
            },
            EventBody::Chunk { content } => Self::Chunk { seq, content },
            EventBody::Reasoning { content } => Self::Reasoning { seq, content },
            EventBody::Citation(citation) => Self::Citation(CitationEvent { seq, citation: citation.into() }),
            EventBody::Snapshot { content } => Self::Snapshot { seq, content },
            EventBody::Done(done) => Self::Done(Box::new(done_event(seq, *done))),
            EventBody::Error { code, detail, retryable, message_id } => {
                Self::Error { seq, code, detail, retryable, message_id: message_id.into() }
            }
        }
    }
}

fn done_event(seq: u64, done: ReplyDone) -> DoneEvent {
    DoneEvent {
        seq,
        message_id: done.message_id.into(),
        content: done.content,
        model_used: done.model_used,
        usage: done.usage.into(),
        citations: done.citations.into_iter().map(Citation::from).collect(),
        confidence: done.confidence.map(Confidence::from),
        finish_reason: done.finish_reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use domain::{ChunkId, ConversationId, DocumentId, MessageId};
    use serde_json::{Value, json};

    use super::*;

    fn json_of(body: EventBody) -> Value {
        serde_json::to_value(Event::from(ReplyEvent { body, seq: 4 })).unwrap()
    }

    fn citation() -> domain::Citation {
        domain::Citation {
            index: 1,
            document_id: DocumentId(Uuid::from_u128(1)),
            version: 2,
            title: "Handbook".into(),
            page: Some(3),
            chunk_id: ChunkId(Uuid::from_u128(2)),
            snippet: "28 days".into(),
            score: 0.5,
            attributed: "marker".into(),
        }
    }

    /// The web form has the fields of the domain's own, so that every carrier of events agrees.
    #[test]
    fn events_on_the_wire_are_the_domains_json() {
        let id = MessageId(Uuid::from_u128(9));
        let done = ReplyDone {
            message_id: id,
            content: "28 days [1]".into(),
            model_used: Some("local/tiny".into()),
            usage: domain::Usage::default(),
            citations: vec![citation()],
            confidence: Some(domain::Confidence::High),
            finish_reason: domain::FinishReason::Stop,
        };
        let bodies = [
            EventBody::Start {
                message_id: id,
                conversation_id: ConversationId(Uuid::from_u128(8)),
                user_message_id: id,
                model: None,
            },
            EventBody::Chunk { content: "a".into() },
            EventBody::Reasoning { content: "b".into() },
            EventBody::Citation(citation()),
            EventBody::Snapshot { content: "c".into() },
            EventBody::Done(Box::new(done)),
            EventBody::Error { code: "no_model".into(), detail: "d".into(), retryable: false, message_id: id },
        ];
        for body in bodies {
            let domains = serde_json::to_value(ReplyEvent { body: body.clone(), seq: 4 }).unwrap();
            assert_eq!(json_of(body), domains);
        }
    }

    #[test]
    fn chunk_is_type_seq_and_content() {
        let body = EventBody::Chunk { content: "Hi".into() };
        assert_eq!(json_of(body), json!({"type": "chunk", "seq": 4, "content": "Hi"}));
    }
}
