//! Looking at JSON answers.

use serde_json::Value;

/// The text of a JSON string.
///
/// # Panics
/// Where it is something else.
#[must_use]
#[track_caller]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a string is not {value}"))
}

/// The items of a list.
///
/// # Panics
/// Where it is something else.
#[must_use]
#[track_caller]
pub fn items(list: &Value) -> &Vec<Value> {
    list["items"].as_array().unwrap_or_else(|| panic!("a list is not {list}"))
}

/// Checks that an object has these fields and no others.
#[track_caller]
pub fn assert_fields(object: &Value, expected: &str) {
    let mut expected: Vec<&str> = expected.split_whitespace().collect();
    expected.sort_unstable();
    let object_fields = object.as_object().unwrap_or_else(|| panic!("an object is not {object}"));
    let mut found: Vec<&str> = object_fields.keys().map(String::as_str).collect();
    found.sort_unstable();
    assert_eq!(found, expected, "{object}");
}

/// The types of events in their order, repetitions left out.
#[must_use]
pub fn kinds(events: &[Value]) -> Vec<&str> {
    let mut kinds: Vec<&str> = events.iter().map(|event| text(&event["type"])).collect();
    kinds.dedup();
    kinds
}

/// The ids of the items of a list.
#[must_use]
#[track_caller]
pub fn ids_of(list: &Value) -> Vec<String> {
    items(list).iter().map(|item| text(&item["id"]).to_owned()).collect()
}
