//! Lines to paragraphs: by leading, size, indentation, and whether a line was full.

use super::line::{INNER_BREAK, Line};

/// How a line goes on from the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    /// The sentence flows on.
    Flow,
    /// A new line: a list item, a table row, a verse.
    Break,
}

/// Lines that belong together.
#[derive(Debug, Clone)]
pub(super) struct Paragraph {
    /// Each line with how it joins the one before it.
    pub(super) lines: Vec<(Joint, String)>,
    /// Font size of its first line in points.
    pub(super) size: f32,
    /// Whether it holds a line of cells.
    pub(super) cells: bool,
    /// Whether it is the first of its column or page.
    pub(super) starts_block: bool,
}

impl Paragraph {
    /// Bytes of its lines.
    pub(super) fn text_bytes(&self) -> usize {
        self.lines.iter().map(|(_, text)| text.len()).sum()
    }
}

/// Sizes closer than this share count as one.
const SAME_SIZE: f32 = 0.12;
/// A pitch above this multiple of the usual one separates paragraphs.
const PARAGRAPH_PITCH: f32 = 1.3;
/// Rows of a table stand further apart than lines, up to so many times the font size.
const ROW_PITCH: f32 = 2.6;
/// An indentation of a first line, in parts of the font size, lies in this range.
const INDENT: std::ops::Range<f32> = 0.8..6.0;

/// Groups the lines of one block.
pub(super) fn paragraphs(lines: &[Line]) -> Vec<Paragraph> {
    let block = Block::new(lines);
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    for index in 0..lines.len() {
        let line = &lines[index];
        let joint = (index > 0).then(|| block.joint(lines, index)).flatten();
        match (joint, paragraphs.last_mut()) {
            (Some(joint), Some(paragraph)) => {
                paragraph.lines.extend(parts(line, joint));
                paragraph.cells |= line.cells;
            }
            _ => paragraphs.push(Paragraph {
                lines: parts(line, Joint::Break).collect(),
                size: line.size,
                cells: line.cells,
                starts_block: index == 0,
            }),
        }
    }
    paragraphs
}

fn parts(line: &Line, joint: Joint) -> impl Iterator<Item = (Joint, String)> {
    let joints = std::iter::once(joint).chain(std::iter::repeat(Joint::Flow));
    joints.zip(line.text.split(INNER_BREAK).map(str::to_owned))
}

/// Measures of a block of lines.
struct Block {
    left: f32,
    right: f32,
    /// Usual distance of baselines, in parts of the font size.
    pitch: f32,
}

impl Block {
    fn new(lines: &[Line]) -> Self {
        let left = lines.iter().map(|line| line.x0).fold(f32::INFINITY, f32::min);
        let right = lines.iter().map(|line| line.x1).fold(f32::NEG_INFINITY, f32::max);
        let mut pitches: Vec<f32> = lines
            .windows(2)
            .filter(|pair| same_size(&pair[0], &pair[1]))
            .map(|pair| (pair[1].y - pair[0].end_y) / pair[1].size)
            .filter(|pitch| (0.5..3.0).contains(pitch))
            .collect();
        pitches.sort_by(f32::total_cmp);
        // Within paragraphs lines are closest; a few lines cannot tell, and then 1.5 is still one paragraph.
        let usual = pitches.get(pitches.len() * 2 / 5).copied().unwrap_or(1.2);
        let pitch = if pitches.len() < 4 { usual.min(1.5) } else { usual };
        Self { left, right, pitch: pitch.max(1.0) }
    }

    /// How line `index` goes on from the one before; nothing if it starts a paragraph.
    fn joint(&self, lines: &[Line], index: usize) -> Option<Joint> {
        let (before, line, after) = (&lines[index - 1], &lines[index], lines.get(index + 1));
        let pitch = (line.y - before.end_y) / line.size;
        if before.cells && line.cells && (0.0..ROW_PITCH).contains(&pitch) {
            return Some(Joint::Break);
        }
        if !same_size(before, line) || pitch > PARAGRAPH_PITCH * self.pitch || pitch < 0.0 {
            return None;
        }
        if before.cells || line.cells {
            return Some(Joint::Break);
        }
        let full = self.is_full(before, line);
        // The other lines of a list item may hang under its first word.
        let hanging = starts_item(&before.text) || before.text.ends_with('-');
        if !hanging && self.is_indented(before, line, after) && (full || ends_sentence(&before.text)) {
            return None;
        }
        if full && !starts_item(&line.text) { Some(Joint::Flow) } else { Some(Joint::Break) }
    }

