//! The three limits. Each is tiny where it is meant to run out and an hour where it is not.

use domain::{ChatEvent::Text, FinishReason, ModelFault};
use llm_providers::openai::{OpenAiChat, Timeouts};
use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    chat_with, events, failure, settings,
    upstream::{Step, Upstream, opened},
};

const HOUR_MS: u64 = 3_600_000;
const NEVER: Timeouts = Timeouts { connect_ms: HOUR_MS, first_token_ms: HOUR_MS, idle_ms: HOUR_MS };
const HI: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";

fn model(base_url: &str, timeouts: Timeouts) -> OpenAiChat {
    chat_with(crate::ConnectionSettings { timeouts, ..settings(base_url) })
}

/// A server that falls silent after these pieces, and tells when it is left.
async fn silent_after(pieces: &[&str]) -> (Upstream, oneshot::Receiver<()>) {
    let pieces: Vec<_> = pieces.iter().map(|piece| piece.as_bytes()).collect();
    let (sender, closed) = oneshot::channel();
    let mut steps = opened(&pieces);
    steps.push(Step::AwaitClose(sender));
    (Upstream::playing([steps]).await, closed)
}

#[tokio::test]
async fn server_that_does_not_finish_the_handshake_is_given_up_as_unreached() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let (_, error) = failure(&model(&address, Timeouts { connect_ms: 30, ..NEVER })).await;
    assert_eq!(error.fault, ModelFault::Timeout);
    assert!(error.to_string().contains("could not be reached within 30 ms"), "{error}");
}

#[tokio::test]
async fn no_answer_at_all_is_a_late_first_token() {
    let (sender, closed) = oneshot::channel();
    let upstream = Upstream::playing([vec![Step::AwaitClose(sender)]]).await;
    let (_, error) = failure(&model(&upstream.base_url, Timeouts { first_token_ms: 30, ..NEVER })).await;
    assert_eq!(error.fault, ModelFault::Timeout);
    assert!(error.to_string().contains("model some-model within 30 ms"), "{error}");
    closed.await.unwrap();
}

#[tokio::test]
async fn comments_and_empty_deltas_are_no_first_token() {
    let role = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";
    let (upstream, closed) = silent_after(&[": processing\n\n", role]).await;
    let (before, error) = failure(&model(&upstream.base_url, Timeouts { first_token_ms: 30, ..NEVER })).await;
    assert_eq!((before.len(), error.fault), (0, ModelFault::Timeout));
    closed.await.unwrap();
}

#[tokio::test]
async fn silence_inside_a_reply_fails_it_and_keeps_its_text() {
    let (upstream, closed) = silent_after(&[HI]).await;
    let (before, error) = failure(&model(&upstream.base_url, Timeouts { idle_ms: 30, ..NEVER })).await;
    assert_eq!(before, [Text("Hi".into())]);
    assert_eq!(error.fault, ModelFault::Timeout);
    assert!(error.to_string().contains("silent for 30 ms"), "{error}");
    closed.await.unwrap();
}

#[tokio::test]
async fn reasoning_is_a_first_token() {
    let thought = "data: {\"choices\":[{\"delta\":{\"reasoning\":\"hm\"}}]}\n\n";
    let (upstream, closed) = silent_after(&[thought]).await;
    let (before, error) = failure(&model(&upstream.base_url, Timeouts { idle_ms: 30, ..NEVER })).await;
    assert_eq!(before.len(), 1);
    assert!(error.to_string().contains("silent"), "{error}");
    closed.await.unwrap();
}

#[tokio::test]
async fn silence_after_the_finish_only_ends_the_stream() {
    let finish = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let (upstream, closed) = silent_after(&[HI, finish]).await;
    let events = events(&model(&upstream.base_url, Timeouts { idle_ms: 30, ..NEVER })).await;
    assert_eq!(events, [Text("Hi".into()), domain::ChatEvent::Finish(FinishReason::Stop)]);
    closed.await.unwrap();
}
