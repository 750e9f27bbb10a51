//! The schema's versions, embedded in the program.

use std::{error::Error, fs, path::PathBuf};

use diesel::{
    QueryableByName, RunQueryDsl,
    migration::{Migration, MigrationSource},
    sql_types::{BigInt, Text},
    sqlite::Sqlite,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{Connection, DatabaseFile};
use crate::StorageOpenError;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

type Cause = Box<dyn Error + Send + Sync>;

/// What a migration did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MigrationReport {
    /// Names of the migrations that were applied, oldest first.
    pub applied: Vec<String>,
    /// The copy of the database as it was before; absent where it was empty or nothing was to be done.
    pub snapshot: Option<PathBuf>,
}

/// Applies what is missing.
pub(crate) fn migrate(file: &DatabaseFile) -> Result<MigrationReport, StorageOpenError> {
    let mut conn = file.connect_writer()?;
    let missing = missing(&mut conn).map_err(StorageOpenError::Migration)?;
    let Some(next) = missing.first() else { return Ok(MigrationReport::default()) };
    let snapshot = match is_migrated(&mut conn) {
        Ok(true) => Some(copy_before(&mut conn, file, &version(next.as_ref()))?),
        _ => None,
    };
    // One immediate transaction around all: a second process waits here, then finds nothing left to do.
    let applied = conn
        .immediate_transaction::<_, Failed, _>(|conn| {
            let migrations = conn.pending_migrations(MIGRATIONS).map_err(Failed)?;
            let names = migrations.iter().map(|migration| migration.name().to_string()).collect();
            conn.run_migrations(&migrations).map_err(Failed)?;
            Ok::<Vec<String>, Failed>(names)
        })
        .map_err(|Failed(cause)| StorageOpenError::Migration(cause))?;
    Ok(MigrationReport { applied, snapshot })
}

/// Names of the migrations that are missing, oldest first.
pub(crate) fn pending(file: &DatabaseFile) -> Result<Vec<String>, StorageOpenError> {
    let mut conn = file.connect_writer()?;
    let missing =
        missing(&mut conn).map_err(|source| StorageOpenError::Engine { path: file.path().to_owned(), source })?;
    Ok(missing.iter().map(|migration| migration.name().to_string()).collect())
}

/// Refuses a database that is newer than the program, or not ours.
pub(crate) fn check_known(conn: &mut Connection, file: &DatabaseFile) -> Result<(), StorageOpenError> {
    let path = file.path().to_owned();
    if !is_migrated(conn).map_err(|error| file.refusal(error))? {
        let tables = count(conn, "SELECT count(*) AS n FROM sqlite_schema").map_err(|error| file.refusal(error))?;
        return if tables == 0 { Ok(()) } else { Err(StorageOpenError::ForeignDatabase { path }) };
    }
    let known = known().map_err(StorageOpenError::Migration)?;
    let applied = applied(conn).map_err(|error| file.refusal(error))?;
    match applied.into_iter().rfind(|version| !known.contains(version)) {
        Some(newest) => Err(StorageOpenError::SchemaNewer { path, newest }),
        None => Ok(()),
    }
}

/// Lets `?` carry both of diesel's error types out of the transaction.
struct Failed(Cause);

impl From<diesel::result::Error> for Failed {
    fn from(error: diesel::result::Error) -> Self {
        Self(Box::new(error))
    }
}

fn version(migration: &dyn Migration<Sqlite>) -> String {
    migration.name().version().to_string()
}

fn known() -> Result<Vec<String>, Cause> {
    let migrations = MigrationSource::<Sqlite>::migrations(&MIGRATIONS)?;
    Ok(migrations.iter().map(|migration| version(migration.as_ref())).collect())
}

