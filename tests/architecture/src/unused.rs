//! Dependencies that nothing names.

use std::collections::BTreeSet;

use crate::workspace::{BUILD, DEV, Member, NORMAL, members, names, text_of, toml_at};

/// Those that are there for what they bring along; the manifest says why beside them. The key is that of cargo-machete.
fn excused(member: &Member) -> Vec<String> {
    let listed = member.manifest["package"].get("metadata").and_then(|metadata| metadata.get("cargo-machete"));
    let names = listed.and_then(|machete| machete.get("ignored")).and_then(toml::Value::as_array);
    names.into_iter().flatten().filter_map(toml::Value::as_str).map(str::to_owned).collect()
}

/// The code of a crate where a dependency of this kind may be named, without its comments.
fn code_for(member: &Member, kind: &str) -> String {
    let build = format!("{}/build.rs", member.folder);
    let inside = |file: &String| match kind {
        BUILD => *file == build,
        NORMAL => file.starts_with(&format!("{}/src/", member.folder)),
        _ => *file != build,
    };
    let files = member.files().into_iter().filter(|file| file.ends_with(".rs")).filter(inside);
    let mut code = String::new();
    for text in files.filter_map(|file| text_of(&file)) {
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            code.push_str(line);
            code.push('\n');
        }
    }
    code
}

#[test]
fn every_dependency_is_named_in_the_code() {
    let mut unused = Vec::new();
    for member in members() {
        let excused = excused(&member);
        for kind in [NORMAL, DEV, BUILD] {
            let code = code_for(&member, kind);
            let listed = member.dependencies(kind).into_iter().map(|(name, _)| name);
            let idle = listed.filter(|name| !excused.contains(name) && !names(&code, &name.replace('-', "_")));
            unused.extend(idle.map(|name| format!("{}/Cargo.toml: [{kind}] {name}", member.folder)));
        }
    }
    assert!(unused.is_empty(), "remove them, or excuse them under [package.metadata.cargo-machete]: {unused:#?}");
}

#[test]
fn every_excuse_is_for_a_dependency() {
    for member in members() {
        let listed: BTreeSet<String> =
            [NORMAL, DEV, BUILD].into_iter().flat_map(|kind| member.dependencies(kind)).map(|(name, _)| name).collect();
        let idle: Vec<String> = excused(&member).into_iter().filter(|name| !listed.contains(name)).collect();
        assert!(idle.is_empty(), "{}/Cargo.toml excuses {idle:?}, which it does not have", member.folder);
    }
}

#[test]
fn every_version_in_the_root_is_used_by_a_crate() {
    let root = toml_at("Cargo.toml");
    let used: BTreeSet<String> = members()
        .iter()
        .flat_map(|member| [NORMAL, DEV, BUILD].into_iter().flat_map(|kind| member.dependencies(kind)))
        .map(|(name, _)| name)
        .collect();
    let listed = root["workspace"]["dependencies"].as_table().unwrap().keys();
    let idle: Vec<&String> = listed.filter(|name| !used.contains(*name)).collect();
    assert!(idle.is_empty(), "Cargo.toml: [workspace.dependencies] lists what no crate uses: {idle:?}");
}
