use async_trait::async_trait;

use super::StoreError;
use crate::{Chunk, ChunkId, ScoredChunk, SearchFilter, UserId};

/// A passage with what is shown beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPassage {
    /// The passage.
    pub chunk: Chunk,
    /// The document's title.
    pub title: String,
}

/// Search over passages. Filters hold inside the search: a passage that the reader may not see is never scored.
#[async_trait]
pub trait PassageIndex: Send + Sync {
    /// The best passages by words (BM25), best first. Any text is a valid query.
    async fn search_keyword(
        &self,
        query: &str,
        filter: &SearchFilter,
        limit: u32,
    ) -> Result<Vec<ScoredChunk>, StoreError>;

    /// The nearest passages by cosine among vectors of `model`, best first. `vector` has unit length.
    async fn search_dense(
        &self,
        model: &str,
        vector: &[f32],
        filter: &SearchFilter,
        limit: u32,
    ) -> Result<Vec<ScoredChunk>, StoreError>;

    /// The passages of these ids that the reader may see, in no particular order.
    async fn load_passages(&self, reader: UserId, ids: &[ChunkId]) -> Result<Vec<StoredPassage>, StoreError>;
}
