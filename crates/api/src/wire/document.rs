//! Documents, their text and their passages.

use chrono::{DateTime, Utc};
use domain::{DocumentFilter, DocumentPatch, ports::DocumentText};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{comma_list, present};

wire_enum! {
    /// Where a document is on its way to being searchable.
    DocumentStatus of domain::DocumentStatus { Queued, Processing, Ready, Failed }
}

wire_enum! {
    /// Whether a document can be found by meaning.
    EmbeddingStatus of domain::EmbeddingStatus { Pending, Ready, Off }
}

wire_enum! {
    /// Why a document cannot be read.
    DocumentFaultCode of domain::DocumentFaultCode { PasswordProtected, Unreadable, NoText, LimitsExceeded }
}

/// Why a document cannot be read, and what to do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DocumentFault {
    code: DocumentFaultCode,
    detail: String,
}

/// A document in its current version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Document {
    id: Uuid,
    title: String,
    /// Name of the file as it was uploaded.
    filename: String,
    /// As recognised from the content.
    #[schema(example = "application/pdf")]
    content_type: String,
    size_bytes: u64,
    /// SHA-256 of the file in hex.
    sha256: String,
    version: u32,
    category: Option<String>,
    tags: Vec<String>,
    status: DocumentStatus,
    embedding: EmbeddingStatus,
    /// Set when `status` is `failed`.
    error: Option<DocumentFault>,
    /// Pages, once read; 0 where the format has none.
    pages: u32,
    /// Passages, once cut.
    chunks: u32,
    tokens: u64,
    /// What was odd about it.
    warnings: Vec<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<domain::Document> for Document {
    fn from(it: domain::Document) -> Self {
        Self {
            id: it.id.into(),
            title: it.title,
            filename: it.filename,
            content_type: it.content_type,
            size_bytes: it.size_bytes,
            sha256: it.sha256,
            version: it.version,
            category: it.category,
            tags: it.tags,
            status: it.status.into(),
            embedding: it.embedding.into(),
            error: it.fault.map(|fault| DocumentFault { code: fault.code.into(), detail: fault.detail }),
            pages: it.pages,
            chunks: it.chunks,
            tokens: it.tokens,
            warnings: it.warnings,
            created_at: it.created_at,
            updated_at: it.updated_at,
        }
    }
}

/// Files to be uploaded, `multipart/form-data`.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the form in the OpenAPI document; the upload is read as a stream")]
pub(crate) struct UploadForm {
    /// One or more files.
    #[schema(value_type = Vec<String>, format = Binary)]
    file: Vec<Vec<u8>>,
    /// Shown in lists and citations; only with a single file.
    title: Option<String>,
    /// A word such as FAQ, Guide or Policy.
    category: Option<String>,
    /// Labels; repeated or comma-separated.
    tags: Option<Vec<String>>,
}

/// What became of the files of an upload, in their order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Uploaded {
    pub(crate) items: Vec<UploadedFile>,
}

/// What became of one file.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum UploadedFile {
    Accepted(Box<Document>),
    Refused(RefusedFile),
}

/// A file that was refused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefusedFile {
    pub(crate) filename: String,
    pub(crate) error: FileFault,
}

/// Why a file was refused, and what to do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FileFault {
    /// A code of `/docs/errors`.
    #[schema(example = "unsupported_type")]
    pub(crate) code: &'static str,
    pub(crate) detail: String,
}

/// A change of a document: absent fields stay as they are, `null` removes the category.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(example = json!({"title": "Staff handbook 2026", "category": "Policy"}))]
pub(crate) struct PatchDocument {
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    title: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    category: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    tags: Option<Vec<String>>,
}

impl From<PatchDocument> for DocumentPatch {
    fn from(body: PatchDocument) -> Self {
        Self { title: body.title, category: body.category, tags: body.tags }
    }
}

/// What a list of documents is narrowed to.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Words that the title holds.
    q: Option<String>,
    /// Only documents in this state.
    #[param(inline)]
    status: Option<DocumentStatus>,
    /// Only of this category.
    category: Option<String>,
    /// Only those with all of these labels; repeated or comma-separated.
    #[serde(deserialize_with = "comma_list")]
    tag: Vec<String>,
}

impl From<Filter> for DocumentFilter {
    fn from(filter: Filter) -> Self {
        Self {
            title_contains: filter.q.filter(|words| !words.trim().is_empty()),
            status: filter.status.map(Into::into),
            category: filter.category,
            tags: filter.tag,
        }
    }
}

/// The extracted text of a document.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Content {
    document_id: Uuid,
    version: u32,
    text: String,
    /// Where the pages stand in the text; empty where the format has none.
    pages: Vec<PageSpan>,
}

/// Where a page stands in the text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PageSpan {
    /// From 1.
    number: u32,
    /// What the document itself calls the page.
    label: Option<String>,
    byte_start: u64,
    byte_end: u64,
}

impl Content {
    /// The text of document `id`.
    pub(crate) fn of(id: domain::DocumentId, text: DocumentText) -> Self {
        let span = |page: domain::PageSpan| PageSpan {
            number: page.number,
            label: page.label,
            byte_start: page.byte_start,
            byte_end: page.byte_end,
        };
        Self {
            document_id: id.into(),
            version: text.version,
            text: text.text,
            pages: text.pages.into_iter().map(span).collect(),
        }
    }
}

/// A passage-sized piece of a document.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Chunk {
    id: Uuid,
    document_id: Uuid,
    version: u32,
    /// Its place, from 0.
    ordinal: u32,
    text: String,
    /// First page it touches, where the format has pages.
    page_from: Option<u32>,
    page_to: Option<u32>,
    /// Where it begins in the document's text, in bytes.
    byte_start: u64,
    byte_end: u64,
    /// The headings that it stands under, outermost first.
    heading_path: Vec<String>,
    tokens: u32,
}

impl From<domain::Chunk> for Chunk {
    fn from(it: domain::Chunk) -> Self {
        Self {
            id: it.id.into(),
            document_id: it.document_id.into(),
            version: it.version,
            ordinal: it.ordinal,
            text: it.text,
            page_from: it.page_from,
            page_to: it.page_to,
            byte_start: it.byte_start,
            byte_end: it.byte_end,
            heading_path: it.heading_path,
            tokens: it.tokens,
        }
    }
}
