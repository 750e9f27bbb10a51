//! A bounded queue in front of worker threads, in which short work overtakes long work.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// Why a piece of work was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is no room; later there may be.
    Full,
    /// The workers are gone.
    Closed,
}

struct State<T> {
    urgent: VecDeque<T>,
    patient: VecDeque<T>,
    closed: bool,
}

impl<T> State<T> {
    fn len(&self) -> usize {
        self.urgent.len() + self.patient.len()
    }
}

/// A queue of at most `capacity` pieces of work.
pub(super) struct WorkQueue<T> {
    capacity: usize,
    abandoned: fn(&T) -> bool,
    state: Mutex<State<T>>,
    arrived: Condvar,
}

impl<T> WorkQueue<T> {
    /// `abandoned` says whether nobody wants a piece of work any more: such work makes room when it is needed.
    pub(super) fn new(capacity: usize, abandoned: fn(&T) -> bool) -> Self {
        let state = State { urgent: VecDeque::new(), patient: VecDeque::new(), closed: false };
        Self { capacity, abandoned, state: Mutex::new(state), arrived: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing panics while it holds the lock, and the state is whole at every moment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all of `work` in, or none of it. Urgent work is done before what is patient.
    pub(super) fn push(&self, work: Vec<T>, urgent: bool) -> Result<(), Refused> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        if state.len() + work.len() > self.capacity {
            let State { urgent, patient, .. } = &mut *state;
            urgent.retain(|work| !(self.abandoned)(work));
            patient.retain(|work| !(self.abandoned)(work));
            if state.len() + work.len() > self.capacity {
                return Err(Refused::Full);
            }
        }
        let queue = if urgent { &mut state.urgent } else { &mut state.patient };
        queue.extend(work);
        drop(state);
        self.arrived.notify_all();
        Ok(())
    }

    /// Blocks until there is work; `None` when the queue is closed. What is left in it then is dropped.
    pub(super) fn pop(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            let State { urgent, patient, .. } = &mut *state;
            if let Some(work) = urgent.pop_front().or_else(|| patient.pop_front()) {
                return Some(work);
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Sends the workers home.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let left = (std::mem::take(&mut state.urgent), std::mem::take(&mut state.patient));
        drop(state);
        drop(left);
        self.arrived.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urgent_work_overtakes_and_order_is_kept_otherwise() {
        let queue = WorkQueue::new(8, |_| false);
        queue.push(vec![1, 2], false).unwrap();
        queue.push(vec![3, 4], true).unwrap();
        assert_eq!([queue.pop(), queue.pop(), queue.pop(), queue.pop()].map(Option::unwrap), [3, 4, 1, 2]);
    }

    #[test]
    fn work_that_does_not_fit_is_refused_whole() {
        let queue = WorkQueue::new(3, |_| false);
        queue.push(vec![1, 2], false).unwrap();
        assert_eq!(queue.push(vec![3, 4], true), Err(Refused::Full));
        queue.push(vec![5], false).unwrap();
        assert_eq!([queue.pop(), queue.pop(), queue.pop()].map(Option::unwrap), [1, 2, 5]);
    }

    #[test]
    fn abandoned_work_makes_room() {
        let queue = WorkQueue::new(2, |work| *work == 0);
        queue.push(vec![0, 1], false).unwrap();
        queue.push(vec![2], false).unwrap();
        assert_eq!([queue.pop(), queue.pop()].map(Option::unwrap), [1, 2]);
    }

    #[test]
    fn closing_releases_workers_and_refuses_more() {
        let queue = WorkQueue::new(1, |_| false);
        std::thread::scope(|scope| {
            let worker = scope.spawn(|| queue.pop());
            queue.close();
            assert_eq!(worker.join().unwrap(), None::<i32>);
        });
        assert_eq!(queue.push(vec![1], true), Err(Refused::Closed));
    }
}
