//! How the tree is read: members with their manifests, files, and which lines of a source are tests.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The folder of the root manifest.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

/// A TOML file of the project.
pub(crate) fn toml_at(path: &str) -> toml::Table {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A crate of the workspace.
pub(crate) struct Member {
    pub(crate) name: String,
    /// Its folder, from the root, with `/` between names.
    pub(crate) folder: String,
    pub(crate) manifest: toml::Table,
}

/// What a dependency is needed for, as manifests spell it.
pub(crate) const NORMAL: &str = "dependencies";
pub(crate) const DEV: &str = "dev-dependencies";
pub(crate) const BUILD: &str = "build-dependencies";

impl Member {
    /// Names and requirements of one kind, those for single targets included.
    pub(crate) fn dependencies(&self, kind: &str) -> Vec<(String, toml::Value)> {
        let targets = self.manifest.get("target").and_then(toml::Value::as_table);
        let for_targets = targets.into_iter().flat_map(toml::Table::values).filter_map(|target| target.get(kind));
        let tables = self.manifest.get(kind).into_iter().chain(for_targets).filter_map(toml::Value::as_table);
        tables.flatten().map(|(name, wanted)| (name.clone(), wanted.clone())).collect()
    }

    /// Whether it is part of the product: a library under `crates/` or a program under `bins/`.
    pub(crate) fn is_product(&self) -> bool {
        self.folder.starts_with("crates/") || self.folder.starts_with("bins/")
    }

    /// Its files as [`tracked_files`] gives them.
    pub(crate) fn files(&self) -> Vec<String> {
        let inside = format!("{}/", self.folder);
        tracked_files().into_iter().filter(|file| file.starts_with(&inside)).collect()
    }
}

/// Every member, as the root manifest lists them.
pub(crate) fn members() -> Vec<Member> {
    let patterns = toml_at("Cargo.toml")["workspace"]["members"].clone();
    let folders = patterns.as_array().unwrap().iter().flat_map(|pattern| folders(pattern.as_str().unwrap()));
    folders
        .map(|folder| {
            let manifest = toml_at(&format!("{folder}/Cargo.toml"));
            let name = manifest["package"]["name"].as_str().unwrap().to_owned();
            Member { name, folder, manifest }
        })
        .collect()
}

fn folders(pattern: &str) -> Vec<String> {
    let Some(parent) = pattern.strip_suffix("/*") else { return vec![pattern.to_owned()] };
    let entries = fs::read_dir(root().join(parent)).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<String> = entries
        .filter(|path| path.join("Cargo.toml").exists())
        .map(|path| format!("{parent}/{}", path.file_name().unwrap().to_str().unwrap()))
        .collect();
    found.sort();
    found
}

/// Files that git tracks or would add, from the root, with `/` between names.
pub(crate) fn tracked_files() -> Vec<String> {
    // The tree may belong to another user, as it does in containers.
    let trust = ["-c", "safe.directory=*"];
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").current_dir(root()).args(trust).args(list).output().expect("git is needed here");
    assert!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let names: BTreeSet<String> = String::from_utf8(output.stdout)
        .unwrap()
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    assert!(!names.is_empty(), "git lists no files under {}", root().display());
    // A file may be listed and already be gone from the folder.
    names.into_iter().filter(|name| root().join(name).is_file()).collect()
}

/// A text file, or nothing where it is not UTF-8.
pub(crate) fn text_of(file: &str) -> Option<String> {
    String::from_utf8(fs::read(root().join(file)).unwrap()).ok()
}

/// A line of Rust, with its number.
pub(crate) struct Line {
    pub(crate) number: usize,
    pub(crate) text: String,
    pub(crate) is_test: bool,
}

impl Line {
    /// The line without a comment at its end. A `//` inside a text, as in an address, does not start one.
    pub(crate) fn code(&self) -> &str {
        let mut in_text = false;
        let bytes = self.text.as_bytes();
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                b'"' if at == 0 || !matches!(bytes[at - 1], b'\\' | b'\'') => in_text = !in_text,
                b'/' if !in_text && bytes.get(at + 1) == Some(&b'/') => return &self.text[..at],
                _ => {}
            }
        }
        &self.text
    }
}

/// Every Rust file with its lines.
pub(crate) fn rust_files() -> Vec<(String, Vec<Line>)> {
    let files = tracked_files().into_iter().filter(|file| file.ends_with(".rs"));
    let read: Vec<(String, String)> = files.map(|file| (text_of(&file).unwrap(), file)).map(|(t, f)| (f, t)).collect();
    let modules = test_modules(&read);
    read.iter().map(|(file, text)| (file.clone(), lines(text, is_test_file(file) || modules.contains(file)))).collect()
}

fn is_test_file(file: &str) -> bool {
    file.starts_with("tests/") || ["/tests/", "/benches/", "/examples/"].iter().any(|folder| file.contains(folder))
}

/// Files of modules that are declared as `#[cfg(test)] mod name;`.
fn test_modules(files: &[(String, String)]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (file, text) in files {
        for declared in text.split("#[cfg(test)]").skip(1) {
            let Some(name) = declared.trim_start().strip_prefix("mod ").and_then(|rest| rest.split_once(';')) else {
                continue;
            };
            let path = Path::new(file);
            let beside = ["lib.rs", "main.rs", "mod.rs"].iter().any(|top| path.ends_with(top));
            let folder = if beside { path.parent().unwrap().to_owned() } else { path.with_extension("") };
            found.extend([name.0.to_owned() + ".rs", name.0.to_owned() + "/mod.rs"].map(|end| joined(&folder, &end)));
        }
    }
    found
}

fn joined(folder: &Path, end: &str) -> String {
    let path: PathBuf = folder.join(end);
    path.to_str().unwrap().replace('\\', "/")
}

/// In formatted sources a test module begins with the attribute at the margin and ends with the next brace there.
fn lines(text: &str, all_tests: bool) -> Vec<Line> {
    let mut in_tests = false;
    let mut found = Vec::new();
    for (at, text) in text.lines().enumerate() {
        in_tests |= text.starts_with("#[cfg(test)]");
        found.push(Line { number: at + 1, text: text.to_owned(), is_test: all_tests || in_tests });
        in_tests &= text != "}" && !(text.starts_with("mod ") && text.ends_with(';'));
    }
    found
}

/// Whether `word` stands in `text` as a whole name.
pub(crate) fn names(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}

#[test]
fn test_lines_are_told_from_the_others() {
    let text =
        "fn a() {\n}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nmod more;\nfn d() {}\n";
    let marked: String = lines(text, false).iter().map(|line| if line.is_test { 't' } else { '.' }).collect();
    assert_eq!(marked, "..tttt.tt.");
}

#[test]
fn comment_ends_the_code_of_a_line_but_an_address_does_not() {
    let code = |text: &str| lines(text, false)[0].code().to_owned();
    assert_eq!(code("let a = 1; // why"), "let a = 1; ");
    assert_eq!(code(r#"let a = "http://host"; // why"#), r#"let a = "http://host"; "#);
}
