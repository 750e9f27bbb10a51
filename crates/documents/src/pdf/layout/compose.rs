//! The paragraphs of all pages to text: hyphens, headings, page by page.

use std::collections::{BTreeMap, HashSet};

use unicode_segmentation::UnicodeSegmentation;

use super::PageLayout;
use super::paragraph::{Joint, Paragraph, ends_sentence, starts_item};
use super::script;
use crate::extraction::{Heading, PageText};

/// A heading is set larger than the body by at least this factor, and is short.
const HEADING_SCALE: f32 = 1.15;
const MAX_HEADING_CHARS: usize = 200;
const MAX_HEADING_LINES: usize = 3;
const MAX_HEADING_LEVEL: usize = 6;

/// Joins lines to paragraphs and paragraphs to pages; page numbers count from 1.
pub(in crate::pdf) fn compose(pages: Vec<PageLayout>) -> Vec<PageText> {
    let words = Words::new(&pages);
    let sizes = Sizes::new(&pages);
    let mut texts = Vec::with_capacity(pages.len());
    for (page, number) in pages.into_iter().zip(1_u32..) {
        texts.push(compose_page(number, flowing(page.paragraphs), &words, &sizes));
    }
    texts
}

fn compose_page(number: u32, paragraphs: Vec<Paragraph>, words: &Words, sizes: &Sizes) -> PageText {
    let mut page = PageText { number, ..PageText::default() };
    for paragraph in paragraphs {
        let level = sizes.heading_level(&paragraph);
        let text = join(&paragraph.lines, level.is_some(), words);
        if text.is_empty() {
            continue;
        }
        if !page.text.is_empty() {
            page.text.push_str("\n\n");
        }
        let byte_start = page.text.len();
        page.text.push_str(&text);
        if let Some(level) = level {
            page.headings.push(Heading { byte_start, byte_end: page.text.len(), level, title: text });
        }
    }
    page
}

/// Rejoins paragraphs that a column break cut in mid-sentence.
fn flowing(paragraphs: Vec<Paragraph>) -> Vec<Paragraph> {
    let mut joined: Vec<Paragraph> = Vec::with_capacity(paragraphs.len());
    for mut paragraph in paragraphs {
        match joined.last_mut().filter(|before| goes_on(before, &paragraph)) {
            Some(before) => {
                if let Some(first) = paragraph.lines.first_mut() {
                    first.0 = Joint::Flow;
                }
                before.lines.append(&mut paragraph.lines);
            }
            None => joined.push(paragraph),
        }
    }
    joined
}

fn goes_on(before: &Paragraph, paragraph: &Paragraph) -> bool {
    let (Some((_, last)), Some((_, first))) = (before.lines.last(), paragraph.lines.first()) else { return false };
    paragraph.starts_block
        && !before.cells
        && !paragraph.cells
        && before.lines.len() > 1
        && (before.size - paragraph.size).abs() < 0.05 * before.size
        && last.split_whitespace().count() >= 3
        && !ends_sentence(last)
        && first.chars().next().is_some_and(char::is_lowercase)
}

fn join(lines: &[(Joint, String)], one_line: bool, words: &Words) -> String {
    let mut text = String::new();
    for (joint, line) in lines {
        if text.is_empty() {
            text.push_str(line);
            continue;
        }
        match (joint, words.across(&text, line)) {
            (_, Some(Across::Joined(hyphen))) => text.truncate(text.len() - hyphen),
            (_, Some(Across::Compound)) => {}
            (Joint::Break, None) if !one_line => text.push('\n'),
            (_, None) => {
                let unspaced = |char: Option<char>| char.is_some_and(script::is_unspaced);
                if !(unspaced(text.chars().next_back()) && unspaced(line.chars().next())) {
                    text.push(' ');
                }
            }
        }
        text.push_str(line);
    }
    // A soft hyphen that was not at the end of a line is invisible.
    if text.contains('\u{ad}') { text.replace('\u{ad}', "") } else { text }
}

