//! Reading order: which text side by side is columns, and which is a table.
//!
//! A *gutter* is a vertical strip that stays empty over several rows with text on both sides. Newspaper columns and
//! table columns both have one. They are told apart by what stands beside it (sentences or cells) and by the drawing
//! order (programs draw a column to its end, but a table row by row). Regions are cut recursively at the best gutter
//! into above, left, right, below.

use std::ops::Range;

use super::fragment::{self, Fragment};

/// Candidates for a gutter per region: a page is cut into strips of a quarter of a percent.
const STRIPS: u16 = 400;
/// Fewer rows on one side do not make a column.
const MIN_ROWS: usize = 3;
/// Regions smaller than this are read row by row.
const MIN_FRAGMENTS: usize = 6;
/// A page has no deeper nesting of columns; a hostile one may.
const MAX_DEPTH: usize = 12;
/// Gutters looked at per region before giving up.
const MAX_TRIES: usize = 6;
/// Above this many fragments a region is a drawing or a hostile file: it is read row by row.
const MAX_FRAGMENTS: usize = 20_000;

/// Sorts the fragments of a page into blocks in reading order.
pub(super) fn reading_order(fragments: Vec<Fragment>) -> Vec<Vec<Fragment>> {
    let mut items = Vec::with_capacity(fragments.len());
    let mut slots = Vec::with_capacity(fragments.len());
    for (row, fragments) in fragment::rows(fragments).into_iter().enumerate() {
        for fragment in fragments {
            items.push(Item::new(row, &fragment));
            slots.push(Some(fragment));
        }
    }
    let mut blocks = Vec::new();
    cut(&items, (0..items.len()).collect(), 0, &mut blocks);
    let take = |block: Vec<usize>| block.into_iter().filter_map(|index| slots[index].take()).collect();
    blocks.into_iter().map(take).collect()
}

/// What is needed of a fragment to decide.
struct Item {
    x0: f32,
    x1: f32,
    y: f32,
    size: f32,
    row: usize,
    drawn: u32,
    words: usize,
    rtl: bool,
}

impl Item {
    fn new(row: usize, fragment: &Fragment) -> Self {
        Self {
            x0: fragment.x0,
            x1: fragment.x1,
            y: fragment.y,
            size: fragment.size,
            row,
            drawn: fragment.drawn,
            words: fragment.words(),
            rtl: fragment.is_rtl(),
        }
    }
}

fn cut(items: &[Item], region: Vec<usize>, depth: usize, blocks: &mut Vec<Vec<usize>>) {
    let gutter = if depth < MAX_DEPTH && (MIN_FRAGMENTS..=MAX_FRAGMENTS).contains(&region.len()) {
        find_gutter(items, &region)
    } else {
        None
    };
    let Some(Gutter { x, members }) = gutter else {
        if !region.is_empty() {
            blocks.push(region);
        }
        return;
    };
    let beside = &region[members.clone()];
    let (left, right): (Vec<usize>, Vec<usize>) = beside.iter().partition(|index| items[**index].centre() < x);
    let rtl = beside.iter().filter(|index| items[**index].rtl).count() * 2 > beside.len();
    let (first, second) = if rtl { (right, left) } else { (left, right) };
    cut(items, region[..members.start].to_vec(), depth + 1, blocks);
    cut(items, first, depth + 1, blocks);
    cut(items, second, depth + 1, blocks);
    cut(items, region[members.end..].to_vec(), depth + 1, blocks);
}

impl Item {
    fn centre(&self) -> f32 {
        f32::midpoint(self.x0, self.x1)
    }
}

/// An empty strip at `x` beside the given part of a region.
#[derive(Clone, PartialEq)]
struct Gutter {
    x: f32,
    members: Range<usize>,
}

fn find_gutter(items: &[Item], region: &[usize]) -> Option<Gutter> {
    let mut candidates = candidates(items, region);
    candidates.sort_by(|(one, _), (other, _)| other.cmp(one));
    let mut tried: Vec<Sides> = Vec::new();
    for (_, gutter) in candidates {
        if tried.len() >= MAX_TRIES {
            return None;
        }
        let gutter = without_detached_rows(items, region, gutter);
        let Some(sides) = Sides::new(items, &region[gutter.members.clone()], gutter.x) else { continue };
        // Strips of the same gutter divide the text in the same way.
        if tried.iter().any(|seen| seen.drawing == sides.drawing) {
            continue;
        }
        if sides.are_columns() {
            return Some(gutter);
        }
        tried.push(sides);
    }
    None
}

/// Every gutter's stretches that nothing crosses, with the number of rows on the poorer side.
fn candidates(items: &[Item], region: &[usize]) -> Vec<(usize, Gutter)> {
    let left = region.iter().map(|index| items[*index].x0).fold(f32::INFINITY, f32::min);
    let right = region.iter().map(|index| items[*index].x1).fold(f32::NEG_INFINITY, f32::max);
    let step = (right - left) / f32::from(STRIPS);
    let mut found = Vec::new();
    if !step.is_finite() || step <= 0.0 {
        return found;
    }
    let mut before: Vec<(usize, Gutter)> = Vec::new();
    for strip in 1..STRIPS {
        let here = stretches(items, region, left + step * f32::from(strip));
        // Neighbouring strips with the same stretch are the same gutter.
        let known = |gutter: &Gutter| before.iter().any(|(_, other)| other.members == gutter.members);
        found.extend(here.iter().filter(|(_, gutter)| !known(gutter)).cloned());
        before = here;
    }
    found
}

