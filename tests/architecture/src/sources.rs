//! What must not be in sources.

use crate::workspace::{rust_files, text_of, tracked_files};

/// About twice the size at which a file should be split by subject; what is longer is split now.
const MOST_LINES: usize = 500;

/// The only file that spells paths of the API.
const PATHS: &str = "crates/api/src/paths.rs";

// The needles are put together here, so that this file does not hold what it looks for.
const UNFINISHED: &[&str] =
    &[concat!("to", "do!("), concat!("unimple", "mented!("), concat!("db", "g!("), concat!("#[", "ignore")];
const SLEEP: &str = concat!("sle", "ep(");
const API_BASE: &str = concat!("\"/api", "/v1");
const MACHINE_FOLDERS: &[&str] = &[concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/ho", "me/")];

#[test]
fn nothing_is_left_unfinished_or_switched_off() {
    let mut found = Vec::new();
    for (file, lines) in rust_files() {
        for line in lines {
            let needles = UNFINISHED.iter().filter(|needle| line.code().contains(**needle));
            found.extend(needles.map(|needle| format!("{file}:{}: {needle}", line.number)));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn tests_wait_for_events_not_for_time() {
    let mut found = Vec::new();
    for (file, lines) in rust_files() {
        let mut stopped_clock = false;
        for line in lines.iter().filter(|line| line.is_test) {
            // On a stopped clock a sleep takes no time: it says when the others are to happen.
            if line.code().trim_start().starts_with("#[") && line.code().contains("test") {
                stopped_clock = line.code().contains("start_paused = true");
            }
            if line.code().contains(SLEEP) && !stopped_clock {
                found.push(format!("{file}:{}", line.number));
            }
        }
    }
    assert!(
        found.is_empty(),
        "a test that sleeps is slow or fails on a busy machine; wait for what it tests: {found:#?}"
    );
}

#[test]
fn no_file_names_a_folder_of_one_machine() {
    let mut found = Vec::new();
    for file in tracked_files() {
        let Some(text) = text_of(&file) else { continue };
        for (at, line) in text.lines().enumerate() {
            if MACHINE_FOLDERS.iter().any(|folder| begins(line, folder)) {
                found.push(format!("{file}:{}", at + 1));
            }
        }
    }
    assert!(found.is_empty(), "name folders from the project's root or a variable: {found:#?}");
}

/// Whether a path in the line begins with `folder`: `crates/x/` does not begin with `/x/`, neither does `$DIR/x/`.
fn begins(line: &str, folder: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | '~' | '/' | '*');
    line.match_indices(folder).any(|(at, _)| !line[..at].ends_with(inside))
}

#[test]
fn paths_of_the_api_are_written_in_one_file() {
    let mut found = Vec::new();
    for (file, lines) in rust_files() {
        let spelled = lines.iter().filter(|line| !line.is_test && line.code().contains(API_BASE));
        found.extend(spelled.filter(|_| file != PATHS).map(|line| format!("{file}:{}", line.number)));
    }
    assert!(found.is_empty(), "use the constants of {PATHS}: {found:#?}");
    assert!(text_of(PATHS).unwrap().contains(API_BASE), "{PATHS} no longer spells the paths: correct this test");
}

#[test]
fn documents_made_from_code_are_there() {
    for file in ["docs/openapi.json", "docs/errors.md", "docs/configuration.md"] {
        assert!(tracked_files().iter().any(|tracked| tracked == file), "{file} is missing: run `make docs`");
    }
}

#[test]
fn no_source_file_is_too_long_to_read() {
    let lengths = rust_files().into_iter().map(|(file, lines)| (lines.len(), file));
    let mut long: Vec<(usize, String)> = lengths.filter(|(lines, _)| *lines > MOST_LINES).collect();
    long.sort();
    assert!(
        long.is_empty(),
        "ask which things in them change apart, and split by subject (at most {MOST_LINES}): {long:#?}"
    );
}

#[test]
fn folder_inside_another_path_is_not_one_of_a_machine() {
    let folder = MACHINE_FOLDERS[1];
    assert!(begins(&format!("see {folder}a"), folder));
    assert!(!begins(&format!("crates{folder}a"), folder));
    assert!(!begins(&format!("${{DIR}}{folder}a"), folder));
}
