//! The one table from [`ErrorKind`] to status and words, and the error that every handler answers with.

use std::fmt;

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use domain::{ErrorKind, MessageId};
use services::{FieldError, ServiceError, turn::TurnFailure};

use crate::problem;

/// How a kind of failure looks over HTTP. Its code is [`ErrorKind::code`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// Status of the answer.
    pub(crate) status: StatusCode,
    /// What happened, the same sentence every time.
    pub(crate) title: &'static str,
    /// What a client should do about it.
    pub(crate) advice: &'static str,
}

/// The table, a row for each kind. It has no wildcard: a new kind does not compile before it has its row.
#[rustfmt::skip]
pub(crate) fn rule(kind: ErrorKind) -> Rule {
    use ErrorKind as K;
    let (status, title, advice) = match kind {
        K::ValidationFailed => (422, "A value is not valid", "Correct the fields named in `errors`, then send it again."),
        K::UnknownField => (422, "There is no such field", "Leave out the fields named in `errors`, or correct their names."),
        K::BadRequest => (400, "The request contradicts itself", "Read `detail`; sending the same again will not help."),
        K::BadCursor => (400, "The cursor is not ours", "Send `next_cursor` of the answer before, unchanged, or begin without one."),
        K::Unauthenticated => (401, "No credentials were sent", "Sign in, then send `Authorization: Bearer <access token>`."),
        K::InvalidToken => (401, "The token is not valid", "Sign in again."),
        K::TokenExpired => (401, "The token has expired", "Exchange the refresh token at `/api/v1/auth/refresh`."),
        K::SessionRevoked => (401, "The session was ended", "Sign in again."),
        K::RefreshReused => (401, "The refresh token was used before", "The session was ended because the token may have been stolen. Sign in again."),
        K::InvalidCredentials => (401, "Name and password do not match", "Check both."),
        K::AccountSuspended => (403, "The account is suspended", "Ask an administrator."),
        K::AdminOnly => (403, "Only administrators may do this", "Sign in as an administrator."),
        K::RegistrationClosed => (403, "New accounts are not accepted", "Ask an administrator for an account."),
        K::NotFound => (404, "Not found", "Check the address: it does not exist, or it belongs to somebody else."),
        K::MethodNotAllowed => (405, "The address does not have this method", "Use one of the methods in the `Allow` header."),
        K::UsernameTaken => (409, "The user name is taken", "Choose another."),
        K::EmailTaken => (409, "The address belongs to an account", "Sign in, or give another address."),
        K::TurnInProgress => (409, "A reply is being written", "Wait for its end, or cancel it."),
        K::DocumentNotReady => (409, "The document has no text yet", "Wait until its status is `ready`; `failed` means that it never will have."),
        K::PayloadTooLarge => (413, "The request body is too large", "Send less; the limit is in `detail`."),
        K::FileTooLarge => (413, "The file is too large", "Split it; the limit is in `detail`."),
        K::UnsupportedType => (415, "Files of this kind cannot be read", "Convert it to one of the kinds in `detail`."),
        K::UnsupportedMediaType => (415, "This endpoint takes another media type", "Send the `Content-Type` in `detail`."),
        K::EmptyFile => (422, "The file is empty", "Check the file: it has no bytes."),
        K::PasswordProtected => (422, "The document needs a password", "Remove the password, then upload it again."),
        K::Unreadable => (422, "The document is damaged", "Open and save it again, then upload it."),
        K::NoText => (422, "The document has no text", "Give a file with text; a scan needs text recognition first."),
        K::LimitsExceeded => (422, "The document is over a limit", "Split it; the limit is in `detail`."),
        K::UnknownMode => (422, "There is no such mode", "Use one of the modes in `detail`."),
        K::UnknownModel => (422, "There is no such model", "Use a size, or a model of a configured provider."),
        K::MessageTooLong => (422, "The message does not fit the model", "Shorten the message; the limit is in `detail`."),
        K::RateLimited => (429, "Too many requests", "Wait as long as `Retry-After` says."),
        K::TooManyRunning => (429, "Too many replies are running", "Wait until one of them ends."),
        K::Overloaded => (503, "The server is busy", "Try again after `Retry-After` seconds."),
        K::RequestTimeout => (408, "The request took too long", "Try again; send large files in smaller requests."),
        K::UpstreamFailed => (502, "The model's provider failed", "Try again; the message is stored, and `message_id` is its failed reply."),
        K::UpstreamTimeout => (504, "The model did not answer in time", "Try again; the message is stored, and `message_id` is its failed reply."),
        K::NoModel => (503, "There is no model to answer", "Do what `detail` says: set a provider's key, or install local weights."),
        K::Interrupted => (503, "The server stopped during the reply", "Ask again; the text so far is kept."),
        K::ShuttingDown => (503, "The server is stopping", "Try again after `Retry-After` seconds."),
        K::StorageUnavailable => (503, "The storage does not answer", "Nothing was saved. Try again later."),
        K::StorageFull => (507, "No space is left", "Nothing was saved. Ask the operator to make room."),
        K::Internal => (500, "The server failed", "Try again; if it stays so, report `request_id` to the operator."),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Rule { status, title, advice }
}

/// Seconds that a client should wait before it tries again, for kinds where waiting alone helps.
pub(crate) fn retry_after_s(kind: ErrorKind) -> Option<u32> {
    match kind {
        ErrorKind::Overloaded | ErrorKind::TooManyRunning | ErrorKind::TurnInProgress => Some(1),
        ErrorKind::ShuttingDown | ErrorKind::StorageUnavailable => Some(5),
        ErrorKind::RateLimited => Some(60),
        _ => None,
    }
}

/// A request that was refused or failed.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub(crate) kind: ErrorKind,
    pub(crate) detail: String,
    pub(crate) fields: Vec<FieldError>,
    /// The failed reply, where the user's message was stored before the failure.
    pub(crate) message_id: Option<MessageId>,
    /// What the `Allow` header lists.
    pub(crate) allow: Option<&'static str>,
}

