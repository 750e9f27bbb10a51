//! Structured logs.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::Settings;

/// Starts logging to standard error, in the form and at the level that the configuration asks for.
///
/// # Errors
/// A log level that is neither a level nor a filter.
pub fn start(settings: &Settings) -> Result<(), Box<dyn std::error::Error>> {
    let filter = EnvFilter::try_new(&settings.log_level).map_err(|error| {
        format!("log.level is `{}`; expected trace, debug, info, warn, error or a filter ({error})", settings.log_level)
    })?;
    // That crate logs pieces of conversations when a provider sends what it cannot read; we report such faults ourselves.
    // actix tells about its own start, which the announcement has told already.
    let filter = ["async_openai=off", "actix_server=warn"]
        .into_iter()
        .filter_map(|directive| directive.parse().ok())
        .fold(filter, EnvFilter::add_directive);
    let as_text = match settings.log_format.as_str() {
        "text" => true,
        "json" => false,
        _ => std::io::stderr().is_terminal(),
    };
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process (as in tests) keeps the first logger.
    let _already = if as_text {
        logs.with_ansi(std::io::stderr().is_terminal()).try_init()
    } else {
        logs.json().flatten_event(true).try_init()
    };
    Ok(())
}
