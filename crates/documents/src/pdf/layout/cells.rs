//! Tables whose cells have several lines.
//!
//! Read line by line such cells would be shuffled into each other. Programs draw a table cell by cell, so that the
//! drawing order tells which lines belong together; cells beside each other make a row.

use super::fragment::Fragment;

// Distances are in parts of the font size.

/// Lines of one cell follow each other at this distance.
const LINE_PITCH: std::ops::Range<f32> = 0.5..1.9;
/// A gap inside a line of a cell is at most this wide.
const INNER_GAP: f32 = 1.8;

/// Fragments that belong together, line after line.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) fragments: Vec<Fragment>,
    x0: f32,
    x1: f32,
    top: f32,
    bottom: f32,
    /// Baseline of its last line.
    y: f32,
    lines: usize,
}

impl Cell {
    fn new(fragment: Fragment) -> Self {
        let (top, bottom) = fragment.extent();
        let Fragment { x0, x1, y, .. } = fragment;
        Self { fragments: vec![fragment], x0, x1, top, bottom, y, lines: 1 }
    }

    fn size(&self) -> f32 {
        self.fragments.first().map_or(0.0, |fragment| fragment.size)
    }

    /// Whether the fragment drawn next is on its last line or starts the next.
    fn continues_with(&self, next: &Fragment) -> bool {
        let size = self.size().max(next.size);
        let down = (next.y - self.y) / size;
        let same_size = (self.size() - next.size).abs() < 0.12 * size;
        if down.abs() < 0.3 {
            let gap = next.x0 - self.x1;
            return gap > -0.3 * size && gap < INNER_GAP * size;
        }
        let overlap = self.x1.min(next.x1) - self.x0.max(next.x0);
        let under = overlap > 0.5 * (self.x1 - self.x0).min(next.x1 - next.x0);
        same_size && LINE_PITCH.contains(&down) && under
    }

    fn push(&mut self, fragment: Fragment) {
        let (top, bottom) = fragment.extent();
        self.lines += usize::from((fragment.y - self.y).abs() > 0.3 * fragment.size);
        (self.x0, self.x1) = (self.x0.min(fragment.x0), self.x1.max(fragment.x1));
        (self.top, self.bottom) = (self.top.min(top), self.bottom.max(bottom));
        self.y = fragment.y;
        self.fragments.push(fragment);
    }
}

/// Takes the rows of cells with several lines out of a block; each row from left to right. The rest stays.
pub(super) fn take_rows(mut block: Vec<Fragment>) -> (Vec<Vec<Cell>>, Vec<Fragment>) {
    block.sort_by_key(|fragment| fragment.drawn);
    let mut cells: Vec<Cell> = Vec::new();
    for fragment in block {
        match cells.last_mut() {
            Some(cell) if cell.continues_with(&fragment) => cell.push(fragment),
            _ => cells.push(Cell::new(fragment)),
        }
    }
    cells.sort_by(|one, other| one.top.total_cmp(&other.top));
    let mut bands: Vec<Vec<Cell>> = Vec::new();
    let mut bottom = f32::NEG_INFINITY;
    for cell in cells {
        let apart = cell.top > bottom - 0.25 * cell.size();
        bottom = if apart { cell.bottom } else { bottom.max(cell.bottom) };
        match bands.last_mut() {
            Some(band) if !apart => band.push(cell),
            _ => bands.push(vec![cell]),
        }
    }
    let mut rows = Vec::new();
    let mut rest = Vec::new();
    for mut band in bands {
        band.sort_by(|one, other| one.x0.total_cmp(&other.x0));
        if is_row(&band) {
            rows.push(band);
        } else {
            rest.extend(band.into_iter().flat_map(|cell| cell.fragments));
        }
    }
    (rows, rest)
}

/// Whether cells stand beside each other, none above another, and lines would be shuffled.
fn is_row(band: &[Cell]) -> bool {
    band.len() > 1
        && band.iter().any(|cell| cell.lines > 1)
        && band.windows(2).all(|pair| pair[1].x0 > pair[0].x1 - 0.3 * pair[0].size())
}
