//! Content words: what of a text counts when two texts are compared by their words.

use std::collections::HashSet;

use rust_stemmers::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// Words that carry grammar rather than matter. A word missing here costs a little precision, nothing else.
const STOP_WORDS: &[&str] = &[
    "a", "about", "above", "after", "again", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be",
    "because", "been", "before", "being", "below", "between", "both", "but", "by", "can", "could", "did", "do", "does",
    "doing", "down", "during", "each", "few", "for", "from", "further", "had", "has", "have", "having", "he", "her",
    "here", "hers", "him", "his", "how", "i", "if", "in", "into", "is", "it", "its", "just", "me", "more", "most",
    "my", "no", "nor", "not", "now", "of", "off", "on", "once", "only", "or", "other", "our", "out", "over", "own",
    "please", "same", "she", "should", "so", "some", "such", "tell", "than", "that", "the", "their", "them", "then",
    "there", "these", "they", "this", "those", "through", "to", "too", "under", "until", "up", "very", "was", "we",
    "were", "what", "when", "where", "which", "while", "who", "whom", "whose", "why", "will", "with", "would", "you",
    "your",
];

/// Turns text into its content words: lower case, without accents, stop words and inflection.
pub struct Terms {
    stemmer: Stemmer,
    stop_words: HashSet<&'static str>,
}

impl Default for Terms {
    fn default() -> Self {
        Self { stemmer: Stemmer::create(Algorithm::English), stop_words: STOP_WORDS.iter().copied().collect() }
    }
}

impl Terms {
    /// The distinct content words of `text`.
    ///
    /// ```
    /// let terms = documents::Terms::default();
    /// assert_eq!(terms.of("The relighting of lighthouses"), terms.of("relight a Lighthouse!"));
    /// ```
    #[must_use]
    pub fn of(&self, text: &str) -> HashSet<String> {
        text.unicode_words().filter_map(|word| self.term(word)).collect()
    }

    /// The share of `wanted` that stands in `found`, 0 to 1; 0 where nothing is wanted.
    #[must_use]
    pub fn coverage(wanted: &HashSet<String>, found: &HashSet<String>) -> f32 {
        if wanted.is_empty() {
            return 0.0;
        }
        let shared = wanted.iter().filter(|term| found.contains(*term)).count();
        #[allow(clippy::cast_precision_loss, reason = "a text has far fewer than 2^24 distinct words")]
        let share = shared as f32 / wanted.len() as f32;
        share
    }

    fn term(&self, word: &str) -> Option<String> {
        let plain: String =
            word.nfd().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).collect::<String>().to_lowercase();
        let plain = plain.strip_suffix("'s").unwrap_or(&plain);
        (!self.stop_words.contains(plain)).then(|| self.stemmer.stem(plain).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inflection_case_accents_and_stop_words_do_not_count() {
        let terms = Terms::default();
        assert_eq!(terms.of("Which cafés were opening?"), terms.of("the Cafe opened"));
        assert!(terms.of("who is the").is_empty());
    }

    #[test]
    fn coverage_is_the_share_of_what_is_wanted() {
        let terms = Terms::default();
        let wanted = terms.of("lighthouse relit 1931");
        assert!((Terms::coverage(&wanted, &terms.of("The lighthouse stood until 1931.")) - 2.0 / 3.0).abs() < 1e-6);
        assert_eq!(Terms::coverage(&terms.of("the"), &wanted), 0.0);
    }
}
