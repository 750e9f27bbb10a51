//! Text into pieces of bounded token counts, along its structure.
//!
//! [`atoms`] are the sentences (or, where a sentence is too long, parts of it) that are never cut; [`pack`] puts
//! neighbouring atoms into chunks.

mod atoms;
mod pack;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use self::atoms::Atom;
use crate::{DocumentError, Extraction, Heading};

/// A piece of a document's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Its place in the document, from 0.
    pub ordinal: u32,
    /// Its text, a copy of the byte range.
    pub text: String,
    /// First page that it has text from (see [`crate::PageText::number`]).
    pub page_from: u32,
    /// Last page that it has text from.
    pub page_to: u32,
    /// Where it starts in [`Extraction::full_text`], in bytes.
    pub byte_start: usize,
    /// Where it ends there.
    pub byte_end: usize,
    /// The headings that its beginning stands under, outermost first.
    pub heading_path: Vec<String>,
    /// Tokens of `text` as the given function counts them.
    pub tokens: usize,
}

/// Sizes of chunks in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ChunkSettings {
    max_tokens: usize,
    overlap: usize,
}

impl ChunkSettings {
    /// The smallest chunk size that holds a sentence in most languages.
    const MIN_MAX_TOKENS: usize = 16;

    /// Chunks of at most `max_tokens` (16 and more), each starting with up to `overlap` tokens of the one before.
    ///
    /// # Errors
    /// [`DocumentError::BadChunkSettings`] if the chunk size is under 16 or the overlap is not below it.
    pub fn new(max_tokens: usize, overlap: usize) -> Result<Self, DocumentError> {
        if max_tokens < Self::MIN_MAX_TOKENS {
            let least = Self::MIN_MAX_TOKENS;
            let detail = format!("chunk size {max_tokens} is below the least of {least} (tokens)");
            return Err(DocumentError::BadChunkSettings { detail });
        }
        if overlap >= max_tokens {
            let detail = format!("chunk overlap {overlap} is not below chunk size {max_tokens} (tokens)");
            return Err(DocumentError::BadChunkSettings { detail });
        }
        Ok(Self { max_tokens, overlap })
    }

    /// Most tokens in a chunk.
    #[must_use]
    pub fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// Most tokens that a chunk repeats from the one before.
    #[must_use]
    pub fn overlap(&self) -> usize {
        self.overlap
    }
}

impl Default for ChunkSettings {
    /// 256 tokens, what small embedding models read, with 32 repeated.
    fn default() -> Self {
        Self { max_tokens: 256, overlap: 32 }
    }
}

/// Cuts a document into chunks.
///
/// Cuts fall between pages, so that whoever cites a chunk can name its page, before headings, between paragraphs,
/// between sentences, and inside a sentence only if it alone is too long. Every byte of the text that is not white
/// space is in at least one chunk, and the same input gives the same chunks. `count` is called about twice for every
/// token of text; it must give the same number for the same text. A chunk exceeds the maximum only if a single
/// character does.
///
/// ```
/// use documents::{ChunkSettings, Extraction, PageText, chunk};
///
/// let page = PageText { number: 1, text: "One two three. Four five six.".into(), ..PageText::default() };
/// let extraction = Extraction { pages: vec![page], ..Extraction::default() };
/// let letters = |text: &str| text.len();
/// let chunks = chunk(&extraction, &ChunkSettings::new(16, 0)?, &letters);
/// let texts: Vec<&str> = chunks.iter().map(|chunk| chunk.text.as_str()).collect();
/// assert_eq!(texts, ["One two three.", "Four five six."]);
/// # Ok::<(), documents::DocumentError>(())
/// ```
#[must_use]
pub fn chunk(extraction: &Extraction, settings: &ChunkSettings, count: &dyn Fn(&str) -> usize) -> Vec<Chunk> {
    let full = extraction.full_text();
    let outline = Outline::new(extraction, &full.pages);
    let atoms = atoms::atoms(&full.text, &outline, settings.max_tokens, count);
    let page_of = |atom: &Atom| full.pages.partition_point(|page| page.end <= atom.range.start);
    let pieces = atoms
        .chunk_by(|one, next| page_of(one) == page_of(next))
        .flat_map(|page| pack::pack(&full.text, page, settings, count));
    let numbers: Vec<u32> = extraction.pages.iter().map(|page| page.number).collect();
    pieces
        .zip(0_u32..)
        .map(|(piece, ordinal)| {
            let (start, end) = (piece.range.start, piece.range.end);
            let (page_from, page_to) = pages_of(&full.pages, &numbers, &piece.range);
            Chunk {
                ordinal,
                text: full.text[piece.range].to_owned(),
                page_from,
                page_to,
                byte_start: start,
                byte_end: end,
                heading_path: outline.path_at(start),
                tokens: piece.tokens,
            }
        })
        .collect()
}

