//! What every use case needs beside its stores.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::{Clock, IdSource};

/// Time, ids and randomness; cheap to clone.
#[derive(Clone)]
pub struct Context {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where ids and random bytes come from.
    pub ids: Arc<dyn IdSource>,
}

impl Context {
    /// The machine's clock and randomness.
    #[must_use]
    pub fn system() -> Self {
        Self { clock: Arc::new(domain::SystemClock::default()), ids: Arc::new(domain::SystemIds) }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}
