//! Documents and the passages that they are cut into.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{ChunkId, DocumentId, UserId};

/// Where a document is on its way to being searchable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentStatus {
    /// Accepted; a worker will take it.
    Queued,
    /// A worker has it.
    Processing,
    /// Its words can be searched.
    Ready,
    /// It cannot be read; [`Document::fault`] says why.
    Failed,
}

/// Whether a document can be found by meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingStatus {
    /// Not all passages have a vector yet.
    Pending,
    /// All have.
    Ready,
    /// No embedding model is configured.
    Off,
}

/// Why a document cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentFaultCode {
    /// It needs a password.
    PasswordProtected,
    /// It is damaged, or not what it says.
    Unreadable,
    /// It has no text.
    NoText,
    /// It is over a limit on pages, text, time or memory.
    LimitsExceeded,
}

/// A stable code and a sentence for the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentFault {
    /// Stable code.
    pub code: DocumentFaultCode,
    /// What happened and what to do.
    pub detail: String,
}

/// A document that a user gave us, in its current version.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Identity.
    pub id: DocumentId,
    /// Whose.
    pub owner_id: UserId,
    /// Shown in lists and citations.
    pub title: String,
    /// Name of the file as it was uploaded.
    pub filename: String,
    /// Media type as recognised from the content.
    pub content_type: String,
    /// Size of the file.
    pub size_bytes: u64,
    /// SHA-256 of the file in lower-case hex; also its key in the blob store.
    pub sha256: String,
    /// Current version, from 1.
    pub version: u32,
    /// A word such as FAQ, Guide or Policy.
    pub category: Option<String>,
    /// Labels.
    pub tags: Vec<String>,
    /// On its way to being searchable.
    pub status: DocumentStatus,
    /// Whether it can be found by meaning.
    pub embedding: EmbeddingStatus,
    /// Why it cannot be read, if it cannot.
    pub fault: Option<DocumentFault>,
    /// Pages, once read; 0 where the format has none.
    pub pages: u32,
    /// Passages, once cut.
    pub chunks: u32,
    /// Tokens of its passages' text.
    pub tokens: u64,
    /// What was odd about it.
    pub warnings: Vec<String>,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a change of a document may set; absent leaves as is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DocumentPatch {
    /// New title.
    pub title: Option<String>,
    /// New category; `Some(None)` removes it.
    pub category: Option<Option<String>>,
    /// New labels.
    pub tags: Option<Vec<String>>,
}

/// What a list of documents is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DocumentFilter {
    /// Words that the title holds.
    pub title_contains: Option<String>,
    /// In this state.
    pub status: Option<DocumentStatus>,
    /// Of this category.
    pub category: Option<String>,
    /// With all of these labels.
    pub tags: Vec<String>,
}

/// A passage-sized piece of one version of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// Identity.
    pub id: ChunkId,
    /// Of which document.
    pub document_id: DocumentId,
    /// Of which version of it.
    pub version: u32,
    /// Its place, from 0.
    pub ordinal: u32,
    /// Its text.
    pub text: String,
    /// First page it touches, where the format has pages.
    pub page_from: Option<u32>,
    /// Last page it touches.
    pub page_to: Option<u32>,
    /// Where it begins in the document's extracted text, in bytes.
    pub byte_start: u64,
    /// Where it ends.
    pub byte_end: u64,
    /// The headings that it stands under, outermost first.
    pub heading_path: Vec<String>,
    /// Tokens of its text under the embedding model's tokenizer.
    pub tokens: u32,
}

/// Where a page stands in a document's extracted text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageSpan {
    /// Page number, from 1.
    pub number: u32,
    /// What the document itself calls the page.
    pub label: Option<String>,
    /// First byte.
    pub byte_start: u64,
    /// One past the last byte.
    pub byte_end: u64,
}

/// Everything that reading a document gave; stored in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexedContent {
    /// Title found inside, used where the uploader gave none.
    pub title: Option<String>,
    /// The extracted text.
    pub text: String,
    /// Its pages; empty where the format has none.
    pub pages: Vec<PageSpan>,
    /// Its passages, by ordinal.
    pub chunks: Vec<Chunk>,
    /// What was odd about it.
    pub warnings: Vec<String>,
    /// Whether vectors will follow.
    pub embedding: EmbeddingStatus,
}
