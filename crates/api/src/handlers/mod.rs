//! Handlers: each unpacks, calls one use case and renders.

use std::future::Future;

use actix_web::{HttpResponse, web::Data};
use domain::ErrorKind;
use serde::Serialize;
use tracing::Instrument;

use crate::{error::ApiError, state::State};

pub(crate) mod accounts;
pub(crate) mod conversations;
pub(crate) mod docs;
pub(crate) mod documents;
pub(crate) mod fallback;
pub(crate) mod health;
pub(crate) mod messages;
pub(crate) mod retrieval;

/// The use cases and settings.
pub(crate) type Api = Data<State>;
/// What a handler answers.
pub(crate) type Answer = Result<HttpResponse, ApiError>;

fn ok(body: impl Serialize) -> Answer {
    Ok(HttpResponse::Ok().json(body))
}

fn created(body: impl Serialize) -> Answer {
    Ok(HttpResponse::Created().json(body))
}

fn no_content() -> Answer {
    Ok(HttpResponse::NoContent().finish())
}

/// Runs `work` to its end even when the client leaves: its handler is dropped then, and what was half done would stay.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    let finished = tokio::spawn(work.in_current_span()).await;
    finished.unwrap_or_else(|error| {
        tracing::error!(%error, "a use case did not come to its end");
        Err(ApiError::new(
            ErrorKind::Internal,
            "the server failed; if it stays so report the request id to the operator",
        ))
    })
}
