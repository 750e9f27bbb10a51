//! From a reply's text to the passages that it rests on.

use std::collections::{BTreeSet, HashSet};

use domain::{Citation, Passage};
use unicode_segmentation::UnicodeSegmentation;

use crate::Terms;

/// Longest text between the brackets of a marker, such as `1, 2, 3`, in bytes.
const MAX_MARKER_BYTES: usize = 24;
/// Longest snippet of a citation, in characters.
const MAX_SNIPPET_CHARS: usize = 300;
/// Share of a sentence's content words that a passage must have for the sentence to rest on it.
const OVERLAP_SHARE: f32 = 0.6;
/// Sentences with fewer content words say too little to be attributed.
const MIN_SENTENCE_TERMS: usize = 2;

/// Removes markers without a passage from a reply while it streams, and notes those that have one.
///
/// Text is held back only from an opening bracket until it is known whether a marker begins there, so that what was
/// streamed is, put together, exactly the final text.
#[derive(Debug)]
pub struct MarkerFilter {
    passages: usize,
    held: String,
    used: BTreeSet<usize>,
}

impl MarkerFilter {
    /// A filter for a reply that was given `passages` passages.
    #[must_use]
    pub fn new(passages: usize) -> Self {
        Self { passages, held: String::new(), used: BTreeSet::new() }
    }

    /// Takes more of the reply and gives what may be shown of it now.
    pub fn push(&mut self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        for c in text.chars() {
            self.push_char(c, &mut shown);
        }
        shown
    }

    /// Gives what was still held back at the end of the reply.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// The passages that were named so far, by number from 1, in ascending order.
    #[must_use]
    pub fn used(&self) -> Vec<usize> {
        self.used.iter().copied().collect()
    }

    fn push_char(&mut self, c: char, shown: &mut String) {
        // A marker is held together with the white space before it, so that both go when it has no passage.
        let in_marker = self.held.contains('[');
        match c {
            '[' => {
                if in_marker {
                    shown.push_str(&self.finish());
                }
                self.held.push('[');
            }
            ']' if in_marker => {
                self.held.push(']');
                let held = self.finish();
                shown.push_str(&self.resolve(&held));
            }
            '0'..='9' | ',' if in_marker && self.held.len() < MAX_MARKER_BYTES => self.held.push(c),
            ' ' if in_marker && self.held.len() < MAX_MARKER_BYTES => self.held.push(c),
            ' ' => {
                shown.push_str(&self.finish());
                self.held.push(c);
            }
            _ => {
                shown.push_str(&self.finish());
                shown.push(c);
            }
        }
    }

    fn resolve(&mut self, held: &str) -> String {
        let Some((before, inside)) = held.trim_end_matches(']').split_once('[') else { return held.to_owned() };
        let numbers: Vec<&str> = inside.split(',').map(str::trim).collect();
        if numbers.iter().any(|n| n.is_empty() || !n.bytes().all(|b| b.is_ascii_digit())) {
            return held.to_owned();
        }
        let named: Vec<usize> =
            numbers.iter().filter_map(|n| n.parse().ok()).filter(|n| (1..=self.passages).contains(n)).collect();
        if named.is_empty() {
            return String::new();
        }
        self.used.extend(&named);
        named.iter().fold(before.to_owned(), |text, n| format!("{text}[{n}]"))
    }
}

/// The citations of a finished reply: the passages that its markers name or, where it has no marker, those whose
/// words its sentences share.
#[must_use]
pub fn cite(text: &str, marked: &[usize], passages: &[Passage], terms: &Terms) -> Vec<Citation> {
    if !marked.is_empty() {
        let named = marked.iter().filter_map(|n| Some((*n, passages.get(n.checked_sub(1)?)?)));
        return named.map(|(n, passage)| citation(n, passage, text, terms, "marker")).collect();
    }
    let mut cited = BTreeSet::new();
    let passage_terms: Vec<HashSet<String>> = passages.iter().map(|passage| terms.of(&passage.text)).collect();
    for sentence in text.unicode_sentences() {
        let wanted = terms.of(sentence);
        if wanted.len() < MIN_SENTENCE_TERMS {
            continue;
        }
        let best = passage_terms
            .iter()
            .map(|found| Terms::coverage(&wanted, found))
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        if let Some((index, share)) = best
            && share >= OVERLAP_SHARE
        {
            cited.insert(index);
        }
    }
    cited.into_iter().map(|index| citation(index + 1, &passages[index], text, terms, "overlap")).collect()
}

