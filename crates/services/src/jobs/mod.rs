//! Background work: a durable queue, routines by kind, and the worker that brings them together.
//!
//! A job is queued in the transaction that made it necessary and may run twice, so every [`Routine`] gives the same
//! when it does. A try that fails is repeated with growing pauses; after the last the job is dead and its routine
//! is told.

mod backoff;
mod kinds;
mod lease;
mod wake;
mod worker;

use async_trait::async_trait;
use serde_json::Value;

pub use backoff::RetryPolicy;
pub use kinds::{BlobJob, DocumentJob, EMBED_DOCUMENT, INGEST_DOCUMENT, REMOVE_BLOB, new_job, read_payload};
pub use wake::Wake;
pub use worker::{Worker, WorkerParts, WorkerSettings};

use crate::ServiceError;

/// Why a try failed.
#[derive(Debug, thiserror::Error)]
pub enum JobFault {
    /// Trying again may help.
    #[error(transparent)]
    Transient(#[from] ServiceError),
    /// Trying again cannot help.
    #[error("{0}")]
    Permanent(String),
}

/// What is done for the jobs of one kind.
#[async_trait]
pub trait Routine: Send + Sync {
    /// The kind.
    fn kind(&self) -> &'static str;

    /// Does the work; doing it twice gives the same.
    ///
    /// # Errors
    /// [`JobFault`]; whether the job is tried again follows from it.
    async fn run(&self, payload: &Value) -> Result<(), JobFault>;

    /// The last try has failed; tell whoever waits for the work.
    ///
    /// # Errors
    /// Only logged.
    async fn give_up(&self, _payload: &Value) -> Result<(), ServiceError> {
        Ok(())
    }
}
