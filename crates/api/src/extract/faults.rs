//! Names of fields and words for values that could not be read.

use serde_path_to_error::Path;
use services::FieldError;

/// The field at fault: the path to it, and for a missing one its name, which stands in the message alone.
pub(super) fn field_fault(path: &Path, message: &str) -> FieldError {
    let message = without_place(message);
    let path = path.to_string();
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    let field = match (path.as_str(), missing) {
        (".", Some(name)) => name.to_owned(),
        (".", None) => "body".to_owned(),
        (parent, Some(name)) => format!("{parent}.{name}"),
        (field, None) => field.to_owned(),
    };
    match missing {
        Some(_) => FieldError::new(field, "is missing"),
        None => FieldError::new(field, message),
    }
}

/// The message without the line and column of the JSON reader; the path says more.
fn without_place(message: &str) -> &str {
    message.rsplit_once(" at line ").map_or(message, |(message, _)| message)
}
