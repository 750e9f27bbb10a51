//! One file to text, in this process.

use crate::{DocumentError, Extraction, Format, ParseLimits, pdf, sniff::sniff, text};

/// Deeply nested files recurse; the main thread's 8 MiB and a default thread's 2 MiB are not enough for all.
const PARSE_STACK_BYTES: usize = 64 << 20;

/// Turns the bytes of one file into text.
///
/// Runs on a thread of its own with a 64 MiB stack, and a panic of the parser becomes an error. Memory and time
/// are **not** bounded here: bytes from strangers belong into a [`ChildParser`](crate::ChildParser).
///
/// # Errors
/// Every variant of [`DocumentError`] that is about the file.
pub fn parse(bytes: Vec<u8>, name: &str, limits: &ParseLimits) -> Result<Extraction, DocumentError> {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("parse".to_owned())
            .stack_size(PARSE_STACK_BYTES)
            .spawn_scoped(scope, || parse_here(bytes, name, limits))
            .map_err(|source| DocumentError::worker("starting the parse thread", source))?
            .join()
            .unwrap_or_else(|_| Err(DocumentError::unreadable("its structure makes the parser fail")))
    })
}

fn parse_here(bytes: Vec<u8>, name: &str, limits: &ParseLimits) -> Result<Extraction, DocumentError> {
    match sniff(&bytes, name)? {
        Format::Pdf => pdf::extract(bytes, limits),
        Format::Markdown => text::extract(&bytes, true, limits),
        Format::PlainText => text::extract(&bytes, false, limits),
    }
}
