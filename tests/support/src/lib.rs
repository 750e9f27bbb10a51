//! The test harness: a whole server over real HTTP, on a temporary folder of its own, with a scripted model in the
//! place of a provider.
//!
//! [`TestServer`] runs the program as `bins/causerie` puts it together; [`ScriptedModel`] says what the model answers
//! and keeps what it was asked; [`Client`] speaks HTTP and reads event streams.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a harness fails its test by panicking")]

mod client;
mod embedder;
mod fixtures;
mod parser;
mod scripted;
mod server;
mod shape;

pub use client::{Account, Answer, Client, Events};
pub use embedder::HashedWords;
pub use fixtures::{Fact, Fixture, fixture, fixture_bytes, fixture_path, fixtures};
pub use parser::StuckParser;
pub use scripted::{Gate, Script, ScriptedModel, WordCounter};
pub use server::{ServerBuilder, TestServer};
pub use shape::{assert_fields, ids_of, items, kinds, text};
