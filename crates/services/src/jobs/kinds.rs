//! The kinds of background work and what each carries.

use chrono::{DateTime, Utc};
use domain::{DocumentId, IdSource, JobId, NewJob};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::JobFault;

/// Reads an uploaded file, cuts it into passages and makes them searchable by words.
pub const INGEST_DOCUMENT: &str = "ingest_document";
/// Gives a document's passages their vectors.
pub const EMBED_DOCUMENT: &str = "embed_document";
/// Removes a file that no document has any more.
pub const REMOVE_BLOB: &str = "remove_blob";

/// What [`INGEST_DOCUMENT`] and [`EMBED_DOCUMENT`] carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentJob {
    /// Which document.
    pub document_id: DocumentId,
}

/// What [`REMOVE_BLOB`] carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobJob {
    /// Which file: SHA-256 in lower-case hex.
    pub sha256: String,
}

/// Work of `kind` that is due at `run_at`.
pub fn new_job(ids: &dyn IdSource, kind: &str, payload: Value, run_at: DateTime<Utc>) -> NewJob {
    NewJob { id: JobId::new(ids), kind: kind.to_owned(), payload, run_at }
}

/// Reads what a job carries.
///
/// # Errors
/// [`JobFault::Permanent`] where it is of another form.
pub fn read_payload<T: DeserializeOwned>(payload: &Value) -> Result<T, JobFault> {
    T::deserialize(payload).map_err(|error| JobFault::Permanent(format!("the job's payload cannot be read: {error}")))
}

impl DocumentJob {
    pub(crate) fn payload(document_id: DocumentId) -> Value {
        serde_json::json!({ "document_id": document_id })
    }
}

impl BlobJob {
    pub(crate) fn payload(sha256: &str) -> Value {
        serde_json::json!({ "sha256": sha256 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_read_as_they_were_written() {
        let id = DocumentId::new(&domain::SeededIds::new(1));
        assert_eq!(read_payload::<DocumentJob>(&DocumentJob::payload(id)).unwrap().document_id, id);
        assert_eq!(read_payload::<BlobJob>(&BlobJob::payload("ab")).unwrap().sha256, "ab");
        assert!(matches!(read_payload::<BlobJob>(&Value::Null), Err(JobFault::Permanent(_))));
    }
}
