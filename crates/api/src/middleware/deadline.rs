//! How long a handler may take, and what becomes of one that panics.

use std::{panic::AssertUnwindSafe, time::Duration};

use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};
use domain::ErrorKind;
use futures::FutureExt;

use crate::{error::ApiError, settings::HttpSettings};

/// How long a handler may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deadline {
    /// As long as any request.
    Request,
    /// As long as an upload.
    Upload,
    /// As long as the model's own time limits let a reply take.
    Reply,
}

impl Deadline {
    /// The time allowed, where there is a limit.
    pub(crate) fn limit(self, settings: &HttpSettings) -> Option<Duration> {
        match self {
            Self::Request => Some(settings.request_timeout),
            Self::Upload => Some(settings.upload_timeout),
            Self::Reply => None,
        }
    }
}

/// Answers for a handler that takes longer than `limit` or panics. The body of a stream is not part of that time.
pub(crate) async fn within<B: MessageBody + 'static>(
    limit: Option<Duration>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let http = request.request().clone();
    let work = AssertUnwindSafe(next.call(request)).catch_unwind();
    let outcome = match limit {
        Some(limit) => tokio::time::timeout(limit, work).await.map_err(|_| too_late(limit)),
        None => Ok(work.await),
    };
    let refusal = match outcome {
        Ok(Ok(answer)) => return answer.map(ServiceResponse::map_into_boxed_body),
        Ok(Err(_panic)) => panicked(),
        Err(too_late) => too_late,
    };
    Ok(ServiceResponse::new(http, HttpResponse::from_error(refusal)))
}

fn too_late(limit: Duration) -> ApiError {
    let detail = format!("the request was not complete within {} s: try again", limit.as_secs());
    ApiError::new(ErrorKind::RequestTimeout, detail)
}

/// The panic itself has been logged by the panic hook.
fn panicked() -> ApiError {
    tracing::error!("a handler panicked");
    ApiError::new(ErrorKind::Internal, "the server failed; if it stays so report the request id to the operator")
}
