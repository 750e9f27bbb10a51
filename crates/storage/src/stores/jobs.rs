//! The queue of background work.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use domain::{
    Job, JobId, JobOutcome, NewJob,
    ports::{JobStore, StoreError},
};

use crate::{
    Database,
    fault::Fault,
    rows::JobRow,
    schema::{dead_jobs, jobs},
    sqlite::Connection,
    value::{Id, Number, Time},
};

/// Queues work in the transaction that made it necessary. A job of the same id is the same job.
pub(super) fn enqueue(conn: &mut Connection, job: NewJob) -> Result<(), Fault> {
    diesel::insert_into(jobs::table).values(&JobRow::from(job)).on_conflict_do_nothing().execute(conn)?;
    Ok(())
}

fn claim(
    conn: &mut Connection,
    kinds: &[String],
    worker: &str,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Option<Job>, Fault> {
    // One probe of the index for each kind: a backlog of one kind costs the others nothing.
    let mut oldest: Option<JobRow> = None;
    for kind in kinds {
        let due = first_due(conn, kind, now)?;
        oldest = match (oldest, due) {
            (Some(a), Some(b)) => Some(if (b.due_at, b.id.0) < (a.due_at, a.id.0) { b } else { a }),
            (a, b) => a.or(b),
        };
    }
    let Some(mut job) = oldest else { return Ok(None) };
    job.attempt = Number(job.attempt.0 + 1);
    diesel::update(jobs::table.find(job.id))
        .set((jobs::worker.eq(Some(worker)), jobs::due_at.eq(Time(until)), jobs::attempt.eq(job.attempt)))
        .execute(conn)?;
    Ok(Some(job.into()))
}

fn first_due(conn: &mut Connection, kind: &str, now: DateTime<Utc>) -> Result<Option<JobRow>, Fault> {
    let row = jobs::table
        .filter(jobs::kind.eq(kind))
        .filter(jobs::due_at.le(Time(now)))
        .order((jobs::due_at, jobs::id))
        .select(JobRow::as_select())
        .first(conn)
        .optional()?;
    Ok(row)
}

fn extend(conn: &mut Connection, id: JobId, worker: &str, until: DateTime<Utc>) -> Result<bool, Fault> {
    let held = jobs::table.find(Id(id)).filter(jobs::worker.eq(worker));
    Ok(diesel::update(held).set(jobs::due_at.eq(Time(until))).execute(conn)? > 0)
}

fn finish(
    conn: &mut Connection,
    id: JobId,
    worker: &str,
    outcome: JobOutcome,
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    let held = jobs::table.find(Id(id)).filter(jobs::worker.eq(worker));
    match outcome {
        JobOutcome::Done => Ok(diesel::delete(held).execute(conn)? > 0),
        JobOutcome::Retry { run_at, error } => {
            let waiting =
                (jobs::due_at.eq(Time(run_at)), jobs::worker.eq(None::<String>), jobs::last_error.eq(Some(error)));
            Ok(diesel::update(held).set(waiting).execute(conn)? > 0)
        }
        JobOutcome::Dead { error } => {
            let Some(job) = held.select(JobRow::as_select()).first(conn).optional()? else { return Ok(false) };
            bury(conn, job, error, now)?;
            Ok(true)
        }
    }
}

fn bury(conn: &mut Connection, job: JobRow, error: String, now: DateTime<Utc>) -> Result<(), Fault> {
    diesel::delete(jobs::table.find(job.id)).execute(conn)?;
    diesel::insert_into(dead_jobs::table)
        .values((
            dead_jobs::id.eq(job.id),
            dead_jobs::kind.eq(job.kind),
            dead_jobs::payload.eq(job.payload),
            dead_jobs::attempt.eq(job.attempt),
            dead_jobs::error.eq(error),
            dead_jobs::died_at.eq(Time(now)),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(())
}

fn count_pending(conn: &mut Connection) -> Result<u64, Fault> {
    Ok(jobs::table.count().get_result::<Number<u64>>(conn)?.0)
}

#[async_trait]
impl JobStore for Database {
    async fn enqueue(&self, job: NewJob) -> Result<(), StoreError> {
        self.write(move |conn| enqueue(conn, job)).await
    }

    async fn claim(
        &self,
        kinds: &[&str],
        worker: &str,
        lease: Duration,
        now: DateTime<Utc>,
    ) -> Result<Option<Job>, StoreError> {
        let kinds: Vec<String> = kinds.iter().map(|&kind| kind.to_owned()).collect();
        let worker = worker.to_owned();
        self.write(move |conn| claim(conn, &kinds, &worker, now + lease, now)).await
    }

    async fn extend(&self, id: JobId, worker: &str, until: DateTime<Utc>) -> Result<bool, StoreError> {
        let worker = worker.to_owned();
        self.write(move |conn| extend(conn, id, &worker, until)).await
    }

    async fn finish(
        &self,
        id: JobId,
        worker: &str,
        outcome: JobOutcome,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let worker = worker.to_owned();
        self.write(move |conn| finish(conn, id, &worker, outcome, now)).await
    }

    async fn count_pending(&self) -> Result<u64, StoreError> {
        self.read(count_pending).await
    }
}
