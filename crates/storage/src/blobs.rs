//! Files in a folder, under the hash of their content.

use std::{error::Error, fmt::Write as _, io, path::Path as FilePath, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use domain::ports::{BlobStore, StoreError};
use object_store::{Error as ObjectError, ObjectStoreExt, local::LocalFileSystem, path::Path};
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

use crate::{StorageOpenError, sqlite::make_folder};

/// Files of a local folder: written to the side and moved into place, read only when they match their hash.
///
/// A file is `ab/cd/abcd…`, so that no folder holds more than a few thousand entries. Folder and files are for
/// their owner alone where the system knows such a thing.
#[derive(Debug, Clone)]
pub struct LocalBlobs {
    files: Arc<LocalFileSystem>,
}

impl LocalBlobs {
    /// Opens the folder and makes it where it is missing. Blocks.
    ///
    /// # Errors
    /// [`StorageOpenError::Folder`] where that is not possible.
    pub fn open(folder: &FilePath) -> Result<Self, StorageOpenError> {
        let refuse = |reason: String| StorageOpenError::Folder { path: folder.to_owned(), reason };
        make_folder(folder).map_err(|error| refuse(error.to_string()))?;
        let files = LocalFileSystem::new_with_prefix(folder).map_err(|error| refuse(error.to_string()))?;
        Ok(Self { files: Arc::new(files.with_fsync(true)) })
    }

    async fn is_there(&self, path: &Path, size: usize) -> Result<bool, StoreError> {
        match self.files.head(path).await {
            Ok(meta) => Ok(usize::try_from(meta.size) == Ok(size)),
            Err(ObjectError::NotFound { .. }) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    async fn protect(&self, path: &Path) -> Result<(), StoreError> {
        let file = self.files.path_to_filesystem(path).map_err(failed)?;
        off_the_workers(move || set_private(&file)).await?.map_err(|error| StoreError::Unavailable(Box::new(error)))
    }
}

#[async_trait]
impl BlobStore for LocalBlobs {
    async fn put(&self, sha256: &str, content: Bytes) -> Result<(), StoreError> {
        let path = place_of(sha256)?;
        let hashed = content.clone();
        if off_the_workers(move || hash_of(&hashed)).await? != sha256 {
            return Err(StoreError::Corrupt { detail: "the content to store does not have the hash given".into() });
        }
        if self.is_there(&path, content.len()).await? {
            return Ok(());
        }
        self.files.put(&path, content.into()).await.map_err(failed)?;
        self.protect(&path).await
    }

    async fn get(&self, sha256: &str) -> Result<Option<Bytes>, StoreError> {
        let path = place_of(sha256)?;
        let content = match self.files.get(&path).await {
            Ok(found) => found.bytes().await.map_err(failed)?,
            Err(ObjectError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let hashed = content.clone();
        if off_the_workers(move || hash_of(&hashed)).await? != sha256 {
            return Err(StoreError::Corrupt { detail: format!("the file {sha256} no longer has its content") });
        }
        Ok(Some(content))
    }

    async fn delete(&self, sha256: &str) -> Result<(), StoreError> {
        match self.files.delete(&place_of(sha256)?).await {
            Ok(()) | Err(ObjectError::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }
}

async fn off_the_workers<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreError> {
    spawn_blocking(work).await.map_err(|error| StoreError::Internal(Box::new(error)))
}

fn hash_of(content: &[u8]) -> String {
    Sha256::digest(content).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Only a hash becomes a path: nothing else can name a file.
fn place_of(sha256: &str) -> Result<Path, StoreError> {
    let is_hash = sha256.len() == 64 && sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !is_hash {
        let what = "a file is named by 64 lower-case hexadecimal digits";
        return Err(StoreError::Internal(Box::new(io::Error::new(io::ErrorKind::InvalidInput, what))));
    }
    Ok(Path::from(format!("{}/{}/{sha256}", &sha256[..2], &sha256[2..4])))
}

fn failed(error: ObjectError) -> StoreError {
    if is_full(&error) { StoreError::Full(Box::new(error)) } else { StoreError::Unavailable(Box::new(error)) }
}

/// The reason lies under the wrapping of the file layer.
fn is_full(error: &ObjectError) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return matches!(io.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        }
        cause = error.source();
    }
    false
}

#[cfg(unix)]
fn set_private(file: &PathBuf) -> io::Result<()> {
    use std::{fs, os::unix::fs::PermissionsExt};
    fs::set_permissions(file, fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn set_private(_file: &PathBuf) -> io::Result<()> {
    Ok(())
}
