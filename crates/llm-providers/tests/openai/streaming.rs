//! What is made of the events that come.

use domain::{
    ChatEvent::{self, Finish, Reasoning, Text},
    FinishReason, ModelFault, Usage,
    ports::ChatModel,
};
use futures::StreamExt;
use tokio::sync::oneshot;

use crate::{
    chat, events, failure, request,
    upstream::{Step, Upstream, opened, whole},
};

const DONE: &str = "data: [DONE]\n\n";

fn delta(json: &str) -> String {
    format!("data: {{\"id\":\"x\",\"choices\":[{{\"index\":0,\"delta\":{json},\"finish_reason\":null}}]}}\n\n")
}

fn finish(reason: &str) -> String {
    format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"{reason}\"}}]}}\n\n")
}

fn text(events: &[ChatEvent]) -> String {
    events.iter().filter_map(|event| if let Text(text) = event { Some(text.as_str()) } else { None }).collect()
}

async fn events_of(pieces: &[&str]) -> Vec<ChatEvent> {
    events(&chat(&Upstream::streaming(pieces).await.base_url)).await
}

#[tokio::test]
async fn whole_reply_with_reasoning_and_usage_in_a_last_chunk_without_choices() {
    let usage =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":2,\"total_tokens\":13}}\n\n";
    let events = events_of(&[
        ": keep-alive\n\n",
        &delta("{\"role\":\"assistant\",\"content\":\"\"}"),
        &delta("{\"reasoning_content\":\"hm\",\"content\":null}"),
        &delta("{\"content\":\"Hel\"}"),
        &delta("{}"),
        &delta("{\"content\":\"lo\"}"),
        &finish("stop"),
        usage,
        DONE,
    ])
    .await;
    let usage = Usage { prompt_tokens: 11, completion_tokens: 2, total_tokens: 13, cost_usd: None, estimated: false };
    assert_eq!(
        events,
        [
            Reasoning("hm".into()),
            Text("Hel".into()),
            Text("lo".into()),
            Finish(FinishReason::Stop),
            ChatEvent::Usage(usage),
        ]
    );
}

#[tokio::test]
async fn reply_is_the_same_wherever_its_bytes_are_cut() {
    let whole = [
        "\u{feff}".to_owned(),
        delta("{\"content\":\"Grüß 👋🏽 \"}").replace('\n', "\r\n"),
        "event: message\nid: 7\ndata:".to_owned(),
        delta("{\"content\":\"日本\"}")["data:".len()..].to_owned(),
        finish("length"),
        DONE.to_owned(),
    ]
    .concat();
    for size in [1, 2, 3, 5, 7, 64, 4_096] {
        let pieces: Vec<&[u8]> = whole.as_bytes().chunks(size).collect();
        let mut steps = opened(&pieces);
        steps.push(Step::End);
        let upstream = Upstream::playing([steps]).await;
        let events = events(&chat(&upstream.base_url)).await;
        assert_eq!(text(&events), "Grüß 👋🏽 日本", "pieces of {size}");
        assert_eq!(events.last(), Some(&Finish(FinishReason::Length)), "pieces of {size}");
    }
}

#[tokio::test]
async fn missing_done_and_a_missing_last_line_break_are_borne() {
    let last = finish("stop");
    let events = events_of(&[&delta("{\"content\":\"Hi\"}"), last.trim_end()]).await;
    assert_eq!(events, [Text("Hi".into()), Finish(FinishReason::Stop)]);
}

#[tokio::test]
async fn done_without_a_finish_reason_is_a_stop() {
    assert_eq!(events_of(&[&delta("{\"content\":\"Hi\"}"), DONE]).await[1], Finish(FinishReason::Stop));
}

#[tokio::test]
async fn unknown_finish_reason_is_a_stop() {
    assert_eq!(events_of(&[&finish("eos_of_next_year"), DONE]).await, [Finish(FinishReason::Stop)]);
}

#[tokio::test]
async fn server_that_does_not_stream_is_understood() {
    let body = "{\n \"choices\": [{\"message\": {\"content\": \"Hi\\nyou\"}, \"finish_reason\": \"stop\"}],\n \
                \"usage\": {\"prompt_tokens\": 1, \"completion_tokens\": 2}\n}";
    let kind = [("content-type", "application/json; charset=utf-8")];
    let upstream = Upstream::playing([whole("200 OK", &kind, body)]).await;
    let events = events(&chat(&upstream.base_url)).await;
    assert_eq!(events[..2], [Text("Hi\nyou".into()), Finish(FinishReason::Stop)]);
    assert!(matches!(events[2], ChatEvent::Usage(Usage { total_tokens: 3, .. })));
}

