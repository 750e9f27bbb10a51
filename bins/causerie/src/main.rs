//! The program `causerie`: reads the command line, runs one command, and says what went wrong in one line.
#![allow(clippy::print_stderr, reason = "a program tells its user what went wrong")]

use std::process::ExitCode;

use causerie::{cli::Cli, commands};
use clap::Parser;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("causerie: {}", commands::sentence(&*error));
            let mut cause = error.source();
            while let Some(inner) = cause {
                eprintln!("  because: {inner}");
                cause = inner.source();
            }
            ExitCode::FAILURE
        }
    }
}
