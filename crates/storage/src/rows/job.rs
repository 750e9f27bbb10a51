//! `jobs`.

use diesel::{Insertable, Queryable, Selectable};
use domain::{Job, JobId, NewJob};
use serde_json::Value;

use crate::{
    schema::jobs,
    value::{Id, Json, Number, Time},
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = jobs)]
pub(crate) struct JobRow {
    pub(crate) id: Id<JobId>,
    pub(crate) kind: String,
    pub(crate) payload: Json<Value>,
    pub(crate) due_at: Time,
    pub(crate) attempt: Number<u32>,
    pub(crate) worker: Option<String>,
    pub(crate) last_error: Option<String>,
}

impl From<NewJob> for JobRow {
    fn from(job: NewJob) -> Self {
        Self {
            id: Id(job.id),
            kind: job.kind,
            payload: Json(job.payload),
            due_at: Time(job.run_at),
            attempt: Number(0),
            worker: None,
            last_error: None,
        }
    }
}

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        Self { id: row.id.0, kind: row.kind, payload: row.payload.0, attempt: row.attempt.0 }
    }
}
