//! The parent's side: start, feed, bound, and judge a worker.

use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;

use super::{Answer, Request};
use crate::{DocumentError, Extraction, ParseLimits};

/// Workers at a time unless said otherwise: a parse keeps one core busy.
const DEFAULT_CONCURRENT: usize = 2;
/// Files that may wait for a worker unless said otherwise.
const DEFAULT_QUEUED: usize = 64;
/// What is kept of a worker's standard error.
const MAX_STDERR_BYTES: u64 = 16 << 10;

/// Parses files in supervised child processes, a bounded number at a time.
///
/// Cloning shares the bound. Dropping the future of [`ChildParser::parse`] kills its child.
#[derive(Debug, Clone)]
pub struct ChildParser {
    program: PathBuf,
    args: Vec<String>,
    limits: ParseLimits,
    running: Arc<Semaphore>,
    /// Running and waiting together.
    admitted: Arc<Semaphore>,
    queued: usize,
}

impl ChildParser {
    /// A parser that runs `program args…`, which must call [`parse_worker_main`](crate::parse_worker_main). Two at a
    /// time, 64 waiting.
    #[must_use]
    pub fn new(program: PathBuf, args: Vec<String>, limits: ParseLimits) -> Self {
        let parser = Self {
            program,
            args,
            limits,
            running: Arc::new(Semaphore::new(0)),
            admitted: Arc::new(Semaphore::new(0)),
            queued: 0,
        };
        parser.with_bounds(DEFAULT_CONCURRENT, DEFAULT_QUEUED)
    }

    /// The same with other bounds: `concurrent` workers (at least 1) and `queued` files waiting.
    #[must_use]
    pub fn with_bounds(mut self, concurrent: usize, queued: usize) -> Self {
        let concurrent = concurrent.max(1);
        self.running = Arc::new(Semaphore::new(concurrent));
        self.admitted = Arc::new(Semaphore::new(concurrent.saturating_add(queued).min(Semaphore::MAX_PERMITS)));
        self.queued = queued;
        self
    }

    /// Extracts the text of one file.
    ///
    /// # Errors
    /// Those of [`parse`](crate::parse); [`DocumentError::LimitsExceeded`] if the worker runs out of memory or time,
    /// [`DocumentError::Unreadable`] if it crashes, [`DocumentError::Busy`] if the queue is full,
    /// [`DocumentError::Worker`] if it cannot be started.
    pub async fn parse(&self, bytes: Vec<u8>, name: &str) -> Result<Extraction, DocumentError> {
        let busy = || DocumentError::Busy { queued: self.queued };
        let _place = self.admitted.try_acquire().map_err(|_| busy())?;
        let _slot = self.running.acquire().await.map_err(|_| busy())?;
        let request = Request { name: name.to_owned(), limits: self.limits.clone() };
        let mut header =
            serde_json::to_vec(&request).map_err(|error| DocumentError::worker("writing its request", error.into()))?;
        header.push(b'\n');
        let child = self.spawn()?;
        let wall = Duration::from_millis(self.limits.wall_ms);
        let Ok(outcome) = tokio::time::timeout(wall, self.talk(child, header, bytes)).await else {
            // The child went down with the future that owned it.
            return Err(DocumentError::limit("milliseconds to read the file", self.limits.wall_ms));
        };
        self.judge(&outcome.map_err(|source| DocumentError::worker("reading the file", source))?)
    }

    fn spawn(&self) -> Result<Child, DocumentError> {
        Command::new(&self.program)
            .args(&self.args)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| DocumentError::worker("starting", source))
    }

    /// Writes the input and reads both outputs at the same time, so that neither side waits for a full pipe.
    async fn talk(&self, mut child: Child, header: Vec<u8>, bytes: Vec<u8>) -> io::Result<Outcome> {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feed = async move {
            if let Some(mut stdin) = stdin {
                // A child that ends early closes its input; its exit says why.
                let _ = async {
                    stdin.write_all(&header).await?;
                    stdin.write_all(&bytes).await?;
                    stdin.shutdown().await
                }
                .await;
            }
        };
        let answer_limit = (self.limits.max_text_bytes as u64).saturating_mul(2).saturating_add(1 << 20);
        let answer = async {
            let answer = read_up_to(stdout, answer_limit + 1).await;
            let too_long = answer.as_ref().is_ok_and(|answer| answer.len() as u64 > answer_limit);
            (answer, too_long)
        };
        let ((), (answer, too_long), complaint) = tokio::join!(feed, answer, drain(stderr));
        if too_long {
            child.start_kill()?;
        }
        Ok(Outcome { status: child.wait().await?, answer: answer?, too_long, complaint: complaint? })
    }

    fn judge(&self, outcome: &Outcome) -> Result<Extraction, DocumentError> {
        if outcome.too_long {
            return Err(DocumentError::limit("bytes of text", self.limits.max_text_bytes as u64));
        }
        if outcome.status.success() {
            return match serde_json::from_slice(&outcome.answer) {
                Ok(Answer::Extraction(extraction)) => Ok(extraction),
                Ok(Answer::Error(error)) => Err(error),
                Err(error) => Err(DocumentError::worker("reading its answer", error.into())),
            };
        }
        let complaint = String::from_utf8_lossy(&outcome.complaint);
        tracing::warn!(status = %outcome.status, complaint = %complaint.trim(), "parse worker failed");
        // What Rust's allocator says before it aborts.
        let out_of_memory = complaint.contains("memory allocation of") || complaint.contains("Cannot allocate memory");
        match signal(outcome.status) {
            _ if out_of_memory => Err(DocumentError::limit("bytes of memory", self.limits.memory_bytes)),
            Some(Signal::Cpu) => Err(DocumentError::limit("seconds of processor time", self.limits.cpu_seconds)),
            Some(Signal::Kill) => Err(DocumentError::limit("bytes of memory", self.limits.memory_bytes)),
            Some(Signal::Other) => Err(DocumentError::unreadable("it makes the parser crash")),
            None => {
                let source = io::Error::other(complaint.trim().to_owned());
                Err(DocumentError::worker("running", source))
            }
        }
    }
}

struct Outcome {
    status: ExitStatus,
    answer: Vec<u8>,
    too_long: bool,
    complaint: Vec<u8>,
}

async fn read_up_to(pipe: Option<impl AsyncRead + Unpin>, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(limit).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// Keeps the beginning and reads on, so that the child never waits.
async fn drain(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let Some(mut pipe) = pipe else { return Ok(Vec::new()) };
    let kept = read_up_to(Some(&mut pipe), MAX_STDERR_BYTES).await?;
    tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    Ok(kept)
}

/// What ended a process.
enum Signal {
    Cpu,
    Kill,
    Other,
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<Signal> {
    use std::os::unix::process::ExitStatusExt;
    // Numbers of POSIX systems: SIGKILL comes from the hard processor limit or from the kernel when memory runs out.
    const SIGKILL: i32 = 9;
    #[cfg(any(target_os = "linux", target_os = "macos", target_os = "freebsd"))]
    const SIGXCPU: i32 = 24;
    #[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "freebsd")))]
    const SIGXCPU: i32 = -1;
    match status.signal()? {
        SIGXCPU => Some(Signal::Cpu),
        SIGKILL => Some(Signal::Kill),
        _ => Some(Signal::Other),
    }
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<Signal> {
    Some(Signal::Other)
}
