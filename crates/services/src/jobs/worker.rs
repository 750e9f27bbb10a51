//! The worker: claims due jobs, runs their routines, ends them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use domain::{Job, JobOutcome, ports::JobStore};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    RetryPolicy, Routine, Wake,
    lease::{Ended, Lease},
};
use crate::Context;

/// A job whose server stops in every try is run this many times the usual tries, then no more: it may be the cause.
const STOPPED_TRIES_FACTOR: u32 = 2;

/// How a worker works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerSettings {
    /// Names this process among those that share the queue.
    pub name: String,
    /// Jobs at a time, at least 1.
    pub workers: usize,
    /// How often to look for work that nobody rang for.
    pub poll: Duration,
    /// How long a job is held without a sign of life; signs come at a third of it.
    pub lease: Duration,
    /// How often a job is tried.
    pub retry: RetryPolicy,
}

impl WorkerSettings {
    /// Two jobs at a time, a look every second, leases of one minute.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            workers: 2,
            poll: Duration::from_secs(1),
            lease: Duration::from_secs(60),
            retry: RetryPolicy::default(),
        }
    }
}

/// What a [`Worker`] is made of.
pub struct WorkerParts {
    /// The queue.
    pub jobs: Arc<dyn JobStore>,
    /// What is done, one for each kind.
    pub routines: Vec<Arc<dyn Routine>>,
    /// Rings when work was queued.
    pub wake: Wake,
    /// Time.
    pub context: Context,
    /// How to work.
    pub settings: WorkerSettings,
}

/// Tasks that work through the queue until they are stopped. Dropping it lets running jobs finish and takes no more.
pub struct Worker {
    tasks: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
    _stops_with_it: DropGuard,
}

struct Shared {
    jobs: Arc<dyn JobStore>,
    routines: HashMap<&'static str, Arc<dyn Routine>>,
    kinds: Vec<&'static str>,
    wake: Wake,
    context: Context,
    settings: WorkerSettings,
    /// Take no more jobs.
    stop: CancellationToken,
    /// Give back those that run.
    give_back: CancellationToken,
}

impl Worker {
    /// Starts working. To be called inside a tokio runtime.
    #[must_use]
    pub fn start(parts: WorkerParts) -> Self {
        let routines: HashMap<_, _> = parts.routines.into_iter().map(|routine| (routine.kind(), routine)).collect();
        let shared = Arc::new(Shared {
            jobs: parts.jobs,
            kinds: routines.keys().copied().collect(),
            routines,
            wake: parts.wake,
            context: parts.context,
            settings: parts.settings,
            stop: CancellationToken::new(),
            give_back: CancellationToken::new(),
        });
        let work = |number| tokio::spawn(Arc::clone(&shared).work(format!("{}-{number}", shared.settings.name)));
        let tasks = (0..shared.settings.workers.max(1)).map(work).collect();
        Self { tasks, _stops_with_it: shared.stop.clone().drop_guard(), shared }
    }

    /// Takes no more jobs, waits up to `grace` for those that run, and gives the others back to be run again at the
    /// next start.
    pub async fn stop(mut self, grace: Duration) {
        self.shared.stop.cancel();
        let mut ended = futures::future::join_all(&mut self.tasks);
        if tokio::time::timeout(grace, &mut ended).await.is_err() {
            self.shared.give_back.cancel();
            ended.await;
        }
    }
}

impl Shared {
    async fn work(self: Arc<Self>, holder: String) {
        while !self.stop.is_cancelled() {
            let now = self.context.now();
            match self.jobs.claim(&self.kinds, &holder, self.settings.lease, now).await {
                Ok(Some(job)) => self.attempt(job, &holder).await,
                Ok(None) => self.idle().await,
                Err(error) => {
                    tracing::warn!(%error, "no job could be claimed");
                    self.idle().await;
                }
            }
        }
    }

    async fn idle(&self) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.wake.rung() => {}
            () = tokio::time::sleep(self.settings.poll) => {}
        }
    }

    async fn attempt(&self, job: Job, holder: &str) {
        let Some(routine) = self.routines.get(job.kind.as_str()) else {
            return tracing::error!(kind = job.kind, "a job of a kind that was not asked for was claimed");
        };
        let started = self.context.clock.monotonic();
        let ended = if job.attempt > self.settings.retry.max_attempts.saturating_mul(STOPPED_TRIES_FACTOR) {
            Ended::Hopeless("the server stopped during every try".to_owned())
        } else {
            let lease =
                Lease { jobs: &*self.jobs, context: &self.context, length: self.settings.lease, id: job.id, holder };
            lease.hold_while(routine, &job, &self.give_back).await
        };
        let Some(outcome) = self.outcome(&job, ended) else { return };
        let took_ms = self.context.clock.monotonic().saturating_sub(started).as_millis();
        report(&job, &outcome, took_ms);
        if matches!(outcome, JobOutcome::Dead { .. })
            && let Err(error) = routine.give_up(&job.payload).await
        {
            tracing::error!(job = %job.id, kind = job.kind, %error, "the end of a job's tries could not be noted");
        }
        // Where this fails the lease runs out, and the job is tried again: routines may run twice.
        if let Err(error) = self.jobs.finish(job.id, holder, outcome, self.context.now()).await {
            tracing::warn!(job = %job.id, kind = job.kind, %error, "the end of a try could not be stored");
        }
    }

    fn outcome(&self, job: &Job, ended: Ended) -> Option<JobOutcome> {
        let now = self.context.now();
        match ended {
            Ended::Lost => None,
            Ended::Done => Some(JobOutcome::Done),
            Ended::Hopeless(error) => Some(JobOutcome::Dead { error }),
            Ended::GivenBack => {
                Some(JobOutcome::Retry { run_at: now, error: "the server was stopped during the try".to_owned() })
            }
            Ended::Failed(error) => Some(match self.settings.retry.pause_after(job.attempt) {
                Some(pause) => JobOutcome::Retry { run_at: now + pause, error },
                None => JobOutcome::Dead { error },
            }),
        }
    }
}

fn report(job: &Job, outcome: &JobOutcome, took_ms: u128) {
    let (id, kind, attempt) = (job.id, job.kind.as_str(), job.attempt);
    match outcome {
        JobOutcome::Done => tracing::info!(job = %id, kind, attempt, took_ms, "job done"),
        JobOutcome::Retry { run_at, error } => {
            tracing::warn!(job = %id, kind, attempt, took_ms, %run_at, error, "job failed, will be tried again");
        }
        JobOutcome::Dead { error } => tracing::error!(job = %id, kind, attempt, took_ms, error, "job failed for good"),
    }
}
