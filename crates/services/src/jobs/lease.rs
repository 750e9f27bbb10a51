//! Holding a job while its routine runs.

use std::{any::Any, sync::Arc, time::Duration};

use domain::{Job, JobId, ports::JobStore};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

use super::{JobFault, Routine};
use crate::Context;

/// How a try ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The work is done.
    Done,
    /// It failed and may be tried again.
    Failed(String),
    /// Trying again cannot help.
    Hopeless(String),
    /// The server stops.
    GivenBack,
    /// The lease ran out and somebody else may have the job.
    Lost,
}

/// A claimed job.
pub(super) struct Lease<'a> {
    pub(super) jobs: &'a dyn JobStore,
    pub(super) context: &'a Context,
    pub(super) length: Duration,
    pub(super) id: JobId,
    pub(super) holder: &'a str,
}

impl Lease<'_> {
    /// Runs the routine as a task of its own, so that its panic is its own, and prolongs the lease until it ends.
    pub(super) async fn hold_while(
        &self,
        routine: &Arc<dyn Routine>,
        job: &Job,
        give_back: &CancellationToken,
    ) -> Ended {
        let (routine, payload) = (Arc::clone(routine), job.payload.clone());
        let mut task = tokio::spawn(async move { routine.run(&payload).await });
        let ended = loop {
            tokio::select! {
                result = &mut task => return ended(result),
                () = give_back.cancelled() => break Ended::GivenBack,
                () = tokio::time::sleep(self.length / 3) => if !self.extend().await { break Ended::Lost },
            }
        };
        task.abort();
        // It may have ended just before it was told to.
        match task.await {
            Ok(Ok(())) => Ended::Done,
            _ => ended,
        }
    }

    /// Whether the job is still ours. A store that does not answer proves nothing: the next sign of life may.
    async fn extend(&self) -> bool {
        let until = self.context.now() + self.length;
        match self.jobs.extend(self.id, self.holder, until).await {
            Ok(held) => held,
            Err(error) => {
                tracing::warn!(job = %self.id, %error, "a lease could not be prolonged");
                true
            }
        }
    }
}

fn ended(result: Result<Result<(), JobFault>, JoinError>) -> Ended {
    match result {
        Ok(Ok(())) => Ended::Done,
        Ok(Err(JobFault::Transient(error))) => Ended::Failed(with_causes(&error)),
        Ok(Err(JobFault::Permanent(error))) => Ended::Hopeless(error),
        Err(error) if error.is_panic() => Ended::Failed(format!("it panicked: {}", panic_text(&*error.into_panic()))),
        Err(error) => Ended::Failed(error.to_string()),
    }
}

/// An error and its causes, for the log and the job's row.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}
