//! Licences, banned crates and sources of everything that is linked, by the lists of `deny.toml`.

use std::sync::LazyLock;

use cargo_metadata::{Metadata, MetadataCommand, Package};
use spdx::{Expression, Licensee, ParseMode};

use crate::workspace::{root, toml_at};

static DENY: LazyLock<toml::Table> = LazyLock::new(|| toml_at("deny.toml"));

/// Everything that a build for one of the targets of `deny.toml` can contain.
static METADATA: LazyLock<Metadata> = LazyLock::new(|| {
    let mut options = Vec::new();
    for target in strings(&DENY["graph"]["targets"]) {
        options.extend(["--filter-platform".to_owned(), target]);
    }
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).other_options(options).exec().unwrap()
});

fn strings(list: &toml::Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn linked() -> Vec<&'static Package> {
    let resolve = METADATA.resolve.as_ref().unwrap();
    resolve.nodes.iter().map(|node| &METADATA[&node.id]).collect()
}

/// Licences that hold for one crate alone, from `licenses.exceptions`.
fn exceptions(name: &str) -> Vec<String> {
    let listed = DENY["licenses"].get("exceptions").and_then(toml::Value::as_array);
    let of_it = listed.into_iter().flatten().filter(|entry| entry["crate"].as_str() == Some(name));
    of_it.flat_map(|entry| strings(&entry["allow"])).collect()
}

fn is_allowed(licence: &str, allowed: &[Licensee]) -> bool {
    Expression::parse_mode(licence, ParseMode::LAX)
        .is_ok_and(|expression| expression.evaluate(|wanted| allowed.iter().any(|licensee| licensee.satisfies(wanted))))
}

fn licensees(names: &[String]) -> Vec<Licensee> {
    names.iter().map(|name| Licensee::parse(name).unwrap()).collect()
}

#[test]
fn every_licence_is_on_the_list() {
    let listed = strings(&DENY["licenses"]["allow"]);
    let mut wrong = Vec::new();
    for package in linked() {
        let allowed = licensees(&[listed.clone(), exceptions(&package.name)].concat());
        let licence = package.license.as_deref().unwrap_or("none given");
        if !is_allowed(licence, &allowed) {
            wrong.push(format!("{} {}: {licence}", package.name, package.version));
        }
    }
    assert!(wrong.is_empty(), "not allowed by deny.toml; choose another crate, or widen the list: {wrong:#?}");
}

#[test]
fn banned_crates_are_absent() {
    let mut found = Vec::new();
    for ban in DENY["bans"]["deny"].as_array().unwrap() {
        let (name, reason) = (ban["crate"].as_str().unwrap(), ban["reason"].as_str().unwrap());
        found.extend(
            linked().iter().filter(|package| package.name.as_str() == name).map(|_| format!("{name}: {reason}")),
        );
    }
    assert!(found.is_empty(), "banned by deny.toml (`cargo tree -i NAME` shows who brings it): {found:#?}");
}

#[test]
fn every_crate_comes_from_the_registry_or_this_tree() {
    let git = linked().into_iter().filter(|package| package.source.as_ref().is_some_and(|s| !s.is_crates_io()));
    let found: Vec<String> = git.map(|package| format!("{}: {:?}", package.name, package.source)).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn copyleft_is_refused_and_a_choice_is_enough() {
    let allowed = licensees(&["MIT".to_owned(), "Apache-2.0".to_owned()]);
    for good in ["MIT", "MIT/Apache-2.0", "GPL-3.0-only OR MIT", "Apache-2.0 AND MIT"] {
        assert!(is_allowed(good, &allowed), "{good}");
    }
    for bad in ["GPL-3.0-only", "MIT AND MPL-2.0", "none given"] {
        assert!(!is_allowed(bad, &allowed), "{bad}");
    }
}
