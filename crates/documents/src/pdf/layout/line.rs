//! One line of text from the fragments of a row: spaces from gaps, cells apart, logical order.

use super::super::glyphs::{Glyph, GlyphText};
use super::cells::{self, Cell};
use super::fragment::{self, Fragment};
use super::script::{self, Piece};

// Gaps are in parts of the font size.

/// A wider gap between letters is a space: word spaces are 0.2 and more, kerning stays under 0.1.
const SPACE: f32 = 0.15;
/// Between letters of scripts without word spaces a gap must be as wide as this; justified lines stretch.
const UNSPACED_SPACE: f32 = 0.7;
/// A wider gap separates cells, if nothing stands between them.
const CELL: f32 = 1.8;
/// Where the file has a space character, a wide gap is more likely a stretched line.
const SPACED_CELL: f32 = 3.5;
/// Stands for a line break inside a cell until lines are joined.
pub(super) const INNER_BREAK: char = '\u{b}';

/// A line of text.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) x0: f32,
    pub(super) x1: f32,
    pub(super) y: f32,
    /// Baseline of its last line, which is another one if it has cells of several lines.
    pub(super) end_y: f32,
    pub(super) size: f32,
    /// Width of its first word: what would have had to fit on the line before.
    pub(super) first_word: f32,
    /// Whether wide gaps cut it into cells.
    pub(super) cells: bool,
    /// Whether it is read from right to left.
    pub(super) rtl: bool,
}

/// Builds the lines of a block from top to bottom. Lines without readable characters are dropped.
pub(super) fn lines(block: Vec<Fragment>, page_is_rtl: bool) -> Vec<Line> {
    let (rows, rest) = cells::take_rows(block);
    let mut lines: Vec<Line> = fragment::rows(rest).into_iter().filter_map(|row| line(row, page_is_rtl)).collect();
    lines.extend(rows.into_iter().filter_map(|row| row_of_cells(row, page_is_rtl)));
    lines.sort_by(|one, other| one.y.total_cmp(&other.y));
    lines
}

/// One line from cells of several lines each.
fn row_of_cells(mut row: Vec<Cell>, page_is_rtl: bool) -> Option<Line> {
    if page_is_rtl {
        row.reverse();
    }
    let mut whole: Option<Line> = None;
    for cell in row {
        let lines: Vec<Line> =
            fragment::rows(cell.fragments).into_iter().filter_map(|row| line(row, page_is_rtl)).collect();
        for (index, part) in lines.into_iter().enumerate() {
            match whole.as_mut() {
                Some(whole) => whole.append(&part, index == 0),
                None => whole = Some(part),
            }
        }
    }
    whole
}

impl Line {
    /// Adds a line of the same cell, or the first of the next.
    fn append(&mut self, part: &Self, next_cell: bool) {
        // A bullet or number before a paragraph is no cell.
        let sign = self.text.chars().count() <= 3;
        match (next_cell, sign) {
            (false, _) => self.text.push(INNER_BREAK),
            (true, true) => self.text.push(' '),
            (true, false) => self.text.push('\t'),
        }
        self.cells |= part.cells || (next_cell && !sign);
        self.text.push_str(&part.text);
        (self.x0, self.x1) = (self.x0.min(part.x0), self.x1.max(part.x1));
        (self.y, self.end_y) = (self.y.min(part.y), self.end_y.max(part.end_y));
    }
}

fn line(mut row: Vec<Fragment>, page_is_rtl: bool) -> Option<Line> {
    row.sort_by(|one, other| one.x0.total_cmp(&other.x0));
    let x0 = row.iter().map(|fragment| fragment.x0).fold(f32::INFINITY, f32::min);
    let x1 = row.iter().map(|fragment| fragment.x1).fold(f32::NEG_INFINITY, f32::max);
    let longest = row.iter().max_by_key(|fragment| fragment.glyphs.len())?;
    let (y, size) = (longest.y, longest.size);
    let glyphs: Vec<Glyph> = row.into_iter().flat_map(|fragment| fragment.glyphs).collect();
    let mut pieces = pieces(glyphs);
    let cells = pieces.iter().any(|piece| matches!(piece, Part::Cell));
    let rtl = script::to_logical(&mut pieces, page_is_rtl);
    let first_word = first_word_width(&pieces);
    let mut text = String::with_capacity(pieces.len() + 8);
    for piece in &pieces {
        piece.push_to(&mut text);
    }
    let mut text = script::normalise(text.trim());
    if rtl {
        text = script::mirror_brackets(&text);
    }
    (!text.is_empty()).then_some(Line { text, x0, x1, y, end_y: y, size, first_word, cells, rtl })
}

