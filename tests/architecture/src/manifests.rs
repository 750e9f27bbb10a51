//! Manifests and what every library must bring along.

use crate::workspace::{BUILD, DEV, NORMAL, members, text_of};

#[test]
fn versions_of_dependencies_stand_only_in_the_root() {
    let mut wrong = Vec::new();
    for member in members() {
        for (name, wanted) in [NORMAL, DEV, BUILD].into_iter().flat_map(|kind| member.dependencies(kind)) {
            let from_root = wanted.get("workspace").and_then(toml::Value::as_bool) == Some(true);
            let own = ["version", "git", "path"].iter().any(|key| wanted.get(key).is_some());
            if !from_root || own {
                wrong.push(format!("{}/Cargo.toml: {name}", member.folder));
            }
        }
    }
    assert!(wrong.is_empty(), "write `NAME.workspace = true`, the version belongs into the root: {wrong:#?}");
}

#[test]
fn lints_and_package_fields_come_from_the_root() {
    let mut wrong = Vec::new();
    for member in members() {
        let inherits = |value: Option<&toml::Value>| {
            value.and_then(|value| value.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
        };
        if !inherits(member.manifest.get("lints")) {
            wrong.push(format!("{}/Cargo.toml: [lints]", member.folder));
        }
        for field in ["version", "edition", "rust-version", "license", "publish"] {
            if !inherits(member.manifest["package"].get(field)) {
                wrong.push(format!("{}/Cargo.toml: {field}", member.folder));
            }
        }
    }
    assert!(wrong.is_empty(), "write `workspace = true`: {wrong:#?}");
}

#[test]
fn every_library_has_an_example_program() {
    let without = members().into_iter().filter(|member| {
        let folder = format!("{}/examples/", member.folder);
        member.folder.starts_with("crates/")
            && !member.files().iter().any(|file| file.starts_with(&folder) && file.ends_with(".rs"))
    });
    let without: Vec<String> = without.map(|member| member.folder).collect();
    assert!(without.is_empty(), "add examples/NAME.rs, the shortest real use of the crate, to {without:?}");
}

/// The shortest page that can say what a crate is for, what it must not know and what to read first.
const LEAST_DOC_LINES: usize = 8;

#[test]
fn every_library_introduces_itself() {
    let mut wrong = Vec::new();
    for member in members().into_iter().filter(|member| member.folder.starts_with("crates/")) {
        let file = format!("{}/src/lib.rs", member.folder);
        let text = text_of(&file).unwrap();
        let page: Vec<&str> = text.lines().take_while(|line| line.starts_with("//!")).collect();
        if page.len() < LEAST_DOC_LINES {
            wrong.push(format!("{file}: {} lines of //!, at least {LEAST_DOC_LINES}", page.len()));
        }
        if !page.iter().any(|line| line.starts_with("//! ```")) {
            wrong.push(format!("{file}: no example"));
        }
    }
    assert!(wrong.is_empty(), "what it is for, what it must not know, what to read first, an example: {wrong:#?}");
}

#[test]
fn every_crate_describes_itself_in_a_line() {
    let without = members().into_iter().filter(|member| {
        member.is_product() && member.manifest["package"].get("description").and_then(toml::Value::as_str).is_none()
    });
    let without: Vec<String> = without.map(|member| member.folder).collect();
    assert!(without.is_empty(), "add `description` to {without:?}");
}
