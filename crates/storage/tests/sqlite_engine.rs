//! What only SQLite can get wrong: the file, the queue, the disk, other processes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod suite;

use std::{fs, path::Path, time::Duration};

use diesel::{Connection, SqliteConnection, connection::SimpleConnection};
use domain::{
    ErrorKind, SearchFilter, SystemIds,
    ports::{StoreError, UserStore},
};
use storage::{Database, DatabaseLocation, DatabaseSettings, StorageOpenError};
use suite::{Stores, data};

fn open(folder: &Path) -> Database {
    let database = Database::open(DatabaseSettings::in_folder(folder)).unwrap();
    database.migrate().unwrap();
    database
}

fn refusal(settings: DatabaseSettings) -> StorageOpenError {
    Database::open(settings).unwrap_err()
}

fn raw(database: &Database) -> SqliteConnection {
    SqliteConnection::establish(database.path().to_str().unwrap()).unwrap()
}

#[test]
fn the_data_folder_is_made_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder.path().join("a/b"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(database.path()), 0o600);
        assert_eq!(mode(&folder.path().join("a/b")), 0o700);
    }
    assert!(database.size_bytes().unwrap() > 0);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = refusal(DatabaseSettings::in_folder(file.join("data")));
    assert!(matches!(error, StorageOpenError::Folder { .. }), "{error:?}");
    assert!(error.to_string().contains("file/data"), "{error}");
    assert_eq!(error.kind(), ErrorKind::StorageUnavailable);
}

#[test]
fn a_named_file_is_never_made_by_accident() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("100% sure?.db");
    let at = |create| DatabaseSettings::new(DatabaseLocation::File { path: path.clone(), create });
    assert!(matches!(refusal(at(false)), StorageOpenError::FileMissing { .. }));
    assert!(!path.exists());
    Database::open(at(true)).unwrap().migrate().unwrap();
    Database::open(at(false)).unwrap();
    assert!(path.exists());
}

#[test]
fn files_that_are_no_database_of_ours_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("causerie.sqlite3");
    fs::write(&path, "this is a letter").unwrap();
    let refused = || refusal(DatabaseSettings::in_folder(folder.path()));
    assert!(matches!(refused(), StorageOpenError::NotADatabase { .. }));
    assert_eq!(fs::read_to_string(&path).unwrap(), "this is a letter");
    fs::remove_file(&path).unwrap();
    SqliteConnection::establish(path.to_str().unwrap()).unwrap().batch_execute("CREATE TABLE pets (name)").unwrap();
    assert!(matches!(refused(), StorageOpenError::ForeignDatabase { .. }));
}

#[test]
fn a_schema_newer_than_the_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path());
    assert!(database.pending().unwrap().is_empty());
    raw(&database).batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')").unwrap();
    let error = refusal(DatabaseSettings::in_folder(folder.path()));
    assert!(matches!(&error, StorageOpenError::SchemaNewer { newest, .. } if newest == "29990101000000"), "{error}");
}

#[test]
fn two_programs_that_start_at_once_migrate_once() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Database::open(DatabaseSettings::in_folder(folder.path())).unwrap().migrate().unwrap().applied.len();
    let applied = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(applied.iter().filter(|&&count| count > 0).count(), 1, "{applied:?}");
}

