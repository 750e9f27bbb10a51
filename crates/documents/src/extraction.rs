//! What a parser hands over: text by page, and where each page lies in the whole.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// What stands between two pages in the full text: a blank line.
const PAGE_BREAK: &str = "\n\n";

/// The text of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extraction {
    /// The title that the file gives itself, if any.
    pub title: Option<String>,
    /// Every page in order, also those without text.
    pub pages: Vec<PageText>,
    /// What went wrong without losing the rest, in sentences for the person who uploaded the file.
    pub warnings: Vec<String>,
}

/// The text of one page. Formats without pages have one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageText {
    /// Position in the file, from 1.
    pub number: u32,
    /// The page's printed name ("iv", "A-3") where it differs from `number`.
    pub label: Option<String>,
    /// Paragraphs in reading order, a blank line between them.
    pub text: String,
    /// The headings in `text`, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headings: Vec<Heading>,
}

/// A heading recognised in a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// Where its line starts in the page's text, in bytes.
    pub byte_start: usize,
    /// Where its line ends in the page's text, in bytes.
    pub byte_end: usize,
    /// Depth from 1, the topmost.
    pub level: u8,
    /// Its words without markup.
    pub title: String,
}

/// The pages joined into one text, with the byte range of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullText {
    /// All pages with a blank line between two.
    pub text: String,
    /// One range for each page, in order. A page without text has an empty range.
    pub pages: Vec<Range<usize>>,
}

impl Extraction {
    /// Joins the pages. Byte offsets of chunks and citations count in this text.
    #[must_use]
    pub fn full_text(&self) -> FullText {
        let size = self.pages.iter().map(|page| page.text.len() + PAGE_BREAK.len()).sum();
        let mut text = String::with_capacity(size);
        let mut pages = Vec::with_capacity(self.pages.len());
        for page in &self.pages {
            if !text.is_empty() && !page.text.is_empty() {
                text.push_str(PAGE_BREAK);
            }
            let start = text.len();
            text.push_str(&page.text);
            pages.push(start..text.len());
        }
        FullText { text, pages }
    }

    /// Size of the extracted text in bytes, without the breaks between pages.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.pages.iter().map(|page| page.text.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: u32, text: &str) -> PageText {
        PageText { number, text: text.into(), ..PageText::default() }
    }

    #[test]
    fn pages_are_joined_by_a_blank_line_and_found_again_by_their_ranges() {
        let extraction =
            Extraction { pages: vec![page(1, "one"), page(2, ""), page(3, "drei")], ..Extraction::default() };
        let full = extraction.full_text();
        assert_eq!(full.text, "one\n\ndrei");
        let found: Vec<&str> = full.pages.iter().map(|range| &full.text[range.clone()]).collect();
        assert_eq!(found, ["one", "", "drei"]);
    }
}
