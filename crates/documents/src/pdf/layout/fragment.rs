//! Glyphs that are drawn one after the other on one baseline.

use super::super::glyphs::{Glyph, GlyphText};
use super::script;

// All distances are in parts of the font size.

/// Baselines further apart than this do not belong to one word.
const BASELINE_TOLERANCE: f32 = 0.15;
/// How far a raised or lowered smaller glyph may stand off.
const SCRIPT_OFFSET: f32 = 0.6;
/// A size below this part of its neighbour's makes a raised or lowered glyph.
const SCRIPT_SIZE: f32 = 0.87;
/// Kerning and slanted letters reach back this far.
const OVERLAP: f32 = 0.35;
/// A wider gap may be a gutter: what follows is a fragment of its own.
const FRAGMENT_GAP: f32 = 1.2;
/// Fragments of one row closer than this are parts of one word.
const MERGE_GAP: f32 = 0.15;
/// A glyph drawn again within this distance imitates bold print.
const REPEAT: f32 = 0.12;

/// A stretch of one line without wide gaps.
#[derive(Debug)]
pub(super) struct Fragment {
    /// From left to right, with space glyphs where the file has them.
    pub(super) glyphs: Vec<Glyph>,
    pub(super) x0: f32,
    pub(super) x1: f32,
    /// Baseline of its largest glyphs.
    pub(super) y: f32,
    /// Size of its largest glyphs.
    pub(super) size: f32,
    /// Drawing order of its first glyph.
    pub(super) drawn: u32,
}

impl Fragment {
    fn new(glyph: Glyph) -> Self {
        let Glyph { x0, x1, y, size, drawn, .. } = glyph;
        Self { glyphs: vec![glyph], x0, x1, y, size, drawn }
    }

    fn push(&mut self, glyph: Glyph) {
        self.x0 = self.x0.min(glyph.x0);
        self.x1 = self.x1.max(glyph.x1);
        if glyph.size > self.size * 1.02 {
            self.y = glyph.y;
            self.size = glyph.size;
        }
        self.glyphs.push(glyph);
    }

    fn append(&mut self, other: Self) {
        self.drawn = self.drawn.min(other.drawn);
        for glyph in other.glyphs {
            if glyph.text.is_space() {
                self.glyphs.push(glyph);
            } else {
                self.push(glyph);
            }
        }
    }

    /// Whether `glyph` goes on where this fragment ends.
    fn continues_with(&self, glyph: &Glyph) -> bool {
        let size = self.size.max(glyph.size);
        let gap = (glyph.x0 - self.x1) / size;
        let offset = (glyph.y - self.y).abs() / size;
        let last = self.glyphs.iter().rev().find(|glyph| !glyph.text.is_space());
        let forward = last.is_none_or(|last| glyph.x0 >= last.x0 - 0.05 * size);
        let script = self.size.min(glyph.size) < SCRIPT_SIZE * size && offset <= SCRIPT_OFFSET && gap < 0.3;
        forward && gap > -OVERLAP && gap < FRAGMENT_GAP && (offset <= BASELINE_TOLERANCE || script)
    }

    /// Top and bottom of its letters.
    pub(super) fn extent(&self) -> (f32, f32) {
        (self.y - 0.7 * self.size, self.y + 0.2 * self.size)
    }

    /// Words by the spaces in the file and the gaps between glyphs.
    pub(super) fn words(&self) -> usize {
        let mut words = 1;
        let mut previous: Option<&Glyph> = None;
        for glyph in &self.glyphs {
            let gap = previous.is_some_and(|before| {
                before.text.is_space() || glyph.x0 - before.x1 > 0.15 * glyph.size.max(before.size)
            });
            if gap && !glyph.text.is_space() {
                words += 1;
            }
            previous = Some(glyph);
        }
        words
    }

    /// Whether most of its letters are written from right to left.
    pub(super) fn is_rtl(&self) -> bool {
        let letters = self.glyphs.iter().filter_map(|glyph| glyph.text.first()).filter(|char| char.is_alphabetic());
        let (rtl, all) = letters.fold((0, 0), |(rtl, all), char| (rtl + usize::from(script::is_rtl(char)), all + 1));
        rtl * 2 > all
    }

    fn repeats(&self, other: &Self) -> bool {
        let near = REPEAT * self.size;
        (self.x0 - other.x0).abs() < near
            && (self.x1 - other.x1).abs() < near
            && (self.y - other.y).abs() < near
            && self.glyphs.len() == other.glyphs.len()
            && self.glyphs.iter().zip(&other.glyphs).all(|(one, other)| one.text == other.text)
    }
}

