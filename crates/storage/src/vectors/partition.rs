//! The vectors of one owner and one model.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BinaryHeap, HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use domain::{ChunkId, DocumentId, ports::StoreError};

use super::{
    cache::{Change, ChangeKind},
    quantised::{Quantised, dot_codes, quantise_into},
};

/// Rows, and the changes that were committed but not yet worked in. A commit never waits for a search or a load.
#[derive(Debug, Default)]
pub(crate) struct Partition {
    rows: RwLock<Rows>,
    waiting: Mutex<Vec<Change>>,
}

/// Vectors one behind the other, with the passage and document of each.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// The state of the owner's vectors that is held; absent before they were loaded.
    epoch: Option<u64>,
    /// Components of a vector; 0 before the first.
    dimensions: usize,
    codes: Vec<i8>,
    scales: Vec<f32>,
    chunks: Vec<ChunkId>,
    /// Number of each row's document.
    document_of: Vec<u32>,
    numbers: HashMap<DocumentId, u32>,
    next_number: u32,
}

impl Partition {
    /// Takes a committed change, at once if nobody is reading, else before the next search.
    pub(super) fn publish(&self, change: Change) {
        self.waiting().push(change);
        if let Ok(mut rows) = self.rows.try_write() {
            self.work_in(&mut rows);
        }
    }

    /// Makes sure that the rows are those of `epoch` or newer. `load` fills them from the database where changes are
    /// missing; others who search the same rows meanwhile wait for it.
    pub(super) fn bring_to<E>(&self, epoch: u64, load: impl FnOnce(&mut Rows) -> Result<(), E>) -> Result<(), E> {
        if self.waiting().is_empty() && self.read().holds(epoch) {
            return Ok(());
        }
        let mut rows = self.write();
        self.work_in(&mut rows);
        if rows.holds(epoch) {
            return Ok(());
        }
        *rows = Rows::default();
        load(&mut rows)?;
        rows.epoch = Some(epoch);
        // Changes that were committed while it loaded, and after the snapshot it loaded from.
        self.work_in(&mut rows);
        Ok(())
    }

    /// The passages nearest to `vector` by the quantised values, at most `count`, best first; narrowed to documents
    /// in `allowed`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where `vector` is of another length than what is stored.
    pub(crate) fn scan(
        &self,
        vector: &[f32],
        allowed: Option<&[DocumentId]>,
        count: usize,
    ) -> Result<Vec<ChunkId>, StoreError> {
        let rows = self.read();
        if rows.chunks.is_empty() {
            return Ok(Vec::new());
        }
        if vector.len() != rows.dimensions {
            let (got, stored) = (vector.len(), rows.dimensions);
            let detail = format!("stored vectors have {stored} components, the question's has {got}");
            return Err(StoreError::Corrupt { detail });
        }
        Ok(rows.nearest(&Quantised::of(vector), allowed, count))
    }

    pub(super) fn bytes(&self) -> usize {
        self.read().bytes()
    }

