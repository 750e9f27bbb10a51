//! The child's side.

use std::io::{self, BufRead, Read, Write};
use std::process::ExitCode;

use super::{Answer, Request};
use crate::{DocumentError, ParseLimits, parse};

/// The request line holds a file name and a few numbers.
const MAX_REQUEST_BYTES: u64 = 64 << 10;

/// The main function of the parse worker, for a hidden sub-command of the host program.
///
/// Reads the request and the file from standard input, limits its own memory, processor time and file size, parses,
/// and writes the answer to standard output. Call it before starting threads or an async runtime: their memory counts
/// against the limit.
#[must_use]
pub fn parse_worker_main() -> ExitCode {
    // A panic is reported as an answer; the host does not read back traces.
    std::panic::set_hook(Box::new(|_| {}));
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "parse worker: {error}");
            ExitCode::FAILURE
        }
    }
}

fn work() -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut line = String::new();
    input.by_ref().take(MAX_REQUEST_BYTES).read_line(&mut line)?;
    let request: Request = serde_json::from_str(&line)?;
    limit_self(&request.limits)?;
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    let answer = match parse(bytes, &request.name, &request.limits) {
        Ok(extraction) => Answer::Extraction(extraction),
        // Only these cannot be sent; both mean that the limits leave no room for the parser itself.
        Err(DocumentError::Worker { .. } | DocumentError::Busy { .. }) => {
            Answer::Error(DocumentError::limit("bytes of memory", request.limits.memory_bytes))
        }
        Err(error) => Answer::Error(error),
    };
    let mut output = io::BufWriter::new(io::stdout().lock());
    serde_json::to_writer(&mut output, &answer)?;
    output.flush()
}

#[cfg(unix)]
fn limit_self(limits: &ParseLimits) -> io::Result<()> {
    use rlimit::Resource;
    let set = |resource: Resource, soft: u64, hard: u64| {
        // Limits may only be lowered: stay under one that the system or the operator set.
        let (_, allowed) = resource.get()?;
        resource.set(soft.min(allowed), hard.min(allowed))
    };
    set(Resource::AS, limits.memory_bytes, limits.memory_bytes)?;
    // The soft limit's signal can be told from others; the hard one ends the process in any case.
    set(Resource::CPU, limits.cpu_seconds, limits.cpu_seconds.saturating_add(1))?;
    set(Resource::FSIZE, 0, 0)?;
    set(Resource::CORE, 0, 0)
}

#[cfg(not(unix))]
fn limit_self(_: &ParseLimits) -> io::Result<()> {
    Ok(())
}
