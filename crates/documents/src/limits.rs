//! How much one file may cost.

use serde::{Deserialize, Serialize};

/// Bounds on parsing one file. Over any of them the file is refused with `limits_exceeded`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ParseLimits {
    /// Pages in the file. Default 5,000.
    pub max_pages: u32,
    /// Bytes of extracted text (UTF-8). Default 32 MiB, some 10,000 dense pages.
    pub max_text_bytes: usize,
    /// Objects that a PDF's cross-reference table lists. Default 2,000,000.
    pub max_objects: usize,
    /// Address space of the worker process in bytes. Default 512 MiB.
    pub memory_bytes: u64,
    /// Processor time of the worker process in seconds. Default 60.
    pub cpu_seconds: u64,
    /// Time from handing the file to the worker until its answer, in milliseconds. Default 120,000.
    pub wall_ms: u64,
}

impl Default for ParseLimits {
    fn default() -> Self {
        Self {
            max_pages: 5_000,
            max_text_bytes: 32 << 20,
            max_objects: 2_000_000,
            memory_bytes: 512 << 20,
            cpu_seconds: 60,
            wall_ms: 120_000,
        }
    }
}
