//! Documents as they are listed and described.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{dsl, prelude::*, sqlite::Sqlite};
use domain::{
    Chunk, ChunkId, Cursor, Document, DocumentFault, DocumentFilter, DocumentId, DocumentPatch, DocumentStatus,
    EmbeddingStatus, IndexedContent, NewJob, Page, PageRequest, UserId,
    ports::{DocumentStore, DocumentText, StoreError},
};

use super::{content, filters, jobs, vectors};
use crate::{
    Database,
    fault::Fault,
    paging::{Slice, page_of},
    rows::DocumentRow,
    schema::{document_tags, documents},
    sqlite::Connection,
    value::{Id, Json, Time, Word},
    vectors::VectorCache,
};

fn insert(conn: &mut Connection, document: Document, job: NewJob) -> Result<(), Fault> {
    let row = DocumentRow::from(document);
    diesel::insert_into(documents::table).values(&row).execute(conn)?;
    insert_tags(conn, row.id, &row.tags.0)?;
    jobs::enqueue(conn, job)
}

fn insert_tags(conn: &mut Connection, id: Id<DocumentId>, tags: &[String]) -> Result<(), Fault> {
    if tags.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = filters::distinct(tags)
        .into_iter()
        .map(|tag| (document_tags::document_id.eq(id), document_tags::tag.eq(tag)))
        .collect();
    diesel::insert_into(document_tags::table).values(rows).execute(conn)?;
    Ok(())
}

pub(super) fn find_row(conn: &mut Connection, id: DocumentId) -> Result<Option<DocumentRow>, Fault> {
    Ok(documents::table.find(Id(id)).select(DocumentRow::as_select()).first(conn).optional()?)
}

pub(super) fn find_own(conn: &mut Connection, owner: UserId, id: DocumentId) -> Result<Option<DocumentRow>, Fault> {
    Ok(find_row(conn, id)?.filter(|row| row.owner_id.0 == owner))
}

type Filtered = dsl::IntoBoxed<'static, documents::table, Sqlite>;

fn filtered(owner: UserId, filter: &DocumentFilter) -> Filtered {
    let mut query = documents::table.into_boxed().filter(documents::owner_id.eq(Id(owner)));
    if let Some(status) = filter.status {
        query = query.filter(documents::status.eq(Word(status)));
    }
    if let Some(category) = &filter.category {
        query = query.filter(documents::category.eq(category.clone()));
    }
    for pattern in filter.title_contains.as_deref().map(filters::word_patterns).unwrap_or_default() {
        query = query.filter(documents::title_key.like(pattern).escape('\\'));
    }
    with_tags(query, &filter.tags)
}

pub(super) fn with_tags(mut query: Filtered, tags: &[String]) -> Filtered {
    for tag in tags {
        let labelled = document_tags::table
            .filter(document_tags::document_id.eq(documents::id))
            .filter(document_tags::tag.eq(tag.clone()));
        query = query.filter(dsl::exists(labelled));
    }
    query
}

fn list(
    conn: &mut Connection,
    owner: UserId,
    filter: &DocumentFilter,
    page: PageRequest,
) -> Result<Page<Document>, Fault> {
    use documents::{created_at, id};
    let slice = Slice::from(page);
    let mut query = filtered(owner, filter);
    if let Some((sort, last)) = slice.after {
        query = query.filter(created_at.le(sort)).filter(created_at.lt(sort).or(id.lt(last)));
    }
    let rows = query
        .order((created_at.desc(), id.desc()))
        .limit(slice.limit)
        .offset(slice.offset)
        .select(DocumentRow::as_select())
        .load::<DocumentRow>(conn)?;
    let total = if slice.counted { Some(filtered(owner, filter).count().get_result(conn)?) } else { None };
    Ok(page_of(rows, page, total, |document: &Document| Cursor {
        sort: document.created_at.timestamp_micros(),
        id: document.id.0,
    }))
}

fn update(
    conn: &mut Connection,
    owner: UserId,
    id: DocumentId,
    patch: DocumentPatch,
    now: DateTime<Utc>,
) -> Result<Option<Document>, Fault> {
    let Some(mut row) = find_own(conn, owner, id)? else { return Ok(None) };
    if let Some(title) = patch.title {
        row.set_title(title);
    }
    if let Some(category) = patch.category {
        row.category = category;
    }
    let retagged = patch.tags.is_some();
    if let Some(tags) = patch.tags {
        row.tags = Json(tags);
    }
    row.updated_at = Time(now);
    save(conn, &row)?;
    if retagged {
        diesel::delete(document_tags::table.filter(document_tags::document_id.eq(row.id))).execute(conn)?;
        insert_tags(conn, row.id, &row.tags.0)?;
    }
    Ok(Some(row.into()))
}

pub(super) fn save(conn: &mut Connection, row: &DocumentRow) -> Result<(), Fault> {
    diesel::update(documents::table.find(row.id)).set(row).execute(conn)?;
    Ok(())
}

fn delete(
    conn: &mut Connection,
    owner: UserId,
    id: DocumentId,
    remove_blob: NewJob,
    cache: &VectorCache,
) -> Result<Option<Document>, Fault> {
    let Some(row) = find_own(conn, owner, id)? else { return Ok(None) };
    // Rows that rest on it go by cascade, its entries in the keyword index by trigger.
    diesel::delete(documents::table.find(row.id)).execute(conn)?;
    jobs::enqueue(conn, remove_blob)?;
    vectors::forget_document(conn, owner, id, cache)?;
    Ok(Some(row.into()))
}

