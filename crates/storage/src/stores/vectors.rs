//! The vectors of passages: kept in the database, searched in the cache.

use std::collections::HashSet;

use diesel::{dsl, prelude::*};
use domain::{Chunk, ChunkId, DocumentId, UserId, ports::StoreError};

use super::documents;
use crate::{
    fault::Fault,
    rows::ChunkRow,
    schema::{chunk_vectors, chunks, documents as documents_table, vector_epochs},
    sqlite::Connection,
    value::{Id, Number},
    vectors::{Change, Quantised, VectorCache, from_bytes, to_bytes},
};

pub(super) fn chunks_without(
    conn: &mut Connection,
    id: DocumentId,
    model: &str,
    limit: u32,
) -> Result<Vec<Chunk>, Fault> {
    let Some(document) = documents::find_row(conn, id)? else { return Ok(Vec::new()) };
    let embedded =
        chunk_vectors::table.filter(chunk_vectors::chunk_id.eq(chunks::id)).filter(chunk_vectors::model.eq(model));
    let rows = chunks::table
        .filter(chunks::document_id.eq(document.id))
        .filter(chunks::version.eq(document.version))
        .filter(dsl::not(dsl::exists(embedded)))
        .order(chunks::ordinal)
        .limit(i64::from(limit))
        .select(ChunkRow::as_select())
        .load::<ChunkRow>(conn)?;
    Ok(rows.into_iter().map(Chunk::from).collect())
}

pub(super) fn save(
    conn: &mut Connection,
    id: DocumentId,
    model: &str,
    vectors: &[(ChunkId, Vec<f32>)],
    cache: &VectorCache,
) -> Result<(), Fault> {
    let Some(document) = documents::find_row(conn, id)? else { return Ok(()) };
    let owner = document.owner_id.0;
    let present = present_chunks(conn, id, vectors)?;
    let kept: Vec<_> = vectors.iter().filter(|(chunk, _)| present.contains(chunk)).collect();
    for (chunk, vector) in &kept {
        check(model, vector)?;
        insert(conn, *chunk, model, &to_bytes(vector))?;
    }
    let epoch = next_epoch(conn, owner)?;
    let rows = kept.into_iter().map(|(chunk, vector)| (*chunk, Quantised::of(vector))).collect();
    cache.publish(owner, &Change::saved(epoch, model, id, rows));
    Ok(())
}

fn present_chunks(
    conn: &mut Connection,
    id: DocumentId,
    vectors: &[(ChunkId, Vec<f32>)],
) -> Result<HashSet<ChunkId>, Fault> {
    let wanted: Vec<Id<ChunkId>> = vectors.iter().map(|(chunk, _)| Id(*chunk)).collect();
    let present = chunks::table
        .filter(chunks::id.eq_any(wanted))
        .filter(chunks::document_id.eq(Id(id)))
        .select(chunks::id)
        .load::<Id<ChunkId>>(conn)?;
    Ok(present.into_iter().map(|chunk| chunk.0).collect())
}

/// A vector that cannot be compared would spoil every search, so it is refused before it is stored.
fn check(model: &str, vector: &[f32]) -> Result<(), StoreError> {
    if vector.is_empty() || vector.iter().any(|component| !component.is_finite()) {
        let detail = format!("a vector of {model} is empty or has a component that is no number");
        return Err(StoreError::Corrupt { detail });
    }
    Ok(())
}

fn insert(conn: &mut Connection, chunk: ChunkId, model: &str, bytes: &[u8]) -> Result<(), Fault> {
    diesel::insert_into(chunk_vectors::table)
        .values((
            chunk_vectors::chunk_id.eq(Id(chunk)),
            chunk_vectors::model.eq(model),
            chunk_vectors::vector.eq(bytes),
        ))
        .on_conflict((chunk_vectors::chunk_id, chunk_vectors::model))
        .do_update()
        .set(chunk_vectors::vector.eq(bytes))
        .execute(conn)?;
    Ok(())
}

/// Tells the cache that the document's vectors are gone; the last thing in a transaction that removes its passages.
pub(super) fn forget_document(
    conn: &mut Connection,
    owner: UserId,
    id: DocumentId,
    cache: &VectorCache,
) -> Result<(), Fault> {
    let epoch = next_epoch(conn, owner)?;
    cache.publish(owner, &Change::removed(epoch, id));
    Ok(())
}

fn next_epoch(conn: &mut Connection, owner: UserId) -> Result<u64, Fault> {
    let epoch = diesel::insert_into(vector_epochs::table)
        .values((vector_epochs::owner_id.eq(Id(owner)), vector_epochs::epoch.eq(1)))
        .on_conflict(vector_epochs::owner_id)
        .do_update()
        .set(vector_epochs::epoch.eq(vector_epochs::epoch + 1))
        .returning(vector_epochs::epoch)
        .get_result::<Number<u64>>(conn)?;
    Ok(epoch.0)
}

/// How often the owner's vectors were changed.
pub(super) fn epoch_of(conn: &mut Connection, owner: UserId) -> Result<u64, Fault> {
    let epoch = vector_epochs::table.find(Id(owner)).select(vector_epochs::epoch).first::<Number<u64>>(conn);
    Ok(epoch.optional()?.map_or(0, |epoch| epoch.0))
}

/// Hands every vector of the owner to `take`, document by document, without holding more than one row.
pub(super) fn for_each(
    conn: &mut Connection,
    owner: UserId,
    model: &str,
    mut take: impl FnMut(DocumentId, ChunkId, &[f32]),
) -> Result<(), Fault> {
    let rows = chunk_vectors::table
        .inner_join(chunks::table.on(chunks::id.eq(chunk_vectors::chunk_id)))
        .inner_join(documents_table::table.on(documents_table::id.eq(chunks::document_id)))
        .filter(documents_table::owner_id.eq(Id(owner)))
        .filter(chunk_vectors::model.eq(model))
        .select((chunks::document_id, chunks::id, chunk_vectors::vector))
        .load_iter::<(Id<DocumentId>, Id<ChunkId>, Vec<u8>), _>(conn)?;
    let mut vector = Vec::new();
    for row in rows {
        let (document, chunk, bytes) = row?;
        from_bytes(&bytes, &mut vector);
        take(document.0, chunk.0, &vector);
    }
    Ok(())
}

/// The exact vectors of these passages; those that are gone are left out.
pub(super) fn exact(
    conn: &mut Connection,
    model: &str,
    ids: &[ChunkId],
    mut take: impl FnMut(ChunkId, &[f32]),
) -> Result<(), Fault> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids: Vec<Id<ChunkId>> = ids.iter().copied().map(Id).collect();
    let rows = chunk_vectors::table
        .filter(chunk_vectors::chunk_id.eq_any(ids))
        .filter(chunk_vectors::model.eq(model))
        .select((chunk_vectors::chunk_id, chunk_vectors::vector))
        .load::<(Id<ChunkId>, Vec<u8>)>(conn)?;
    let mut vector = Vec::new();
    for (chunk, bytes) in rows {
        from_bytes(&bytes, &mut vector);
        take(chunk.0, &vector);
    }
    Ok(())
}
