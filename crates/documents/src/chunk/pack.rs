//! Neighbouring atoms into chunks.

use std::ops::Range;

use super::ChunkSettings;
use super::atoms::Atom;

/// A heading ends the chunk before it if that is at least this share full; smaller sections share a chunk.
const HEADING_FILL: f64 = 0.25;
/// A paragraph that does not fit ends the chunk before it if that is at least this share full.
const PARAGRAPH_FILL: f64 = 0.6;

/// The byte range of a chunk and its tokens.
pub(super) struct Piece {
    pub(super) range: Range<usize>,
    pub(super) tokens: usize,
}

/// Packs all atoms in order, each into at least one chunk.
pub(super) fn pack(text: &str, atoms: &[Atom], settings: &ChunkSettings, count: &dyn Fn(&str) -> usize) -> Vec<Piece> {
    let packer = Packer { text, atoms, settings, count };
    let mut pieces = Vec::new();
    // The next chunk holds atoms[first..], of which those before `fresh` repeat the chunk before.
    let (mut first, mut fresh) = (0, 0);
    while fresh < atoms.len() {
        let (start, end, tokens) = packer.fit(first, fresh);
        pieces.push(Piece { range: packer.range(start, end), tokens });
        first = packer.overlap_start(start, end);
        fresh = end;
    }
    pieces
}

struct Packer<'a> {
    text: &'a str,
    atoms: &'a [Atom],
    settings: &'a ChunkSettings,
    count: &'a dyn Fn(&str) -> usize,
}

impl Packer<'_> {
    fn range(&self, start: usize, end: usize) -> Range<usize> {
        self.atoms[start].range.start..self.atoms[end - 1].range.end
    }

    /// Tokens of atoms joined, one more for what stands between two: an upper bound for most tokenisers.
    fn sum(&self, start: usize, end: usize) -> usize {
        self.atoms[start..end].iter().map(|atom| atom.tokens.saturating_add(1)).fold(0, usize::saturating_add)
    }

    /// The chunk that starts at `first` (or later, down to `fresh`) and takes at least the atom `fresh`.
    fn fit(&self, first: usize, fresh: usize) -> (usize, usize, usize) {
        let max = self.settings.max_tokens();
        let mut start = first;
        let mut total = self.sum(start, fresh + 1);
        while start < fresh && total > max {
            total -= self.atoms[start].tokens + 1;
            start += 1;
        }
        let mut end = fresh + 1;
        while let Some(atom) = self.atoms.get(end)
            && total.saturating_add(atom.tokens) < max
            && !self.breaks_before(atom, total)
        {
            total += atom.tokens + 1;
            end += 1;
        }
        if end < self.atoms.len()
            && let Some(body) = self.atoms[fresh..end].iter().rposition(|atom| !atom.heading)
        {
            // A heading stays with what it heads.
            end = fresh + body + 1;
        }
        self.verified(start, fresh, end)
    }

    fn breaks_before(&self, atom: &Atom, total: usize) -> bool {
        let max = self.settings.max_tokens();
        if atom.heading {
            return total >= share(max, HEADING_FILL);
        }
        let fits = |paragraph: usize| total.saturating_add(paragraph) <= max;
        atom.paragraph_tokens.is_some_and(|paragraph| !fits(paragraph) && total >= share(max, PARAGRAPH_FILL))
    }

    /// Counts the text as it is and gives up atoms until it fits: repeated ones first, then the last ones.
    fn verified(&self, start: usize, fresh: usize, end: usize) -> (usize, usize, usize) {
        let (mut start, mut end) = (start, end);
        loop {
            let tokens = (self.count)(&self.text[self.range(start, end)]);
            if tokens <= self.settings.max_tokens() || end - start == 1 {
                return (start, end, tokens);
            }
            if start < fresh {
                start += 1;
            } else {
                end -= 1;
            }
        }
    }

    /// The first of the atoms before `end` that the next chunk repeats; `end` if none.
    fn overlap_start(&self, start: usize, end: usize) -> usize {
        if self.atoms.get(end).is_none_or(|next| next.heading) {
            return end;
        }
        let mut from = end;
        let mut total = 0;
        while from > start + 1 {
            total += self.atoms[from - 1].tokens + 1;
            if total > self.settings.overlap() {
                break;
            }
            from -= 1;
        }
        // Repeating a heading without the text below it helps nobody.
        if from < end && self.atoms[end - 1].heading {
            return end;
        }
        from
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // a share of a count
fn share(max: usize, part: f64) -> usize {
    (max as f64 * part) as usize
}
