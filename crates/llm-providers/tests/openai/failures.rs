//! Failures by status, as they reach the caller.

use domain::{
    ModelError,
    ModelFault::{self, ContextTooLong, Permanent, Retryable},
};

use crate::{KEY, chat, chat_with, failure, settings, upstream::Upstream};

async fn refused(status: &str, headers: &[(&str, &str)], body: &str) -> ModelError {
    let mut upstream = Upstream::answering(status, headers, body).await;
    let (before, error) = failure(&chat(&upstream.base_url)).await;
    assert!(before.is_empty());
    assert_eq!(upstream.more_requests(), 1, "a call is made once: repeating it is the caller's affair");
    let all = format!("{error} {error:?}");
    assert!(!all.contains(KEY) && !all.contains("0123456789"), "{all}");
    assert!(!all.contains("127.0.0.1"), "{all}");
    error
}

#[tokio::test]
async fn failures_are_sorted_and_say_what_to_do() {
    let cases: [(&str, &str, ModelFault, &str); 12] = [
        (
            "401 Unauthorized",
            "{\"error\":{\"message\":\"Incorrect API key provided: sk-test-0123456789abcdef\",\"code\":\"invalid_api_key\"}}",
            Permanent,
            "providers.custom.api_key",
        ),
        ("403 Forbidden", "{\"error\":\"no access\"}", Permanent, "providers.custom.api_key"),
        (
            "429 Too Many Requests",
            "{\"error\":{\"message\":\"Check your plan\",\"type\":\"insufficient_quota\"}}",
            Permanent,
            "no credit left for this account (HTTP 429): Check your plan",
        ),
        ("429 Too Many Requests", "{\"error\":{\"message\":\"Slow down\"}}", Retryable, "Slow down"),
        ("500 Internal Server Error", "{\"error\":{\"message\":\"oops\"}}", Retryable, "failed (HTTP 500): oops"),
        ("502 Bad Gateway", "<html><h1>Bad gateway</h1></html>", Retryable, "provider custom failed (HTTP 502)"),
        ("503 Service Unavailable", "", Retryable, "(HTTP 503)"),
        (
            "400 Bad Request",
            "{\"error\":{\"message\":\"8,193 tokens\",\"code\":\"context_length_exceeded\"}}",
            ContextTooLong,
            "too long for model some-model",
        ),
        (
            "404 Not Found",
            "{\"error\":{\"message\":\"The model does not exist\",\"code\":\"model_not_found\"}}",
            Permanent,
            "no model some-model",
        ),
        ("404 Not Found", "404 page not found", Permanent, "or another address"),
        (
            "400 Bad Request",
            "{\"error\":{\"message\":\"Unknown parameter: 'x'\"}}",
            Permanent,
            "Unknown parameter: 'x'",
        ),
        (
            "422 Unprocessable Entity",
            "{\"message\":{\"detail\":[{\"msg\":\"sent with sk-test-0123456789abcdef\"}]}}",
            Permanent,
            "sent with [key]",
        ),
    ];
    for (status, body, fault, says) in cases {
        let error = refused(status, &[("content-type", "application/json")], body).await;
        assert_eq!(error.fault, fault, "{status} {body}: {error}");
        assert!(error.to_string().contains(says), "{status} {body}: {error}");
        assert_eq!(error.retry_after_ms, None);
    }
}

#[tokio::test]
async fn wish_for_a_pause_is_passed_on() {
    let slow_down = "{\"error\":{\"message\":\"Slow down\"}}";
    let error = refused("429 Too Many Requests", &[("retry-after", "3")], slow_down).await;
    assert_eq!(error.retry_after_ms, Some(3_000));
    let error = refused("503 Service Unavailable", &[("retry-after-ms", "250")], "").await;
    assert_eq!(error.retry_after_ms, Some(250));
}

#[tokio::test]
async fn long_message_is_shortened_and_a_huge_body_not_read_to_its_end() {
    let body = format!("{{\"error\":{{\"message\":\"{}\"}}}}", "long ".repeat(2_000));
    let error = refused("400 Bad Request", &[], &body).await;
    assert!(error.to_string().chars().count() < 400, "{error}");
    let error = refused("500 Internal Server Error", &[], &"x".repeat(1 << 20)).await;
    assert!(error.to_string().chars().count() < 400, "{error}");
}

#[tokio::test]
async fn error_object_with_status_200_is_an_error() {
    let upstream = Upstream::answering(
        "200 OK",
        &[("content-type", "application/json")],
        "{\"error\":{\"message\":\"Slow down\",\"code\":429}}",
    )
    .await;
    let (_, error) = failure(&chat(&upstream.base_url)).await;
    assert_eq!(error.fault, Retryable);
    assert!(error.to_string().contains("Slow down"), "{error}");
}

#[tokio::test]
async fn page_of_something_else_is_an_error_that_names_the_address_setting() {
    let upstream = Upstream::answering("200 OK", &[("content-type", "text/html")], "<h1>Welcome</h1>").await;
    let (_, error) = failure(&chat(&upstream.base_url)).await;
    assert_eq!(error.fault, Retryable);
    assert!(error.to_string().contains("check its address"), "{error}");
}

#[tokio::test]
async fn without_a_key_the_refusal_asks_for_one() {
    let upstream = Upstream::answering("401 Unauthorized", &[], "").await;
    let model = chat_with(crate::ConnectionSettings { api_key: None, ..settings(&upstream.base_url) });
    let (_, error) = failure(&model).await;
    assert!(error.to_string().contains("wants a key (HTTP 401): set providers.custom.api_key"), "{error}");
}

#[tokio::test]
async fn provider_that_does_not_run_is_retryable_and_its_address_is_not_told() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (_, error) = failure(&chat(&format!("http://127.0.0.1:{port}"))).await;
    assert_eq!(error.fault, Retryable);
    assert!(error.to_string().contains("cannot be reached"), "{error}");
    assert!(!error.to_string().contains("127.0.0.1"), "{error}");
}
