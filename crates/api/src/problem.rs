//! RFC 9457 problems: how an [`ApiError`] is written on the wire.

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::header::{self, HeaderValue},
};
use domain::ErrorKind;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    error::{ApiError, retry_after_s, rule},
    paths,
};

/// Media type of every error body (RFC 9457, section 3).
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// An error.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "/docs/errors#validation_failed", "title": "A value is not valid", "status": 422,
    "detail": "the request was refused because of: content", "code": "validation_failed",
    "request_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "errors": [{"field": "content", "message": "expected a string"}]
}))]
pub(crate) struct Problem {
    /// Where the code is explained; relative to the server.
    #[serde(rename = "type")]
    kind: String,
    /// What happened, the same for every problem of this code.
    title: &'static str,
    /// The HTTP status, again.
    status: u16,
    /// What was expected, what came, what to do.
    detail: String,
    /// Stable code; all are listed under `/docs/errors`.
    code: &'static str,
    /// Identity of the request, as in `X-Request-Id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// The fields at fault; empty where the fault is not in a field.
    errors: Vec<FieldFault>,
    /// The failed reply, where the user's message had been stored before the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<Uuid>,
}

/// A field and what is wrong with it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldFault {
    /// Path of the field in the request.
    field: String,
    /// What was expected, what came.
    message: String,
}

impl Problem {
    pub(crate) fn new(error: &ApiError, request_id: Option<&str>) -> Self {
        let rule = rule(error.kind);
        let fault =
            |fault: &services::FieldError| FieldFault { field: fault.field.clone(), message: fault.message.clone() };
        Self {
            kind: type_of(error.kind),
            title: rule.title,
            status: rule.status.as_u16(),
            detail: error.detail.clone(),
            code: error.kind.code(),
            request_id: request_id.map(str::to_owned),
            errors: error.fields.iter().map(fault).collect(),
            message_id: error.message_id.map(Uuid::from),
        }
    }
}

/// The URI reference that names a kind of problem: its line in the list of errors that the server shows.
pub(crate) fn type_of(kind: ErrorKind) -> String {
    format!("{}#{}", paths::DOCS_ERRORS, kind.code())
}

/// The answer to a request that failed with `error`.
pub(crate) fn respond(error: &ApiError, request_id: Option<&str>) -> HttpResponse {
    let status = rule(error.kind).status;
    let mut response = HttpResponseBuilder::new(status);
    if status == actix_web::http::StatusCode::UNAUTHORIZED {
        response.insert_header((header::WWW_AUTHENTICATE, challenge(error.kind)));
    }
    if let Some(seconds) = retry_after_s(error.kind) {
        response.insert_header((header::RETRY_AFTER, seconds));
    }
    if let Some(allow) = error.allow {
        response.insert_header((header::ALLOW, allow));
    }
    response.content_type(MEDIA_TYPE).body(json(&Problem::new(error, request_id)))
}

/// The challenge that RFC 6750, section 3, asks for with every 401.
fn challenge(kind: ErrorKind) -> HeaderValue {
    HeaderValue::from_static(match kind {
        ErrorKind::InvalidToken | ErrorKind::TokenExpired | ErrorKind::SessionRevoked | ErrorKind::RefreshReused => {
            "Bearer realm=\"causerie\", error=\"invalid_token\""
        }
        _ => "Bearer realm=\"causerie\"",
    })
}

fn json(problem: &Problem) -> String {
    // Strings and numbers alone always serialise.
    serde_json::to_string(problem).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn problem_has_the_members_of_the_contract() {
        let error = ApiError::invalid("title", "expected at most 200 characters");
        let body: Value = serde_json::to_value(Problem::new(&error, Some("r-1"))).unwrap();
        assert_eq!(
            body,
            json!({
                "type": "/docs/errors#validation_failed", "title": "A value is not valid", "status": 422,
                "detail": "the request was refused because of: title", "code": "validation_failed",
                "request_id": "r-1", "errors": [{"field": "title", "message": "expected at most 200 characters"}]
            })
        );
    }

    #[test]
    fn refused_credentials_come_with_a_challenge() {
        let response = respond(&ApiError::new(ErrorKind::TokenExpired, "old"), None);
        let challenge = response.headers().get(header::WWW_AUTHENTICATE).unwrap();
        assert!(challenge.to_str().unwrap().contains("invalid_token"));
        assert_eq!(response.headers().get(header::CONTENT_TYPE).unwrap(), MEDIA_TYPE);
    }

    #[test]
    fn wrong_method_is_told_the_right_ones() {
        let response = respond(&ApiError::method_not_allowed("GET, POST"), None);
        assert_eq!(response.headers().get(header::ALLOW).unwrap(), "GET, POST");
    }
}