fn pages_of(pages: &[Range<usize>], numbers: &[u32], range: &Range<usize>) -> (u32, u32) {
    let first = pages.partition_point(|page| page.end <= range.start);
    let last = pages.partition_point(|page| page.start < range.end).saturating_sub(1).max(first);
    let number = |index: usize| numbers.get(index).or(numbers.last()).copied().unwrap_or(1);
    (number(first), number(last))
}

/// The headings of a document in the coordinates of its full text.
struct Outline<'a> {
    headings: Vec<(Range<usize>, &'a Heading)>,
}

impl<'a> Outline<'a> {
    fn new(extraction: &'a Extraction, pages: &[Range<usize>]) -> Self {
        let placed = |page: &Range<usize>, heading: &'a Heading| {
            let end = (page.start + heading.byte_end).min(page.end);
            ((page.start + heading.byte_start).min(end)..end, heading)
        };
        let of_page = |(page, text): (&Range<usize>, &'a crate::PageText)| {
            text.headings.iter().map(|heading| placed(page, heading)).collect::<Vec<_>>()
        };
        Self { headings: pages.iter().zip(&extraction.pages).flat_map(of_page).collect() }
    }

    /// Titles of the headings that hold at `offset`, outermost first.
    fn path_at(&self, offset: usize) -> Vec<String> {
        let before = self.headings.partition_point(|(range, _)| range.start <= offset);
        let mut path: Vec<&str> = Vec::new();
        let mut level = u8::MAX;
        for (_, heading) in self.headings[..before].iter().rev() {
            if heading.level < level {
                path.push(&heading.title);
                level = heading.level;
            }
            if level <= 1 {
                break;
            }
        }
        path.into_iter().rev().map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PageText;

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn chunks_of(pages: &[&str], max: usize, overlap: usize) -> Vec<Chunk> {
        let page = |(text, number): (&&str, u32)| PageText { number, text: (*text).into(), ..PageText::default() };
        let pages = pages.iter().zip(1..).map(page).collect();
        let extraction = Extraction { pages, ..Extraction::default() };
        chunk(&extraction, &ChunkSettings::new(max, overlap).unwrap(), &words)
    }

    fn sentences(count: usize) -> String {
        (0..count).map(|n| format!("Sentence number {n} has six words. ")).collect()
    }

    #[test]
    fn settings_that_contradict_themselves_are_refused() {
        let message = ChunkSettings::new(512, 600).unwrap_err().to_string();
        assert_eq!(message, "chunk overlap 600 is not below chunk size 512 (tokens)");
        assert_eq!(ChunkSettings::new(4, 0).unwrap_err().code(), "validation_failed");
    }

    #[test]
    fn chunks_repeat_whole_sentences() {
        let text = sentences(20);
        let chunks = chunks_of(&[&text], 40, 14);
        assert!(chunks.len() > 3);
        for pair in chunks.windows(2) {
            assert!(pair[1].byte_start < pair[0].byte_end, "no overlap");
            assert!(pair[1].text.starts_with("Sentence number"), "{}", pair[1].text);
            let repeated = &pair[0].text[pair[1].byte_start - pair[0].byte_start..];
            assert!(words(repeated) <= 14 && pair[1].text.starts_with(repeated));
        }
    }

    #[test]
    fn chunks_know_their_page_and_never_cross_it() {
        let chunks = chunks_of(&[&sentences(3), "", &sentences(3)], 256, 14);
        let pages: Vec<_> = chunks.iter().map(|chunk| (chunk.page_from, chunk.page_to)).collect();
        assert_eq!(pages, [(1, 1), (3, 3)]);
    }

    #[test]
    fn a_heading_opens_a_chunk_and_names_it() {
        let text = format!("# One\n\n{}\n\n## Two\n\n{}\n\n# Three\n\nEnd.", sentences(4), sentences(4));
        let extraction = crate::parse(text.into_bytes(), "a.md", &crate::ParseLimits::default()).unwrap();
        let chunks = chunk(&extraction, &ChunkSettings::new(64, 8).unwrap(), &words);
        let paths: Vec<Vec<&str>> =
            chunks.iter().map(|chunk| chunk.heading_path.iter().map(String::as_str).collect()).collect();
        assert_eq!(paths, [vec!["One"], vec!["One", "Two"], vec!["Three"]]);
        assert!(chunks[1].text.starts_with("## Two"));
    }

    #[test]
    fn a_sentence_too_long_is_cut_between_words() {
        let long = (0..500).map(|n| format!("word{n}")).collect::<Vec<_>>().join(" ");
        let chunks = chunks_of(&[&long], 50, 0);
        assert!(chunks.len() >= 10 && chunks.len() <= 20, "{}", chunks.len());
        for chunk in &chunks {
            assert!(chunk.tokens <= 50);
            assert!(chunk.text.split(' ').all(|word| word.starts_with("word")));
        }
    }

    #[test]
    fn an_empty_document_has_no_chunks() {
        assert!(chunks_of(&["", " \n "], 64, 0).is_empty());
    }
}
