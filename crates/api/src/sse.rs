//! Server-sent events: framing, and whether a client wants them.

use std::{convert::Infallible, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, Accept, ContentEncoding, Header, QualityItem},
};
use bytes::Bytes;
use domain::ReplyEvent;
use futures::{Stream, StreamExt, stream};
use services::turn::ReplyEvents;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::wire::event::Event;

/// Media type of a stream.
pub(crate) const MEDIA_TYPE: &str = "text/event-stream";
/// How often a comment shows proxies that the stream is alive; below the 30 s after which some drop a silent one.
const PING_EVERY: Duration = Duration::from_secs(15);
/// A comment, which clients skip.
const PING: &[u8] = b": ping\n\n";

/// Whether a request asks for a stream: its body says so, or it accepts events more than JSON.
pub(crate) fn is_wanted(asked: Option<bool>, request: &HttpRequest) -> bool {
    asked.unwrap_or_else(|| Accept::parse(request).is_ok_and(|accept| prefers_events(&accept)))
}

fn prefers_events(accept: &Accept) -> bool {
    let quality = |media_type: &str| {
        let named = accept.iter().filter(|item| item.item.essence_str() == media_type);
        named.map(|item: &QualityItem<_>| item.quality).max()
    };
    let (events, json) = (quality(MEDIA_TYPE), quality("application/json"));
    events > Some(header::Quality::ZERO) && events > json
}

/// The answer that carries `events` as they come and ends after the last one.
pub(crate) fn respond(events: ReplyEvents) -> HttpResponse {
    let mut ping = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    HttpResponse::Ok()
        .content_type(MEDIA_TYPE)
        .insert_header((header::CACHE_CONTROL, "no-cache, no-transform"))
        // Keeps the compressing middleware, and proxies such as nginx, from holding events back.
        .insert_header(ContentEncoding::Identity)
        .insert_header(("x-accel-buffering", "no"))
        .streaming(frames(events, ping))
}

fn frames(events: ReplyEvents, ping: Interval) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold((events, ping), |(mut events, mut ping)| async move {
        let bytes = tokio::select! {
            biased;
            event = events.next() => frame(event?),
            _ = ping.tick() => Bytes::from_static(PING),
        };
        Some((Ok(bytes), (events, ping)))
    })
}

/// One event. Compact JSON has no line break, so that it is one `data` line.
fn frame(event: ReplyEvent) -> Bytes {
    let seq = event.seq;
    match serde_json::to_string(&Event::from(event)) {
        Ok(json) => Bytes::from(format!("id: {seq}\ndata: {json}\n\n")),
        Err(error) => {
            tracing::error!(%error, seq, "an event could not be written");
            Bytes::from_static(b": lost event\n\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use domain::EventBody;

    use super::*;

    fn wanted(asked: Option<bool>, accept: &str) -> bool {
        is_wanted(asked, &TestRequest::default().insert_header((header::ACCEPT, accept)).to_http_request())
    }

    fn chunk(seq: u64, content: &str) -> ReplyEvent {
        ReplyEvent { body: EventBody::Chunk { content: content.into() }, seq }
    }

    #[test]
    fn events_are_sent_to_who_asks_for_them() {
        assert!(wanted(None, "text/event-stream"));
        assert!(wanted(None, "text/event-stream, */*;q=0.1"));
        assert!(wanted(Some(true), "application/json"));
        assert!(!wanted(Some(false), "text/event-stream"));
        for plain in ["*/*", "application/json", "application/json, text/event-stream", "text/event-stream;q=0"] {
            assert!(!wanted(None, plain), "{plain}");
        }
        assert!(!is_wanted(None, &TestRequest::default().to_http_request()));
    }

    #[test]
    fn frame_is_id_and_one_line_of_data() {
        let bytes = frame(chunk(3, "two\nlines\r\n"));
        let text = std::str::from_utf8(&bytes).unwrap();
        assert_eq!(text, "id: 3\ndata: {\"type\":\"chunk\",\"seq\":3,\"content\":\"two\\nlines\\r\\n\"}\n\n");
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_filled_with_pings() {
        let late = stream::once(async {
            tokio::time::sleep(Duration::from_secs(40)).await;
            chunk(1, "late")
        });
        let ping = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        let sent: Vec<_> = frames(late.boxed(), ping).map(|bytes| bytes.unwrap_or_default()).collect().await;
        assert_eq!(sent.len(), 3);
        assert_eq!((&sent[0][..], &sent[1][..]), (PING, PING));
        assert!(sent[2].starts_with(b"id: 1\n"));
    }
}
