//! What is published in `docs/` is what the code says. `UPDATE_DOCS=1 cargo test -p api` writes it anew.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic in their helpers too")]

use std::{fs, path::PathBuf};

fn compare(name: &str, fresh: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, fresh).unwrap();
    }
    let published = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        published == fresh,
        "docs/{name} is not fresh: run `UPDATE_DOCS=1 cargo test -p api` and review the change"
    );
}

#[test]
fn list_of_errors_is_fresh() {
    compare("errors.md", &api::errors_page());
}

#[test]
fn openapi_document_is_fresh() {
    compare("openapi.json", &api::openapi_json());
}
