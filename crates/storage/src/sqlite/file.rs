//! The database file: checked, made where it may be made, and opened.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use diesel::{Connection as _, connection::SimpleConnection};

use super::{Connection, migrations};
use crate::{DatabaseLocation, DatabaseSettings, StorageOpenError};

/// The first bytes of every SQLite file (<https://www.sqlite.org/fileformat.html>, section 1.2).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Page cache of the writer and of each reader, in KiB. Most reads come from the memory map instead.
const WRITER_CACHE_KIB: u32 = 32 << 10;
const READER_CACHE_KIB: u32 = 4 << 10;
/// Bytes of the file that are mapped rather than copied.
const MMAP_BYTES: u32 = 256 << 20;
/// Size to which the write-ahead log is cut back after a burst.
const WAL_KEPT_BYTES: u32 = 64 << 20;
/// Pause before the switch to WAL is tried again.
const WAL_PAUSE: Duration = Duration::from_millis(10);
/// SQLite's default page, which `max_file_bytes` is counted in.
const PAGE_BYTES: u64 = 4096;

/// A checked database file, and how it is to be used.
#[derive(Debug, Clone)]
pub(crate) struct DatabaseFile {
    path: PathBuf,
    settings: DatabaseSettings,
}

impl DatabaseFile {
    /// Checks that the file is ours, and makes it where it is missing and may be made.
    pub(crate) fn prepare(settings: DatabaseSettings) -> Result<Self, StorageOpenError> {
        let path = settings.location.file();
        let path = std::path::absolute(&path).map_err(|error| not_writable(&path, &error))?;
        match &settings.location {
            DatabaseLocation::DataFolder(folder) => {
                make_folder(folder).map_err(|error| not_writable(folder, &error))?;
                make_file(&path)?;
            }
            DatabaseLocation::File { create: true, .. } => make_file(&path)?,
            DatabaseLocation::File { create: false, .. } if !path.is_file() => {
                return Err(StorageOpenError::FileMissing { path });
            }
            DatabaseLocation::File { create: false, .. } => {}
        }
        check_magic(&path)?;
        Ok(Self { path, settings })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn settings(&self) -> &DatabaseSettings {
        &self.settings
    }

    /// `name` put at the end of the file's own name.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        let mut file = OsString::from(&self.path);
        file.push(name);
        file.into()
    }

    pub(crate) fn size_bytes(&self) -> io::Result<u64> {
        let log = fs::metadata(self.beside("-wal")).map_or(0, |metadata| metadata.len());
        Ok(fs::metadata(&self.path)?.len() + log)
    }

    /// The address that never makes a file: one that vanished must not come back empty.
    pub(crate) fn address(&self) -> Result<String, StorageOpenError> {
        let path = self.path.to_str().ok_or_else(|| StorageOpenError::Setting {
            name: "database.url",
            allowed: "a path in UTF-8",
            got: self.path.to_string_lossy().into_owned(),
        })?;
        // In a file: address only these mean something (https://www.sqlite.org/uri.html).
        let path = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        Ok(format!("file:{path}?mode=rw"))
    }

    /// A connection that may write, after the check that the schema is one we know.
    pub(crate) fn connect_writer(&self) -> Result<Connection, StorageOpenError> {
        let mut conn = self.establish()?;
        self.enter_wal(&mut conn)?;
        let max_pages = self.settings.max_file_bytes.map(|bytes| bytes.div_ceil(PAGE_BYTES));
        let limit = max_pages.map_or_else(String::new, |pages| format!("PRAGMA max_page_count = {pages};"));
        let options = format!(
            "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;
             PRAGMA cache_size = -{WRITER_CACHE_KIB}; PRAGMA mmap_size = {MMAP_BYTES};
             PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = {WAL_KEPT_BYTES}; {limit}
             BEGIN IMMEDIATE; ROLLBACK;"
        );
        conn.batch_execute(&options).map_err(|error| self.refusal(error))?;
        migrations::check_known(&mut conn, self)?;
        Ok(conn)
    }

    /// Programs that start at once on a new file all switch it to WAL, and SQLite refuses all but one at once: its own
    /// waiting does not cover this switch.
    fn enter_wal(&self, conn: &mut Connection) -> Result<(), StorageOpenError> {
        let mut waited = Duration::ZERO;
        loop {
            match conn.batch_execute("PRAGMA journal_mode = WAL;") {
                Err(error) if waited < self.settings.busy_timeout && error.to_string().contains("locked") => {
                    std::thread::sleep(WAL_PAUSE);
                    waited += WAL_PAUSE;
                }
                outcome => return outcome.map_err(|error| self.refusal(error)),
            }
        }
    }

    /// Sets up a connection of the readers' pool.
    pub(crate) fn prepare_reader(&self, conn: &mut Connection) -> diesel::QueryResult<()> {
        conn.batch_execute(&format!(
            "PRAGMA busy_timeout = {}; PRAGMA query_only = ON; PRAGMA cache_size = -{READER_CACHE_KIB};
             PRAGMA mmap_size = {MMAP_BYTES}; PRAGMA temp_store = MEMORY;",
            self.settings.busy_timeout.as_millis()
        ))
    }

    fn establish(&self) -> Result<Connection, StorageOpenError> {
        let mut conn = Connection::establish(&self.address()?).map_err(|error| self.refusal(error))?;
        let wait = format!("PRAGMA busy_timeout = {};", self.settings.busy_timeout.as_millis());
        conn.batch_execute(&wait).map_err(|error| self.refusal(error))?;
        Ok(conn)
    }

    /// Sorts what the engine says when it cannot open or write the file.
    pub(crate) fn refusal(&self, error: impl std::error::Error + Send + Sync + 'static) -> StorageOpenError {
        let text = error.to_string();
        if text.contains("readonly") || text.contains("unable to open") {
            let folder = self.path.parent().unwrap_or(&self.path);
            return StorageOpenError::Folder { path: folder.to_owned(), reason: text };
        }
        if text.contains("not a database") {
            return StorageOpenError::NotADatabase { path: self.path.clone() };
        }
        StorageOpenError::Engine { path: self.path.clone(), source: Box::new(error) }
    }
}

fn not_writable(path: &Path, error: &io::Error) -> StorageOpenError {
    StorageOpenError::Folder { path: path.to_owned(), reason: error.to_string() }
}

/// Makes the folder and those above it, for their owner alone.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes an empty file, which is an empty database; its log and index files take over its mode.
fn make_file(path: &Path) -> Result<(), StorageOpenError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(not_writable(path.parent().unwrap_or(path), &error)),
    }
}

fn check_magic(path: &Path) -> Result<(), StorageOpenError> {
    let refuse = || StorageOpenError::NotADatabase { path: path.to_owned() };
    let read = |error| StorageOpenError::Engine { path: path.to_owned(), source: Box::new(error) };
    if !path.is_file() {
        return Err(refuse());
    }
    let mut head = Vec::with_capacity(MAGIC.len());
    let file = fs::File::open(path).map_err(read)?;
    file.take(MAGIC.len() as u64).read_to_end(&mut head).map_err(read)?;
    if head.is_empty() || head == MAGIC { Ok(()) } else { Err(refuse()) }
}
