use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::{
    Chunk, ChunkId, Document, DocumentFault, DocumentFilter, DocumentId, DocumentPatch, EmbeddingStatus,
    IndexedContent, NewJob, Page, PageRequest, PageSpan, UserId,
};

/// The extracted text of a document's current version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentText {
    /// Of which version.
    pub version: u32,
    /// The text.
    pub text: String,
    /// Its pages; empty where the format has none.
    pub pages: Vec<PageSpan>,
}

/// Documents, their text and their passages.
#[async_trait]
pub trait DocumentStore: Send + Sync {
    /// Stores a new document and queues the work that makes it searchable, in one transaction.
    async fn insert(&self, document: Document, job: NewJob) -> Result<(), StoreError>;

    /// The owner's document of this id.
    async fn find(&self, owner: UserId, id: DocumentId) -> Result<Option<Document>, StoreError>;

    /// The document of this id, for the workers, whoever owns it.
    async fn find_for_worker(&self, id: DocumentId) -> Result<Option<Document>, StoreError>;

    /// The owner's documents, newest first.
    async fn list(
        &self,
        owner: UserId,
        filter: DocumentFilter,
        page: PageRequest,
    ) -> Result<Page<Document>, StoreError>;

    /// Changes the owner's document and answers it as it now is.
    async fn update(
        &self,
        owner: UserId,
        id: DocumentId,
        patch: DocumentPatch,
        now: DateTime<Utc>,
    ) -> Result<Option<Document>, StoreError>;

    /// Removes the owner's document from lists and both searches at once and answers what it was, with
    /// the work that removes its file, in one transaction.
    async fn delete(&self, owner: UserId, id: DocumentId, remove_blob: NewJob) -> Result<Option<Document>, StoreError>;

    /// Whether any document has this content.
    async fn blob_in_use(&self, sha256: &str) -> Result<bool, StoreError>;

    /// Marks the document as being worked on; whether it is still there.
    async fn mark_processing(&self, id: DocumentId, now: DateTime<Utc>) -> Result<bool, StoreError>;

    /// Marks the document as unreadable.
    async fn mark_failed(&self, id: DocumentId, fault: DocumentFault, now: DateTime<Utc>) -> Result<(), StoreError>;

    /// Replaces the text and passages of a version and marks it `ready`, with the work that follows, in one
    /// transaction. Doing it again gives the same.
    async fn save_content(
        &self,
        id: DocumentId,
        content: IndexedContent,
        next: Option<NewJob>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// Passages of the current version that have no vector of `model`, in order, at most `limit`.
    async fn chunks_without_vector(&self, id: DocumentId, model: &str, limit: u32) -> Result<Vec<Chunk>, StoreError>;

    /// Stores vectors of `model`; vectors of passages that are gone are dropped.
    async fn save_vectors(
        &self,
        id: DocumentId,
        model: &str,
        vectors: Vec<(ChunkId, Vec<f32>)>,
    ) -> Result<(), StoreError>;

    /// Notes whether the document is found by meaning, and adds a warning where there is one to add.
    async fn mark_embedding(
        &self,
        id: DocumentId,
        state: EmbeddingStatus,
        warning: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// The extracted text; absent where the document is not the owner's or has none yet.
    async fn find_text(&self, owner: UserId, id: DocumentId) -> Result<Option<DocumentText>, StoreError>;

    /// The passages of the current version by ordinal; absent where the document is not the owner's.
    async fn list_chunks(
        &self,
        owner: UserId,
        id: DocumentId,
        page: PageRequest,
    ) -> Result<Option<Page<Chunk>>, StoreError>;
}