fn citation(number: usize, passage: &Passage, reply: &str, terms: &Terms, attributed: &str) -> Citation {
    Citation {
        index: u32::try_from(number).unwrap_or(u32::MAX),
        document_id: passage.document_id,
        version: passage.version,
        title: passage.title.clone(),
        page: passage.page,
        chunk_id: passage.chunk_id,
        snippet: snippet(&passage.text, &terms.of(reply), terms),
        score: passage.score,
        attributed: attributed.to_owned(),
    }
}

/// The sentence of `passage` that shares the most content words with `wanted`, shortened at a word.
fn snippet(passage: &str, wanted: &HashSet<String>, terms: &Terms) -> String {
    let shared = |sentence: &str| terms.of(sentence).intersection(wanted).count();
    // A line end inside a paragraph would count as the end of a sentence.
    let flowing = passage.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
    let best = flowing
        .unicode_sentences()
        .enumerate()
        .max_by_key(|(index, sentence)| (shared(sentence), std::cmp::Reverse(*index)))
        .map_or(flowing.as_str(), |(_, sentence)| sentence);
    let best = best.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((cut, _)) = best.char_indices().nth(MAX_SNIPPET_CHARS) else { return best };
    let kept = best[..cut].rsplit_once(' ').map_or(&best[..cut], |(kept, _)| kept);
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use domain::{ChunkId, DocumentId, IdSource, PassageScores, SeededIds};

    use super::*;

    fn filtered(passages: usize, pieces: &[&str]) -> (String, Vec<usize>) {
        let mut filter = MarkerFilter::new(passages);
        let mut text: String = pieces.iter().map(|piece| filter.push(piece)).collect();
        text.push_str(&filter.finish());
        (text, filter.used())
    }

    fn passages(texts: &[&str]) -> Vec<Passage> {
        let ids = SeededIds::new(3);
        let make = |text: &&str| Passage {
            document_id: DocumentId(ids.next_uuid()),
            version: 1,
            title: "Harbours".into(),
            page: Some(2),
            chunk_id: ChunkId(ids.next_uuid()),
            text: (*text).to_owned(),
            score: 0.8,
            scores: PassageScores::default(),
        };
        texts.iter().map(make).collect()
    }

    #[test]
    fn marker_without_a_passage_is_removed_with_the_space_before_it() {
        assert_eq!(filtered(2, &["It was 1931 [1], not 1932 [7]."]), ("It was 1931 [1], not 1932.".into(), vec![1]));
    }

    #[test]
    fn markers_split_over_pieces_are_seen() {
        assert_eq!(filtered(3, &["So it was ", "[", "2", ",", " 9] there."]), ("So it was [2] there.".into(), vec![2]));
    }

    #[test]
    fn several_numbers_in_one_marker_become_one_marker_each() {
        assert_eq!(filtered(3, &["Yes [1, 3]."]), ("Yes [1][3].".into(), vec![1, 3]));
    }

    #[test]
    fn brackets_that_are_no_markers_stay() {
        for text in ["a[i] = [x, 1]", "[ ]", "[12", "[[1", "array[", "[1,,2]", "[]"] {
            let (out, _) = filtered(0, &[text]);
            assert_eq!(out, text);
        }
    }

    #[test]
    fn unmarked_reply_cites_the_passage_whose_words_it_shares() {
        let passages = passages(&[
            "The ferry to Osterby leaves at noon from the south pier.",
            "Before the war the tower was dark. The lighthouse at Varnholt was relit on 14 March 1931.",
        ]);
        let cited = cite("The lighthouse was relit in March 1931.", &[], &passages, &Terms::default());
        assert_eq!(cited.len(), 1);
        assert_eq!((cited[0].index, cited[0].attributed.as_str()), (2, "overlap"));
        assert_eq!(cited[0].snippet, "The lighthouse at Varnholt was relit on 14 March 1931.");
    }

    #[test]
    fn unmarked_reply_about_something_else_cites_nothing() {
        let passages = passages(&["The ferry to Osterby leaves at noon."]);
        assert!(cite("Bread is baked from flour and water.", &[], &passages, &Terms::default()).is_empty());
    }

    #[test]
    fn long_sentences_are_cut_at_a_word_in_snippets() {
        let passages = passages(&[&"lantern ".repeat(100)]);
        let cited = cite("lantern", &[1], &passages, &Terms::default());
        assert!(cited[0].snippet.ends_with("lantern…"));
        assert!(cited[0].snippet.chars().count() <= MAX_SNIPPET_CHARS + 1);
    }
}
