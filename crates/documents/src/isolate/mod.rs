//! Parsing files from strangers in a process of its own.
//!
//! One child per file. The parent sends a line of JSON ([`Request`]) and the bytes; the child limits itself, parses,
//! and answers one JSON object. Whatever the file does to the child (bombs, endless loops, stack overflows, aborts),
//! the parent sees an error and goes on.

mod child;
mod parser;
mod worker;

use serde::{Deserialize, Serialize};

use crate::{DocumentError, Extraction, ParseLimits};

pub use child::ChildParser;
pub use parser::{InProcessParser, Parser};
pub use worker::parse_worker_main;

/// The first line that the worker reads; the bytes of the file follow to the end of its input.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    name: String,
    limits: ParseLimits,
}

/// What the worker writes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Extraction(Extraction),
    Error(DocumentError),
}
