//! Which partitions are held, and how they follow commits.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{ChunkId, DocumentId, UserId};

use super::{
    partition::{Partition, Rows},
    quantised::Quantised,
};

/// A change of an owner's vectors, as its transaction made it.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// The owner's count of changes after this one.
    pub(super) epoch: u64,
    /// The model whose vectors it is about; absent where it is about those of every model.
    model: Option<Arc<str>>,
    pub(super) kind: ChangeKind,
}

#[derive(Debug, Clone)]
pub(super) enum ChangeKind {
    /// These passages have these vectors now.
    Saved { document: DocumentId, rows: Arc<Vec<(ChunkId, Quantised)>> },
    /// The document has none any more.
    Removed { document: DocumentId },
    /// Vectors of another model changed.
    Elsewhere,
}

impl Change {
    pub(crate) fn saved(epoch: u64, model: &str, document: DocumentId, rows: Vec<(ChunkId, Quantised)>) -> Self {
        Self { epoch, model: Some(model.into()), kind: ChangeKind::Saved { document, rows: Arc::new(rows) } }
    }

    pub(crate) fn removed(epoch: u64, document: DocumentId) -> Self {
        Self { epoch, model: None, kind: ChangeKind::Removed { document } }
    }

    /// What it means for vectors of `model`.
    fn seen_by(&self, model: &str) -> Self {
        match &self.model {
            Some(own) if **own != *model => Self { kind: ChangeKind::Elsewhere, ..self.clone() },
            _ => self.clone(),
        }
    }
}

/// Partitions by owner and model, the least used dropped where they together take too much memory.
#[derive(Debug)]
pub(crate) struct VectorCache {
    max_bytes: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    partitions: HashMap<UserId, HashMap<Arc<str>, Entry>>,
    searches: u64,
}

#[derive(Debug)]
struct Entry {
    partition: Arc<Partition>,
    bytes: usize,
    /// Number of the search that used it last.
    used: u64,
}

