use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::{Job, JobId, JobOutcome, NewJob};

/// The durable queue of background work.
#[async_trait]
pub trait JobStore: Send + Sync {
    /// Queues work that no other write made necessary.
    async fn enqueue(&self, job: NewJob) -> Result<(), StoreError>;

    /// Leases the oldest due job of one of `kinds` to `worker` for `lease`; a job whose lease has run out is due
    /// again, as its next try.
    async fn claim(
        &self,
        kinds: &[&str],
        worker: &str,
        lease: Duration,
        now: DateTime<Utc>,
    ) -> Result<Option<Job>, StoreError>;

    /// Prolongs the lease; whether `worker` still held it.
    async fn extend(&self, id: JobId, worker: &str, until: DateTime<Utc>) -> Result<bool, StoreError>;

    /// Ends a try; whether `worker` still held the job. The outcome of a worker that lost it is ignored.
    async fn finish(
        &self,
        id: JobId,
        worker: &str,
        outcome: JobOutcome,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// Jobs that are waiting or held.
    async fn count_pending(&self) -> Result<u64, StoreError>;
}
