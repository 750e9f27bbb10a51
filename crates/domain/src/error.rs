//! What can go wrong, in the words that callers act on.

/// The kinds of failure that cross a crate boundary.
///
/// Each is something a caller can do something about and has one stable [`ErrorKind::code`]; the HTTP layer maps
/// every kind to exactly one status in a single table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A value is missing, of the wrong type or out of range.
    ValidationFailed,
    /// A field that this endpoint does not have.
    UnknownField,
    /// The request contradicts itself.
    BadRequest,
    /// A list cursor that this server did not issue.
    BadCursor,
    /// No credentials were sent.
    Unauthenticated,
    /// A token that is malformed, forged or for somebody else.
    InvalidToken,
    /// A token past its expiry.
    TokenExpired,
    /// The session behind a token was ended.
    SessionRevoked,
    /// A refresh token was used a second time.
    RefreshReused,
    /// Name and password do not match.
    InvalidCredentials,
    /// An administrator suspended the account.
    AccountSuspended,
    /// Only administrators may do this.
    AdminOnly,
    /// New accounts are not accepted.
    RegistrationClosed,
    /// It does not exist, or it is not yours.
    NotFound,
    /// The address exists, the method does not.
    MethodNotAllowed,
    /// The user name belongs to somebody.
    UsernameTaken,
    /// The address belongs to somebody.
    EmailTaken,
    /// A reply is being generated in this conversation.
    TurnInProgress,
    /// The document has no text yet, or never will.
    DocumentNotReady,
    /// The request body is over `server.max_body_bytes`.
    PayloadTooLarge,
    /// An uploaded file is over `documents.max_upload_bytes`.
    FileTooLarge,
    /// A file of a kind that cannot be read.
    UnsupportedType,
    /// A request body of a media type that this endpoint does not take.
    UnsupportedMediaType,
    /// A file of zero bytes.
    EmptyFile,
    /// A document that needs a password.
    PasswordProtected,
    /// A document that is damaged.
    Unreadable,
    /// A document without any text.
    NoText,
    /// A document over a limit on pages, text, time or memory.
    LimitsExceeded,
    /// The mode is not configured.
    UnknownMode,
    /// The model is not configured.
    UnknownModel,
    /// The new message alone does not fit the model's context.
    MessageTooLong,
    /// Too many requests in a span of time.
    RateLimited,
    /// Too many replies of this user are running.
    TooManyRunning,
    /// A bounded queue is full; trying again helps.
    Overloaded,
    /// The request was not complete in time.
    RequestTimeout,
    /// The model provider answered with a failure.
    UpstreamFailed,
    /// The model provider did not answer in time.
    UpstreamTimeout,
    /// No chat model is configured, or it cannot be loaded.
    NoModel,
    /// The reply was cut off by a stop of the server.
    Interrupted,
    /// The server is stopping.
    ShuttingDown,
    /// The database or file store does not answer.
    StorageUnavailable,
    /// No space is left where data is kept.
    StorageFull,
    /// A fault of ours.
    Internal,
}

impl ErrorKind {
    /// Every kind, for tables and documentation.
    pub const ALL: [Self; 43] = [
        Self::ValidationFailed,
        Self::UnknownField,
        Self::BadRequest,
        Self::BadCursor,
        Self::Unauthenticated,
        Self::InvalidToken,
        Self::TokenExpired,
        Self::SessionRevoked,
        Self::RefreshReused,
        Self::InvalidCredentials,
        Self::AccountSuspended,
        Self::AdminOnly,
        Self::RegistrationClosed,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::UsernameTaken,
        Self::EmailTaken,
        Self::TurnInProgress,
        Self::DocumentNotReady,
        Self::PayloadTooLarge,
        Self::FileTooLarge,
        Self::UnsupportedType,
        Self::UnsupportedMediaType,
        Self::EmptyFile,
        Self::PasswordProtected,
        Self::Unreadable,
        Self::NoText,
        Self::LimitsExceeded,
        Self::UnknownMode,
        Self::UnknownModel,
        Self::MessageTooLong,
        Self::RateLimited,
        Self::TooManyRunning,
        Self::Overloaded,
        Self::RequestTimeout,
        Self::UpstreamFailed,
        Self::UpstreamTimeout,
        Self::NoModel,
        Self::Interrupted,
        Self::ShuttingDown,
        Self::StorageUnavailable,
        Self::StorageFull,
        Self::Internal,
    ];

    /// The stable code that clients see, in problems, in error events and in stored failures.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ValidationFailed => "validation_failed",
            Self::UnknownField => "unknown_field",
            Self::BadRequest => "bad_request",
            Self::BadCursor => "bad_cursor",
            Self::Unauthenticated => "unauthenticated",
            Self::InvalidToken => "invalid_token",
            Self::TokenExpired => "token_expired",
            Self::SessionRevoked => "session_revoked",
            Self::RefreshReused => "refresh_reused",
            Self::InvalidCredentials => "invalid_credentials",
            Self::AccountSuspended => "account_suspended",
            Self::AdminOnly => "admin_only",
            Self::RegistrationClosed => "registration_closed",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::UsernameTaken => "username_taken",
            Self::EmailTaken => "email_taken",
            Self::TurnInProgress => "turn_in_progress",
            Self::DocumentNotReady => "document_not_ready",
            Self::PayloadTooLarge => "payload_too_large",
            Self::FileTooLarge => "file_too_large",
            Self::UnsupportedType => "unsupported_type",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::EmptyFile => "empty_file",
            Self::PasswordProtected => "password_protected",
            Self::Unreadable => "unreadable",
            Self::NoText => "no_text",
            Self::LimitsExceeded => "limits_exceeded",
            Self::UnknownMode => "unknown_mode",
            Self::UnknownModel => "unknown_model",
            Self::MessageTooLong => "message_too_long",
            Self::RateLimited => "rate_limited",
            Self::TooManyRunning => "too_many_running",
            Self::Overloaded => "overloaded",
            Self::RequestTimeout => "request_timeout",
            Self::UpstreamFailed => "upstream_failed",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::NoModel => "no_model",
            Self::Interrupted => "interrupted",
            Self::ShuttingDown => "shutting_down",
            Self::StorageUnavailable => "storage_unavailable",
            Self::StorageFull => "storage_full",
            Self::Internal => "internal_error",
        }
    }

    /// Whether the same request may succeed later without being changed.
    #[must_use]
    pub fn retryable(self) -> bool {
        matches!(
            self,
            Self::TurnInProgress
                | Self::RateLimited
                | Self::TooManyRunning
                | Self::Overloaded
                | Self::RequestTimeout
                | Self::UpstreamFailed
                | Self::UpstreamTimeout
                | Self::Interrupted
                | Self::ShuttingDown
                | Self::StorageUnavailable
                | Self::StorageFull
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_kind_is_listed_once_with_a_code_of_its_own() {
        let kinds: HashSet<_> = ErrorKind::ALL.into_iter().collect();
        let codes: HashSet<_> = ErrorKind::ALL.into_iter().map(ErrorKind::code).collect();
        assert_eq!(kinds.len(), ErrorKind::ALL.len());
        assert_eq!(codes.len(), ErrorKind::ALL.len());
    }
}
