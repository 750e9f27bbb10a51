//! Something that is read in the background while others may already ask for it.

use std::sync::OnceLock;

use domain::{ModelError, ModelFault, ModelState};

/// A value that arrives once, or the reason why it never will.
#[derive(Debug)]
pub(super) struct Loading<T> {
    cell: OnceLock<Result<T, String>>,
}

impl<T> Loading<T> {
    pub(super) fn new() -> Self {
        Self { cell: OnceLock::new() }
    }

    /// Ends the wait of everybody; later calls change nothing.
    pub(super) fn finish(&self, result: Result<T, String>) {
        // The first result stands.
        let _ = self.cell.set(result);
    }

    /// How far it is.
    pub(super) fn state(&self) -> ModelState {
        match self.cell.get() {
            None => ModelState::Loading,
            Some(Ok(_)) => ModelState::Ready,
            Some(Err(reason)) => ModelState::Failed(reason.clone()),
        }
    }

    /// Blocks until it is there. Never called on an async worker.
    pub(super) fn wait(&self) -> Result<&T, ModelError> {
        self.cell.wait().as_ref().map_err(|reason| ModelError::new(ModelFault::Unavailable, reason.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiters_get_the_first_result() {
        let loading = Loading::new();
        assert_eq!(loading.state(), ModelState::Loading);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| loading.wait().copied().ok());
            loading.finish(Ok(7));
            loading.finish(Err("late".into()));
            assert_eq!(waiter.join().unwrap(), Some(7));
        });
        assert_eq!(loading.state(), ModelState::Ready);
    }

    #[test]
    fn failure_reaches_waiters_with_its_reason() {
        let loading = Loading::<()>::new();
        loading.finish(Err("no weights".into()));
        let error = loading.wait().unwrap_err();
        assert_eq!((error.fault, error.detail.as_str()), (ModelFault::Unavailable, "no weights"));
        assert_eq!(loading.state(), ModelState::Failed("no weights".into()));
    }
}
