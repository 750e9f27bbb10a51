//! Files and the rows that name them, kept in step.

use std::sync::Arc;

use bytes::Bytes;
use domain::{
    Document, NewJob,
    ports::{BlobStore, DocumentStore},
};
use tokio::sync::RwLock;

use crate::ServiceError;

/// Stores files with their documents and removes those that no document has.
pub(super) struct Files {
    documents: Arc<dyn DocumentStore>,
    blobs: Arc<dyn BlobStore>,
    /// Shared while a file and its row are stored, alone while an unused file is removed: else a file could be
    /// removed between the two writes of another upload of the same content.
    gate: RwLock<()>,
}

impl Files {
    pub(super) fn new(documents: Arc<dyn DocumentStore>, blobs: Arc<dyn BlobStore>) -> Arc<Self> {
        Arc::new(Self { documents, blobs, gate: RwLock::new(()) })
    }

    /// File first, then row and job in one transaction: a row never names a file that is not there, and a file
    /// whose row is refused goes again. Runs to its end, also where the caller leaves.
    pub(super) async fn keep(
        self: &Arc<Self>,
        document: Document,
        job: NewJob,
        content: Bytes,
    ) -> Result<(), ServiceError> {
        let files = Arc::clone(self);
        let kept = tokio::spawn(async move { files.store(document, job, content).await });
        kept.await.map_err(|error| crate::error::broken(&format!("storing a file failed: {error}")))?
    }

    async fn store(&self, document: Document, job: NewJob, content: Bytes) -> Result<(), ServiceError> {
        let sha256 = document.sha256.clone();
        let inserted = {
            let _shared = self.gate.read().await;
            self.blobs.put(&sha256, content).await?;
            self.documents.insert(document, job).await
        };
        if inserted.is_err()
            && let Err(error) = self.remove_unused(&sha256).await
        {
            tracing::warn!(%error, sha256, "a file without a document could not be removed");
        }
        Ok(inserted?)
    }

    /// Removes a file unless a document has it.
    pub(super) async fn remove_unused(&self, sha256: &str) -> Result<(), ServiceError> {
        let _alone = self.gate.write().await;
        if !self.documents.blob_in_use(sha256).await? {
            self.blobs.delete(sha256).await?;
        }
        Ok(())
    }
}
