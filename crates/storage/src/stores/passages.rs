//! Search over passages, by words and by meaning.

use std::cmp::Ordering;

use async_trait::async_trait;
use diesel::{
    QueryableByName,
    prelude::*,
    sql_types::{BigInt, Double, Text},
    sqlite::Sqlite,
};
use domain::{
    Chunk, ChunkId, DocumentId, ScoredChunk, SearchFilter, UserId,
    ports::{PassageIndex, StoreError, StoredPassage},
};

use super::{documents::with_tags, vectors};
use crate::{
    Database,
    fault::Fault,
    keyword,
    rows::ChunkRow,
    schema::{chunks, documents},
    sqlite::Connection,
    value::Id,
    vectors::{Partition, VectorCache, dot},
};

/// Candidates of the quantised scan that are scored again exactly: with 40 for 10, recall is 1.0 in the measurements
/// of `docs/architecture.md`.
const MIN_RESCORED: usize = 40;
const RESCORED_PER_RESULT: usize = 4;
/// What a word in the title weighs beside one in the passage. The title is the same for all passages of a document,
/// so it may only tip the balance between documents.
const TITLE_WEIGHT: f64 = 0.4;

#[derive(QueryableByName)]
struct Hit {
    #[diesel(sql_type = Text)]
    id: Id<ChunkId>,
    #[diesel(sql_type = Double)]
    score: f64,
}

/// FTS5 only: the query language, `bm25()` and the negative scores are its own.
fn search_keyword(
    conn: &mut Connection,
    text: &str,
    filter: &SearchFilter,
    limit: u32,
) -> Result<Vec<ScoredChunk>, Fault> {
    let Some(terms) = keyword::expression(text, filter.reader) else { return Ok(Vec::new()) };
    let mut query = diesel::sql_query(
        "SELECT chunks.id AS id, -bm25(chunk_search, 1.0, ?, 0.0) AS score FROM chunk_search \
         JOIN chunks ON chunks.seq = chunk_search.rowid JOIN documents ON documents.id = chunks.document_id \
         WHERE chunk_search MATCH ? AND documents.owner_id = ?",
    )
    .into_boxed::<Sqlite>()
    .bind::<Double, _>(TITLE_WEIGHT)
    .bind::<Text, _>(terms)
    .bind::<Text, _>(Id(filter.reader));
    if !filter.document_ids.is_empty() {
        let places = vec!["?"; filter.document_ids.len()].join(", ");
        query = query.sql(format!(" AND documents.id IN ({places})"));
        for document in filter.document_ids.iter().copied() {
            query = query.bind::<Text, _>(Id(document));
        }
    }
    if let Some(category) = filter.category.clone() {
        query = query.sql(" AND documents.category = ?").bind::<Text, _>(category);
    }
    for tag in filter.tags.iter().cloned() {
        query = query
            .sql(" AND EXISTS (SELECT 1 FROM document_tags WHERE document_id = documents.id AND tag = ?)")
            .bind::<Text, _>(tag);
    }
    let hits =
        query.sql(" ORDER BY score DESC, chunks.id LIMIT ?").bind::<BigInt, _>(i64::from(limit)).load::<Hit>(conn)?;
    #[allow(clippy::cast_possible_truncation, reason = "a score is compared, not counted with")]
    let scored = |hit: Hit| ScoredChunk { id: hit.id.0, score: hit.score as f32 };
    Ok(hits.into_iter().map(scored).collect())
}

fn search_dense(
    conn: &mut Connection,
    model: &str,
    vector: &[f32],
    filter: &SearchFilter,
    limit: u32,
    cache: &VectorCache,
) -> Result<Vec<ScoredChunk>, Fault> {
    let allowed = allowed_documents(conn, filter)?;
    if allowed.as_ref().is_some_and(Vec::is_empty) {
        return Ok(Vec::new());
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let candidates = limit.saturating_mul(RESCORED_PER_RESULT).max(MIN_RESCORED);
    let partition = load_partition(conn, filter.reader, model, cache)?;
    let nearest = partition.scan(vector, allowed.as_deref(), candidates)?;
    let mut scored = Vec::with_capacity(nearest.len());
    vectors::exact(conn, model, &nearest, |id, exact| scored.push(ScoredChunk { id, score: dot(exact, vector) }))?;
    scored.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap_or(Ordering::Equal).then(a.id.cmp(&b.id)));
    scored.truncate(limit);
    Ok(scored)
}

/// The reader's vectors, read from the database where the cache does not have them or another process changed them.
fn load_partition(
    conn: &mut Connection,
    reader: UserId,
    model: &str,
    cache: &VectorCache,
) -> Result<std::sync::Arc<Partition>, Fault> {
    let epoch = vectors::epoch_of(conn, reader)?;
    cache.current(reader, model, epoch, |rows| {
        vectors::for_each(conn, reader, model, |document, chunk, vector| rows.push(document, chunk, vector))
    })
}

/// The documents that a search is narrowed to; absent where it is over all of the reader's.
fn allowed_documents(conn: &mut Connection, filter: &SearchFilter) -> Result<Option<Vec<DocumentId>>, Fault> {
    if filter.document_ids.is_empty() && filter.category.is_none() && filter.tags.is_empty() {
        return Ok(None);
    }
    let mut query = documents::table.into_boxed().filter(documents::owner_id.eq(Id(filter.reader)));
    if !filter.document_ids.is_empty() {
        let ids: Vec<Id<DocumentId>> = filter.document_ids.iter().copied().map(Id).collect();
        query = query.filter(documents::id.eq_any(ids));
    }
    if let Some(category) = filter.category.clone() {
        query = query.filter(documents::category.eq(category));
    }
    let ids = with_tags(query, &filter.tags).select(documents::id).load::<Id<DocumentId>>(conn)?;
    Ok(Some(ids.into_iter().map(|id| id.0).collect()))
}

fn load_passages(conn: &mut Connection, reader: UserId, ids: &[ChunkId]) -> Result<Vec<StoredPassage>, Fault> {
    let ids: Vec<Id<ChunkId>> = ids.iter().copied().map(Id).collect();
    let rows = chunks::table
        .inner_join(documents::table)
        .filter(chunks::id.eq_any(ids))
        .filter(documents::owner_id.eq(Id(reader)))
        .select((ChunkRow::as_select(), documents::title))
        .load::<(ChunkRow, String)>(conn)?;
    Ok(rows.into_iter().map(|(chunk, title)| StoredPassage { chunk: Chunk::from(chunk), title }).collect())
}

#[async_trait]
impl PassageIndex for Database {
    async fn search_keyword(
        &self,
        query: &str,
        filter: &SearchFilter,
        limit: u32,
    ) -> Result<Vec<ScoredChunk>, StoreError> {
        let (query, filter) = (query.to_owned(), filter.clone());
        self.read(move |conn| search_keyword(conn, &query, &filter, limit)).await
    }

    async fn search_dense(
        &self,
        model: &str,
        vector: &[f32],
        filter: &SearchFilter,
        limit: u32,
    ) -> Result<Vec<ScoredChunk>, StoreError> {
        let (model, vector, filter, cache) = (model.to_owned(), vector.to_vec(), filter.clone(), self.vectors());
        self.read(move |conn| search_dense(conn, &model, &vector, &filter, limit, &cache)).await
    }

    async fn load_passages(&self, reader: UserId, ids: &[ChunkId]) -> Result<Vec<StoredPassage>, StoreError> {
        let ids = ids.to_vec();
        self.read(move |conn| load_passages(conn, reader, &ids)).await
    }
}
