//! What carries a request of async-openai to the provider and the answer back.
//!
//! async-openai's own transport gets in our way in four things, which is what its `middleware` feature is for:
//! it repeats 429 and 5xx itself (so a fallback would wait), it drops the headers of a failure (so `Retry-After`
//! is lost) and logs the body; it ends a stream alike on `[DONE]` and on a broken connection (so a cut reply
//! would pass for a whole one); and its event parser panics on a byte order mark and takes lines without limit.
//! Here each call is made once, a failure comes back as a [`Refusal`], and a reply runs through [`super::body`].

use std::task::{Context, Poll};

use async_openai::{error::OpenAIError, middleware::HttpRequestFactory};
use futures::{StreamExt, future::BoxFuture};
use reqwest::{
    Body, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
};
use tower_service::Service;

use super::{
    body::{Form, ReplyBody, capped},
    retry_after::retry_after_ms,
};

/// The bytes of a refusal that are read: more than any vendor's error object, and no danger.
const MAX_REFUSAL_BYTES: usize = 64 * 1024;

/// An answer other than 2xx, as it came.
#[derive(Debug, thiserror::Error)]
#[error("HTTP {status}")]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) retry_after_ms: Option<u64>,
    /// Its body, cut at [`MAX_REFUSAL_BYTES`].
    pub(super) body: String,
}

#[derive(Clone)]
pub(super) struct Transport {
    http: reqwest::Client,
}

impl Transport {
    pub(super) fn new(http: reqwest::Client) -> Self {
        Self { http }
    }
}

impl Service<HttpRequestFactory> for Transport {
    type Response = Response;
    type Error = OpenAIError;
    type Future = BoxFuture<'static, Result<Response, OpenAIError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequestFactory) -> Self::Future {
        let http = self.http.clone();
        Box::pin(async move {
            let request = request.build().await?;
            let is_chat = request.url().path().ends_with("/chat/completions");
            let response = http.execute(request).await.map_err(without_url)?;
            if !response.status().is_success() {
                return Err(OpenAIError::Boxed(Box::new(refusal(response).await)));
            }
            Ok(if is_chat { reply(response) } else { bounded(response) })
        })
    }
}

/// Errors of the transport never tell the address: it may be of a network that users must not learn of.
fn without_url(error: reqwest::Error) -> OpenAIError {
    OpenAIError::Reqwest(error.without_url())
}

async fn refusal(response: Response) -> Refusal {
    let status = response.status();
    let retry_after_ms = retry_after_ms(response.headers());
    let mut bytes = Vec::new();
    let mut body = response.bytes_stream();
    while let Some(Ok(piece)) = body.next().await {
        let room = MAX_REFUSAL_BYTES - bytes.len();
        bytes.extend_from_slice(&piece[..piece.len().min(room)]);
        if bytes.len() == MAX_REFUSAL_BYTES {
            break;
        }
    }
    Refusal { status, retry_after_ms, body: String::from_utf8_lossy(&bytes).into_owned() }
}

fn reply(response: Response) -> Response {
    let form = if is_json(response.headers()) { Form::WholeJson } else { Form::Events };
    rebuilt(Body::wrap_stream(ReplyBody::new(form).read(response.bytes_stream())))
}

fn bounded(response: Response) -> Response {
    rebuilt(Body::wrap_stream(capped(response.bytes_stream())))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("application/json")
}

fn rebuilt(body: Body) -> Response {
    Response::from(http::Response::new(body))
}
