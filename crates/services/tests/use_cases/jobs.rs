//! The worker on the real queue.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    ErrorKind, Job, JobId, JobOutcome, NewJob,
    ports::{JobStore, StoreError},
};
use serde_json::{Value, json};
use services::{
    ServiceError,
    jobs::{JobFault, RetryPolicy, Routine, Worker, WorkerParts, WorkerSettings, new_job},
};
use tokio::sync::{
    Notify,
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

use crate::world::World;

const KIND: &str = "test";
/// No test waits so long unless it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a routine does in its n-th run, from 1.
type Script = Box<dyn Fn(u32) -> Step + Send + Sync>;

enum Step {
    Succeed,
    Fail,
    FailForGood,
    Panic,
    Wait,
    WaitFor(Arc<Notify>),
}

#[derive(Debug, PartialEq)]
enum Told {
    Began(u32),
    Dropped,
    GaveUp(Value),
}

struct Scripted {
    script: Script,
    runs: AtomicU32,
    told: UnboundedSender<Told>,
}

/// Tells when a run is dropped before its end.
struct Running<'a>(&'a UnboundedSender<Told>, bool);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.1 {
            let _ = self.0.send(Told::Dropped);
        }
    }
}

#[async_trait]
impl Routine for Scripted {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, _payload: &Value) -> Result<(), JobFault> {
        let run = self.runs.fetch_add(1, Ordering::SeqCst) + 1;
        let step = (self.script)(run);
        let _ = self.told.send(Told::Began(run));
        match step {
            Step::Succeed => Ok(()),
            Step::Fail => Err(ServiceError::refuse(ErrorKind::Overloaded, "busy").into()),
            Step::FailForGood => Err(JobFault::Permanent("never".into())),
            Step::Panic => panic!("scripted"),
            Step::Wait => {
                let _running = Running(&self.told, false);
                pending().await
            }
            Step::WaitFor(notify) => {
                let mut running = Running(&self.told, false);
                notify.notified().await;
                running.1 = true;
                Ok(())
            }
        }
    }

    async fn give_up(&self, payload: &Value) -> Result<(), ServiceError> {
        let _ = self.told.send(Told::GaveUp(payload.clone()));
        Ok(())
    }
}

/// The real queue, telling what was done to it.
struct Watched {
    inner: Arc<dyn JobStore>,
    extended: UnboundedSender<bool>,
    finished: UnboundedSender<JobOutcome>,
}

#[async_trait]
impl JobStore for Watched {
    async fn enqueue(&self, job: NewJob) -> Result<(), StoreError> {
        self.inner.enqueue(job).await
    }

    async fn claim(
        &self,
        kinds: &[&str],
        worker: &str,
        lease: Duration,
        now: DateTime<Utc>,
    ) -> Result<Option<Job>, StoreError> {
        self.inner.claim(kinds, worker, lease, now).await
    }

    async fn extend(&self, id: JobId, worker: &str, until: DateTime<Utc>) -> Result<bool, StoreError> {
        let held = self.inner.extend(id, worker, until).await?;
        let _ = self.extended.send(held);
        Ok(held)
    }

    async fn finish(
        &self,
        id: JobId,
        worker: &str,
        outcome: JobOutcome,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let held = self.inner.finish(id, worker, outcome.clone(), now).await?;
        let _ = self.finished.send(outcome);
        Ok(held)
    }

    async fn count_pending(&self) -> Result<u64, StoreError> {
        self.inner.count_pending().await
    }
}

struct Bench {
    world: World,
    worker: Worker,
    told: UnboundedReceiver<Told>,
    extended: UnboundedReceiver<bool>,
    finished: UnboundedReceiver<JobOutcome>,
}

