//! Migrations come in pairs, and under the same names for every engine.

use std::collections::{BTreeMap, BTreeSet};

use crate::workspace::{text_of, tracked_files};

/// Engine → migration → its files.
fn migrations() -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
    let mut found: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for path in tracked_files() {
        let Some(parts) = path.strip_prefix("migrations/").map(|rest| rest.split('/').collect::<Vec<_>>()) else {
            continue;
        };
        let [engine, migration, file] = parts[..] else { panic!("{path} is not migrations/ENGINE/MIGRATION/FILE") };
        let files = found.entry(engine.to_owned()).or_default().entry(migration.to_owned()).or_default();
        files.insert(file.to_owned());
    }
    found
}

/// `2026-11-20-100000_accounts`: a stamp that sorts, and what it is about.
fn is_name(name: &str) -> bool {
    let Some((stamp, subject)) = name.split_once('_') else { return false };
    let digits: Vec<usize> = stamp.split('-').map(|part| part.bytes().filter(u8::is_ascii_digit).count()).collect();
    let only_digits = stamp.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let plain = subject.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    digits == [4, 2, 2, 6] && only_digits && plain && !subject.is_empty()
}

#[test]
fn every_migration_goes_up_and_down() {
    let pair: BTreeSet<String> = ["up.sql", "down.sql"].map(str::to_owned).into();
    for (engine, migrations) in migrations() {
        for (name, files) in migrations {
            assert!(is_name(&name), "{engine}/{name}: expected YYYY-MM-DD-HHMMSS_subject");
            assert_eq!(files, pair, "{engine}/{name}");
            for file in files {
                let path = format!("migrations/{engine}/{name}/{file}");
                assert!(!text_of(&path).unwrap().trim().is_empty(), "{path} is empty");
            }
        }
    }
}

#[test]
fn engines_have_the_same_migrations() {
    let names: BTreeMap<String, BTreeSet<String>> =
        migrations().into_iter().map(|(engine, found)| (engine, found.into_keys().collect())).collect();
    assert!(names.contains_key("sqlite"), "migrations/sqlite is missing");
    for (engine, found) in &names {
        assert_eq!(found, &names["sqlite"], "{engine} and sqlite differ");
    }
}

#[test]
fn stamps_are_told_from_other_names() {
    assert!(is_name("2026-11-20-100000_accounts"));
    assert!(!is_name("2026-11-20_accounts") && !is_name("first") && !is_name("2026-11-20-100000_Big"));
}
