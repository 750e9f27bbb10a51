//! Hashing passwords on threads of their own, so that a storm of logins cannot stall anything else.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
};

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordVerifier, Version,
    password_hash::{
        Error as HashError,
        phc::{Output, ParamsString, Salt},
    },
};
use domain::ErrorKind;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;

use crate::{ServiceError, error::broken};

/// Bytes of a password hash.
const HASH_BYTES: usize = 32;

/// What one hash costs, in the terms of RFC 9106.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashingCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for HashingCost {
    /// 19 MiB, 2 passes, 1 lane (OWASP Password Storage Cheat Sheet).
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, lanes: 1 }
    }
}

/// How many hashes run and wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashingSettings {
    /// Hashes at a time, at least 1.
    pub threads: usize,
    /// Hashes that may wait.
    pub queue: usize,
    /// What one costs.
    pub cost: HashingCost,
}

impl Default for HashingSettings {
    /// 2 threads, 64 waiting: at some 25 ms a hash the last in the queue waits under a second.
    fn default() -> Self {
        Self { threads: 2, queue: 64, cost: HashingCost::default() }
    }
}

enum Task {
    Hash { password: SecretString, salt: [u8; 16], answer: oneshot::Sender<Result<String, HashError>> },
    Verify { password: SecretString, stored: Arc<str>, answer: oneshot::Sender<Result<bool, HashError>> },
}

/// Threads that hash passwords with Argon2id, behind a bounded queue. Clones share them.
#[derive(Clone)]
pub struct PasswordHasherPool {
    tasks: SyncSender<Task>,
    nobody: Arc<str>,
}

impl fmt::Debug for PasswordHasherPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHasherPool").finish_non_exhaustive()
    }
}

impl PasswordHasherPool {
    /// Starts the threads; they end with the last clone.
    ///
    /// # Errors
    /// `Internal` where the cost is out of Argon2's range or the system gives no thread.
    pub fn start(settings: HashingSettings) -> Result<Self, ServiceError> {
        let HashingCost { memory_kib, passes, lanes } = settings.cost;
        let params = Params::new(memory_kib, passes, lanes, Some(HASH_BYTES))
            .map_err(|error| broken(&format!("password hashing cost {:?} is refused: {error}", settings.cost)))?;
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = phc_string(&hasher, b"nobody has this", [0; HASH_BYTES])
            .map_err(|error| broken(&format!("the stand-in hash cannot be written: {error}")))?;
        let (tasks, queue) = sync_channel(settings.queue);
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..settings.threads.max(1) {
            let (queue, hasher) = (Arc::clone(&queue), hasher.clone());
            thread::Builder::new()
                .name(format!("hash-{number}"))
                .spawn(move || work(&queue, &hasher))
                .map_err(|error| broken(&format!("no thread for password hashing: {error}")))?;
        }
        Ok(Self { tasks, nobody: nobody.into() })
    }

    /// Hashes `password` into a PHC string.
    ///
    /// # Errors
    /// `Overloaded` where the queue is full.
    pub async fn hash(&self, password: SecretString, salt: [u8; 16]) -> Result<String, ServiceError> {
        self.run(|answer| Task::Hash { password, salt, answer }).await
    }

    /// Whether `password` is that of `stored`, a PHC string.
    ///
    /// # Errors
    /// `Overloaded` where the queue is full; `Internal` where `stored` cannot be read.
    pub async fn verify(&self, password: SecretString, stored: &str) -> Result<bool, ServiceError> {
        let stored = Arc::from(stored);
        self.run(|answer| Task::Verify { password, stored, answer }).await
    }

    /// Spends the time of [`PasswordHasherPool::verify`] where there is no account, so that time does not tell
    /// whether there is one.
    ///
    /// # Errors
    /// `Overloaded` where the queue is full.
    pub async fn verify_nobody(&self, password: SecretString) -> Result<(), ServiceError> {
        let stored = Arc::clone(&self.nobody);
        self.run(|answer| Task::Verify { password, stored, answer }).await.map(|_| ())
    }