impl VectorCache {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, held: Mutex::default() }
    }

    /// Hands a change to the owner's partitions. Called on the writer's thread just before the commit, so that
    /// searches after it see it; a search in between is corrected by the exact scoring, which reads the database.
    pub(crate) fn publish(&self, owner: UserId, change: &Change) {
        let held = self.held();
        for (model, entry) in held.partitions.get(&owner).into_iter().flatten() {
            entry.partition.publish(change.seen_by(model));
        }
    }

    /// Forgets everything: what was published did not come to be.
    pub(crate) fn clear(&self) {
        self.held().partitions.clear();
    }

    /// The owner's vectors of `model` at `epoch` or later, filled by `load` where they are not held.
    ///
    /// The partition is entered before `load` reads, so that no change slips between reading and following.
    pub(crate) fn current<E>(
        &self,
        owner: UserId,
        model: &str,
        epoch: u64,
        load: impl FnOnce(&mut Rows) -> Result<(), E>,
    ) -> Result<Arc<Partition>, E> {
        let partition = self.enter(owner, model);
        if let Err(error) = partition.bring_to(epoch, load) {
            self.leave(owner, model);
            return Err(error);
        }
        self.weigh(owner, model, partition.bytes());
        Ok(partition)
    }

    fn enter(&self, owner: UserId, model: &str) -> Arc<Partition> {
        let mut held = self.held();
        held.searches += 1;
        let used = held.searches;
        let of_owner = held.partitions.entry(owner).or_default();
        let entry = of_owner.entry(model.into()).or_insert_with(|| Entry { partition: Arc::default(), bytes: 0, used });
        entry.used = used;
        Arc::clone(&entry.partition)
    }

    fn leave(&self, owner: UserId, model: &str) {
        self.held().remove(owner, model);
    }

    /// Notes the size of a partition and drops others until all fit; this one stays, however large.
    fn weigh(&self, owner: UserId, model: &str, bytes: usize) {
        let mut held = self.held();
        if let Some(entry) = held.partitions.get_mut(&owner).and_then(|models| models.get_mut(model)) {
            entry.bytes = bytes;
        }
        while held.bytes() > self.max_bytes {
            let Some((owner, model)) = held.least_used_except(owner, model) else { return };
            held.remove(owner, &model);
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn entries(&self) -> impl Iterator<Item = (UserId, &Arc<str>, &Entry)> {
        self.partitions.iter().flat_map(|(owner, models)| models.iter().map(|(model, entry)| (*owner, model, entry)))
    }

    fn bytes(&self) -> usize {
        self.entries().map(|(_, _, entry)| entry.bytes).sum()
    }

    fn least_used_except(&self, owner: UserId, model: &str) -> Option<(UserId, Arc<str>)> {
        self.entries()
            .filter(|(other, name, _)| (*other, &***name) != (owner, model))
            .min_by_key(|(_, _, entry)| entry.used)
            .map(|(owner, model, _)| (owner, Arc::clone(model)))
    }

    fn remove(&mut self, owner: UserId, model: &str) {
        if let Some(models) = self.partitions.get_mut(&owner) {
            models.remove(model);
            if models.is_empty() {
                self.partitions.remove(&owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use domain::{IdSource, SeededIds};

    use super::*;

    const QUERY: [f32; 2] = [1.0, 0.0];

    /// A database of one owner: what a load would find.
    struct Fixture {
        cache: VectorCache,
        ids: SeededIds,
        loads: usize,
    }

    impl Fixture {
        fn new(max_bytes: usize) -> Self {
            Self { cache: VectorCache::new(max_bytes), ids: SeededIds::new(1), loads: 0 }
        }

        fn owner(&self) -> UserId {
            UserId(self.ids.next_uuid())
        }

        fn saved(&self, epoch: u64, model: &str) -> (ChunkId, Change) {
            let (document, chunk) = (DocumentId::new(&self.ids), ChunkId::new(&self.ids));
            (chunk, Change::saved(epoch, model, document, vec![(chunk, Quantised::of(&QUERY))]))
        }

        /// Searches at `epoch`, where a load would find nothing.
        fn found(&mut self, owner: UserId, epoch: u64) -> Vec<ChunkId> {
            let loads = &mut self.loads;
            let load = |_: &mut Rows| {
                *loads += 1;
                Ok::<(), Infallible>(())
            };
            let Ok(partition) = self.cache.current(owner, "m", epoch, load);
            partition.scan(&QUERY, None, 9).unwrap()
        }
    }

    #[test]
    fn changes_are_followed_without_loading_again() {
        let mut fixture = Fixture::new(usize::MAX);
        let owner = fixture.owner();
        assert_eq!(fixture.found(owner, 4), []);
        let (chunk, change) = fixture.saved(5, "m");
        fixture.cache.publish(owner, &change);
        let (_, elsewhere) = fixture.saved(6, "other");
        fixture.cache.publish(owner, &elsewhere);
        assert_eq!(fixture.found(owner, 6), [chunk]);
        let ChangeKind::Saved { document, .. } = change.kind else { panic!("not saved") };
        fixture.cache.publish(owner, &Change::removed(7, document));
        assert_eq!(fixture.found(owner, 7), []);
        assert_eq!(fixture.loads, 1);
    }

    #[test]
    fn a_change_made_elsewhere_makes_it_load_again() {
        let mut fixture = Fixture::new(usize::MAX);
        let owner = fixture.owner();
        fixture.found(owner, 1);
        fixture.found(owner, 2);
        assert_eq!(fixture.loads, 2);
        let (_, change) = fixture.saved(4, "m");
        fixture.cache.publish(owner, &change);
        fixture.found(owner, 4);
        assert_eq!(fixture.loads, 3);
    }

    #[test]
    fn changes_during_a_load_are_not_lost() {
        let fixture = Fixture::new(usize::MAX);
        let owner = fixture.owner();
        let (chunk, change) = fixture.saved(2, "m");
        let load = |_: &mut Rows| {
            fixture.cache.publish(owner, &change);
            Ok::<(), Infallible>(())
        };
        let Ok(partition) = fixture.cache.current(owner, "m", 1, load);
        assert_eq!(partition.scan(&QUERY, None, 9).unwrap(), [chunk]);
    }

    #[test]
    fn the_least_used_goes_when_memory_is_short() {
        let mut fixture = Fixture::new(1);
        let (first, second) = (fixture.owner(), fixture.owner());
        for owner in [first, first, second, second, first] {
            fixture.found(owner, 1);
            let (_, change) = fixture.saved(2, "m");
            fixture.cache.publish(owner, &change);
            fixture.found(owner, 2);
        }
        assert_eq!(fixture.loads, 3);
        assert_eq!(fixture.cache.held().partitions.len(), 1);
    }

    #[test]
    fn what_was_undone_is_forgotten() {
        let mut fixture = Fixture::new(usize::MAX);
        let owner = fixture.owner();
        fixture.found(owner, 1);
        let (_, change) = fixture.saved(2, "m");
        fixture.cache.publish(owner, &change);
        fixture.cache.clear();
        assert_eq!(fixture.found(owner, 1), []);
    }
}
