//! The files under `tests/fixtures/documents`, made by real programs from texts of our own.

use std::{fs, path::PathBuf};

use serde::Deserialize;

/// A question that one page of a fixture answers.
#[derive(Debug, Clone, Deserialize)]
pub struct Fact {
    /// The question.
    pub question: String,
    /// The words that answer it.
    pub answer: String,
    /// The words of the page that hold the answer.
    pub phrase: String,
    /// The page, from 1; absent in texts without pages.
    pub page: Option<u32>,
}

/// One file and what is to become of it.
#[derive(Debug, Clone, Deserialize)]
pub struct Fixture {
    /// Name of the file.
    pub file: String,
    /// The program that made it.
    pub producer: String,
    /// `ready`, or the code of the fault.
    pub expect: String,
    /// Pages, where it can be read and its format has pages.
    pub pages: Option<u32>,
    /// What it holds.
    pub facts: Vec<Fact>,
}

/// All fixtures.
#[must_use]
pub fn fixtures() -> Vec<Fixture> {
    serde_json::from_slice(&fixture_bytes("index.json")).expect("index.json lists the fixtures")
}

/// The fixture of this file name.
#[must_use]
pub fn fixture(file: &str) -> Fixture {
    fixtures().into_iter().find(|fixture| fixture.file == file).expect("a fixture of this name")
}

/// Where a fixture lies.
#[must_use]
pub fn fixture_path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/documents").join(file)
}

/// The bytes of a fixture.
#[must_use]
pub fn fixture_bytes(file: &str) -> Vec<u8> {
    let path = fixture_path(file);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
