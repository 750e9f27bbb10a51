//! The text and passages of a document.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use domain::{
    Chunk, Cursor, DocumentId, DocumentStatus, IndexedContent, NewJob, Page, PageRequest, UserId,
    ports::{DocumentText, StoreError},
};

use super::{documents, jobs, vectors};
use crate::{
    fault::Fault,
    paging::{Slice, page_of},
    rows::{ChunkRow, DocumentRow, VersionRow},
    schema::{chunks, document_versions},
    sqlite::Connection,
    value::{Json, Number, Time, Word},
    vectors::VectorCache,
};

/// Rows of one insert statement; larger ones are no faster and reach the engine's limit on bound values.
const CHUNKS_PER_INSERT: usize = 64;

pub(super) fn save(
    conn: &mut Connection,
    id: DocumentId,
    content: IndexedContent,
    next: Option<NewJob>,
    now: DateTime<Utc>,
    cache: &VectorCache,
) -> Result<(), Fault> {
    let Some(mut document) = documents::find_row(conn, id)? else { return Err(StoreError::Missing.into()) };
    // Passages of every version go: both searches are over the current one.
    diesel::delete(chunks::table.filter(chunks::document_id.eq(document.id))).execute(conn)?;
    describe(&mut document, &content, now);
    // The title is written first, because the keyword index takes it from there.
    documents::save(conn, &document)?;
    save_text(conn, &document, content.text, Json(content.pages), now)?;
    insert_chunks(conn, &document, content.chunks)?;
    if let Some(job) = next {
        jobs::enqueue(conn, job)?;
    }
    vectors::forget_document(conn, document.owner_id.0, id, cache)
}

fn describe(document: &mut DocumentRow, content: &IndexedContent, now: DateTime<Utc>) {
    let found_title = content.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
    if let Some(title) = found_title
        && document.is_untitled()
    {
        document.set_title(title.to_owned());
    }
    document.status = Word(DocumentStatus::Ready);
    document.embedding = Word(content.embedding);
    document.fault = None;
    document.page_count = Number(u32::try_from(content.pages.len()).unwrap_or(u32::MAX));
    document.chunk_count = Number(u32::try_from(content.chunks.len()).unwrap_or(u32::MAX));
    document.token_count = Number(content.chunks.iter().map(|chunk| u64::from(chunk.tokens)).sum());
    document.warnings = Json(content.warnings.clone());
    document.updated_at = Time(now);
}

fn save_text(
    conn: &mut Connection,
    document: &DocumentRow,
    text: String,
    pages: Json<Vec<domain::PageSpan>>,
    now: DateTime<Utc>,
) -> Result<(), Fault> {
    let key = (document.id, document.version);
    diesel::delete(document_versions::table.find(key)).execute(conn)?;
    let row = VersionRow { document_id: key.0, version: key.1, pages, created_at: Time(now), text };
    diesel::insert_into(document_versions::table).values(&row).execute(conn)?;
    Ok(())
}

fn insert_chunks(conn: &mut Connection, document: &DocumentRow, passages: Vec<Chunk>) -> Result<(), Fault> {
    let rows: Vec<ChunkRow> = passages
        .into_iter()
        .map(|chunk| ChunkRow { document_id: document.id, version: document.version, ..ChunkRow::from(chunk) })
        .collect();
    for part in rows.chunks(CHUNKS_PER_INSERT) {
        diesel::insert_into(chunks::table).values(part).execute(conn)?;
    }
    Ok(())
}

pub(super) fn find_text(conn: &mut Connection, owner: UserId, id: DocumentId) -> Result<Option<DocumentText>, Fault> {
    let Some(document) = documents::find_own(conn, owner, id)? else { return Ok(None) };
    let row = document_versions::table
        .find((document.id, document.version))
        .select(VersionRow::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(|row| DocumentText { version: row.version.0, text: row.text, pages: row.pages.0 }))
}

pub(super) fn list_chunks(
    conn: &mut Connection,
    owner: UserId,
    id: DocumentId,
    page: PageRequest,
) -> Result<Option<Page<Chunk>>, Fault> {
    use chunks::ordinal;
    let Some(document) = documents::find_own(conn, owner, id)? else { return Ok(None) };
    let slice = Slice::from(page);
    let mut query = chunks::table
        .into_boxed()
        .filter(chunks::document_id.eq(document.id))
        .filter(chunks::version.eq(document.version));
    // Ordinals are unique within a version, so the id of the cursor decides nothing.
    if let Some((sort, _)) = slice.after {
        query = query.filter(ordinal.gt(sort));
    }
    let rows = query
        .order(ordinal)
        .limit(slice.limit)
        .offset(slice.offset)
        .select(ChunkRow::as_select())
        .load::<ChunkRow>(conn)?;
    let total = slice.counted.then_some(i64::from(document.chunk_count.0));
    Ok(Some(page_of(rows, page, total, |chunk: &Chunk| Cursor { sort: i64::from(chunk.ordinal), id: chunk.id.0 })))
}