impl Bench {
    /// A worker with leases of 60 ms on the test's clock and on the machine's, and one job `{"n": 1}`.
    async fn start(script: impl Fn(u32) -> Step + Send + Sync + 'static) -> Self {
        let world = World::new();
        let (told_to, told) = unbounded_channel();
        let (extended_to, extended) = unbounded_channel();
        let (finished_to, finished) = unbounded_channel();
        let jobs = Watched { inner: world.database.clone(), extended: extended_to, finished: finished_to };
        jobs.enqueue(new_job(&*world.context.ids, KIND, json!({"n": 1}), world.context.now())).await.unwrap();
        let routine = Scripted { script: Box::new(script), runs: AtomicU32::new(0), told: told_to };
        let worker = Worker::start(WorkerParts {
            jobs: Arc::new(jobs),
            routines: vec![Arc::new(routine)],
            wake: world.wake.clone(),
            context: world.context.clone(),
            settings: WorkerSettings {
                workers: 1,
                poll: Duration::from_millis(5),
                lease: Duration::from_millis(60),
                retry: RetryPolicy { max_attempts: 3, ..RetryPolicy::default() },
                ..WorkerSettings::named("bench")
            },
        });
        Self { world, worker, told, extended, finished }
    }

    async fn pending(&self) -> u64 {
        self.world.database.count_pending().await.unwrap()
    }

    async fn claim(&self, worker: &str) -> Option<Job> {
        let (lease, now) = (Duration::from_secs(60), self.world.context.now());
        self.world.database.claim(&[KIND], worker, lease, now).await.unwrap()
    }
}

