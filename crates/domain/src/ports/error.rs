use std::error::Error;

use crate::ErrorKind;

/// A rule of uniqueness that a write would break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// Another account has the user name.
    Username,
    /// Another account has the address.
    Email,
    /// A reply is running in the conversation.
    RunningTurn,
    /// The same thing is there already.
    Duplicate,
}

/// A failed read or write of stored data.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The write would break a rule of uniqueness; nothing was written.
    #[error("the write conflicts with what is stored: {0:?}")]
    Conflict(Conflict),
    /// The row to change is not there, or not yours; nothing was written.
    #[error("there is nothing to change: it does not exist or belongs to somebody else")]
    Missing,
    /// The queue in front of the store is full; nothing was written.
    #[error("the store is busy: its queue is full, try again")]
    Busy,
    /// No space is left; nothing was written.
    #[error("no space is left where data is kept: free some, then try again")]
    Full(#[source] Box<dyn Error + Send + Sync>),
    /// The store cannot be reached or written to.
    #[error("the store does not answer: check that its server or folder is there and may be written")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The store holds something that it should not.
    #[error("stored data cannot be read back: {detail}")]
    Corrupt {
        /// What is wrong with it.
        detail: String,
    },
    /// The store refused what we asked: a fault of ours.
    #[error("the store refused a statement")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
}

impl StoreError {
    /// The kind that callers see.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Conflict(Conflict::Username) => ErrorKind::UsernameTaken,
            Self::Conflict(Conflict::Email) => ErrorKind::EmailTaken,
            Self::Conflict(Conflict::RunningTurn) => ErrorKind::TurnInProgress,
            Self::Conflict(Conflict::Duplicate) | Self::Corrupt { .. } | Self::Internal(_) => ErrorKind::Internal,
            Self::Missing => ErrorKind::NotFound,
            Self::Busy => ErrorKind::Overloaded,
            Self::Full(_) => ErrorKind::StorageFull,
            Self::Unavailable(_) => ErrorKind::StorageUnavailable,
        }
    }
}
