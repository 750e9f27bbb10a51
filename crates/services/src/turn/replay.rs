//! The events of a reply that has ended, made again from what is stored.

use domain::{Citation, ErrorKind, EventBody, FinishReason, Message, MessageStatus, ReplyDone, ReplyEvent};
use futures::{StreamExt, stream};

use super::ReplyEvents;

/// `start`, `snapshot`, `citation`…, `done` (or `error`) of a finished reply whose log is no longer kept.
///
/// Whoever saw the first `after` events of the log gets the rest as a snapshot, which replaces the text so far, and
/// what follows it, under numbers that go on after `after`.
pub(crate) fn replay(reply: &Message, after: u64) -> ReplyEvents {
    let seen_start = after > 0;
    let bodies = bodies(reply).into_iter().skip(usize::from(seen_start));
    let events: Vec<ReplyEvent> = (after + 1..).zip(bodies).map(|(seq, body)| ReplyEvent { body, seq }).collect();
    stream::iter(events).boxed()
}

fn bodies(reply: &Message) -> Vec<EventBody> {
    let start = EventBody::Start {
        message_id: reply.id,
        conversation_id: reply.conversation_id,
        user_message_id: reply.parent_id.unwrap_or(reply.id),
        model: reply.model_used.clone(),
    };
    let snapshot = EventBody::Snapshot { content: reply.content.clone() };
    let citations = reply.citations.iter().map(|citation: &Citation| EventBody::Citation(citation.clone()));
    [start, snapshot].into_iter().chain(citations).chain([end(reply)]).collect()
}

/// The terminal event of a stored reply.
pub(crate) fn end(reply: &Message) -> EventBody {
    let failure = match reply.status {
        MessageStatus::Complete | MessageStatus::Cancelled => None,
        MessageStatus::Failed => reply.error_code.as_deref().and_then(kind_of).or(Some(ErrorKind::UpstreamFailed)),
        MessageStatus::Accepted | MessageStatus::Streaming | MessageStatus::Interrupted => Some(ErrorKind::Interrupted),
    };
    match failure {
        Some(kind) => EventBody::Error {
            code: kind.code().to_owned(),
            detail: failure_detail(reply, kind),
            retryable: kind.retryable(),
            message_id: reply.id,
        },
        None => EventBody::Done(Box::new(ReplyDone {
            message_id: reply.id,
            content: reply.content.clone(),
            model_used: reply.model_used.clone(),
            usage: reply.usage.unwrap_or_default(),
            citations: reply.citations.clone(),
            confidence: reply.confidence,
            finish_reason: reply.finish_reason.unwrap_or(FinishReason::Stop),
        })),
    }
}

fn kind_of(code: &str) -> Option<ErrorKind> {
    ErrorKind::ALL.into_iter().find(|kind| kind.code() == code)
}

fn failure_detail(reply: &Message, kind: ErrorKind) -> String {
    let told = reply.warnings.last().cloned();
    told.unwrap_or_else(|| match kind {
        ErrorKind::Interrupted => "the server stopped while it was writing this reply: ask again".to_owned(),
        _ => "the reply failed: ask again".to_owned(),
    })
}
