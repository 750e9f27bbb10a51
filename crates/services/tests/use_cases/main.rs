//! The use cases on the real database and the real file store, each test with its own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its builders too")]

mod accounts;
mod conversations;
mod documents;
mod jobs;
mod world;
