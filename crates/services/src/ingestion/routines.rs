//! The background work of documents, as the worker sees it.

use std::sync::Arc;

use async_trait::async_trait;
use domain::ModelFault;
use serde_json::Value;

use super::Ingestion;
use crate::{
    ServiceError,
    jobs::{BlobJob, DocumentJob, EMBED_DOCUMENT, INGEST_DOCUMENT, JobFault, REMOVE_BLOB, Routine, read_payload},
};

impl Ingestion {
    /// The routines of [`INGEST_DOCUMENT`], [`EMBED_DOCUMENT`] and [`REMOVE_BLOB`].
    #[must_use]
    pub fn routines(self: &Arc<Self>) -> Vec<Arc<dyn Routine>> {
        vec![
            Arc::new(IngestDocument(Arc::clone(self))),
            Arc::new(EmbedDocument(Arc::clone(self))),
            Arc::new(RemoveBlob(Arc::clone(self))),
        ]
    }
}

struct IngestDocument(Arc<Ingestion>);

#[async_trait]
impl Routine for IngestDocument {
    fn kind(&self) -> &'static str {
        INGEST_DOCUMENT
    }

    async fn run(&self, payload: &Value) -> Result<(), JobFault> {
        let job: DocumentJob = read_payload(payload)?;
        Ok(self.0.ingest(job.document_id).await?)
    }

    async fn give_up(&self, payload: &Value) -> Result<(), ServiceError> {
        match read_payload::<DocumentJob>(payload) {
            Ok(job) => self.0.give_up_reading(job.document_id).await,
            // Nobody waits for work that names no document.
            Err(_) => Ok(()),
        }
    }
}

/// Where this is given up the document stays searchable by words.
struct EmbedDocument(Arc<Ingestion>);

#[async_trait]
impl Routine for EmbedDocument {
    fn kind(&self) -> &'static str {
        EMBED_DOCUMENT
    }

    async fn run(&self, payload: &Value) -> Result<(), JobFault> {
        let job: DocumentJob = read_payload(payload)?;
        self.0.embed(job.document_id).await.map_err(|error| match error {
            // Such as a provider without this model, or a key that it refuses.
            ServiceError::Model(refusal) if refusal.fault == ModelFault::Permanent => {
                JobFault::Permanent(refusal.detail)
            }
            other => other.into(),
        })
    }

    async fn give_up(&self, payload: &Value) -> Result<(), ServiceError> {
        match read_payload::<DocumentJob>(payload) {
            Ok(job) => self.0.give_up_embedding(job.document_id).await,
            // Nobody waits for work that names no document.
            Err(_) => Ok(()),
        }
    }
}

struct RemoveBlob(Arc<Ingestion>);

#[async_trait]
impl Routine for RemoveBlob {
    fn kind(&self) -> &'static str {
        REMOVE_BLOB
    }

    async fn run(&self, payload: &Value) -> Result<(), JobFault> {
        let job: BlobJob = read_payload(payload)?;
        Ok(self.0.remove_blob(&job.sha256).await?)
    }
}