impl ApiError {
    /// A refusal with a sentence for the client: what was expected, what came, what to do.
    pub(crate) fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), fields: Vec::new(), message_id: None, allow: None }
    }

    /// A refusal because of one field.
    pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Self {
        ServiceError::invalid(field, message).into()
    }

    /// A refusal because of several fields.
    pub(crate) fn with_fields(kind: ErrorKind, detail: impl Into<String>, fields: Vec<FieldError>) -> Self {
        Self { fields, ..Self::new(kind, detail) }
    }

    /// The address exists, the method does not; `allow` lists those that do.
    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        let detail = format!("expected one of the methods {allow}");
        Self { allow: Some(allow), ..Self::new(ErrorKind::MethodNotAllowed, detail) }
    }

    /// What an error of the web framework means; its own text may name internals and is dropped.
    pub(crate) fn from_framework(error: &actix_web::Error) -> Self {
        if let Some(own) = error.as_error::<Self>() {
            return own.clone();
        }
        let kind = match error.as_response_error().status_code().as_u16() {
            404 => ErrorKind::NotFound,
            405 => ErrorKind::MethodNotAllowed,
            408 => ErrorKind::RequestTimeout,
            413 => ErrorKind::PayloadTooLarge,
            415 => ErrorKind::UnsupportedMediaType,
            422 => ErrorKind::ValidationFailed,
            400..=499 => ErrorKind::BadRequest,
            _ => ErrorKind::Internal,
        };
        if kind == ErrorKind::Internal {
            tracing::error!(%error, "a request failed inside the web framework");
        }
        Self::new(kind, rule(kind).advice)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.code(), self.detail)
    }
}

impl std::error::Error for ApiError {}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        rule(self.kind).status
    }

    fn error_response(&self) -> HttpResponse {
        problem::respond(self, None)
    }
}

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> Self {
        let kind = error.kind();
        if matches!(kind, ErrorKind::Internal | ErrorKind::StorageUnavailable | ErrorKind::StorageFull) {
            let cause = causes(&error);
            tracing::error!(code = kind.code(), cause, "a use case failed");
        }
        Self::with_fields(kind, error.detail(), error.fields().to_vec())
    }
}

impl From<TurnFailure> for ApiError {
    fn from(failure: TurnFailure) -> Self {
        Self { message_id: Some(failure.message_id), ..Self::new(failure.kind, failure.detail) }
    }
}

/// The error and everything behind it, for the log.
fn causes(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(error.source(), |cause| cause.source());
    chain.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_kind_has_an_error_status_and_words_of_its_own() {
        let mut titles = HashSet::new();
        for kind in ErrorKind::ALL {
            let rule = rule(kind);
            assert!(rule.status.is_client_error() || rule.status.is_server_error(), "{kind:?}");
            assert!(titles.insert(rule.title), "{kind:?} shares its title with another kind");
            assert!(rule.advice.ends_with('.'), "{kind:?}");
        }
    }

    #[test]
    fn what_is_not_yours_looks_like_what_does_not_exist() {
        let error = ApiError::from(ServiceError::not_found("conversation"));
        assert_eq!(error.status_code(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn failed_reply_keeps_its_message_id() {
        let id = MessageId(uuid::Uuid::from_u128(7));
        let failure = TurnFailure { kind: ErrorKind::UpstreamTimeout, detail: "late".into(), message_id: id };
        let error = ApiError::from(failure);
        assert_eq!((error.status_code(), error.message_id), (StatusCode::GATEWAY_TIMEOUT, Some(id)));
    }

    #[test]
    fn text_of_framework_errors_does_not_reach_the_client() {
        let error = ApiError::from_framework(&actix_web::error::ErrorInternalServerError("/var/lib/secret"));
        assert_eq!(error.kind, ErrorKind::Internal);
        assert!(!error.detail.contains("secret"));
    }
}