#[tokio::test]
async fn connection_that_ends_before_the_finish_fails_the_reply_but_keeps_its_text() {
    let hi = delta("{\"content\":\"Hi\"}");
    let in_order = {
        let mut steps = opened(&[hi.as_bytes()]);
        steps.push(Step::End);
        steps
    };
    let in_disorder = {
        let mut steps = opened(&[hi.as_bytes()]);
        steps.push(Step::Close);
        steps
    };
    let by_closing = vec![
        Step::Raw(format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n{hi}").into_bytes()),
        Step::Close,
    ];
    for steps in [in_order, in_disorder, by_closing] {
        let upstream = Upstream::playing([steps]).await;
        let (before, error) = failure(&chat(&upstream.base_url)).await;
        assert_eq!(before, [Text("Hi".into())]);
        assert_eq!(error.fault, ModelFault::Retryable);
        assert!(error.to_string().contains("before the reply was whole"), "{error}");
    }
}

#[tokio::test]
async fn connection_that_breaks_after_the_finish_harms_nothing() {
    let mut steps = opened(&[finish("stop").as_bytes()]);
    steps.push(Step::Close);
    let upstream = Upstream::playing([steps]).await;
    assert_eq!(events(&chat(&upstream.base_url)).await, [Finish(FinishReason::Stop)]);
}

#[tokio::test]
async fn error_object_in_mid_stream_ends_the_reply() {
    let spent = "data: {\"error\":{\"message\":\"You exceeded your quota\",\"code\":\"insufficient_quota\"}}\n\n";
    let upstream = Upstream::streaming(&[&delta("{\"content\":\"Hi\"}"), spent, &delta("{\"content\":\"no\"}")]).await;
    let (before, error) = failure(&chat(&upstream.base_url)).await;
    assert_eq!(before, [Text("Hi".into())]);
    assert_eq!(error.fault, ModelFault::Permanent);
    assert!(error.to_string().contains("You exceeded your quota"), "{error}");
}

#[tokio::test]
async fn malformed_event_and_bytes_that_are_not_utf8_fail_the_reply() {
    for bad in [&b"data: {\"choices\": [\n\n"[..], b"data: \xff\xfe\n\n", b"\n\n"] {
        let mut steps = opened(&[bad]);
        steps.push(Step::End);
        let upstream = Upstream::playing([steps]).await;
        assert_eq!(failure(&chat(&upstream.base_url)).await.1.fault, ModelFault::Retryable);
    }
}

#[tokio::test]
async fn endless_line_is_cut_off() {
    let mebibyte = vec![b'x'; 1 << 20];
    let mut steps = opened(&[b"data: ", &mebibyte]);
    let (sender, closed) = oneshot::channel();
    steps.push(Step::AwaitClose(sender));
    let upstream = Upstream::playing([steps]).await;
    assert_eq!(failure(&chat(&upstream.base_url)).await.1.fault, ModelFault::Retryable);
    closed.await.unwrap();
}

#[tokio::test]
async fn dropping_the_reply_closes_the_connection_to_the_provider() {
    let mut steps = opened(&[delta("{\"content\":\"Hi\"}").as_bytes()]);
    let (sender, closed) = oneshot::channel();
    steps.push(Step::AwaitClose(sender));
    let upstream = Upstream::playing([steps]).await;
    let model = chat(&upstream.base_url);
    let mut stream = model.stream(request()).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), Text("Hi".into()));
    drop(stream);
    closed.await.unwrap();
}

#[tokio::test]
async fn dropping_the_call_before_the_answer_closes_the_connection_too() {
    let (sender, closed) = oneshot::channel();
    let mut upstream = Upstream::playing([vec![Step::AwaitClose(sender)]]).await;
    let model = chat(&upstream.base_url);
    tokio::select! {
        _ = model.stream(request()) => unreachable!("the server never answers"),
        _ = upstream.next_request() => {}
    }
    closed.await.unwrap();
}
