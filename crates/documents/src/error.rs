//! What can go wrong between the bytes of a file and its chunks.

use domain::ErrorKind;
use serde::{Deserialize, Serialize};

/// Why a file could not be turned into text, or text into chunks.
///
/// The variants about the file itself travel as JSON from the parse worker to its parent; the others arise in
/// the process that asks.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum DocumentError {
    /// The file has no bytes.
    #[error("{name:?} has 0 bytes; upload a file with content")]
    EmptyFile {
        /// File name as given.
        name: String,
    },
    /// The content is of a kind that this crate does not read, or not what the name claims.
    #[error("{name:?} {}is {detected}, which cannot be read; expected PDF, plain text or Markdown", claim(claimed.as_deref()))]
    UnsupportedType {
        /// File name as given.
        name: String,
        /// The format that the name's extension claims, when it is another one than was found.
        claimed: Option<String>,
        /// What the content is.
        detected: String,
    },
    /// The file opens only with a password.
    #[error("the PDF needs a password to open; upload a copy saved without one")]
    PasswordProtected,
    /// The file is damaged, or of a variant that the parser does not know.
    #[error("the file cannot be read: {detail}; open it in its own program, save it again and upload that")]
    Unreadable {
        /// What the parser found.
        detail: String,
    },
    /// The file opens but holds no text.
    #[error(
        "no text found on {pages} page(s) with {images} image(s); a scan needs text recognition (OCR) before the upload"
    )]
    NoText {
        /// Number of pages.
        pages: u32,
        /// Images drawn on them.
        images: u32,
    },
    /// The file is larger than a limit on pages, text, objects, memory or time.
    #[error("the file exceeds the limit of {limit} {what}; split it into smaller files")]
    LimitsExceeded {
        /// What is limited, with its unit.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// Chunk settings that contradict themselves.
    #[error("{detail}")]
    BadChunkSettings {
        /// What was expected and what came.
        detail: String,
    },
    /// All parse workers are busy and the queue is full.
    #[serde(skip)]
    #[error("all parse workers are busy and {queued} file(s) wait already; try again in a few seconds")]
    Busy {
        /// Length of the queue.
        queued: usize,
    },
    /// The parse worker could not be started or talked to.
    #[serde(skip)]
    #[error("the parse worker failed while {doing}; check that the program can start child processes")]
    Worker {
        /// What was being done.
        doing: String,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
}

fn claim(claimed: Option<&str>) -> String {
    claimed.map(|format| format!("is named as {format} but its content ")).unwrap_or_default()
}

impl DocumentError {
    /// The stable code of this failure, as in the API's list of document and upload errors.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::EmptyFile { .. } => "empty_file",
            Self::UnsupportedType { .. } => "unsupported_type",
            Self::PasswordProtected => "password_protected",
            Self::Unreadable { .. } => "unreadable",
            Self::NoText { .. } => "no_text",
            Self::LimitsExceeded { .. } => "limits_exceeded",
            Self::BadChunkSettings { .. } => "validation_failed",
            Self::Busy { .. } => "overloaded",
            Self::Worker { .. } => "internal",
        }
    }

    /// The kind of this failure in the vocabulary that crosses crates.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::EmptyFile { .. } => ErrorKind::EmptyFile,
            Self::UnsupportedType { .. } => ErrorKind::UnsupportedType,
            Self::PasswordProtected => ErrorKind::PasswordProtected,
            Self::Unreadable { .. } => ErrorKind::Unreadable,
            Self::NoText { .. } => ErrorKind::NoText,
            Self::LimitsExceeded { .. } => ErrorKind::LimitsExceeded,
            Self::BadChunkSettings { .. } => ErrorKind::ValidationFailed,
            Self::Busy { .. } => ErrorKind::Overloaded,
            Self::Worker { .. } => ErrorKind::Internal,
        }
    }

    pub(crate) fn unreadable(detail: impl Into<String>) -> Self {
        Self::Unreadable { detail: detail.into() }
    }

    pub(crate) fn worker(doing: &str, source: std::io::Error) -> Self {
        Self::Worker { doing: doing.to_owned(), source }
    }

    pub(crate) fn limit(what: &str, limit: u64) -> Self {
        Self::LimitsExceeded { what: what.to_owned(), limit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_faults_survive_the_trip_from_the_worker() {
        let sent = DocumentError::NoText { pages: 3, images: 2 };
        let json = serde_json::to_string(&sent).unwrap();
        let got: DocumentError = serde_json::from_str(&json).unwrap();
        assert_eq!(got.code(), "no_text");
        assert_eq!(got.to_string(), sent.to_string());
    }

    #[test]
    fn a_misnamed_file_is_told_both_what_it_claims_and_what_it_is() {
        let error = DocumentError::UnsupportedType {
            name: "report.pdf".into(),
            claimed: Some("PDF".into()),
            detected: "ZIP".into(),
        };
        let message = error.to_string();
        assert!(message.contains("named as PDF") && message.contains("ZIP"), "{message}");
    }
}