async fn next<T>(receiver: &mut UnboundedReceiver<T>) -> T {
    tokio::time::timeout(PATIENCE, receiver.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_failed_try_is_repeated_after_its_pause() {
    let mut bench = Bench::start(|run| if run == 1 { Step::Fail } else { Step::Succeed }).await;
    assert_eq!(next(&mut bench.told).await, Told::Began(1));
    let run_at = bench.world.context.now() + Duration::from_secs(5);
    assert_eq!(next(&mut bench.finished).await, JobOutcome::Retry { run_at, error: "busy".into() });
    assert!(bench.claim("other").await.is_none());
    bench.world.advance(5);
    assert_eq!(next(&mut bench.told).await, Told::Began(2));
    assert_eq!(next(&mut bench.finished).await, JobOutcome::Done);
    assert_eq!(bench.pending().await, 0);
}

#[tokio::test]
async fn a_panic_is_a_failed_try_and_the_worker_goes_on() {
    let mut bench = Bench::start(|run| if run == 1 { Step::Panic } else { Step::Succeed }).await;
    let outcome = next(&mut bench.finished).await;
    assert!(matches!(&outcome, JobOutcome::Retry { error, .. } if error.contains("scripted")), "{outcome:?}");
    bench.world.advance(5);
    assert_eq!(next(&mut bench.finished).await, JobOutcome::Done);
}

#[tokio::test]
async fn after_the_last_try_the_job_is_dead_and_its_routine_told() {
    let mut bench = Bench::start(|_| Step::Fail).await;
    for attempt in 1..=3 {
        assert_eq!(next(&mut bench.told).await, Told::Began(attempt));
        if attempt < 3 {
            assert!(matches!(next(&mut bench.finished).await, JobOutcome::Retry { .. }));
            bench.world.advance(300);
        }
    }
    assert_eq!(next(&mut bench.told).await, Told::GaveUp(json!({"n": 1})));
    assert_eq!(next(&mut bench.finished).await, JobOutcome::Dead { error: "busy".into() });
    assert_eq!(bench.pending().await, 0);
}

#[tokio::test]
async fn a_permanent_fault_is_not_tried_again() {
    let mut bench = Bench::start(|_| Step::FailForGood).await;
    assert_eq!(next(&mut bench.finished).await, JobOutcome::Dead { error: "never".into() });
    assert_eq!(next(&mut bench.told).await, Told::Began(1));
    assert_eq!(next(&mut bench.told).await, Told::GaveUp(json!({"n": 1})));
}

#[tokio::test]
async fn a_long_job_keeps_its_lease() {
    let release = Arc::new(Notify::new());
    let until = Arc::clone(&release);
    let mut bench = Bench::start(move |_| Step::WaitFor(Arc::clone(&until))).await;
    assert_eq!(next(&mut bench.told).await, Told::Began(1));
    for _ in 0..5 {
        assert!(next(&mut bench.extended).await);
        assert!(bench.claim("other").await.is_none());
        bench.world.clock.advance(Duration::from_millis(40));
    }
    release.notify_one();
    assert_eq!(next(&mut bench.finished).await, JobOutcome::Done);
    assert_eq!(bench.pending().await, 0);
}

#[tokio::test]
async fn a_job_that_somebody_else_took_over_is_dropped() {
    let mut bench = Bench::start(|_| Step::Wait).await;
    assert_eq!(next(&mut bench.told).await, Told::Began(1));
    let taken = loop {
        // A sign of life may come between the clock's step and the claim.
        bench.world.advance(60);
        if let Some(job) = bench.claim("other").await {
            break job;
        }
    };
    assert_eq!(taken.attempt, 2);
    assert_eq!(next(&mut bench.told).await, Told::Dropped);
    let now = bench.world.context.now();
    assert!(bench.world.database.finish(taken.id, "other", JobOutcome::Done, now).await.unwrap());
    assert!(bench.finished.try_recv().is_err(), "the end of a lost try is not stored");
}

#[tokio::test]
async fn stopping_waits_for_running_jobs() {
    let release = Arc::new(Notify::new());
    let until = Arc::clone(&release);
    let mut bench = Bench::start(move |_| Step::WaitFor(Arc::clone(&until))).await;
    assert_eq!(next(&mut bench.told).await, Told::Began(1));
    tokio::join!(bench.worker.stop(PATIENCE), async { release.notify_one() });
    assert_eq!(bench.finished.try_recv(), Ok(JobOutcome::Done));
}

#[tokio::test]
async fn stopping_gives_back_what_takes_too_long() {
    let mut bench = Bench::start(|_| Step::Wait).await;
    assert_eq!(next(&mut bench.told).await, Told::Began(1));
    let world = bench.world;
    bench.worker.stop(Duration::ZERO).await;
    assert_eq!(next(&mut bench.told).await, Told::Dropped);
    let now = world.context.now();
    let job = world.database.claim(&[KIND], "next", Duration::from_secs(60), now).await.unwrap().unwrap();
    assert_eq!((job.attempt, job.payload), (2, json!({"n": 1})));
}

#[tokio::test]
async fn a_job_that_stops_the_server_every_time_is_not_run_for_ever() {
    let world = World::new();
    let (told_to, mut told) = unbounded_channel();
    world.database.enqueue(new_job(&*world.context.ids, KIND, json!({}), world.context.now())).await.unwrap();
    let lease = Duration::from_secs(60);
    for _ in 0..6 {
        assert!(world.database.claim(&[KIND], "crashed", lease, world.context.now()).await.unwrap().is_some());
        world.advance(61);
    }
    let routine = Scripted { script: Box::new(|_| Step::Succeed), runs: AtomicU32::new(0), told: told_to };
    let settings = WorkerSettings {
        retry: RetryPolicy { max_attempts: 3, ..RetryPolicy::default() },
        ..WorkerSettings::named("bench")
    };
    let _worker = Worker::start(WorkerParts {
        jobs: world.database.clone(),
        routines: vec![Arc::new(routine)],
        wake: world.wake.clone(),
        context: world.context.clone(),
        settings,
    });
    assert_eq!(next(&mut told).await, Told::GaveUp(json!({})));
}

#[tokio::test]
async fn a_ring_wakes_an_idle_worker_at_once() {
    let world = World::new();
    let (told_to, mut told) = unbounded_channel();
    let routine = Scripted { script: Box::new(|_| Step::Succeed), runs: AtomicU32::new(0), told: told_to };
    let _worker = Worker::start(WorkerParts {
        jobs: world.database.clone(),
        routines: vec![Arc::new(routine)],
        wake: world.wake.clone(),
        context: world.context.clone(),
        settings: WorkerSettings { workers: 1, poll: Duration::from_secs(3600), ..WorkerSettings::named("bench") },
    });
    world.database.enqueue(new_job(&*world.context.ids, KIND, json!({}), world.context.now())).await.unwrap();
    world.wake.ring();
    assert_eq!(next(&mut told).await, Told::Began(1));
}
