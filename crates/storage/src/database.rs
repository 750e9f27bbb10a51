//! The database that the ports are implemented on.

use std::{path::Path, sync::Arc};

use diesel::{QueryableByName, RunQueryDsl, dsl, sql_types::Text};
use domain::ports::StoreError;

use crate::{
    DatabaseSettings, StorageOpenError,
    fault::Fault,
    sqlite::{self, Connection, DatabaseFile, MigrationReport, Readers, Writer},
    vectors::VectorCache,
};

/// A SQLite database with one writer and a pool of readers; cheap to clone.
///
/// Writes queue in front of one thread, which commits what waits together; each is answered only after its commit,
/// and a full queue is answered [`StoreError::Busy`] at once. Reads run side by side on the runtime's blocking
/// threads, each on one consistent snapshot. No call blocks the async worker it is made from, except the ones that
/// are not `async`: opening and migrating, which belong at the start of the program.
///
/// Another process may read and write the same file meanwhile.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    file: DatabaseFile,
    writer: Writer,
    readers: Readers,
    vectors: Arc<VectorCache>,
}

impl Database {
    /// Opens the database, or makes an empty one where [`crate::DatabaseLocation`] allows it. Blocks.
    ///
    /// The schema is not touched: call [`Database::migrate`] before the first use.
    ///
    /// # Errors
    /// [`StorageOpenError`], each with what to do about it; among them a file that is no database and a schema
    /// newer than this program.
    pub fn open(settings: DatabaseSettings) -> Result<Self, StorageOpenError> {
        settings.check()?;
        let file = DatabaseFile::prepare(settings)?;
        let connection = file.connect_writer()?;
        let readers = Readers::open(&file)?;
        let vectors = Arc::new(VectorCache::new(file.settings().vector_cache_bytes));
        let forget = Arc::clone(&vectors);
        // Vectors are published just before the commit, so a commit that fails makes the cache wrong.
        let writer = Writer::start(file.clone(), connection, move || forget.clear())?;
        Ok(Self { inner: Arc::new(Inner { file, writer, readers, vectors }) })
    }

    /// Brings the schema up to date, after a copy of a database that already holds something was made beside it.
    /// Blocks. Two processes that do this at once do not disturb each other.
    ///
    /// # Errors
    /// [`StorageOpenError::Snapshot`] or [`StorageOpenError::Migration`]; the database is as it was before.
    pub fn migrate(&self) -> Result<MigrationReport, StorageOpenError> {
        sqlite::migrate(&self.inner.file)
    }

    /// The migrations that [`Database::migrate`] would apply, oldest first. Blocks.
    ///
    /// # Errors
    /// [`StorageOpenError::Engine`] where the database cannot be read.
    pub fn pending(&self) -> Result<Vec<String>, StorageOpenError> {
        sqlite::pending(&self.inner.file)
    }

    /// Whether reads and writes are answered; for the readiness probe.
    ///
    /// # Errors
    /// What a read or write would be answered now.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read(|conn| Ok(diesel::select(dsl::sql::<diesel::sql_types::Integer>("1")).get_result::<i32>(conn)?))
            .await?;
        self.write(|_| Ok(())).await
    }

    /// Reads every page and compares indexes with rows: the faults found, none when all is well. Takes seconds per
    /// gigabyte; searches by words are checked too.
    ///
    /// # Errors
    /// [`StoreError`] where the check itself cannot run.
    pub async fn integrity_check(&self) -> Result<Vec<String>, StoreError> {
        self.read(check_integrity).await
    }

    /// Bytes of the database file and its write-ahead log.
    ///
    /// # Errors
    /// [`std::io::Error`] where the file cannot be looked at.
    pub fn size_bytes(&self) -> std::io::Result<u64> {
        self.inner.file.size_bytes()
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.inner.file.path()
    }

    /// Commits what is queued and closes the writer; later writes are answered [`StoreError::Unavailable`].
    /// A process that ends without it loses nothing that was acknowledged.
    pub async fn close(&self) {
        self.inner.writer.close().await;
    }

    pub(crate) fn vectors(&self) -> Arc<VectorCache> {
        Arc::clone(&self.inner.vectors)
    }

    pub(crate) async fn read<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    {
        self.inner.readers.run(work).await
    }

    pub(crate) async fn write<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    {
        self.inner.writer.submit(work).await
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("path", &self.inner.file.path()).finish_non_exhaustive()
    }
}

#[derive(QueryableByName)]
struct Finding {
    #[diesel(sql_type = Text)]
    finding: String,
}

fn check_integrity(conn: &mut Connection) -> Result<Vec<String>, Fault> {
    let pages = "SELECT integrity_check AS finding FROM pragma_integrity_check WHERE integrity_check <> 'ok'";
    let references = "SELECT \"table\" || ' has a row that names a missing ' || parent AS finding \
                      FROM pragma_foreign_key_check";
    let words = "SELECT 'passage ' || id || ' is missing from the keyword index' AS finding FROM chunks \
                 WHERE seq NOT IN (SELECT id FROM chunk_search_docsize) LIMIT 100";
    let leftovers = "SELECT 'the keyword index has an entry ' || id || ' without a passage' AS finding \
                     FROM chunk_search_docsize WHERE id NOT IN (SELECT seq FROM chunks) LIMIT 100";
    let mut findings = Vec::new();
    for query in [pages, references, words, leftovers] {
        findings.extend(diesel::sql_query(query).load::<Finding>(conn)?.into_iter().map(|row| row.finding));
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> (Database, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(DatabaseSettings::in_folder(folder.path())).unwrap();
        database.migrate().unwrap();
        (database, folder)
    }

    #[tokio::test]
    async fn a_write_that_panics_hurts_no_later_one() {
        let (database, _folder) = open();
        let panicked = database.write::<(), _>(|_| panic!("on purpose")).await;
        assert!(matches!(panicked, Err(StoreError::Internal(_))));
        database.ping().await.unwrap();
    }

    #[tokio::test]
    async fn a_reader_cannot_write() {
        let (database, _folder) = open();
        let refused = database.read(|conn| Ok(diesel::sql_query("DELETE FROM users").execute(conn)?)).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    }

    #[tokio::test]
    async fn the_check_finds_an_index_that_lost_an_entry() {
        let (database, _folder) = open();
        assert_eq!(database.integrity_check().await.unwrap(), Vec::<String>::new());
        let insert = "INSERT INTO chunk_search (rowid, text, title, owner) VALUES (7, 'x', 'y', 'z')";
        database.write(move |conn| Ok(diesel::sql_query(insert).execute(conn)?)).await.unwrap();
        assert_eq!(database.integrity_check().await.unwrap().len(), 1);
    }
}
