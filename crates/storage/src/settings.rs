//! Where the database is and how much of the machine it may take.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::StorageOpenError;

/// Name of the file in the data folder.
const FILE_NAME: &str = "causerie.sqlite3";

/// Where the rows are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseLocation {
    /// `causerie.sqlite3` in this folder; folder and file are made where they are missing.
    DataFolder(PathBuf),
    /// This file, whose folder must exist.
    File {
        /// The file.
        path: PathBuf,
        /// Whether a missing file is made.
        create: bool,
    },
}

impl DatabaseLocation {
    /// Reads `database.url`: empty is the file in `data_dir`; `sqlite://PATH` a file that must be there, unless
    /// `?mode=rwc` asks for a new one.
    ///
    /// # Errors
    /// [`StorageOpenError::UnsupportedUrl`] for anything else: a database is never made by accident.
    pub fn from_url(url: &str, data_dir: &Path) -> Result<Self, StorageOpenError> {
        let url = url.trim();
        if url.is_empty() {
            return Ok(Self::DataFolder(data_dir.to_owned()));
        }
        let unsupported = || StorageOpenError::UnsupportedUrl { scheme: scheme_of(url).to_owned() };
        let rest = url.strip_prefix("sqlite://").ok_or_else(unsupported)?;
        let (path, create) = match rest.split_once('?') {
            None => (rest, false),
            Some((path, "mode=rwc")) => (path, true),
            Some((path, "mode=rw")) => (path, false),
            Some((_, query)) => {
                let allowed = "no options, ?mode=rw or ?mode=rwc after a sqlite:// path";
                return Err(StorageOpenError::Setting { name: "database.url", allowed, got: format!("?{query}") });
            }
        };
        if path.is_empty() || path.starts_with(':') {
            let allowed = "a path after sqlite://";
            return Err(StorageOpenError::Setting { name: "database.url", allowed, got: format!("`{path}`") });
        }
        Ok(Self::File { path: path.into(), create })
    }

    /// The database file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        match self {
            Self::DataFolder(folder) => folder.join(FILE_NAME),
            Self::File { path, .. } => path.clone(),
        }
    }
}

/// The scheme, or the first characters where there is none; never what may be a password.
fn scheme_of(url: &str) -> &str {
    match url.split_once(':') {
        Some((scheme, _)) => scheme,
        None => url.char_indices().nth(12).map_or(url, |(end, _)| &url[..end]),
    }
}

/// How a [`crate::Database`] is opened.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// Where it is.
    pub location: DatabaseLocation,
    /// Connections that read side by side, 1 to 64; each runs on a thread of its own while it reads.
    pub pool_size: u32,
    /// Reads that may wait for a connection; one more is answered `Busy`.
    pub read_queue: usize,
    /// Writes that may wait for the writer, at least 1; one more is answered `Busy`.
    pub write_queue: usize,
    /// How long another process may hold the database before a write gives up.
    pub busy_timeout: Duration,
    /// Bytes that vectors cached for dense search may take. A search that needs more still runs; what was not used
    /// for longest is dropped.
    pub vector_cache_bytes: usize,
    /// Size that the database file may not grow beyond; absent is the free space of the disk.
    pub max_file_bytes: Option<u64>,
}

impl DatabaseSettings {
    /// The defaults, at `location`. 512 MiB of cached vectors are 1.2 million passages at 384 dimensions.
    #[must_use]
    pub fn new(location: DatabaseLocation) -> Self {
        Self {
            location,
            pool_size: 4,
            read_queue: 1024,
            write_queue: 1024,
            busy_timeout: Duration::from_secs(10),
            vector_cache_bytes: 512 << 20,
            max_file_bytes: None,
        }
    }

    /// The defaults, with the file in `folder`.
    #[must_use]
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self::new(DatabaseLocation::DataFolder(folder.into()))
    }

    pub(crate) fn check(&self) -> Result<(), StorageOpenError> {
        let refuse = |name, allowed, got| Err(StorageOpenError::Setting { name, allowed, got });
        if !(1..=64).contains(&self.pool_size) {
            return refuse("database.pool_size", "1 to 64", self.pool_size.to_string());
        }
        if self.write_queue == 0 {
            return refuse("database.write_queue", "1 or more", self.write_queue.to_string());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_url_is_the_file_in_the_data_folder() {
        let location = DatabaseLocation::from_url(" ", Path::new("/data")).unwrap();
        assert_eq!(location.file(), Path::new("/data/causerie.sqlite3"));
    }

    #[test]
    fn sqlite_url_names_a_file_and_makes_it_only_when_asked() {
        let parse = |url| DatabaseLocation::from_url(url, Path::new("/data")).unwrap();
        assert_eq!(parse("sqlite:///a/b.db"), DatabaseLocation::File { path: "/a/b.db".into(), create: false });
        assert_eq!(parse("sqlite://b.db?mode=rwc"), DatabaseLocation::File { path: "b.db".into(), create: true });
    }

    #[test]
    fn unclear_urls_are_refused_without_repeating_what_may_be_secret() {
        for url in ["postgres://u:secret@host/db", "sqlite:/x", "file:x", "/tmp/x.db", "sqlite://", "sqlite://:memory:"]
        {
            let error = DatabaseLocation::from_url(url, Path::new("/data")).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