/// Builds the fragments of a page from its glyphs in drawing order; sorted from top to bottom, then left to right.
pub(super) fn fragments(glyphs: Vec<Glyph>) -> Vec<Fragment> {
    let mut fragments: Vec<Fragment> = Vec::new();
    let mut open: Option<Fragment> = None;
    for glyph in glyphs {
        let Some(current) = open.as_mut() else {
            if !glyph.text.is_space() {
                open = Some(Fragment::new(glyph));
            }
            continue;
        };
        if glyph.text.is_space() {
            if (glyph.y - current.y).abs() <= BASELINE_TOLERANCE * current.size {
                current.glyphs.push(glyph);
            }
        } else if !absorbed(current, &glyph) {
            if current.continues_with(&glyph) {
                current.push(glyph);
            } else {
                fragments.extend(open.replace(Fragment::new(glyph)));
            }
        }
    }
    fragments.extend(open);
    merge(fragments)
}

/// Takes in a glyph that draws over the last one: an accent, or the same letter again.
fn absorbed(fragment: &mut Fragment, glyph: &Glyph) -> bool {
    let Some(last) = fragment.glyphs.last_mut().filter(|last| !last.text.is_space()) else { return false };
    let size = last.size.max(glyph.size);
    if (last.y - glyph.y).abs() > 0.4 * size {
        return false;
    }
    if last.text == glyph.text && (last.x0 - glyph.x0).abs() < REPEAT * size {
        return true;
    }
    let apart = (last.x0 + last.x1 - glyph.x0 - glyph.x1).abs() / 2.0;
    let (Some(one), Some(other)) = (last.text.first(), glyph.text.first()) else { return false };
    if apart > 0.25 * size {
        return false;
    }
    let Some(letter) = script::accented(one, other) else { return false };
    let (x0, x1) = (last.x0.min(glyph.x0), last.x1.max(glyph.x1));
    if other.is_alphabetic() {
        last.y = glyph.y;
    }
    (last.text, last.x0, last.x1) = (GlyphText::Char(letter), x0, x1);
    (fragment.x0, fragment.x1) = (fragment.x0.min(x0), fragment.x1.max(x1));
    if fragment.glyphs.len() == 1 {
        fragment.y = fragment.glyphs[0].y;
    }
    true
}

/// Joins fragments that touch although they were not drawn one after the other, and drops those drawn twice.
fn merge(fragments: Vec<Fragment>) -> Vec<Fragment> {
    let mut merged: Vec<Fragment> = Vec::with_capacity(fragments.len());
    for mut row in rows(fragments) {
        row.sort_by(|one, other| one.x0.total_cmp(&other.x0));
        row.dedup_by(|later, earlier| later.repeats(earlier));
        let row_start = merged.len();
        for fragment in row {
            match merged[row_start..].last_mut() {
                Some(last) if touches(last, &fragment) => last.append(fragment),
                _ => merged.push(fragment),
            }
        }
    }
    for fragment in &mut merged {
        while fragment.glyphs.last().is_some_and(|glyph| glyph.text.is_space()) {
            fragment.glyphs.pop();
        }
    }
    merged
}

fn touches(left: &Fragment, right: &Fragment) -> bool {
    let size = left.size.max(right.size);
    let gap = (right.x0 - left.x1) / size;
    gap > -OVERLAP && gap < MERGE_GAP
}

/// Sorts fragments into rows from top to bottom: those whose letters overlap in height by more than half. A raised
/// footnote sign shares the row of its word; a line below does not.
pub(super) fn rows(mut fragments: Vec<Fragment>) -> Vec<Vec<Fragment>> {
    /// A row can be joined as long as it is among the last few.
    const OPEN_ROWS: usize = 3;
    fragments.sort_by(|one, other| one.y.total_cmp(&other.y).then(one.x0.total_cmp(&other.x0)));
    let mut rows: Vec<Vec<Fragment>> = Vec::new();
    let mut extents: Vec<(f32, f32)> = Vec::new();
    for fragment in fragments {
        let (top, bottom) = fragment.extent();
        let first_open = rows.len().saturating_sub(OPEN_ROWS);
        let joined = (first_open..rows.len()).rev().find(|row| {
            let (row_top, row_bottom) = extents[*row];
            let overlap = row_bottom.min(bottom) - row_top.max(top);
            overlap > 0.55 * (row_bottom - row_top).min(bottom - top)
        });
        match joined {
            Some(row) => {
                if bottom - top > extents[row].1 - extents[row].0 {
                    extents[row] = (top, bottom);
                }
                rows[row].push(fragment);
            }
            None => {
                extents.push((top, bottom));
                rows.push(vec![fragment]);
            }
        }
    }
    rows
}
