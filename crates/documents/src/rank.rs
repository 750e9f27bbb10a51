//! Fusing what a search by words and a search by meaning found into one ranked list.
//!
//! Scores of each list are normalised to 0–1 over the candidates (min–max) and mixed with a weight. On the
//! development questions this beat reciprocal rank, which throws the distances away. The mixed scores only order a
//! list, since its best entry always gets about 1; they are therefore scaled by how well the best candidate
//! answers in absolute terms ([`relevance`]), so that "nothing here answers this" is a low score.

use std::collections::HashMap;

use domain::{ChunkId, PassageScores, ScoredChunk};

/// Weight of the search by words in the mix; the rest is the weight of the search by meaning.
///
/// 0.5 was best on the development questions (SQuAD: nDCG@10 .913 against .886 by words alone).
pub const KEYWORD_WEIGHT: f32 = 0.5;

/// A candidate with its scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// The passage.
    pub id: ChunkId,
    /// Mixed score, 0 to 1; it orders this list and means nothing beyond it.
    pub mixed: f32,
    /// The scores that were mixed.
    pub scores: PassageScores,
}

/// Fuses two candidate lists, best first. Either may be empty; the other then decides alone.
#[must_use]
pub fn fuse(keyword: &[ScoredChunk], dense: &[ScoredChunk]) -> Vec<Ranked> {
    let weight = match (keyword.is_empty(), dense.is_empty()) {
        (_, true) => 1.0,
        (true, false) => 0.0,
        (false, false) => KEYWORD_WEIGHT,
    };
    let mut by_id: HashMap<ChunkId, Ranked> = HashMap::with_capacity(keyword.len() + dense.len());
    for (normal, hit) in normalised(keyword) {
        let entry = by_id.entry(hit.id).or_insert_with(|| unscored(hit.id));
        entry.mixed += weight * normal;
        entry.scores.keyword = Some(hit.score);
    }
    for (normal, hit) in normalised(dense) {
        let entry = by_id.entry(hit.id).or_insert_with(|| unscored(hit.id));
        entry.mixed += (1.0 - weight) * normal;
        entry.scores.dense = Some(hit.score);
    }
    let mut ranked: Vec<Ranked> = by_id.into_values().collect();
    ranked.sort_by(|a, b| b.mixed.total_cmp(&a.mixed).then_with(|| a.id.cmp(&b.id)));
    ranked
}

/// How well a passage answers a question in absolute terms, 0 to 1.
///
/// `cosine` is that of question and passage where there is an embedding model, `coverage` the share of the
/// question's content words that the passage has. The weights are a rounded logistic regression that tells questions
/// which a document answers from questions about something else (`docs/retrieval.md` has the figures).
#[must_use]
pub fn relevance(cosine: Option<f32>, coverage: f32) -> f32 {
    let logit = match cosine {
        Some(cosine) => 6.0 * cosine + 5.5 * coverage - 4.5,
        None => 7.0 * coverage - 3.5,
    };
    1.0 / (1.0 + (-logit).exp())
}

fn unscored(id: ChunkId) -> Ranked {
    Ranked { id, mixed: 0.0, scores: PassageScores::default() }
}

fn normalised(hits: &[ScoredChunk]) -> impl Iterator<Item = (f32, &ScoredChunk)> {
    let low = hits.iter().map(|hit| hit.score).fold(f32::INFINITY, f32::min);
    let high = hits.iter().map(|hit| hit.score).fold(f32::NEG_INFINITY, f32::max);
    let span = high - low;
    hits.iter().map(move |hit| (if span > 0.0 { (hit.score - low) / span } else { 1.0 }, hit))
}

#[cfg(test)]
mod tests {
    use domain::SeededIds;

    use super::*;

    fn hits<const N: usize>(ids: [ChunkId; N], scores: [f32; N]) -> Vec<ScoredChunk> {
        ids.into_iter().zip(scores).map(|(id, score)| ScoredChunk { id, score }).collect()
    }

    #[test]
    fn a_passage_good_by_both_beats_one_best_by_either() {
        let ids = SeededIds::new(1);
        let [a, b, c, d] = std::array::from_fn(|_| ChunkId::new(&ids));
        let ranked = fuse(&hits([a, b, d], [9.0, 8.0, 1.0]), &hits([c, b, d], [0.9, 0.8, 0.1]));
        assert_eq!(ranked[0].id, b);
        assert_eq!(ranked[0].scores, PassageScores { keyword: Some(8.0), dense: Some(0.8), rerank: None });
    }

    #[test]
    fn one_empty_list_leaves_the_other_as_it_was() {
        let ids = SeededIds::new(1);
        let [a, b] = std::array::from_fn(|_| ChunkId::new(&ids));
        let order = |list: Vec<Ranked>| list.into_iter().map(|r| r.id).collect::<Vec<_>>();
        assert_eq!(order(fuse(&hits([a, b], [2.0, 1.0]), &[])), [a, b]);
        assert_eq!(order(fuse(&[], &hits([b, a], [0.5, 0.2]))), [b, a]);
        assert!(fuse(&[], &[]).is_empty());
    }

    #[test]
    fn a_lone_candidate_gets_the_full_mixed_score() {
        let id = ChunkId::new(&SeededIds::new(1));
        assert!((fuse(&hits([id], [0.3]), &[])[0].mixed - 1.0).abs() < 1e-6);
    }

    #[test]
    fn relevance_grows_with_cosine_and_coverage() {
        assert!(relevance(Some(0.6), 0.8) > relevance(Some(0.3), 0.8));
        assert!(relevance(Some(0.3), 0.8) > relevance(Some(0.3), 0.1));
        assert!(relevance(None, 1.0) > relevance(None, 0.2));
    }
}