/// Does not write, unlike diesel's own question, so that looking at an empty file leaves it empty.
fn missing(conn: &mut Connection) -> Result<Vec<Box<dyn Migration<Sqlite>>>, Cause> {
    let applied = if is_migrated(conn)? { applied(conn)? } else { Vec::new() };
    let mut migrations = MigrationSource::<Sqlite>::migrations(&MIGRATIONS)?;
    migrations.retain(|migration| !applied.contains(&version(migration.as_ref())));
    migrations.sort_by_key(|migration| version(migration.as_ref()));
    Ok(migrations)
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
}

fn count(conn: &mut Connection, query: &str) -> diesel::QueryResult<i64> {
    Ok(diesel::sql_query(query).get_result::<Count>(conn)?.n)
}

fn is_migrated(conn: &mut Connection) -> diesel::QueryResult<bool> {
    Ok(count(conn, "SELECT count(*) AS n FROM sqlite_schema WHERE name = '__diesel_schema_migrations'")? > 0)
}

fn applied(conn: &mut Connection) -> diesel::QueryResult<Vec<String>> {
    let rows =
        diesel::sql_query("SELECT version FROM __diesel_schema_migrations ORDER BY version").load::<Applied>(conn)?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}

/// Copies the database as it is. A copy left by an earlier try is of the same state and is replaced.
fn copy_before(conn: &mut Connection, file: &DatabaseFile, next: &str) -> Result<PathBuf, StorageOpenError> {
    let copy = file.beside(&format!(".before-{next}"));
    let failed = |source: Cause| StorageOpenError::Snapshot { path: copy.clone(), source };
    match fs::remove_file(&copy) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(Box::new(error))),
        _ => {}
    }
    diesel::sql_query("VACUUM INTO ?")
        .bind::<Text, _>(copy.to_string_lossy().into_owned())
        .execute(conn)
        .map_err(|error| failed(Box::new(error)))?;
    #[cfg(unix)]
    fs::set_permissions(&copy, std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .map_err(|error| failed(Box::new(error)))?;
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::Connection as _;

    use crate::DatabaseSettings;

    fn schema(conn: &mut Connection) -> Vec<String> {
        let query = "SELECT name || coalesce(sql, '') AS version FROM sqlite_schema \
                     WHERE tbl_name <> '__diesel_schema_migrations' ORDER BY 1";
        diesel::sql_query(query).load::<Applied>(conn).unwrap().into_iter().map(|row| row.version).collect()
    }

    #[test]
    fn every_migration_can_be_undone_and_redone() {
        let folder = tempfile::tempdir().unwrap();
        let file = DatabaseFile::prepare(DatabaseSettings::in_folder(folder.path())).unwrap();
        let mut conn = file.connect_writer().unwrap();
        let mut states = vec![schema(&mut conn)];
        while conn.has_pending_migration(MIGRATIONS).unwrap() {
            conn.run_next_migration(MIGRATIONS).unwrap();
            let up = schema(&mut conn);
            conn.revert_last_migration(MIGRATIONS).unwrap();
            assert_eq!(Some(&schema(&mut conn)), states.last());
            conn.run_next_migration(MIGRATIONS).unwrap();
            assert_eq!(schema(&mut conn), up);
            states.push(up);
        }
        assert!(states.len() > 1);
        conn.revert_all_migrations(MIGRATIONS).unwrap();
        assert_eq!(schema(&mut conn), states[0]);
    }

    #[test]
    fn migrating_a_database_that_holds_something_leaves_a_copy_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = DatabaseFile::prepare(DatabaseSettings::in_folder(folder.path())).unwrap();
        let mut conn = file.connect_writer().unwrap();
        conn.run_next_migration(MIGRATIONS).unwrap();
        let before = schema(&mut conn);
        drop(conn);

        let report = migrate(&file).unwrap();
        assert!(!report.applied.is_empty());
        let mut copy = Connection::establish(report.snapshot.unwrap().to_str().unwrap()).unwrap();
        assert_eq!(schema(&mut copy), before);
        assert_eq!(migrate(&file).unwrap(), MigrationReport::default());
    }
}