/// Numbers such as "thirty-four" keep their hyphen.
const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// How a word goes on from one line to the next.
#[derive(Debug, PartialEq)]
enum Across {
    /// The hyphen, of so many bytes, was put there by the line break.
    Joined(usize),
    /// The hyphen belongs to the word.
    Compound,
}

/// The words of the document: evidence for or against a hyphen.
struct Words(HashSet<String>);

impl Words {
    fn new(pages: &[PageLayout]) -> Self {
        let paragraphs = || pages.iter().flat_map(|page| &page.paragraphs);
        let ends = |lines: &[(Joint, String)]| lines.iter().any(|(_, line)| hyphen_bytes(line).is_some());
        if !paragraphs().any(|paragraph| ends(&paragraph.lines)) {
            return Self(HashSet::new());
        }
        let mut words = HashSet::new();
        for (_, line) in paragraphs().flat_map(|paragraph| &paragraph.lines) {
            for word in line.split_whitespace() {
                let word = word.trim_matches(|char: char| !char.is_alphanumeric());
                if word.len() > 3 {
                    words.insert(word.to_lowercase());
                }
            }
        }
        Self(words)
    }

    /// Judges a hyphen at the end of `text` before `next`: between small letters it goes, unless the document has
    /// the word with a hyphen, or its left part is itself a compound.
    fn across(&self, text: &str, next: &str) -> Option<Across> {
        let hyphen = hyphen_bytes(text)?;
        let before = &text[..text.len() - hyphen];
        let left = last_token(before);
        let right = next.unicode_words().next()?;
        let small = |char: Option<char>| char.is_some_and(char::is_lowercase);
        let both_small = small(left.chars().next_back()) && next.starts_with(right) && small(right.chars().next());
        if !both_small || left.chars().count() < 2 {
            let compound = left.chars().next_back().is_some_and(char::is_alphanumeric)
                && next.starts_with(char::is_alphanumeric)
                && !text.ends_with('\u{ad}');
            return compound.then_some(Across::Compound);
        }
        if text.ends_with('\u{ad}') {
            return Some(Across::Joined(hyphen));
        }
        let known = |word: String| self.0.contains(&word.to_lowercase());
        if known(format!("{left}{right}")) {
            return Some(Across::Joined(hyphen));
        }
        // Layout programs put in U+2010; who types a compound types U+002D.
        let compound = left.contains('-') && !text.ends_with('\u{2010}') || TENS.contains(&left);
        if compound || known(format!("{left}-{right}")) {
            return Some(Across::Compound);
        }
        Some(Across::Joined(hyphen))
    }
}

fn hyphen_bytes(line: &str) -> Option<usize> {
    let last = line.chars().next_back()?;
    let before = line[..line.len() - last.len_utf8()].chars().next_back()?;
    let hyphen = matches!(last, '-' | '\u{2010}' | '\u{ad}') && before.is_alphanumeric();
    let range = last == '–' && before.is_ascii_digit();
    (hyphen || range).then_some(last.len_utf8())
}

fn last_token(text: &str) -> &str {
    let token = text.rsplit(|char: char| char.is_whitespace()).next().unwrap_or(text);
    token.trim_start_matches(|char: char| !char.is_alphanumeric())
}

/// The font sizes of the document.
struct Sizes {
    body: u32,
    /// Heading sizes, largest first.
    headings: Vec<u32>,
}

impl Sizes {
    fn new(pages: &[PageLayout]) -> Self {
        let mut bytes: BTreeMap<u32, usize> = BTreeMap::new();
        for paragraph in pages.iter().flat_map(|page| &page.paragraphs) {
            // Tables are often set smaller than the body, and may be most of a report.
            let weight = if paragraph.cells { 1 } else { 16 };
            *bytes.entry(half_points(paragraph.size)).or_default() += weight * paragraph.text_bytes();
        }
        let body = bytes.iter().max_by_key(|(_, bytes)| **bytes).map_or(0, |(size, _)| *size);
        let mut sizes = Self { body, headings: Vec::new() };
        let mut headings: Vec<u32> = pages
            .iter()
            .flat_map(|page| &page.paragraphs)
            .filter(|paragraph| sizes.is_heading(paragraph))
            .map(|paragraph| half_points(paragraph.size))
            .collect();
        headings.sort_unstable_by(|one, other| other.cmp(one));
        headings.dedup();
        sizes.headings = headings;
        sizes
    }