/// A glyph or a gap.
enum Part {
    Glyph(Glyph),
    Space,
    Cell,
}

impl Part {
    fn push_to(&self, text: &mut String) {
        match self {
            Self::Glyph(glyph) => glyph.text.push_to(text),
            Self::Space => text.push(' '),
            Self::Cell => text.push('\t'),
        }
    }
}

impl Piece for Part {
    fn char(&self) -> char {
        match self {
            Self::Glyph(glyph) => glyph.text.first().unwrap_or('\u{fffc}'),
            Self::Space | Self::Cell => ' ',
        }
    }
}

fn first_word_width(parts: &[Part]) -> f32 {
    let word = parts.iter().map_while(|part| match part {
        Part::Glyph(glyph) => Some(glyph),
        _ => None,
    });
    let (start, end) =
        word.fold((f32::INFINITY, f32::NEG_INFINITY), |(start, end), glyph| (start.min(glyph.x0), end.max(glyph.x1)));
    (end - start).max(0.0)
}

/// Puts gaps between glyphs from left to right.
fn pieces(glyphs: Vec<Glyph>) -> Vec<Part> {
    let least_space = least_space(&glyphs);
    let mut parts: Vec<Part> = Vec::with_capacity(glyphs.len() + glyphs.len() / 4);
    let mut end: Option<(f32, f32, Option<char>)> = None;
    let mut spaced = false;
    for glyph in glyphs {
        if glyph.text.is_space() {
            spaced = end.is_some();
            continue;
        }
        if let Some((x1, size, last)) = end {
            let gap = (glyph.x0 - x1) / size.max(glyph.size);
            let unspaced = last.is_some_and(script::is_unspaced) && glyph.text.first().is_some_and(script::is_unspaced);
            let least = if unspaced { UNSPACED_SPACE } else { least_space };
            if gap > if spaced { SPACED_CELL } else { CELL } {
                parts.push(Part::Cell);
            } else if spaced || gap > least {
                parts.push(Part::Space);
            }
        }
        let reach =
            end.map_or(glyph.x1, |(x1, ..)| if glyph.x0 < x1 - glyph.size { glyph.x1 } else { glyph.x1.max(x1) });
        end = Some((reach, glyph.size, glyph.text.last()));
        spaced = false;
        parts.push(Part::Glyph(glyph));
    }
    parts
}

/// What counts as a space on this line. In letter-spaced lines, where most neighbours stand apart, it must be clearly
/// more than the usual distance.
fn least_space(glyphs: &[Glyph]) -> f32 {
    const MIN_PAIRS: usize = 5;
    const WIDEST_TRACKING: f32 = 0.6;
    let neighbours = |pair: &[Glyph]| {
        let [one, other] = pair else { return None };
        let letters = one.text != GlyphText::Unknown && !one.text.is_space() && !other.text.is_space();
        letters.then(|| (other.x0 - one.x1) / one.size.max(other.size))
    };
    let mut gaps: Vec<f32> = glyphs.windows(2).filter_map(neighbours).collect();
    if gaps.len() < MIN_PAIRS {
        return SPACE;
    }
    let middle = gaps.len() / 2;
    let (_, usual, _) = gaps.select_nth_unstable_by(middle, f32::total_cmp);
    if *usual > SPACE * 0.8 && *usual < WIDEST_TRACKING { *usual * 1.5 + 0.08 } else { SPACE }
}