/// The stretches of whole rows of a region that nothing crosses at `x`.
fn stretches(items: &[Item], region: &[usize], x: f32) -> Vec<(usize, Gutter)> {
    let row_of = |position: usize| items[region[position]].row;
    let mut found = Vec::new();
    let mut stretch = Stretch::default();
    let mut crossed = None;
    for (position, index) in region.iter().enumerate() {
        let item = &items[*index];
        if crossed == Some(item.row) {
            stretch.start = position + 1;
        } else if item.x1 <= x {
            stretch.left.add(item.row);
        } else if item.x0 >= x {
            stretch.right.add(item.row);
        } else {
            crossed = Some(item.row);
            let end = (stretch.start..position).rev().find(|before| row_of(*before) != item.row);
            found.extend(stretch.end(x, end.map_or(stretch.start, |before| before + 1)));
            stretch = Stretch { start: position + 1, ..Stretch::default() };
        }
    }
    found.extend(stretch.end(x, region.len()));
    found
}

#[derive(Default)]
struct Stretch {
    start: usize,
    left: RowCount,
    right: RowCount,
}

impl Stretch {
    fn end(&self, x: f32, end: usize) -> Option<(usize, Gutter)> {
        let rows = self.left.rows.min(self.right.rows);
        (rows >= MIN_ROWS && self.start < end).then_some((rows, Gutter { x, members: self.start..end }))
    }
}

#[derive(Default)]
struct RowCount {
    rows: usize,
    last: Option<usize>,
}

impl RowCount {
    fn add(&mut self, row: usize) {
        if self.last != Some(row) {
            self.rows += 1;
            self.last = Some(row);
        }
    }
}

/// Page headers and footers happen to leave the gutter free too, and so does a short heading: up to two rows are left
/// out at either end if white space sets them apart, or another size.
fn without_detached_rows(items: &[Item], region: &[usize], mut gutter: Gutter) -> Gutter {
    const DETACHED_ROWS: usize = 2;
    let members = &region[gutter.members.clone()];
    let mut sizes: Vec<f32> = members.iter().map(|index| items[*index].size).collect();
    sizes.sort_by(f32::total_cmp);
    let usual = sizes.get(sizes.len() / 2).copied().unwrap_or(0.0);
    let gap_before = |position: usize, outer: usize| {
        let (above, here) = (&items[members[position - 1]], &items[members[position]]);
        let outer = &items[members[outer]];
        let other_size = (outer.size - usual).abs() > 0.08 * usual;
        above.row != here.row && here.y - above.y > usual * if other_size { 1.2 } else { 2.4 }
    };
    let rows_between = |range: Range<usize>| {
        let mut rows = RowCount::default();
        members[range].iter().for_each(|index| rows.add(items[*index].row));
        rows.rows
    };
    let start = (1..members.len())
        .rev()
        .find(|position| gap_before(*position, *position - 1) && rows_between(0..*position) <= DETACHED_ROWS);
    let end = (1..members.len())
        .find(|position| gap_before(*position, *position) && rows_between(*position..members.len()) <= DETACHED_ROWS);
    let (start, end) = (start.unwrap_or(0), end.unwrap_or(members.len()));
    if start < end {
        gutter.members = gutter.members.start + start..gutter.members.start + end;
    }
    gutter
}

/// What stands left and right of a gutter.
struct Sides {
    /// Index and side of every fragment, in drawing order.
    drawing: Vec<(usize, bool)>,
    /// Rows with text on the side that has fewer.
    rows: usize,
    /// Rows that have text on both sides, as a share of `rows`.
    aligned: f32,
    /// Words per row on the side that has fewer.
    words: f32,
    /// Changes of side while drawing, per row.
    crossings: f32,
}

impl Sides {
    /// Answers nothing for a gutter narrower than a letter, or without rows.
    #[allow(clippy::cast_precision_loss)] // counts on a page
    fn new(items: &[Item], members: &[usize], x: f32) -> Option<Self> {
        let mut drawing: Vec<(usize, bool)> = members.iter().map(|i| (*i, items[*i].centre() < x)).collect();
        let side = |left: bool| drawing.iter().filter(move |entry| entry.1 == left).map(|entry| &items[entry.0]);
        let reach = side(true).map(|item| item.x1).fold(f32::NEG_INFINITY, f32::max);
        let begin = side(false).map(|item| item.x0).fold(f32::INFINITY, f32::min);
        let size = members.iter().map(|index| items[*index].size).sum::<f32>() / members.len().max(1) as f32;
        if begin - reach < 0.7 * size {
            return None;
        }
        let rows_of = |left: bool| {
            let mut rows: Vec<usize> = side(left).map(|item| item.row).collect();
            rows.dedup();
            rows
        };
        let (left, right) = (rows_of(true), rows_of(false));
        let rows = left.len().min(right.len());
        if rows < MIN_ROWS {
            return None;
        }
        let shared = left.iter().filter(|row| right.binary_search(row).is_ok()).count();
        let words = |left: bool, rows: usize| side(left).map(|item| item.words).sum::<usize>() as f32 / rows as f32;
        let words = words(true, left.len()).min(words(false, right.len()));
        drawing.sort_by_key(|entry| items[entry.0].drawn);
        let changes = drawing.windows(2).filter(|pair| pair[0].1 != pair[1].1).count();
        Some(Self {
            rows,
            aligned: shared as f32 / rows as f32,
            words,
            crossings: (changes.max(1) - 1) as f32 / rows as f32,
            drawing,
        })
    }

    fn are_columns(&self) -> bool {
        let drawn_apart = self.crossings <= 0.34;
        // Sentences have several words in a line; cells have one to three.
        if drawn_apart {
            return self.words >= 3.0 || self.aligned < 0.5;
        }
        // Recognised scans and some converters draw straight across both columns.
        self.words >= 4.5 && self.rows >= 8
    }
}
