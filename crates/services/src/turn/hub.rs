//! The event logs of replies that are being generated, or were a moment ago.

use std::{
    collections::{HashMap, VecDeque},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{EventBody, MessageId, ReplyEvent};
use futures::{Stream, stream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The events of one reply, in order from the number asked for, ending after the terminal one.
pub type ReplyEvents = Pin<Box<dyn Stream<Item = ReplyEvent> + Send>>;

/// The most finished logs that are kept for readers that come back; the oldest go first.
const MAX_FINISHED: usize = 1_000;

/// Logs by reply: from the moment that the reply is stored until some time after it is finished.
pub(crate) struct Hub {
    logs: Mutex<Logs>,
    /// How long a finished log is kept.
    retention: Duration,
}

#[derive(Default)]
struct Logs {
    by_reply: HashMap<MessageId, Arc<ReplyLog>>,
    /// When each finished reply finished, on the monotonic clock, oldest first.
    finished: VecDeque<(Duration, MessageId)>,
}

impl Hub {
    pub(crate) fn new(retention: Duration) -> Self {
        Self { logs: Mutex::default(), retention }
    }

    pub(crate) fn open(&self, reply: MessageId) -> Arc<ReplyLog> {
        let log = Arc::new(ReplyLog::default());
        self.lock().by_reply.insert(reply, Arc::clone(&log));
        log
    }

    /// Drops the log of a reply that never began.
    pub(crate) fn discard(&self, reply: MessageId) {
        self.lock().by_reply.remove(&reply);
    }

    /// Notes that the reply is finished, and forgets the logs that were kept long enough.
    pub(crate) fn finish(&self, reply: MessageId, now: Duration) {
        let mut logs = self.lock();
        logs.finished.push_back((now, reply));
        while let Some((at, oldest)) = logs.finished.front().copied() {
            if logs.finished.len() <= MAX_FINISHED && now.saturating_sub(at) <= self.retention {
                break;
            }
            logs.finished.pop_front();
            logs.by_reply.remove(&oldest);
        }
    }

    pub(crate) fn find(&self, reply: MessageId) -> Option<Arc<ReplyLog>> {
        self.lock().by_reply.get(&reply).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Logs> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The numbered events of one reply.
///
/// Readers keep only their place in it, so a reader that stalls costs nothing and slows nobody.
pub(crate) struct ReplyLog {
    events: Mutex<Vec<ReplyEvent>>,
    length: watch::Sender<usize>,
    /// Stops the generation when the person asks for it.
    pub(crate) cancel: CancellationToken,
}

impl Default for ReplyLog {
    fn default() -> Self {
        Self { events: Mutex::default(), length: watch::Sender::new(0), cancel: CancellationToken::new() }
    }
}

impl ReplyLog {
    /// Appends an event under the next number.
    pub(crate) fn publish(&self, body: EventBody) {
        let length = {
            let mut events = self.lock();
            let seq = events.len() as u64 + 1;
            events.push(ReplyEvent { body, seq });
            events.len()
        };
        self.length.send_replace(length);
    }

    /// The events after number `after`: first those that were published, then those that will be. A number that
    /// was not reached yet means: from now on.
    pub(crate) fn read(self: &Arc<Self>, after: u64) -> ReplyEvents {
        let place = usize::try_from(after).unwrap_or(usize::MAX).min(self.lock().len());
        let state = Some((Arc::clone(self), self.length.subscribe(), place));
        Box::pin(stream::unfold(state, |state| async move {
            let (log, mut length, place) = state?;
            if length.wait_for(|length| *length > place).await.is_err() {
                return None;
            }
            let event = log.lock().get(place)?.clone();
            let next = (!event.is_terminal()).then_some((log, length, place + 1));
            Some((event, next))
        }))
    }

    /// Whether the terminal event has been published and stands at or before number `after`.
    pub(crate) fn is_over(&self, after: u64) -> bool {
        let events = self.lock();
        events.last().is_some_and(|last| last.is_terminal() && last.seq <= after)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ReplyEvent>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use domain::SeededIds;
    use futures::StreamExt;

    use super::*;

    fn chunk(text: &str) -> EventBody {
        EventBody::Chunk { content: text.into() }
    }

    fn end() -> EventBody {
        let message_id = MessageId::new(&SeededIds::new(1));
        EventBody::Error { code: "interrupted".into(), detail: String::new(), retryable: true, message_id }
    }

    #[tokio::test]
    async fn reader_that_comes_late_gets_past_and_future_events_once_each() {
        let log = Arc::new(ReplyLog::default());
        log.publish(chunk("a"));
        log.publish(chunk("b"));
        let reader = tokio::spawn(log.read(1).map(|event| event.seq).collect::<Vec<_>>());
        log.publish(chunk("c"));
        log.publish(end());
        assert_eq!(reader.await.unwrap(), [2, 3, 4]);
    }

    #[tokio::test]
    async fn stream_ends_after_the_terminal_event() {
        let log = Arc::new(ReplyLog::default());
        log.publish(end());
        assert_eq!(log.read(0).count().await, 1);
        assert!(log.is_over(1));
        assert!(!log.is_over(0));
    }

    #[test]
    fn finished_logs_are_kept_for_a_while_and_no_longer() {
        let (hub, ids) = (Hub::new(Duration::from_secs(600)), SeededIds::new(1));
        let [old, new] = std::array::from_fn(|_| MessageId::new(&ids));
        hub.open(old);
        hub.open(new);
        hub.finish(old, Duration::from_secs(0));
        assert!(hub.find(old).is_some());
        hub.finish(new, Duration::from_secs(601));
        assert!(hub.find(old).is_none() && hub.find(new).is_some());
    }

    #[test]
    fn no_more_finished_logs_are_kept_than_the_limit() {
        let (hub, ids) = (Hub::new(Duration::from_secs(600)), SeededIds::new(1));
        let replies: Vec<MessageId> = (0..=MAX_FINISHED).map(|_| MessageId::new(&ids)).collect();
        for reply in &replies {
            hub.open(*reply);
            hub.finish(*reply, Duration::ZERO);
        }
        assert!(hub.find(replies[0]).is_none() && hub.find(replies[1]).is_some());
    }
}
