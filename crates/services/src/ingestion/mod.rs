//! Documents: accepting files, reading them in the background, and everything else a person does with them.
//!
//! [`Ingestion::accept`] keeps the file and queues the rest; [`Ingestion::ingest`] reads it and makes it searchable by
//! words; [`Ingestion::embed`] adds the vectors. The last two run in workers (see [`Ingestion::routines`]), and doing
//! them twice gives the same.

mod accept;
mod embed;
mod faults;
mod files;
mod ingest;
mod inspection;
mod library;
mod passages;
mod routines;
mod tokens;

use std::sync::Arc;

use bytes::Bytes;
use documents::Parser;
use domain::ports::{BlobStore, DocumentStore, EmbeddingModel};
use tokio::sync::Semaphore;

use self::files::Files;
use crate::{Context, jobs::Wake};

/// Longest title of a document, in characters.
pub const MAX_DOCUMENT_TITLE_CHARS: usize = 200;

/// How documents are taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestionSettings {
    /// Largest file, in bytes.
    pub max_upload_bytes: u64,
    /// Largest passage, in tokens of the embedding model.
    pub chunk_tokens: u32,
    /// Tokens that two neighbouring passages share; below [`IngestionSettings::chunk_tokens`].
    pub chunk_overlap: u32,
}

impl Default for IngestionSettings {
    /// 10 MiB, 256, 32.
    fn default() -> Self {
        Self { max_upload_bytes: 10 << 20, chunk_tokens: 256, chunk_overlap: 32 }
    }
}

/// A file that a person gives us.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Name of the file; a path is cut down to its last part.
    pub filename: String,
    /// Title; absent takes the one inside the file, else the file's name.
    pub title: Option<String>,
    /// A word such as FAQ, Guide or Policy.
    pub category: Option<String>,
    /// Labels, at most 20 of 50 characters.
    pub tags: Vec<String>,
    /// The file.
    pub content: Bytes,
}

/// What [`Ingestion`] is made of.
pub struct IngestionParts {
    /// Documents, text and passages.
    pub documents: Arc<dyn DocumentStore>,
    /// Files.
    pub blobs: Arc<dyn BlobStore>,
    /// Turns files into text.
    pub parser: Arc<dyn Parser>,
    /// Turns passages into vectors; without it search is by words alone.
    pub embedding: Option<Arc<dyn EmbeddingModel>>,
    /// Rings when work was queued.
    pub wake: Wake,
    /// Time and ids.
    pub context: Context,
    /// How documents are taken in.
    pub settings: IngestionSettings,
}

/// The use cases of documents.
pub struct Ingestion {
    parts: IngestionParts,
    /// Files that are hashed and recognised at a time.
    inspections: Semaphore,
    files: Arc<Files>,
}

impl Ingestion {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: IngestionParts) -> Self {
        let files = Files::new(Arc::clone(&parts.documents), Arc::clone(&parts.blobs));
        Self { parts, inspections: Semaphore::new(inspection::AT_A_TIME), files }
    }
}