    fn work_in(&self, rows: &mut Rows) {
        for change in self.waiting().drain(..) {
            rows.apply(&change);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Change>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, Rows> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Rows> {
        self.rows.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    /// Adds a vector. One of another length than the first is left out: it could not be compared.
    pub(crate) fn push(&mut self, document: DocumentId, chunk: ChunkId, vector: &[f32]) {
        if self.fits(vector.len()) {
            let scale = quantise_into(vector, &mut self.codes);
            self.describe(document, chunk, scale);
        }
    }

    fn fits(&mut self, length: usize) -> bool {
        if self.chunks.is_empty() {
            self.dimensions = length;
        }
        if length != self.dimensions {
            tracing::warn!(expected = self.dimensions, got = length, "a vector of another length is not searched");
        }
        length == self.dimensions && length > 0
    }

    fn describe(&mut self, document: DocumentId, chunk: ChunkId, scale: f32) {
        let next = &mut self.next_number;
        let number = *self.numbers.entry(document).or_insert_with(|| {
            *next += 1;
            *next - 1
        });
        self.scales.push(scale);
        self.chunks.push(chunk);
        self.document_of.push(number);
    }

    fn holds(&self, epoch: u64) -> bool {
        self.epoch.is_some_and(|held| held >= epoch)
    }

    /// Changes come in order; where one is missing, another process made it and the rows must be loaded again.
    fn apply(&mut self, change: &Change) {
        match self.epoch {
            Some(held) if change.epoch <= held => {}
            Some(held) if change.epoch == held + 1 => {
                self.epoch = Some(change.epoch);
                match &change.kind {
                    ChangeKind::Saved { document, rows } => self.replace(*document, rows),
                    ChangeKind::Removed { document } => self.remove(*document),
                    ChangeKind::Elsewhere => {}
                }
            }
            _ => *self = Self::default(),
        }
    }

    fn replace(&mut self, document: DocumentId, vectors: &[(ChunkId, Quantised)]) {
        let new: HashSet<ChunkId> = vectors.iter().map(|(chunk, _)| *chunk).collect();
        self.remove_where(document, |chunk| new.contains(&chunk));
        for (chunk, vector) in vectors {
            if self.fits(vector.codes.len()) {
                self.codes.extend_from_slice(&vector.codes);
                self.describe(document, *chunk, vector.scale);
            }
        }
    }

    fn remove(&mut self, document: DocumentId) {
        self.remove_where(document, |_| true);
        self.numbers.remove(&document);
    }

    fn remove_where(&mut self, document: DocumentId, goes: impl Fn(ChunkId) -> bool) {
        let Some(&number) = self.numbers.get(&document) else { return };
        for row in (0..self.chunks.len()).rev() {
            if self.document_of[row] == number && goes(self.chunks[row]) {
                self.swap_remove(row);
            }
        }
    }

    /// Closes the gap with the last row.
    fn swap_remove(&mut self, row: usize) {
        let last = self.codes.len() - self.dimensions;
        self.codes.copy_within(last.., row * self.dimensions);
        self.codes.truncate(last);
        self.scales.swap_remove(row);
        self.chunks.swap_remove(row);
        self.document_of.swap_remove(row);
    }

    fn nearest(&self, query: &Quantised, allowed: Option<&[DocumentId]>, count: usize) -> Vec<ChunkId> {
        let mut best = Best::new(count);
        let vectors = self.codes.chunks_exact(self.dimensions).zip(&self.scales);
        match allowed.map(|documents| self.numbers_of(documents)) {
            None => {
                for (row, (codes, scale)) in vectors.enumerate() {
                    best.offer(score(codes, &query.codes, *scale), row);
                }
            }
            Some(wanted) => {
                for (row, ((codes, scale), document)) in vectors.zip(&self.document_of).enumerate() {
                    if wanted.get(usize::try_from(*document).unwrap_or(usize::MAX)) == Some(&true) {
                        best.offer(score(codes, &query.codes, *scale), row);
                    }
                }
            }
        }
        best.rows().into_iter().map(|row| self.chunks[row]).collect()
    }

    /// For each document number, whether it is wanted.
    fn numbers_of(&self, documents: &[DocumentId]) -> Vec<bool> {
        let mut wanted = vec![false; usize::try_from(self.next_number).unwrap_or(0)];
        for number in documents.iter().filter_map(|document| self.numbers.get(document)) {
            if let Some(place) = usize::try_from(*number).ok().and_then(|number| wanted.get_mut(number)) {
                *place = true;
            }
        }
        wanted
    }

    fn bytes(&self) -> usize {
        let per_row = size_of::<f32>() + size_of::<ChunkId>() + size_of::<u32>();
        // A map entry costs its key, its value and about as much again.
        self.codes.capacity() + self.chunks.capacity() * per_row + self.numbers.len() * 40
    }
}

/// The query's own scale is the same for all rows and decides nothing.
fn score(codes: &[i8], query: &[i8], scale: f32) -> f32 {
    #[allow(clippy::cast_precision_loss, reason = "the score is approximate by nature")]
    let product = dot_codes(codes, query) as f32;
    product * scale
}

/// The best rows seen so far.
struct Best {
    count: usize,
    heap: BinaryHeap<Reverse<Candidate>>,
}

#[derive(PartialEq)]
struct Candidate {
    score: f32,
    row: usize,
}

impl Eq for Candidate {}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.row.cmp(&self.row))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Best {
    fn new(count: usize) -> Self {
        Self { count, heap: BinaryHeap::new() }
    }

    fn offer(&mut self, score: f32, row: usize) {
        if self.heap.len() < self.count {
            self.heap.push(Reverse(Candidate { score, row }));
        } else if let Some(mut worst) = self.heap.peek_mut()
            && score > worst.0.score
        {
            *worst = Reverse(Candidate { score, row });
        }
    }

    fn rows(self) -> Vec<usize> {
        self.heap.into_sorted_vec().into_iter().map(|Reverse(candidate)| candidate.row).collect()
    }
}
