//! What only SQLite needs: the file, its connections, its one writer and its migrations.

mod file;
mod migrations;
mod readers;
mod writer;

pub use migrations::MigrationReport;

pub(crate) use file::{DatabaseFile, make_folder};
pub(crate) use migrations::{migrate, pending};
pub(crate) use readers::Readers;
pub(crate) use writer::Writer;

/// A connection to the engine. Every query of this crate takes it under this name.
pub(crate) type Connection = diesel::SqliteConnection;
