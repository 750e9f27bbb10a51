//! `documents`, `document_versions` and `chunks`.

use diesel::{AsChangeset, Insertable, Queryable, Selectable};
use domain::{Chunk, ChunkId, Document, DocumentFault, DocumentId, DocumentStatus, EmbeddingStatus, PageSpan, UserId};

use super::title_key;
use crate::{
    schema::{chunks, document_versions, documents},
    value::{Id, Json, Number, Time, Word},
};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = documents, treat_none_as_null = true)]
pub(crate) struct DocumentRow {
    pub(crate) id: Id<DocumentId>,
    pub(crate) owner_id: Id<UserId>,
    pub(crate) title: String,
    pub(crate) title_key: String,
    pub(crate) filename: String,
    pub(crate) content_type: String,
    pub(crate) size_bytes: Number<u64>,
    pub(crate) sha256: String,
    pub(crate) version: Number<u32>,
    pub(crate) category: Option<String>,
    pub(crate) tags: Json<Vec<String>>,
    pub(crate) status: Word<DocumentStatus>,
    pub(crate) embedding: Word<EmbeddingStatus>,
    pub(crate) fault: Option<Json<DocumentFault>>,
    pub(crate) page_count: Number<u32>,
    pub(crate) chunk_count: Number<u32>,
    pub(crate) token_count: Number<u64>,
    pub(crate) warnings: Json<Vec<String>>,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

impl DocumentRow {
    pub(crate) fn set_title(&mut self, title: String) {
        self.title_key = title_key(&title);
        self.title = title;
    }

    /// Whether the title is nothing but the file's name, because the uploader gave none.
    pub(crate) fn is_untitled(&self) -> bool {
        let stem = self.filename.rsplit_once('.').map_or(self.filename.as_str(), |(stem, _)| stem);
        self.title.is_empty() || self.title == self.filename || self.title == stem
    }
}

impl From<Document> for DocumentRow {
    fn from(document: Document) -> Self {
        Self {
            id: Id(document.id),
            owner_id: Id(document.owner_id),
            title_key: title_key(&document.title),
            title: document.title,
            filename: document.filename,
            content_type: document.content_type,
            size_bytes: Number(document.size_bytes),
            sha256: document.sha256,
            version: Number(document.version),
            category: document.category,
            tags: Json(document.tags),
            status: Word(document.status),
            embedding: Word(document.embedding),
            fault: document.fault.map(Json),
            page_count: Number(document.pages),
            chunk_count: Number(document.chunks),
            token_count: Number(document.tokens),
            warnings: Json(document.warnings),
            created_at: Time(document.created_at),
            updated_at: Time(document.updated_at),
        }
    }
}

impl From<DocumentRow> for Document {
    fn from(row: DocumentRow) -> Self {
        Self {
            id: row.id.0,
            owner_id: row.owner_id.0,
            title: row.title,
            filename: row.filename,
            content_type: row.content_type,
            size_bytes: row.size_bytes.0,
            sha256: row.sha256,
            version: row.version.0,
            category: row.category,
            tags: row.tags.0,
            status: row.status.0,
            embedding: row.embedding.0,
            fault: row.fault.map(|json| json.0),
            pages: row.page_count.0,
            chunks: row.chunk_count.0,
            tokens: row.token_count.0,
            warnings: row.warnings.0,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = document_versions)]
pub(crate) struct VersionRow {
    pub(crate) document_id: Id<DocumentId>,
    pub(crate) version: Number<u32>,
    pub(crate) pages: Json<Vec<PageSpan>>,
    pub(crate) created_at: Time,
    pub(crate) text: String,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = chunks)]
pub(crate) struct ChunkRow {
    pub(crate) id: Id<ChunkId>,
    pub(crate) document_id: Id<DocumentId>,
    pub(crate) version: Number<u32>,
    pub(crate) ordinal: Number<u32>,
    pub(crate) page_from: Option<Number<u32>>,
    pub(crate) page_to: Option<Number<u32>>,
    pub(crate) byte_start: Number<u64>,
    pub(crate) byte_end: Number<u64>,
    pub(crate) tokens: Number<u32>,
    pub(crate) heading_path: Json<Vec<String>>,
    pub(crate) text: String,
}

impl From<Chunk> for ChunkRow {
    fn from(chunk: Chunk) -> Self {
        Self {
            id: Id(chunk.id),
            document_id: Id(chunk.document_id),
            version: Number(chunk.version),
            ordinal: Number(chunk.ordinal),
            page_from: chunk.page_from.map(Number),
            page_to: chunk.page_to.map(Number),
            byte_start: Number(chunk.byte_start),
            byte_end: Number(chunk.byte_end),
            tokens: Number(chunk.tokens),
            heading_path: Json(chunk.heading_path),
            text: chunk.text,
        }
    }
}

impl From<ChunkRow> for Chunk {
    fn from(row: ChunkRow) -> Self {
        Self {
            id: row.id.0,
            document_id: row.document_id.0,
            version: row.version.0,
            ordinal: row.ordinal.0,
            text: row.text,
            page_from: row.page_from.map(|number| number.0),
            page_to: row.page_to.map(|number| number.0),
            byte_start: row.byte_start.0,
            byte_end: row.byte_end.0,
            heading_path: row.heading_path.0,
            tokens: row.tokens.0,
        }
    }
}