    async fn run<T>(
        &self,
        task: impl FnOnce(oneshot::Sender<Result<T, HashError>>) -> Task,
    ) -> Result<T, ServiceError> {
        let (answer, answered) = oneshot::channel();
        self.tasks.try_send(task(answer)).map_err(|error| match error {
            TrySendError::Full(_) => ServiceError::refuse(
                ErrorKind::Overloaded,
                "too many people are signing in at this moment: try again in a few seconds",
            ),
            TrySendError::Disconnected(_) => broken("the password hashing threads are gone"),
        })?;
        match answered.await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(broken(&format!("a password could not be hashed: {error}"))),
            Err(_) => Err(broken("a password hashing thread failed")),
        }
    }
}

fn work(queue: &Mutex<Receiver<Task>>, hasher: &Argon2<'_>) {
    loop {
        let task = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(task) = task else { return };
        // A hash that panics drops its answer, which its caller sees; the thread goes on.
        let _ = catch_unwind(AssertUnwindSafe(|| perform(task, hasher)));
    }
}

fn perform(task: Task, hasher: &Argon2<'_>) {
    // A caller that has left is not worked for: that keeps a queue of cancelled logins short.
    match task {
        Task::Hash { answer, .. } if answer.is_closed() => {}
        Task::Verify { answer, .. } if answer.is_closed() => {}
        Task::Hash { password, salt, answer } => {
            let _ = answer.send(hash(hasher, password.expose_secret(), &salt));
        }
        Task::Verify { password, stored, answer } => {
            let _ = answer.send(verify(hasher, password.expose_secret(), &stored));
        }
    }
}

fn hash(hasher: &Argon2<'_>, password: &str, salt: &[u8; 16]) -> Result<String, HashError> {
    let mut output = [0_u8; HASH_BYTES];
    hasher.hash_password_into(password.as_bytes(), salt, &mut output).map_err(HashError::from)?;
    phc_string(hasher, salt, output)
}

fn phc_string(hasher: &Argon2<'_>, salt: &[u8], output: [u8; HASH_BYTES]) -> Result<String, HashError> {
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(hasher.params())?,
        salt: Some(Salt::new(salt)?),
        hash: Some(Output::new(&output)?),
    };
    Ok(hash.to_string())
}

fn verify(hasher: &Argon2<'_>, password: &str, stored: &str) -> Result<bool, HashError> {
    match hasher.verify_password(password.as_bytes(), &PasswordHash::new(stored)?) {
        Ok(()) => Ok(true),
        Err(HashError::PasswordInvalid) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: HashingCost = HashingCost { memory_kib: 64, passes: 1, lanes: 1 };

    fn pool(threads: usize, queue: usize) -> PasswordHasherPool {
        PasswordHasherPool::start(HashingSettings { threads, queue, cost: QUICK }).unwrap()
    }

    #[tokio::test]
    async fn only_the_right_password_matches_its_hash() {
        let pool = pool(2, 8);
        let stored = pool.hash("correct horse".into(), [7; 16]).await.unwrap();
        assert!(pool.verify("correct horse".into(), &stored).await.unwrap());
        assert!(!pool.verify("correct hors".into(), &stored).await.unwrap());
        assert!(pool.verify_nobody("nobody has this".into()).await.is_ok());
    }

    #[tokio::test]
    async fn default_hashes_are_argon2id_with_owasp_parameters() {
        let pool = PasswordHasherPool::start(HashingSettings::default()).unwrap();
        let stored = pool.hash("correct horse".into(), [7; 16]).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let nobody = PasswordHash::new(&pool.nobody).unwrap();
        assert_eq!(nobody.params, PasswordHash::new(&stored).unwrap().params);
    }

    #[tokio::test]
    async fn a_hash_that_cannot_be_read_is_an_error_and_not_a_wrong_password() {
        let error = pool(1, 1).verify("x".into(), "plain text").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let slow = HashingCost { memory_kib: 19_456, passes: 20, lanes: 1 };
        let pool = PasswordHasherPool::start(HashingSettings { threads: 1, queue: 1, cost: slow }).unwrap();
        let tries = (0..8).map(|_| pool.verify_nobody("x".into()));
        let kinds: Vec<_> =
            futures::future::join_all(tries).await.into_iter().map(|r| r.map_err(|e| e.kind())).collect();
        assert!(kinds.contains(&Ok(())), "{kinds:?}");
        assert!(kinds.contains(&Err(ErrorKind::Overloaded)), "{kinds:?}");
    }
}
