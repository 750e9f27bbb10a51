//! Finding the passages that answer a question, by words and by meaning at once.

use std::{collections::HashMap, sync::Arc};

use documents::{Ranked, Terms, fuse, relevance};
use domain::{
    ChunkId, EmbedPurpose, Passage, SearchFilter,
    ports::{EmbeddingModel, PassageIndex, StoredPassage},
};

use crate::{Actor, Context, ServiceError};

/// Candidates of each kind of search that are fused. Beyond about 50 the fused order of the first ten no longer
/// changed on the development questions.
const CANDIDATES: u32 = 50;
/// Longest question that is searched for, in characters; more adds no meaning and costs time.
const MAX_QUERY_CHARS: usize = 2_000;
/// What a hybrid search says where there is nothing to search by meaning with.
const NO_EMBEDDING: &str = "searched by words only: there is no embedding model; run `causerie models pull`, or set the \
                            key of a provider that has one";
/// The most passages that one search answers.
pub const MAX_TOP_K: u32 = 50;

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SearchMode {
    /// Both, fused.
    #[default]
    Hybrid,
    /// By meaning.
    Dense,
    /// By words.
    Keyword,
}

/// A question to the documents.
#[derive(Debug, Clone)]
pub struct SearchQuery {
    /// The question.
    pub text: String,
    /// The most passages wanted, 1 to [`MAX_TOP_K`].
    pub top_k: u32,
    /// How.
    pub mode: SearchMode,
    /// Where. Its reader is the actor, whatever it says.
    pub filter: SearchFilter,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Best first.
    pub passages: Vec<Passage>,
    /// Wall time of the search in milliseconds.
    pub took_ms: u64,
    /// What the reader should know, for example that only words were searched.
    pub warnings: Vec<String>,
}

/// Search over a user's passages.
#[derive(Clone)]
pub struct Retrieval {
    index: Arc<dyn PassageIndex>,
    embedding: Option<Arc<dyn EmbeddingModel>>,
    terms: Arc<Terms>,
    context: Context,
}

impl Retrieval {
    /// A search over `index`; without `embedding` it is by words alone.
    #[must_use]
    pub fn new(index: Arc<dyn PassageIndex>, embedding: Option<Arc<dyn EmbeddingModel>>, context: Context) -> Self {
        Self { index, embedding, terms: Arc::new(Terms::default()), context }
    }

    /// The best passages that the actor may read.
    ///
    /// # Errors
    /// A rule error for an empty question or `top_k` out of range, store errors, and for [`SearchMode::Dense`] the
    /// embedding model's; a hybrid search falls back to words and says so.
    pub async fn search(&self, actor: &Actor, query: SearchQuery) -> Result<Found, ServiceError> {
        let started = self.context.clock.monotonic();
        let query = checked(actor, query)?;
        let (keyword, dense) = futures::join!(self.by_words(&query), self.by_meaning(&query));
        let mut warnings = Vec::new();
        if query.mode == SearchMode::Hybrid && self.embedding.is_none() {
            warnings.push(NO_EMBEDDING.to_owned());
        }
        let dense = match dense {
            Ok(hits) => hits,
            Err(error) if query.mode == SearchMode::Hybrid => {
                tracing::warn!(error = %error.detail(), "searching by words only");
                warnings.push(format!("searched by words only: {}", error.detail()));
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        let mut ranked = fuse(&keyword?, &dense);
        ranked.truncate(usize::try_from(query.top_k).unwrap_or(usize::MAX));
        let passages = self.load(&query, ranked).await?;
        let took = self.context.clock.monotonic().saturating_sub(started);
        Ok(Found { passages, took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX), warnings })
    }

    async fn by_words(&self, query: &SearchQuery) -> Result<Vec<domain::ScoredChunk>, ServiceError> {
        if query.mode == SearchMode::Dense {
            return Ok(Vec::new());
        }
        let limit = CANDIDATES.max(query.top_k);
        Ok(self.index.search_keyword(&query.text, &query.filter, limit).await?)
    }

    async fn by_meaning(&self, query: &SearchQuery) -> Result<Vec<domain::ScoredChunk>, ServiceError> {
        let model = match (&self.embedding, query.mode) {
            (_, SearchMode::Keyword) | (None, SearchMode::Hybrid) => return Ok(Vec::new()),
            (None, SearchMode::Dense) => {
                return Err(ServiceError::refuse(
                    domain::ErrorKind::NoModel,
                    "search by meaning needs an embedding model: run `causerie models pull`, or search with mode=keyword",
                ));
            }
            (Some(model), _) => model,
        };
        let vectors = model.embed(vec![query.text.clone()], EmbedPurpose::Query).await?;
        let Some(vector) = vectors.first() else { return Ok(Vec::new()) };
        let limit = CANDIDATES.max(query.top_k);
        Ok(self.index.search_dense(&model.info().id, vector, &query.filter, limit).await?)
    }

    async fn load(&self, query: &SearchQuery, ranked: Vec<Ranked>) -> Result<Vec<Passage>, ServiceError> {
        let ids: Vec<ChunkId> = ranked.iter().map(|hit| hit.id).collect();
        let stored = self.index.load_passages(query.filter.reader, &ids).await?;
        let mut by_id: HashMap<ChunkId, StoredPassage> =
            stored.into_iter().map(|passage| (passage.chunk.id, passage)).collect();
        let found: Vec<(Ranked, StoredPassage)> =
            ranked.into_iter().filter_map(|hit| Some((hit, by_id.remove(&hit.id)?))).collect();
        let wanted = self.terms.of(&query.text);
        let best = found
            .iter()
            .map(|(hit, stored)| {
                let words = self.terms.of(&format!("{} {}", stored.title, stored.chunk.text));
                relevance(hit.scores.dense, Terms::coverage(&wanted, &words))
            })
            .fold(0.0_f32, f32::max);
        Ok(found.into_iter().map(|(hit, stored)| passage(&hit, stored, best)).collect())
    }
}

fn checked(actor: &Actor, mut query: SearchQuery) -> Result<SearchQuery, ServiceError> {
    if query.text.trim().is_empty() {
        return Err(ServiceError::invalid("q", "expected a question or some words, got nothing"));
    }
    if !(1..=MAX_TOP_K).contains(&query.top_k) {
        return Err(ServiceError::invalid("top_k", format!("expected 1 to {MAX_TOP_K}, got {}", query.top_k)));
    }
    if let Some((cut, _)) = query.text.char_indices().nth(MAX_QUERY_CHARS) {
        query.text.truncate(cut);
    }
    query.filter.reader = actor.user_id;
    Ok(query)
}

fn passage(hit: &Ranked, stored: StoredPassage, best_relevance: f32) -> Passage {
    Passage {
        document_id: stored.chunk.document_id,
        version: stored.chunk.version,
        title: stored.title,
        page: stored.chunk.page_from,
        chunk_id: stored.chunk.id,
        text: stored.chunk.text,
        score: hit.mixed * best_relevance,
        scores: hit.scores,
    }
}