    /// Whether the next line's first word would not have fitted.
    fn is_full(&self, line: &Line, next: &Line) -> bool {
        let slack = 0.3 * line.size;
        let space = 0.25 * line.size;
        if line.rtl {
            line.x0 - space - next.first_word < self.left + slack
        } else {
            line.x1 + space + next.first_word > self.right - slack
        }
    }

    /// Whether only this line stands in from the margin that its neighbours keep.
    fn is_indented(&self, before: &Line, line: &Line, after: Option<&Line>) -> bool {
        let start = |line: &Line| if line.rtl { self.right - line.x1 } else { line.x0 - self.left };
        let indent = (start(line) - start(before)) / line.size;
        let returns = after.is_none_or(|after| (start(after) - start(before)).abs() < 0.5 * line.size);
        INDENT.contains(&indent) && returns
    }
}

fn same_size(one: &Line, other: &Line) -> bool {
    (one.size - other.size).abs() <= SAME_SIZE * one.size.max(other.size)
}

/// Whether a text ends as sentences do.
pub(super) fn ends_sentence(text: &str) -> bool {
    let text = text.trim_end_matches(['"', '”', '“', '’', '\'', ')', ']', '»', '«']);
    text.ends_with(['.', '!', '?', ':', '。', '！', '？', '؟', '…'])
}

/// Whether a line starts a list item: a bullet, or a short number or letter with a full stop or bracket.
pub(super) fn starts_item(text: &str) -> bool {
    const BULLETS: [char; 14] = ['•', '▪', '◦', '‣', '●', '○', '■', '□', '➢', '✓', '–', '—', '-', '*'];
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    if rest.is_empty() {
        return false;
    }
    let mut chars = first.chars();
    if chars.next().is_some_and(|char| BULLETS.contains(&char)) && chars.next().is_none() {
        return true;
    }
    let body = first.trim_start_matches(['(', '[']);
    let number = body.trim_end_matches([')', ']', '.']);
    let closed = number.len() < body.len();
    let digits = !number.is_empty() && number.len() <= 3 && number.bytes().all(|byte| byte.is_ascii_digit());
    let letter = number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_alphabetic()) && !body.ends_with('.');
    closed && (digits || letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, x0: f32, x1: f32, y: f32) -> Line {
        Line { text: text.into(), x0, x1, y, end_y: y, size: 10.0, first_word: 20.0, cells: false, rtl: false }
    }

    fn joints(lines: &[Line]) -> Vec<Vec<Joint>> {
        let of = |paragraph: Paragraph| paragraph.lines.iter().map(|(joint, _)| *joint).collect();
        paragraphs(lines).into_iter().map(of).collect()
    }

    #[test]
    fn full_lines_flow_and_a_wide_gap_starts_a_paragraph() {
        let lines = [
            line("The first line is full", 0.0, 200.0, 0.0),
            line("and ends here.", 0.0, 120.0, 12.0),
            line("A second paragraph", 0.0, 195.0, 34.0),
            line("goes on.", 0.0, 60.0, 46.0),
            line("A short line breaks.", 0.0, 100.0, 58.0),
        ];
        use Joint::{Break, Flow};
        assert_eq!(joints(&lines), [vec![Break, Flow], vec![Break, Flow, Break]]);
    }

    #[test]
    fn an_indented_first_line_starts_a_paragraph() {
        let lines = [
            line("The first paragraph runs", 0.0, 200.0, 0.0),
            line("over two full lines here.", 0.0, 200.0, 12.0),
            line("The second is indented", 15.0, 200.0, 24.0),
            line("and runs on.", 0.0, 90.0, 36.0),
        ];
        assert_eq!(joints(&lines).len(), 2);
    }

    #[test]
    fn list_items_break_even_after_a_full_line() {
        assert!(starts_item("• point") && starts_item("12. point") && starts_item("(a) point"));
        assert!(!starts_item("1990 was") && !starts_item("A point") && !starts_item("e.g. this"));
    }
}
