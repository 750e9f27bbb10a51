//! Finding passages.

use crate::{ChunkId, DocumentId, UserId};

/// What a search is narrowed to; applied inside the search, never after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchFilter {
    /// Only what this user may read.
    pub reader: UserId,
    /// Only these documents; empty is all.
    pub document_ids: Vec<DocumentId>,
    /// Only this category.
    pub category: Option<String>,
    /// Only with all of these labels.
    pub tags: Vec<String>,
}

impl SearchFilter {
    /// Everything that `reader` may read.
    #[must_use]
    pub fn all_of(reader: UserId) -> Self {
        Self { reader, document_ids: Vec::new(), category: None, tags: Vec::new() }
    }
}

/// A passage and how well it matched; larger is better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredChunk {
    /// The passage.
    pub id: ChunkId,
    /// BM25 for a search by words, cosine for one by meaning.
    pub score: f32,
}
