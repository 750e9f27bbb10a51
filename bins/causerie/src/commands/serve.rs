//! `causerie serve` and `causerie migrate`.
#![allow(clippy::print_stdout, reason = "the command's answer")]

use std::net::SocketAddr;

use domain::ModelState;
use services::models::ModelStatus;

use super::Outcome;
use crate::{
    config::Settings,
    logging, server,
    wire::{self, Overrides, Program},
};

pub(super) fn serve(settings: &Settings) -> Outcome {
    logging::start(settings)?;
    // The port first: a server that cannot listen changes nothing.
    let listener = server::listen(settings)?;
    let address = listener.local_addr()?;
    let program = wire::build(settings, Overrides::default())?;
    announce(settings, &program, address);
    server::run(program, settings, listener)?;
    Ok(())
}

pub(super) fn migrate(settings: &Settings) -> Outcome {
    let report = wire::migrate(settings)?;
    println!("{report}");
    Ok(())
}

/// Says where things are, and what is and is not configured.
fn announce(settings: &Settings, program: &Program, address: SocketAddr) {
    let url = settings.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    println!("Causerie {} serves on {url}", env!("CARGO_PKG_VERSION"));
    println!("  API docs    {url}/docs   (OpenAPI: {url}/openapi.json)");
    println!("  Readiness   {url}/health/ready");
    println!("  Data        {}", settings.data_dir.display());
    for status in program.models.status() {
        println!("  {:<11} {}", capitalised(&status.role), describe(&status));
    }
}

fn describe(status: &ModelStatus) -> String {
    match (&status.id, &status.state) {
        (Some(id), ModelState::Ready) => id.clone(),
        (Some(id), ModelState::Loading) => format!("{id} (loading)"),
        (Some(id), ModelState::Failed(why)) => format!("{id}: {why}"),
        (None, ModelState::Failed(why)) => format!("none: {why}"),
        (None, _) => "none".to_owned(),
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
