//! The composition root: configuration, wiring, the server's life, and the commands.
//!
//! This crate alone knows concrete adapters, and names them only in [`wire`]. It has no business rules. Another
//! program can embed the whole server: load [`config::Settings`], build a [`wire::Program`], and hand it to
//! [`server::serve`].
//!
//! ```no_run
//! use causerie::{config::{Loaded, Settings, Sources}, server, wire};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = Settings::from_loaded(&Loaded::load(&Sources::default())?)?;
//! let program = wire::build(&settings, wire::Overrides::default())?;
//! let listener = server::listen(&settings)?;
//! server::run(program, &settings, listener)?;
//! # Ok(())
//! # }
//! ```

pub mod cli;
pub mod commands;
pub mod config;
pub mod data_dir;
pub mod logging;
pub mod server;
pub mod wire;
