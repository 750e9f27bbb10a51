//! `causerie models …`
#![allow(clippy::print_stdout, reason = "the command's answer")]

use std::path::Path;

use domain::ModelState;

use super::Outcome;
use crate::{
    cli::ModelsCommand,
    config::Settings,
    data_dir,
    wire::{self, Overrides},
};

pub(super) fn run(settings: &Settings, command: ModelsCommand) -> Outcome {
    match command {
        ModelsCommand::List => list(settings),
        ModelsCommand::Pull { dir: Some(dir), python } => pull(&dir, &python),
        ModelsCommand::Pull { dir: None, python } => {
            // Made here as the server would make it: for its owner alone.
            data_dir::prepare(&settings.data_dir)?;
            pull(&settings.models_dir, &python)
        }
    }
}

fn list(settings: &Settings) -> Outcome {
    let program = wire::build(settings, Overrides::default())?;
    for status in program.models.status() {
        let (id, state) = (status.id.as_deref().unwrap_or("-"), status.state);
        let state = match state {
            ModelState::Ready => "ready".to_owned(),
            ModelState::Loading => "present".to_owned(),
            ModelState::Failed(why) => why,
        };
        println!("{:<10} {id:<40} {state}", status.role);
    }
    Ok(())
}

fn pull(dir: &Path, python: &str) -> Outcome {
    wire::pull_weights(dir, python)?;
    println!("the default weights are in {}", dir.display());
    Ok(())
}
