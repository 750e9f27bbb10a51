use std::{collections::HashSet, sync::Arc, time::Duration};

use domain::{Job, JobOutcome};

use super::{Stores, data};

const LEASE: Duration = Duration::from_secs(10);

async fn claim(stores: &Stores, kinds: &[&str], worker: &str, second: u64) -> Option<Job> {
    stores.jobs.claim(kinds, worker, LEASE, data::at(second)).await.unwrap()
}

pub(crate) async fn due_jobs_come_oldest_first(stores: &Stores) {
    let jobs: Vec<_> = [("a", 5), ("b", 3), ("a", 4), ("c", 1), ("b", 99)]
        .map(|(kind, second)| data::job(&stores.ids, kind, data::at(second)))
        .into();
    for job in &jobs {
        stores.jobs.enqueue(job.clone()).await.unwrap();
    }
    stores.jobs.enqueue(jobs[0].clone()).await.unwrap();
    assert_eq!(stores.jobs.count_pending().await.unwrap(), 5);
    let mut order = Vec::new();
    while let Some(job) = claim(stores, &["a", "b"], "w", 5).await {
        order.push(job);
    }
    let expected = [1, 2, 0].map(|n: usize| Job {
        id: jobs[n].id,
        kind: jobs[n].kind.clone(),
        payload: jobs[n].payload.clone(),
        attempt: 1,
    });
    assert_eq!(order, expected);
    assert_eq!(claim(stores, &[], "w", 500).await, None);
}

pub(crate) async fn a_lease_that_ran_out_is_the_next_try(stores: &Stores) {
    stores.jobs.enqueue(data::job(&stores.ids, "a", data::at(0))).await.unwrap();
    let job = claim(stores, &["a"], "one", 0).await.unwrap();
    assert_eq!(claim(stores, &["a"], "two", 9).await, None);
    assert!(stores.jobs.extend(job.id, "one", data::at(20)).await.unwrap());
    assert!(!stores.jobs.extend(job.id, "two", data::at(20)).await.unwrap());
    assert_eq!(claim(stores, &["a"], "two", 19).await, None);
    let again = claim(stores, &["a"], "two", 20).await.unwrap();
    assert_eq!(again, Job { attempt: 2, ..job });
    assert!(!stores.jobs.extend(again.id, "one", data::at(99)).await.unwrap());
}

pub(crate) async fn only_the_holder_may_finish(stores: &Stores) {
    stores.jobs.enqueue(data::job(&stores.ids, "a", data::at(0))).await.unwrap();
    let job = claim(stores, &["a"], "one", 0).await.unwrap();
    claim(stores, &["a"], "two", 10).await.unwrap();
    for outcome in [JobOutcome::Done, JobOutcome::Dead { error: "x".into() }] {
        assert!(!stores.jobs.finish(job.id, "one", outcome, data::at(11)).await.unwrap());
    }
    assert!(stores.jobs.finish(job.id, "two", JobOutcome::Done, data::at(11)).await.unwrap());
    assert_eq!(stores.jobs.count_pending().await.unwrap(), 0);
    assert!(!stores.jobs.finish(job.id, "two", JobOutcome::Done, data::at(12)).await.unwrap());
}

pub(crate) async fn retried_jobs_wait_and_dead_jobs_are_gone(stores: &Stores) {
    stores.jobs.enqueue(data::job(&stores.ids, "a", data::at(0))).await.unwrap();
    let job = claim(stores, &["a"], "w", 0).await.unwrap();
    let retry = JobOutcome::Retry { run_at: data::at(30), error: "again".into() };
    assert!(stores.jobs.finish(job.id, "w", retry, data::at(1)).await.unwrap());
    assert!(!stores.jobs.extend(job.id, "w", data::at(99)).await.unwrap());
    assert_eq!(claim(stores, &["a"], "w", 29).await, None);
    assert_eq!(claim(stores, &["a"], "w", 30).await.map(|job| job.attempt), Some(2));
    let dead = JobOutcome::Dead { error: "never".into() };
    assert!(stores.jobs.finish(job.id, "w", dead, data::at(31)).await.unwrap());
    assert_eq!(claim(stores, &["a"], "w", 999).await, None);
    assert_eq!(stores.jobs.count_pending().await.unwrap(), 0);
}

pub(crate) async fn concurrent_workers_never_share_a_job(stores: &Stores) {
    for _ in 0..40 {
        stores.jobs.enqueue(data::job(&stores.ids, "a", data::at(0))).await.unwrap();
    }
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..8 {
        let jobs = Arc::clone(&stores.jobs);
        workers.spawn(async move {
            let (name, mut held) = (format!("w{worker}"), Vec::new());
            while let Some(job) = jobs.claim(&["a"], &name, LEASE, data::at(1)).await.unwrap() {
                held.push(job.id);
            }
            held
        });
    }
    let held = workers.join_all().await.concat();
    assert_eq!((held.len(), held.iter().collect::<HashSet<_>>().len()), (40, 40));
}
