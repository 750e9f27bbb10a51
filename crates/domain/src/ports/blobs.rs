use async_trait::async_trait;
use bytes::Bytes;

use super::StoreError;

/// Files, addressed by the SHA-256 of their content in lower-case hex.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Stores `content`, whole or not at all; storing the same content again costs nothing.
    async fn put(&self, sha256: &str, content: Bytes) -> Result<(), StoreError>;

    /// The content, checked against its hash; absent where there is none.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where the content no longer matches.
    async fn get(&self, sha256: &str) -> Result<Option<Bytes>, StoreError>;

    /// Removes the content; removing what is not there is no error.
    async fn delete(&self, sha256: &str) -> Result<(), StoreError>;
}
