//! Configuration: defaults < file < environment < flags, checked against one table.

mod keys;
mod page;
mod settings;
mod sources;

pub use page::page;
pub use settings::{Mode, Provider, Settings};
pub use sources::{ConfigError, Loaded, Source, Sources};
