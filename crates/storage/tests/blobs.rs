//! The contract of `BlobStore`, kept by a local folder.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{fs, path::PathBuf};

use bytes::Bytes;
use domain::ports::{BlobStore, StoreError};
use storage::{LocalBlobs, StorageOpenError};

/// SHA-256 of "hello" and of nothing (FIPS 180-4).
const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn open() -> (LocalBlobs, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (LocalBlobs::open(&folder.path().join("blobs")).unwrap(), folder)
}

fn file(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("blobs/2c/f2").join(HELLO)
}

#[tokio::test]
async fn content_comes_back_by_its_hash() {
    let (blobs, folder) = open();
    assert_eq!(blobs.get(HELLO).await.unwrap(), None);
    for _ in 0..2 {
        blobs.put(HELLO, Bytes::from_static(b"hello")).await.unwrap();
        blobs.put(EMPTY, Bytes::new()).await.unwrap();
    }
    assert_eq!(blobs.get(HELLO).await.unwrap().unwrap(), "hello");
    assert_eq!(blobs.get(EMPTY).await.unwrap().unwrap(), "");
    assert_eq!(fs::read_dir(file(&folder).parent().unwrap()).unwrap().count(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(file(&folder)).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(folder.path().join("blobs")).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[tokio::test]
async fn deleting_what_is_not_there_is_no_error() {
    let (blobs, _folder) = open();
    blobs.put(HELLO, Bytes::from_static(b"hello")).await.unwrap();
    blobs.delete(HELLO).await.unwrap();
    blobs.delete(HELLO).await.unwrap();
    assert_eq!(blobs.get(HELLO).await.unwrap(), None);
}

#[tokio::test]
async fn changed_content_is_not_handed_out() {
    let (blobs, folder) = open();
    blobs.put(HELLO, Bytes::from_static(b"hello")).await.unwrap();
    fs::write(file(&folder), "hullo").unwrap();
    assert!(matches!(blobs.get(HELLO).await, Err(StoreError::Corrupt { .. })));
}

#[tokio::test]
async fn content_under_a_wrong_or_odd_name_is_refused() {
    let (blobs, _folder) = open();
    let wrong = blobs.put(HELLO, Bytes::from_static(b"other")).await;
    assert!(matches!(wrong, Err(StoreError::Corrupt { .. })));
    assert_eq!(blobs.get(HELLO).await.unwrap(), None);
    for name in ["", "../../etc/passwd", &HELLO.to_uppercase(), &HELLO[1..]] {
        assert!(blobs.get(name).await.is_err(), "{name}");
    }
}

#[tokio::test]
async fn concurrent_puts_of_one_content_leave_one_whole_file() {
    let (blobs, folder) = open();
    let puts = (0..16).map(|_| blobs.put(HELLO, Bytes::from_static(b"hello")));
    for outcome in futures::future::join_all(puts).await {
        outcome.unwrap();
    }
    assert_eq!(blobs.get(HELLO).await.unwrap().unwrap(), "hello");
    assert_eq!(fs::read_dir(file(&folder).parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "x").unwrap();
    let error = LocalBlobs::open(&path.join("blobs")).unwrap_err();
    assert!(matches!(&error, StorageOpenError::Folder { path, .. } if path.ends_with("file/blobs")), "{error}");
}
