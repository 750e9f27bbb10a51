//! The contract of the row ports, kept by SQLite.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod suite;

use storage::{Database, DatabaseSettings};
use suite::{Stores, contract_tests};

fn open() -> (Stores, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(DatabaseSettings::in_folder(folder.path())).unwrap();
    database.migrate().unwrap();
    (Stores::of(&database), folder)
}

contract_tests!(crate::open);
