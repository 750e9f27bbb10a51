//! One module for each command; this one chooses among them.

mod chat;
mod config;
mod doctor;
mod documents;
mod models;
mod owner;
mod serve;
mod users;

use std::error::Error;

use services::ServiceError;

use crate::{
    cli::{Cli, Command},
    config::{Loaded, Settings},
    wire,
};

/// What a command answers; the error's text is all that the user gets to see.
pub type Outcome = Result<(), Box<dyn Error>>;

/// Runs the command that was asked for.
///
/// # Errors
/// Whatever stopped it, in a sentence that says what to do.
pub fn run(cli: Cli) -> Outcome {
    let Cli { options, command } = cli;
    let mut sources = options.sources();
    let command = command.unwrap_or(Command::Serve { host: None, port: None });
    match &command {
        Command::ParseWorker => return wire::parse_worker(),
        Command::Openapi => return config::print_openapi(),
        Command::Serve { host, port } => {
            sources.flags.extend(host.iter().map(|host| ("server.host".to_owned(), host.clone())));
            sources.flags.extend(port.iter().map(|port| ("server.port".to_owned(), port.to_string())));
        }
        _ => {}
    }
    let loaded = Loaded::load(&sources)?;
    let settings = Settings::from_loaded(&loaded)?;
    wire::install_tls();
    match command {
        Command::Config { .. } => {
            config::show(&loaded);
            Ok(())
        }
        Command::Serve { .. } => serve::serve(&settings),
        Command::Migrate => serve::migrate(&settings),
        Command::Models { command } => models::run(&settings, command),
        Command::Ingest { files, user } => documents::ingest(&settings, &files, user.as_deref()),
        Command::Search { query, user, top_k } => documents::search(&settings, query, user.as_deref(), top_k),
        Command::Chat { grounded, user } => chat::chat(&settings, grounded, user.as_deref()),
        Command::User { command } => users::run(&settings, command),
        Command::Doctor => doctor::doctor(&settings),
        Command::Openapi | Command::ParseWorker => Ok(()),
    }
}

/// What a failure says to the person at the terminal.
#[must_use]
pub fn sentence(error: &(dyn Error + 'static)) -> String {
    match error.downcast_ref::<ServiceError>() {
        Some(refusal) => {
            let fields = refusal.fields().iter().map(|fault| format!("; {}: {}", fault.field, fault.message));
            refusal.detail() + &fields.collect::<String>()
        }
        None => error.to_string(),
    }
}

/// The runtime of commands that are not the server.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}
