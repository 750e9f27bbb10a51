//! Search over documents.

use domain::{DocumentId, SearchFilter, UserId};
use serde::{Deserialize, Serialize};
use services::retrieval::{Found, SearchMode, SearchQuery};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::comma_list;

/// Passages that a search answers when it is not told how many.
const DEFAULT_TOP_K: u32 = 3;

wire_enum! {
    /// By words and meaning together, by meaning alone, or by words alone.
    SearchedBy of SearchMode { Hybrid, Dense, Keyword }
}

/// A question to your documents.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Search {
    /// The question, or some words.
    #[param(example = "How many days of leave do I have?")]
    q: String,
    /// The most passages wanted.
    #[serde(default)]
    #[param(default = 3, minimum = 1, maximum = 50)]
    top_k: Option<u32>,
    /// How to search.
    #[serde(default)]
    #[param(inline, default = "hybrid")]
    mode: Option<SearchedBy>,
    /// Only these documents; repeated or comma-separated.
    #[serde(default, deserialize_with = "comma_list")]
    document_ids: Vec<Uuid>,
    /// Only this category.
    #[serde(default)]
    category: Option<String>,
    /// Only documents with all of these labels; repeated or comma-separated.
    #[serde(default, deserialize_with = "comma_list")]
    tag: Vec<String>,
}

impl Search {
    /// The search on behalf of `reader`.
    pub(crate) fn by(self, reader: UserId) -> SearchQuery {
        SearchQuery {
            text: self.q,
            top_k: self.top_k.unwrap_or(DEFAULT_TOP_K),
            mode: self.mode.unwrap_or(SearchedBy::Hybrid).into(),
            filter: SearchFilter {
                reader,
                document_ids: self.document_ids.into_iter().map(DocumentId).collect(),
                category: self.category,
                tags: self.tag,
            },
        }
    }
}

/// What a search found, best first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Results {
    items: Vec<Passage>,
    /// Time that the search took, in milliseconds.
    took_ms: u64,
    /// What the reader should know, for example that only words were searched.
    warnings: Vec<String>,
}

impl From<Found> for Results {
    fn from(found: Found) -> Self {
        Self {
            items: found.passages.into_iter().map(Passage::from).collect(),
            took_ms: found.took_ms,
            warnings: found.warnings,
        }
    }
}

/// A passage of a document that was found for a question.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Passage {
    document_id: Uuid,
    version: u32,
    /// Title of the document.
    title: String,
    /// The page it begins on, from 1; `null` where the format has no pages.
    page: Option<u32>,
    chunk_id: Uuid,
    text: String,
    /// 0 to 1; passages are ordered by it.
    score: f32,
    scores: Scores,
}

/// The scores that were fused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Scores {
    /// By words (BM25).
    keyword: Option<f32>,
    /// By meaning (cosine).
    dense: Option<f32>,
    /// By a reranker.
    rerank: Option<f32>,
}

impl From<domain::Passage> for Passage {
    fn from(it: domain::Passage) -> Self {
        Self {
            document_id: it.document_id.into(),
            version: it.version,
            title: it.title,
            page: it.page,
            chunk_id: it.chunk_id.into(),
            text: it.text,
            score: it.score,
            scores: Scores { keyword: it.scores.keyword, dense: it.scores.dense, rerank: it.scores.rerank },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_is_hybrid_for_three_passages_unless_told() {
        let search: Search = serde_html_form::from_str("q=leave").unwrap();
        let query = search.by(UserId(Uuid::nil()));
        assert_eq!((query.top_k, query.mode), (3, SearchMode::Hybrid));
    }

    #[test]
    fn documents_may_be_comma_separated() {
        let id = Uuid::from_u128(5);
        let search: Search = serde_html_form::from_str(&format!("q=a&document_ids={id},{id}&mode=keyword")).unwrap();
        let query = search.by(UserId(Uuid::nil()));
        assert_eq!(query.filter.document_ids, [DocumentId(id), DocumentId(id)]);
        assert_eq!(query.mode, SearchMode::Keyword);
    }
}