fn blob_in_use(conn: &mut Connection, sha256: &str) -> Result<bool, Fault> {
    let users = documents::table.filter(documents::sha256.eq(sha256));
    Ok(diesel::select(dsl::exists(users)).get_result(conn)?)
}

fn mark_processing(conn: &mut Connection, id: DocumentId, now: DateTime<Utc>) -> Result<bool, Fault> {
    let marked = diesel::update(documents::table.find(Id(id)))
        .set((documents::status.eq(Word(DocumentStatus::Processing)), documents::updated_at.eq(Time(now))))
        .execute(conn)?;
    Ok(marked > 0)
}

fn mark_failed(conn: &mut Connection, id: DocumentId, fault: DocumentFault, now: DateTime<Utc>) -> Result<(), Fault> {
    let marked = diesel::update(documents::table.find(Id(id)))
        .set((
            documents::status.eq(Word(DocumentStatus::Failed)),
            documents::fault.eq(Some(Json(fault))),
            documents::updated_at.eq(Time(now)),
        ))
        .execute(conn)?;
    existed(marked)
}

fn mark_embedding(
    conn: &mut Connection,
    id: DocumentId,
    state: EmbeddingStatus,
    warning: Option<String>,
    now: DateTime<Utc>,
) -> Result<(), Fault> {
    let row = find_row(conn, id)?.ok_or(StoreError::Missing)?;
    let mut warnings = row.warnings;
    warnings.0.extend(warning);
    diesel::update(documents::table.find(Id(id)))
        .set((
            documents::embedding.eq(Word(state)),
            documents::warnings.eq(warnings),
            documents::updated_at.eq(Time(now)),
        ))
        .execute(conn)?;
    Ok(())
}

fn existed(changed: usize) -> Result<(), Fault> {
    if changed == 0 { Err(StoreError::Missing.into()) } else { Ok(()) }
}

#[async_trait]
impl DocumentStore for Database {
    async fn insert(&self, document: Document, job: NewJob) -> Result<(), StoreError> {
        self.write(move |conn| insert(conn, document, job)).await
    }

    async fn find(&self, owner: UserId, id: DocumentId) -> Result<Option<Document>, StoreError> {
        self.read(move |conn| Ok(find_own(conn, owner, id)?.map(Document::from))).await
    }

    async fn find_for_worker(&self, id: DocumentId) -> Result<Option<Document>, StoreError> {
        self.read(move |conn| Ok(find_row(conn, id)?.map(Document::from))).await
    }

    async fn list(
        &self,
        owner: UserId,
        filter: DocumentFilter,
        page: PageRequest,
    ) -> Result<Page<Document>, StoreError> {
        self.read(move |conn| list(conn, owner, &filter, page)).await
    }

    async fn update(
        &self,
        owner: UserId,
        id: DocumentId,
        patch: DocumentPatch,
        now: DateTime<Utc>,
    ) -> Result<Option<Document>, StoreError> {
        self.write(move |conn| update(conn, owner, id, patch, now)).await
    }

    async fn delete(&self, owner: UserId, id: DocumentId, remove_blob: NewJob) -> Result<Option<Document>, StoreError> {
        let cache = self.vectors();
        self.write(move |conn| delete(conn, owner, id, remove_blob, &cache)).await
    }

    async fn blob_in_use(&self, sha256: &str) -> Result<bool, StoreError> {
        let sha256 = sha256.to_owned();
        self.read(move |conn| blob_in_use(conn, &sha256)).await
    }

    async fn mark_processing(&self, id: DocumentId, now: DateTime<Utc>) -> Result<bool, StoreError> {
        self.write(move |conn| mark_processing(conn, id, now)).await
    }

    async fn mark_failed(&self, id: DocumentId, fault: DocumentFault, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.write(move |conn| mark_failed(conn, id, fault, now)).await
    }

    async fn save_content(
        &self,
        id: DocumentId,
        content: IndexedContent,
        next: Option<NewJob>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let cache = self.vectors();
        self.write(move |conn| content::save(conn, id, content, next, now, &cache)).await
    }

    async fn chunks_without_vector(&self, id: DocumentId, model: &str, limit: u32) -> Result<Vec<Chunk>, StoreError> {
        let model = model.to_owned();
        self.read(move |conn| vectors::chunks_without(conn, id, &model, limit)).await
    }

    async fn save_vectors(
        &self,
        id: DocumentId,
        model: &str,
        vectors: Vec<(ChunkId, Vec<f32>)>,
    ) -> Result<(), StoreError> {
        let (model, cache) = (model.to_owned(), self.vectors());
        self.write(move |conn| vectors::save(conn, id, &model, &vectors, &cache)).await
    }

    async fn mark_embedding(
        &self,
        id: DocumentId,
        state: EmbeddingStatus,
        warning: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.write(move |conn| mark_embedding(conn, id, state, warning, now)).await
    }

    async fn find_text(&self, owner: UserId, id: DocumentId) -> Result<Option<DocumentText>, StoreError> {
        self.read(move |conn| content::find_text(conn, owner, id)).await
    }

    async fn list_chunks(
        &self,
        owner: UserId,
        id: DocumentId,
        page: PageRequest,
    ) -> Result<Option<Page<Chunk>>, StoreError> {
        self.read(move |conn| content::list_chunks(conn, owner, id, page)).await
    }
}
