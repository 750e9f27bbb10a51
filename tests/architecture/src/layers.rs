//! Who may know whom: the table of `docs/architecture.md`.

use std::collections::{BTreeMap, BTreeSet};

use crate::workspace::{Member, NORMAL, members, rust_files};

/// A crate of the product, the crates of the workspace that it may use, and families of outside crates that neither it
/// nor what it uses may name. A family is a name and everything that continues it with `-`.
struct Layer {
    name: &'static str,
    may_use: &'static [&'static str],
    must_not_know: &'static [&'static [&'static str]],
}

const SERVER: &[&str] = &["actix", "axum", "hyper", "tower", "utoipa"];
const SQL: &[&str] = &["diesel", "diesel_migrations", "libsqlite3", "pq", "rusqlite", "r2d2", "redis", "object_store"];
const CLIENT: &[&str] = &["reqwest"];
const PROVIDERS: &[&str] = &["async-openai", "candle", "gemm", "tokenizers", "ort"];
const RUNTIME: &[&str] = &["tokio", "async-std", "smol"];

const LAYERS: &[Layer] = &[
    Layer { name: "domain", may_use: &[], must_not_know: &[SERVER, SQL, CLIENT, PROVIDERS, RUNTIME] },
    Layer { name: "memory-engine", may_use: &["domain"], must_not_know: &[SERVER, SQL, CLIENT, PROVIDERS, RUNTIME] },
    // It may use tokio: each file is parsed by a child process, which it supervises.
    Layer { name: "documents", may_use: &["domain"], must_not_know: &[SERVER, SQL, CLIENT, PROVIDERS] },
    Layer { name: "llm-providers", may_use: &["domain"], must_not_know: &[&["actix", "axum", "utoipa"], SQL] },
    Layer { name: "storage", may_use: &["domain"], must_not_know: &[SERVER, CLIENT, PROVIDERS] },
    Layer { name: "integrations", may_use: &["domain"], must_not_know: &[&["actix", "axum", "utoipa"], SQL] },
    Layer {
        name: "services",
        may_use: &["domain", "memory-engine", "documents"],
        must_not_know: &[SERVER, SQL, CLIENT, PROVIDERS],
    },
    Layer { name: "api", may_use: &["domain", "services"], must_not_know: &[SQL, PROVIDERS] },
    Layer {
        name: "causerie",
        may_use: &[
            "domain",
            "memory-engine",
            "documents",
            "llm-providers",
            "storage",
            "integrations",
            "services",
            "api",
        ],
        must_not_know: &[],
    },
];

/// Crates that adapt ports to something real; only the composition root names them.
const ADAPTERS: &[&str] = &["storage", "llm_providers", "integrations"];

fn layer(name: &str) -> Option<&'static Layer> {
    LAYERS.iter().find(|layer| layer.name == name)
}

fn used_by(member: &Member) -> Vec<String> {
    member.dependencies(NORMAL).into_iter().map(|(name, _)| name).collect()
}

fn is_of(family: &str, name: &str) -> bool {
    name == family || name.strip_prefix(family).is_some_and(|rest| rest.starts_with('-'))
}

/// Whether `code` names something inside the crate `name`, and not inside a module of that name.
fn begins_a_path(code: &str, name: &str) -> bool {
    let continues = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    code.match_indices(&format!("{name}::")).any(|(at, _)| !code[..at].ends_with(continues))
}

#[test]
fn every_product_crate_has_its_row_in_the_table() {
    let missing: Vec<String> =
        members().into_iter().filter(|m| m.is_product() && layer(&m.name).is_none()).map(|m| m.name).collect();
    assert!(missing.is_empty(), "decide who may know {missing:?}, in docs/architecture.md and in LAYERS here");
}

#[test]
fn edges_between_crates_run_downward() {
    let members = members();
    let own: BTreeSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let mut wrong = Vec::new();
    for member in members.iter().filter(|member| member.is_product()) {
        let allowed = layer(&member.name).map_or(&[] as &[&str], |layer| layer.may_use);
        let used = used_by(member).into_iter().filter(|name| own.contains(name.as_str()));
        wrong.extend(
            used.filter(|name| !allowed.contains(&name.as_str())).map(|name| format!("{} → {name}", member.name)),
        );
    }
    assert!(wrong.is_empty(), "these crates must not know each other: {wrong:?}");
}

#[test]
fn outside_crates_stay_in_their_layer() {
    let members = members();
    let direct: BTreeMap<&str, Vec<String>> =
        members.iter().map(|member| (member.name.as_str(), used_by(member))).collect();
    let mut wrong = Vec::new();
    for layer in LAYERS {
        let (mut open, mut seen) = (vec![layer.name.to_owned()], BTreeSet::new());
        while let Some(name) = open.pop() {
            for used in direct.get(name.as_str()).into_iter().flatten() {
                let families = layer.must_not_know.iter().copied().flatten();
                if families.into_iter().any(|family| is_of(family, used)) {
                    wrong.push(format!("{} must not know {used} (named by {name})", layer.name));
                }
                if seen.insert(used.clone()) {
                    open.push(used.clone());
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_wiring_names_concrete_adapters() {
    let above = ["bins/", "crates/api/src/", "crates/services/src/"];
    let is_wiring = |file: &str| file == "bins/causerie/src/wire.rs" || file.starts_with("bins/causerie/src/wire/");
    let mut wrong = Vec::new();
    for (file, lines) in rust_files() {
        if !above.iter().any(|folder| file.starts_with(folder)) || is_wiring(&file) {
            continue;
        }
        for line in lines.iter().filter(|line| !line.is_test) {
            let code = line.code();
            if let Some(adapter) = ADAPTERS.iter().find(|adapter| begins_a_path(code, adapter)) {
                wrong.push(format!("{file}:{} names {adapter}", line.number));
            }
        }
    }
    assert!(wrong.is_empty(), "only bins/causerie/src/wire* may name a concrete adapter: {wrong:#?}");
}

#[test]
fn path_into_a_crate_is_told_from_a_module_of_its_name() {
    assert!(begins_a_path("use storage::Sqlite;", "storage"));
    assert!(begins_a_path("Some(storage::open())", "storage"));
    assert!(!begins_a_path("use crate::storage::Row;", "storage"));
    assert!(!begins_a_path("blob_storage::open()", "storage"));
}

#[test]
fn a_family_is_a_name_and_what_continues_it() {
    assert!(is_of("tokio", "tokio-util") && is_of("tokio", "tokio"));
    assert!(!is_of("ort", "sort") && !is_of("actix", "actixish"));
}
