//! Why a database or a folder of files cannot be opened.

use std::{error::Error, path::PathBuf};

use domain::ErrorKind;

/// A failure before anything could be read or written. The texts are for the person who starts the program.
#[derive(Debug, thiserror::Error)]
pub enum StorageOpenError {
    /// The database URL is of a kind that this build does not know.
    #[error(
        "database.url: expected nothing (a file in the data folder) or sqlite://PATH, but it begins with `{scheme}`; \
         take one of these two"
    )]
    UnsupportedUrl {
        /// What the URL begins with; the rest may hold a password and is not repeated.
        scheme: String,
    },
    /// A setting is out of range.
    #[error("{name}: expected {allowed}, got {got}")]
    Setting {
        /// Which setting.
        name: &'static str,
        /// What is allowed.
        allowed: &'static str,
        /// What came.
        got: String,
    },
    /// The folder cannot be made or written to.
    #[error(
        "cannot write to the folder {}: {reason}; make it writable for the user who runs the program, or name another \
         folder in data.dir", path.display()
    )]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A database file was named that does not exist.
    #[error(
        "there is no database file {}: correct database.url, or add ?mode=rwc to it if a new one is to be made",
        path.display()
    )]
    FileMissing {
        /// The file.
        path: PathBuf,
    },
    /// The file exists and is no SQLite database.
    #[error("{} is not a SQLite database: move it away, or correct database.url", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is another program's database.
    #[error("{} is the database of another program: correct database.url or data.dir", path.display())]
    ForeignDatabase {
        /// The file.
        path: PathBuf,
    },
    /// The database was written by a newer version of this program.
    #[error(
        "the database {} has schema {newest}, which is newer than this program: start the version that wrote it, or \
         put back the copy that was made before it was migrated", path.display()
    )]
    SchemaNewer {
        /// The file.
        path: PathBuf,
        /// The newest migration that is unknown here.
        newest: String,
    },
    /// The copy that is made before a migration failed; nothing was migrated.
    #[error("no copy of the database could be made at {}, so nothing was migrated: free some space there", path.display())]
    Snapshot {
        /// Where the copy was to be.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A migration failed and was rolled back.
    #[error("the database could not be migrated and is as it was before: see the cause")]
    Migration(#[source] Box<dyn Error + Send + Sync>),
    /// The engine refused for another reason.
    #[error("cannot open the database {}: see the cause", path.display())]
    Engine {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StorageOpenError {
    /// The kind that callers see.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnsupportedUrl { .. } | Self::Setting { .. } => ErrorKind::ValidationFailed,
            Self::Snapshot { .. } => ErrorKind::StorageFull,
            Self::Migration(_) => ErrorKind::Internal,
            Self::Folder { .. }
            | Self::FileMissing { .. }
            | Self::NotADatabase { .. }
            | Self::ForeignDatabase { .. }
            | Self::SchemaNewer { .. }
            | Self::Engine { .. } => ErrorKind::StorageUnavailable,
        }
    }
}