/// The files as they are while the database is open and has not been closed: what a crash leaves.
fn crashed_copy(database: &Database) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for suffix in ["", "-wal"] {
        let from = format!("{}{suffix}", database.path().display());
        fs::copy(from, copy.path().join(format!("causerie.sqlite3{suffix}"))).unwrap();
    }
    copy
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path());
    let stores = Stores::of(&database);
    let owner = data::user(&stores, "ada").await;
    let chunks = data::indexed(&stores, data::document(&stores.ids, owner, "Bees"), &["honey", "wax"]).await;
    let conversation = data::conversation(&stores.ids, owner);
    stores.conversations.insert(conversation.clone()).await.unwrap();
    stores.turns.start_turn(data::turn(&stores.ids, conversation.id, "Hi")).await.unwrap();

    let copy = crashed_copy(&database);
    let restarted = open(copy.path());
    assert_eq!(restarted.integrity_check().await.unwrap(), Vec::<String>::new());
    let stores = Stores::of(&restarted);
    assert_eq!(stores.passages.load_passages(owner, &chunks).await.unwrap().len(), 2);
    let hits = stores.passages.search_keyword("honey", &SearchFilter::all_of(owner), 5).await.unwrap();
    assert_eq!(hits[0].id, chunks[0]);
    assert_eq!(stores.turns.interrupt_running(data::at(9)).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_answers_what_is_queued_and_refuses_what_comes_after() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path());
    let queued = UserStore::insert(&database, data::new_user(&SystemIds, "ada"));
    let (queued, ()) = tokio::join!(queued, database.close());
    assert!(queued.is_ok());
    let late = UserStore::insert(&database, data::new_user(&SystemIds, "eve")).await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))));
    assert!(UserStore::find_by_login(&open(folder.path()), "ada").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_and_recovered_from_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let settings = DatabaseSettings { max_file_bytes: Some(1 << 20), ..DatabaseSettings::in_folder(folder.path()) };
    let database = Database::open(settings).unwrap();
    database.migrate().unwrap();
    let stores = Stores::of(&database);
    let owner = data::user(&stores, "ada").await;
    let page = "honey and wax ".repeat(5000);
    let mut kept = Vec::new();
    let full = loop {
        let document = data::document(&stores.ids, owner, "Bees");
        let id = document.id;
        let content = data::content(&stores.ids, id, &[&page]);
        stores.documents.insert(document, data::job(&stores.ids, "ingest", data::at(0))).await.unwrap();
        match stores.documents.save_content(id, content, None, data::at(1)).await {
            Ok(()) => kept.push(id),
            Err(error) => break error,
        }
    };
    assert!(matches!(full, StoreError::Full(_)), "{full:?}");
    assert!(!kept.is_empty());
    let removal = data::job(&stores.ids, "remove", data::at(2));
    stores.documents.delete(owner, kept[0], removal).await.unwrap().unwrap();
    let again = data::content(&stores.ids, kept[1], &["short"]);
    stores.documents.save_content(kept[1], again, None, data::at(3)).await.unwrap();
    assert_eq!(database.integrity_check().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_busy_and_a_held_database_unavailable_until_it_is_released() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let settings = DatabaseSettings {
        write_queue: 2,
        busy_timeout: Duration::from_millis(300),
        ..DatabaseSettings::in_folder(folder.path())
    };
    let database = Database::open(settings).unwrap();
    let mut other = raw(&database);
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let users = (0..20).map(|n| UserStore::insert(&database, data::new_user(&SystemIds, &format!("user{n}"))));
    let outcomes = futures::future::join_all(users).await;
    let count = |wanted: fn(&StoreError) -> bool| {
        outcomes.iter().filter_map(|o| o.as_ref().err()).filter(|e| wanted(e)).count()
    };
    assert!(outcomes.iter().all(Result::is_err));
    assert!(count(|error| matches!(error, StoreError::Busy)) >= 17, "{outcomes:?}");
    assert!(count(|error| matches!(error, StoreError::Unavailable(_))) >= 1, "{outcomes:?}");
    other.batch_execute("ROLLBACK").unwrap();
    UserStore::insert(&database, data::new_user(&SystemIds, "ada")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vectors_that_another_process_writes_are_searched() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (Stores::of(&open(folder.path())), Stores::of(&open(folder.path())));
    let owner = data::user(&one, "ada").await;
    let document = data::document(&one.ids, owner, "Bees");
    let id = document.id;
    let chunks = data::indexed(&one, document, &["honey", "wax", "pollen"]).await;
    let everything = SearchFilter::all_of(owner);
    for (n, (chunk, writer)) in chunks.into_iter().zip([&one, &two, &one]).enumerate() {
        writer.documents.save_vectors(id, "m", vec![(chunk, vec![1.0, 0.0])]).await.unwrap();
        for reader in [&one, &two] {
            let hits = reader.passages.search_dense("m", &[1.0, 0.0], &everything, 9).await.unwrap();
            assert_eq!(hits.len(), n + 1);
        }
    }
}
