//! The one place where the engine's errors become [`StoreError`].

use std::sync::Arc;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use domain::ports::{Conflict, StoreError};

/// What a query inside this crate may fail with.
#[derive(Debug)]
pub(crate) enum Fault {
    /// A rule that we checked ourselves.
    Store(StoreError),
    /// What the engine said.
    Engine(DieselError),
}

impl From<DieselError> for Fault {
    fn from(error: DieselError) -> Self {
        Self::Engine(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Fault {
    /// What callers of a port see.
    pub(crate) fn into_store(self) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Engine(error) => from_engine(error),
        }
    }

    /// The outage, where the connection cannot be trusted to go on: its transaction may be gone already.
    pub(crate) fn outage(&self) -> Option<Outage> {
        match self {
            Self::Store(_) => None,
            Self::Engine(error) => Outage::of(error),
        }
    }
}

/// A failure of the engine itself, which ends the whole transaction with everything that was written in it.
#[derive(Debug, Clone)]
pub(crate) struct Outage {
    kind: OutageKind,
    cause: Cause,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OutageKind {
    Full,
    Unavailable,
    Corrupt,
    Internal,
}

/// The engine's own words, for the log.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
struct Cause(Arc<str>);

impl Outage {
    /// A fault of ours that left the connection in an unknown state.
    pub(crate) fn internal(cause: &str) -> Self {
        Self { kind: OutageKind::Internal, cause: Cause(cause.into()) }
    }

    /// The database cannot be reached.
    pub(crate) fn unavailable(cause: &str) -> Self {
        Self { kind: OutageKind::Unavailable, cause: Cause(cause.into()) }
    }

    fn of(error: &DieselError) -> Option<Self> {
        let kind = match error {
            DieselError::DatabaseError(_, info) => OutageKind::of_message(info.message())?,
            DieselError::RollbackErrorOnCommit { commit_error, .. } => {
                Self::of(commit_error).map_or(OutageKind::Unavailable, |outage| outage.kind)
            }
            DieselError::RollbackTransaction
            | DieselError::AlreadyInTransaction
            | DieselError::NotInTransaction
            | DieselError::BrokenTransactionManager => OutageKind::Unavailable,
            _ => return None,
        };
        Some(Self { kind, cause: Cause(error.to_string().into()) })
    }

    /// What every write of the transaction is answered.
    pub(crate) fn to_store(&self) -> StoreError {
        let source = Box::new(self.cause.clone());
        match self.kind {
            OutageKind::Full => StoreError::Full(source),
            OutageKind::Unavailable => StoreError::Unavailable(source),
            OutageKind::Corrupt => StoreError::Corrupt { detail: "the database file is damaged".into() },
            OutageKind::Internal => StoreError::Internal(source),
        }
    }
}

/// At the start and end of a transaction every error ends it, so each counts as an outage.
impl From<DieselError> for Outage {
    fn from(error: DieselError) -> Self {
        Self::of(&error).unwrap_or_else(|| Self::internal(&error.to_string()))
    }
}

impl OutageKind {
    /// Sorts SQLite's result codes, which diesel hands on only as their texts (`sqlite3_errstr` in `main.c`).
    fn of_message(message: &str) -> Option<Self> {
        const UNAVAILABLE: [&str; 9] = [
            "disk I/O error",
            "attempt to write a readonly database",
            "unable to open database file",
            "database is locked",
            "database table is locked",
            "locking protocol",
            "out of memory",
            "interrupted",
            "no such savepoint",
        ];
        if message.starts_with("database or disk is full") {
            return Some(Self::Full);
        }
        if message.starts_with("database disk image is malformed") || message.starts_with("file is not a database") {
            return Some(Self::Corrupt);
        }
        UNAVAILABLE.iter().any(|known| message.starts_with(known)).then_some(Self::Unavailable)
    }
}

fn from_engine(error: DieselError) -> StoreError {
    if let Some(outage) = Outage::of(&error) {
        return outage.to_store();
    }
    match error {
        DieselError::NotFound => StoreError::Missing,
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
            StoreError::Conflict(conflict_of(info.message()))
        }
        // The only foreign keys a caller can miss are the things that it names: an owner, a conversation, a document.
        DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => StoreError::Missing,
        DieselError::DeserializationError(cause) => StoreError::Corrupt { detail: cause.to_string() },
        other => StoreError::Internal(Box::new(other)),
    }
}

/// SQLite names the columns in its message; the partial index over running replies has one column.
fn conflict_of(message: &str) -> Conflict {
    match message.rsplit(": ").next() {
        Some("users.username_key") => Conflict::Username,
        Some("users.email_key") => Conflict::Email,
        Some("messages.conversation_id") => Conflict::RunningTurn,
        _ => Conflict::Duplicate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_violations_become_the_conflict_of_their_column() {
        let conflict = |column: &str| conflict_of(&format!("UNIQUE constraint failed: {column}"));
        assert_eq!(conflict("users.username_key"), Conflict::Username);
        assert_eq!(conflict("users.email_key"), Conflict::Email);
        assert_eq!(conflict("messages.conversation_id"), Conflict::RunningTurn);
        assert_eq!(conflict("messages.id"), Conflict::Duplicate);
    }

    #[test]
    fn a_full_disk_is_told_from_an_unreachable_one() {
        let store = |text: &str| {
            let info = Box::new(text.to_owned());
            Fault::from(DieselError::DatabaseError(DatabaseErrorKind::Unknown, info)).into_store()
        };
        assert!(matches!(store("database or disk is full"), StoreError::Full(_)));
        assert!(matches!(store("attempt to write a readonly database"), StoreError::Unavailable(_)));
        assert!(matches!(store("database disk image is malformed"), StoreError::Corrupt { .. }));
        assert!(matches!(store("no such table: x"), StoreError::Internal(_)));
    }
}
