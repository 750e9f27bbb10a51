//! What every request goes through: an identity, problems in one shape, safe headers, a line in the log.

use std::{sync::Arc, time::Duration};

use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        Method,
        header::{CONTENT_ENCODING, HeaderMap, HeaderValue},
    },
    middleware::Next,
};
use tracing::Instrument;

use super::headers::{add_defaults, carry_over};
use crate::{
    error::ApiError,
    extract::Credential,
    problem,
    request_id::{self, RequestId},
    state::State,
};

/// Wraps a request. Its body, query and credentials never reach the log.
pub(crate) async fn envelope<B: MessageBody + 'static>(
    state: Arc<State>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let context = &state.services.context;
    let id = RequestId::of(request.headers(), &*context.ids);
    let span = tracing::info_span!("request", request_id = %id.0);
    let method = request.method().clone();
    let started = context.clock.monotonic();
    let answer = next.call(request).instrument(span.clone()).await;
    let _entered = span.enter();
    let answer = sealed(answer, &id);
    let took = context.clock.monotonic().saturating_sub(started);
    log(&answer, &method, took);
    answer
}

/// The answer with its identity and headers, and its error, if it is one, as a problem.
fn sealed<B: MessageBody + 'static>(
    answer: Result<ServiceResponse<B>, Error>,
    id: &RequestId,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let answer = match answer {
        Ok(answer) => answer.map_into_boxed_body(),
        Err(error) => {
            let mut response = problem::respond(&ApiError::from_framework(&error), Some(&id.0));
            finish(response.headers_mut(), id);
            return Err(InternalError::from_response(error, response).into());
        }
    };
    let (request, response) = answer.into_parts();
    let mut response = as_problem(response, id);
    finish(response.headers_mut(), id);
    Ok(ServiceResponse::new(request, response))
}

/// The response with its error, if it has one, written with the request's identity.
fn as_problem(response: HttpResponse, id: &RequestId) -> HttpResponse {
    let Some(error) = response.error() else { return response };
    let mut written = problem::respond(&ApiError::from_framework(error), Some(&id.0));
    carry_over(response.headers(), written.headers_mut());
    written
}

fn finish(headers: &mut HeaderMap, id: &RequestId) {
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert(request_id::HEADER, value);
    }
    // Streams carry it so that the compressing middleware leaves them alone. It is no coding to tell a client of
    // (RFC 9110, section 8.4.1).
    if headers.get(CONTENT_ENCODING).is_some_and(|coding| coding == "identity") {
        headers.remove(CONTENT_ENCODING);
    }
    add_defaults(headers);
}

fn log(answer: &Result<ServiceResponse<BoxBody>, Error>, method: &Method, took: Duration) {
    // Microseconds are as fine as the figure is good.
    let duration_ms = (took.as_secs_f64() * 1e6).round() / 1e3;
    let Ok(answer) = answer else {
        tracing::error!(%method, duration_ms, "request failed before it was routed");
        return;
    };
    let request = answer.request();
    let route = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let extensions = request.extensions();
    let actor = extensions.get::<Credential>().and_then(|credential| credential.0.as_ref().ok());
    let user_id = actor.map(|actor| tracing::field::display(actor.user_id));
    tracing::info!(%method, route, status = answer.status().as_u16(), duration_ms, user_id, "request");
}
