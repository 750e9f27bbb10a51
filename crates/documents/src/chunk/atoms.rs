//! The smallest pieces: headings, sentences, and parts of sentences that are too long.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::Outline;

/// Text of more bytes than this per allowed token is cut without counting it first: tokenisers slow down on long
/// runs of letters, and a token is hardly ever longer.
const BYTES_PER_TOKEN: usize = 16;
/// Parts of a sentence that is too long have at most this share of a chunk, so that they pack well.
const PART_SHARE: usize = 4;
/// How far from the middle of a long text a cut between words is looked for, in bytes.
const CUT_WINDOW: usize = 96;

/// A piece that chunks are put together from.
#[derive(Debug)]
pub(super) struct Atom {
    /// Its place in the full text, without white space at its ends.
    pub(super) range: Range<usize>,
    pub(super) tokens: usize,
    pub(super) heading: bool,
    /// Tokens of its whole paragraph, if it starts one.
    pub(super) paragraph_tokens: Option<usize>,
}

/// Splits the full text.
pub(super) fn atoms(text: &str, outline: &Outline<'_>, max_tokens: usize, count: &dyn Fn(&str) -> usize) -> Vec<Atom> {
    let cutter = Cutter { text, max_tokens, count };
    let mut atoms: Vec<Atom> = Vec::new();
    for block in blocks(text, outline) {
        let first = atoms.len();
        if block.heading {
            cutter.push(block.range, true, &mut atoms);
        } else {
            for sentence in sentences(text, &block.range) {
                cutter.push(sentence, false, &mut atoms);
            }
        }
        let tokens = atoms[first..].iter().map(|atom| atom.tokens + 1).sum();
        if let Some(start) = atoms.get_mut(first) {
            start.paragraph_tokens = Some(tokens);
        }
    }
    atoms
}

struct Block {
    range: Range<usize>,
    heading: bool,
}

/// Paragraphs and headings in order; together they cover all text that is not white space.
fn blocks(text: &str, outline: &Outline<'_>) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut position = 0;
    for (heading, _) in &outline.headings {
        if heading.start < position || heading.is_empty() {
            continue;
        }
        blocks.extend(paragraphs(text, position..heading.start));
        blocks.push(Block { range: heading.clone(), heading: true });
        position = heading.end;
    }
    blocks.extend(paragraphs(text, position..text.len()));
    blocks
}

/// Splits at blank lines.
fn paragraphs(text: &str, within: Range<usize>) -> impl Iterator<Item = Block> {
    let mut found = Vec::new();
    let mut start = within.start;
    let mut position = within.start;
    for line in text[within.clone()].split_inclusive('\n') {
        if line.trim().is_empty() {
            found.push(start..position);
            start = position + line.len();
        }
        position += line.len();
    }
    found.push(start..within.end);
    found.into_iter().filter(|range| !range.is_empty()).map(|range| Block { range, heading: false })
}

/// Splits a paragraph into sentences (Unicode Annex 29). A line break ends a sentence only where the line looks like
/// one of a list or table and not like one of running text.
fn sentences(text: &str, paragraph: &Range<usize>) -> Vec<Range<usize>> {
    let body = &text[paragraph.clone()];
    let flowing = flow(body);
    let mut found = Vec::new();
    for (offset, sentence) in flowing.split_sentence_bound_indices() {
        let start = paragraph.start + offset;
        found.push(start..start + sentence.len());
    }
    found
}

/// Replaces the line breaks inside running text by spaces. Bytes keep their places.
fn flow(paragraph: &str) -> String {
    /// A line of running text is at least so long, in bytes.
    const RUNNING_LINE: usize = 50;
    let mut flowing = String::with_capacity(paragraph.len());
    let mut lines = paragraph.split('\n').peekable();
    while let Some(line) = lines.next() {
        flowing.push_str(line);
        let Some(next) = lines.peek() else { break };
        let small = next.trim_start().chars().next().is_some_and(char::is_lowercase);
        let end = line.trim_end();
        let open = end.len() >= RUNNING_LINE && !end.contains('\t') && !end.ends_with(['.', '!', '?', ':', ';', '|']);
        flowing.push(if small || open || end.ends_with(',') { ' ' } else { '\n' });
    }
    flowing
}

