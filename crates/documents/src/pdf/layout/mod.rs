//! From loose glyphs to paragraphs in reading order.
//!
//! A PDF holds glyphs in drawing order, which need not be reading order. The stages, each in its own module:
//! glyphs drawn side by side become [`fragment`]s; [`columns`] decides which side by side text is columns (read one
//! after the other) and which is a table (read row by row); [`cells`] finds table cells of several lines;
//! [`line`] puts the fragments of a row into a line of text, in logical order by [`script`]; [`paragraph`] groups lines; [`compose`] joins everything once the whole
//! document is known, because hyphens and headings are judged by the rest of it.

mod cells;
mod columns;
mod compose;
mod fragment;
mod line;
mod paragraph;
mod script;
#[cfg(test)]
mod tests;

use super::glyphs::Direction;
use paragraph::Paragraph;

pub(super) use compose::compose;

/// The paragraphs of one page in reading order.
#[derive(Debug, Default)]
pub(super) struct PageLayout {
    paragraphs: Vec<Paragraph>,
}

impl PageLayout {
    /// Bytes of text, before joining.
    pub(super) fn text_bytes(&self) -> usize {
        self.paragraphs.iter().map(Paragraph::text_bytes).sum()
    }
}

/// Lays out a page. Text in other directions (margin notes, stamps, sideways tables) follows the main one.
pub(super) fn lay_out(mut directions: Vec<Direction>) -> PageLayout {
    directions.sort_by_key(|direction| std::cmp::Reverse(direction.glyphs.len()));
    let mut paragraphs = Vec::new();
    for direction in directions {
        let fragments = fragment::fragments(direction.glyphs);
        let is_rtl = fragments.iter().filter(|fragment| fragment.is_rtl()).count() * 2 > fragments.len();
        for block in columns::reading_order(fragments) {
            paragraphs.extend(paragraph::paragraphs(&line::lines(block, is_rtl)));
        }
    }
    PageLayout { paragraphs }
}
