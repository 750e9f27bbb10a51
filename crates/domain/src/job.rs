//! Background work.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::JobId;

/// Work to be queued, in the transaction that made it necessary.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Identity.
    pub id: JobId,
    /// Which worker routine.
    pub kind: String,
    /// Everything the routine needs.
    pub payload: Value,
    /// Not before.
    pub run_at: DateTime<Utc>,
}

/// Work that a worker holds until its lease ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Identity.
    pub id: JobId,
    /// Which worker routine.
    pub kind: String,
    /// Everything the routine needs.
    pub payload: Value,
    /// Which try this is, from 1.
    pub attempt: u32,
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobOutcome {
    /// The work is done.
    Done,
    /// It is to be tried again, not before the time.
    Retry {
        /// Not before.
        run_at: DateTime<Utc>,
        /// What went wrong.
        error: String,
    },
    /// It will not be tried again.
    Dead {
        /// What went wrong.
        error: String,
    },
}
