//! `causerie config show` and `causerie openapi`.
#![allow(clippy::print_stdout, reason = "the command's answer")]

use super::Outcome;
use crate::config::Loaded;

/// Prints every key, its value (secrets masked) and where it was set.
pub(super) fn show(loaded: &Loaded) {
    for (name, value, source) in loaded.show() {
        let value = value.unwrap_or_else(|| "(unset)".to_owned());
        println!("{name:<36} {value:<40} {source}");
    }
}

pub(super) fn print_openapi() -> Outcome {
    println!("{}", api::openapi().to_pretty_json()?);
    Ok(())
}
