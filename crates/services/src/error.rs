//! Why a use case was refused or failed.

use documents::DocumentError;
use domain::{
    ErrorKind, ModelError,
    ports::{Conflict, StoreError},
};
use memory_engine::AssemblyError;

/// A field of a request and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Name of the field as the client wrote it.
    pub field: String,
    /// What was expected, what came.
    pub message: String,
}

impl FieldError {
    /// A fault of one field.
    #[must_use]
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Why a use case was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A rule of ours says no.
    #[error("{detail}")]
    Rule {
        /// What kind of refusal.
        kind: ErrorKind,
        /// What was expected, what came, what to do; fit for a client.
        detail: String,
        /// The fields at fault, where there are any.
        fields: Vec<FieldError>,
    },
    /// Stored data could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A model failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A file could not be read.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A prompt cannot be assembled within its budget.
    #[error(transparent)]
    Assembly(#[from] AssemblyError),
}

impl ServiceError {
    /// A refusal of `kind`; `detail` is shown to the client.
    #[must_use]
    pub fn refuse(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self::Rule { kind, detail: detail.into(), fields: Vec::new() }
    }

    /// A refusal because one field breaks its rule.
    #[must_use]
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid_fields(vec![FieldError::new(field, message)])
    }

    /// A refusal because `fields` break their rules.
    #[must_use]
    pub fn invalid_fields(fields: Vec<FieldError>) -> Self {
        let names: Vec<&str> = fields.iter().map(|fault| fault.field.as_str()).collect();
        Self::Rule {
            kind: ErrorKind::ValidationFailed,
            detail: format!("the request was refused because of: {}", names.join(", ")),
            fields,
        }
    }

    /// `what` does not exist, or belongs to somebody else.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::refuse(ErrorKind::NotFound, format!("there is no such {what}, or it is not yours"))
    }

    /// The kind that callers act on.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Rule { kind, .. } => *kind,
            Self::Store(error) => error.kind(),
            Self::Model(error) => error.kind(),
            Self::Document(error) => error.kind(),
            Self::Assembly(error) => error.kind(),
        }
    }

    /// What a client may read: what was expected, what came, what to do. Internal causes are never in it; they
    /// are in `Display` and `source`, for the log.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Rule { detail, .. } => detail.clone(),
            Self::Store(error) => store_detail(error).to_owned(),
            Self::Model(error) => error.detail.clone(),
            Self::Document(DocumentError::Worker { .. }) => INTERNAL.to_owned(),
            Self::Document(error) => error.to_string(),
            Self::Assembly(error) => error.to_string(),
        }
    }

    /// The fields at fault; empty where the fault is not in a field.
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        match self {
            Self::Rule { fields, .. } => fields,
            Self::Store(_) | Self::Model(_) | Self::Document(_) | Self::Assembly(_) => &[],
        }
    }
}

const INTERNAL: &str = "the server failed; try again, and if it stays so report the request id to the operator";

fn store_detail(error: &StoreError) -> &'static str {
    match error {
        StoreError::Conflict(Conflict::Username) => "this user name belongs to somebody: choose another",
        StoreError::Conflict(Conflict::Email) => "this address belongs to an account: sign in, or give another address",
        StoreError::Conflict(Conflict::RunningTurn) => {
            "a reply is being written in this conversation: wait for its end, or cancel it"
        }
        StoreError::Missing => "there is no such thing, or it is not yours",
        StoreError::Busy => "the server is busy: try again in a few seconds",
        StoreError::Full(_) => {
            "no space is left on the server: nothing was saved; try again once the operator made room"
        }
        StoreError::Unavailable(_) => "the server's storage does not answer: nothing was saved; try again later",
        StoreError::Conflict(Conflict::Duplicate) | StoreError::Corrupt { .. } | StoreError::Internal(_) => INTERNAL,
    }
}

/// A fault of ours: `cause` goes to the log, the client learns only that there was one.
pub(crate) fn broken(cause: &str) -> ServiceError {
    tracing::error!(cause, "a fault of ours");
    ServiceError::refuse(ErrorKind::Internal, INTERNAL)
}

/// Collects the faults of several fields, so that a client hears of all of them at once.
#[derive(Debug, Default)]
pub(crate) struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// Notes a fault.
    pub(crate) fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(FieldError::new(field, message));
    }

    /// Fails if anything was noted.
    pub(crate) fn finish(self) -> Result<(), ServiceError> {
        if self.0.is_empty() { Ok(()) } else { Err(ServiceError::invalid_fields(self.0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_for_clients_hide_internal_causes() {
        let error = ServiceError::from(StoreError::Internal("no such table: users at /var/data".into()));
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(!error.detail().contains("users") && !error.detail().contains("/var"));
        let worker =
            DocumentError::Worker { doing: "starting".into(), source: std::io::Error::other("/usr/bin/secret") };
        assert!(!ServiceError::from(worker).detail().contains("secret"));
    }

    #[test]
    fn all_faulty_fields_are_told_at_once() {
        let mut faults = FieldErrors::default();
        faults.add("title", "too long");
        faults.add("tags", "too many");
        let error = faults.finish().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ValidationFailed);
        assert_eq!(error.fields().len(), 2);
        assert!(error.detail().contains("title, tags"));
        assert!(FieldErrors::default().finish().is_ok());
    }
}
