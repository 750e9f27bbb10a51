//! Files made by real programs: every fact stands on its page, every broken file gets its own error.
#![allow(clippy::unwrap_used)] // helpers of tests stand outside test functions

use std::path::PathBuf;

use documents::{ChunkSettings, Extraction, ParseLimits, chunk, parse};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    file: String,
    expect: String,
    pages: Option<usize>,
    #[serde(default)]
    facts: Vec<Fact>,
}

#[derive(Deserialize)]
struct Fact {
    phrase: String,
    page: Option<usize>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/documents")
}

fn fixtures() -> Vec<Fixture> {
    let fixtures: Vec<Fixture> = serde_json::from_slice(&std::fs::read(folder().join("index.json")).unwrap()).unwrap();
    assert!(!fixtures.is_empty());
    fixtures
}

fn extract(file: &str) -> Result<Extraction, documents::DocumentError> {
    parse(std::fs::read(folder().join(file)).unwrap(), file, &ParseLimits::default())
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_file_is_read_or_refused_as_expected() {
    for Fixture { file, expect, pages, .. } in fixtures() {
        match extract(&file) {
            Ok(extraction) => {
                assert_eq!(expect, "ready", "{file} was read");
                assert!(pages.is_none_or(|pages| pages == extraction.pages.len()), "{file}");
            }
            Err(error) => assert_eq!(error.code(), expect, "{file}: {error}"),
        }
    }
}

#[test]
fn every_phrase_stands_on_its_page() {
    let mut missing = Vec::new();
    for fixture in fixtures().iter().filter(|fixture| fixture.expect == "ready") {
        let extraction = extract(&fixture.file).unwrap();
        let pages: Vec<String> = extraction.pages.iter().map(|page| folded(&page.text)).collect();
        for Fact { phrase, page } in &fixture.facts {
            let found: Vec<usize> =
                (1..=pages.len()).filter(|page| pages[page - 1].contains(phrase.as_str())).collect();
            if found != [page.unwrap_or(1)] {
                missing.push(format!("{} page {page:?} found {found:?}: {phrase}", fixture.file));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn two_columns_are_read_one_after_the_other() {
    // The index lists the facts of running text in the order of the pages; two columns must not be mixed.
    let file = "tide-mills.pdf";
    let fixture = fixtures().into_iter().find(|fixture| fixture.file == file).unwrap();
    let text = folded(&extract(file).unwrap().full_text().text);
    let places: Vec<usize> = fixture.facts.iter().filter_map(|fact| text.find(&fact.phrase)).collect();
    assert_eq!(places.len(), fixture.facts.len());
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn every_phrase_is_whole_in_a_chunk_of_its_page() {
    let words = |text: &str| text.split_whitespace().map(|word| word.len().div_ceil(4)).sum();
    for fixture in fixtures().iter().filter(|fixture| fixture.expect == "ready") {
        let chunks = chunk(&extract(&fixture.file).unwrap(), &ChunkSettings::default(), &words);
        for Fact { phrase, page } in &fixture.facts {
            let page = u32::try_from(page.unwrap_or(1)).unwrap();
            let found = chunks.iter().any(|chunk| {
                (chunk.page_from..=chunk.page_to).contains(&page) && folded(&chunk.text).contains(phrase.as_str())
            });
            assert!(found, "{}: {phrase}", fixture.file);
        }
    }
}
