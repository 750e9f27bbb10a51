//! Exact dense search in the process: vectors as bytes, scanned whole, the best scored again by their exact values.
//!
//! The database is what counts; the cache is filled from it on the first search and follows each commit.

mod cache;
mod partition;
mod quantised;

pub(crate) use cache::{Change, VectorCache};
pub(crate) use partition::Partition;
pub(crate) use quantised::{Quantised, dot, from_bytes, to_bytes};