struct Cutter<'a> {
    text: &'a str,
    max_tokens: usize,
    count: &'a dyn Fn(&str) -> usize,
}

impl Cutter<'_> {
    /// Adds `range`, whole if it fits a chunk, else in parts.
    fn push(&self, range: Range<usize>, heading: bool, atoms: &mut Vec<Atom>) {
        let range = self.trimmed(range);
        if range.is_empty() {
            return;
        }
        let add = |range: Range<usize>, tokens: usize, atoms: &mut Vec<Atom>| {
            atoms.push(Atom { range, tokens, heading, paragraph_tokens: None });
        };
        if range.len() <= self.max_tokens.saturating_mul(BYTES_PER_TOKEN) {
            let tokens = (self.count)(&self.text[range.clone()]);
            if tokens <= self.max_tokens {
                return add(range, tokens, atoms);
            }
        }
        // Depth first with a stack of our own, left part on top.
        let target = (self.max_tokens / PART_SHARE).max(1);
        let mut open = vec![range];
        while let Some(range) = open.pop() {
            let range = self.trimmed(range);
            if range.is_empty() {
                continue;
            }
            let countable = range.len() <= target.saturating_mul(BYTES_PER_TOKEN);
            let tokens = if countable { (self.count)(&self.text[range.clone()]) } else { usize::MAX };
            match self.middle(&range) {
                Some(middle) if tokens > target => {
                    open.push(middle..range.end);
                    open.push(range.start..middle);
                }
                _ => add(range.clone(), if countable { tokens } else { (self.count)(&self.text[range]) }, atoms),
            }
        }
    }

    fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        let text = &self.text[range.clone()];
        let start = range.end - text.trim_start().len();
        start..start + text.trim().len()
    }

    /// A place near the middle to cut at: after white space, else between words, else between characters. Nothing
    /// for a single character.
    fn middle(&self, range: &Range<usize>) -> Option<usize> {
        let text = &self.text[range.clone()];
        let half = floor_boundary(text, text.len() / 2);
        let (from, to) =
            (floor_boundary(text, half.saturating_sub(CUT_WINDOW)), floor_boundary(text, half + CUT_WINDOW));
        let nearest = |places: &mut dyn Iterator<Item = usize>| {
            places.filter(|place| (1..text.len()).contains(place)).min_by_key(|place| place.abs_diff(half))
        };
        let window = &text[from..to];
        let after_space = |(offset, char): (usize, char)| char.is_whitespace().then(|| from + offset + char.len_utf8());
        let place = nearest(&mut window.char_indices().filter_map(after_space))
            .or_else(|| nearest(&mut window.split_word_bound_indices().map(|(offset, _)| from + offset)))
            .or_else(|| {
                nearest(&mut text.char_indices().map(|(offset, _)| offset).skip_while(|offset| *offset < from))
            });
        place.map(|place| range.start + place)
    }
}

/// The last character boundary at or before `index`.
fn floor_boundary(text: &str, index: usize) -> usize {
    if index >= text.len() {
        return text.len();
    }
    (0..=index).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_lines_are_one_sentence_and_list_lines_are_not() {
        let text = "This sentence of running text is wrapped by its author\nafter some fifty letters. Short.\nItem one\nItem two";
        let found: Vec<&str> = sentences(text, &(0..text.len())).into_iter().map(|range| text[range].trim()).collect();
        let first = "This sentence of running text is wrapped by its author\nafter some fifty letters.";
        assert_eq!(found, [first, "Short.", "Item one", "Item two"]);
    }
}