    #[allow(clippy::cast_precision_loss)] // font sizes
    fn is_heading(&self, paragraph: &Paragraph) -> bool {
        let chars: usize = paragraph.lines.iter().map(|(_, line)| line.chars().count()).sum();
        let letters = paragraph.lines.iter().any(|(_, line)| line.chars().any(char::is_alphabetic));
        half_points(paragraph.size) as f32 >= HEADING_SCALE * self.body as f32
            && letters
            && !paragraph.cells
            && (2..=MAX_HEADING_CHARS).contains(&chars)
            && !paragraph
                .lines
                .iter()
                .any(|(_, line)| starts_item(line) && line.starts_with(|c: char| !c.is_alphanumeric()))
            && !paragraph.lines.last().is_some_and(|(_, line)| line.ends_with(['.', ',', ';']))
            && paragraph.lines.len() <= MAX_HEADING_LINES
    }

    fn heading_level(&self, paragraph: &Paragraph) -> Option<u8> {
        let size = half_points(paragraph.size);
        let rank =
            self.is_heading(paragraph).then(|| self.headings.iter().position(|other| *other == size)).flatten()?;
        u8::try_from(rank.min(MAX_HEADING_LEVEL - 1) + 1).ok()
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped to the range of sizes on paper
fn half_points(size: f32) -> u32 {
    (size * 2.0).round().clamp(0.0, 10_000.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paragraph(size: f32, lines: &[(Joint, &str)]) -> Paragraph {
        let lines = lines.iter().map(|(joint, line)| (*joint, (*line).to_owned())).collect();
        Paragraph { lines, size, cells: false, starts_block: false }
    }

    fn page_text(paragraphs: Vec<Paragraph>) -> PageText {
        compose(vec![PageLayout { paragraphs }]).remove(0)
    }

    #[test]
    fn hyphens_of_line_breaks_go_and_those_of_compounds_stay() {
        let text = page_text(vec![paragraph(
            10.0,
            &[
                (Joint::Break, "A well-known exam-"),
                (Joint::Flow, "ple of a well-"),
                (Joint::Flow, "known rule and a state-of-the-"),
                (Joint::Flow, "art one by Marie-"),
                (Joint::Flow, "Curie in 1990-"),
                (Joint::Flow, "1995."),
            ],
        )])
        .text;
        assert_eq!(
            text,
            "A well-known example of a well-known rule and a state-of-the-art one by Marie-Curie in 1990-1995."
        );
    }

    #[test]
    fn larger_short_paragraphs_are_headings_with_levels_by_size() {
        let page = page_text(vec![
            paragraph(20.0, &[(Joint::Break, "The Title"), (Joint::Break, "in two lines")]),
            paragraph(14.0, &[(Joint::Break, "Section")]),
            paragraph(10.0, &[(Joint::Break, "Body text that is by far the longest of all paragraphs here.")]),
        ]);
        let found: Vec<_> = page.headings.iter().map(|heading| (heading.level, heading.title.as_str())).collect();
        assert_eq!(found, [(1, "The Title in two lines"), (2, "Section")]);
        assert!(page.text.starts_with("The Title in two lines\n\nSection\n\nBody"));
    }

    #[test]
    fn a_sentence_cut_by_a_column_break_is_rejoined() {
        let mut second = paragraph(10.0, &[(Joint::Break, "goes on in the next.")]);
        second.starts_block = true;
        let first = paragraph(10.0, &[(Joint::Break, "One column"), (Joint::Flow, "ends here and")]);
        assert_eq!(page_text(vec![first, second]).text, "One column ends here and goes on in the next.");
    }
}
