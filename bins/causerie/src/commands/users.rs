//! `causerie user …`
#![allow(clippy::print_stdout, reason = "the command's answer")]

use std::io::{BufRead, stdin};

use domain::{PageRequest, Position, Role};
use secrecy::SecretString;
use services::accounts::Registration;

use super::{Outcome, runtime};
use crate::{
    cli::UserCommand,
    config::Settings,
    wire::{ModelUse, Overrides, build},
};

const PAGE: u32 = 100;

pub(super) fn run(settings: &Settings, command: UserCommand) -> Outcome {
    let program = build(settings, Overrides::models(ModelUse::Nothing))?;
    let accounts = program.accounts;
    runtime()?.block_on(async {
        match command {
            UserCommand::Create { username, email, password_stdin, admin } => {
                let password = read_password(password_stdin)?;
                let role = if admin { Role::Admin } else { Role::User };
                let user = accounts.create_user(Registration { username, email, password }, role).await?;
                println!("{} {} <{}>", user.id, user.username, user.email);
            }
            UserCommand::List => {
                let mut position = Position::First;
                loop {
                    let page = accounts.list_users(PageRequest { limit: PAGE, position }).await?;
                    for user in page.items {
                        println!(
                            "{} {:<24} {:<40} {:?} {:?}",
                            user.id, user.username, user.email, user.role, user.status
                        );
                    }
                    let Some(next) = page.next else { break };
                    position = Position::After(next);
                }
            }
        }
        Ok(())
    })
}

fn read_password(from_stdin: bool) -> Result<SecretString, Box<dyn std::error::Error>> {
    if !from_stdin {
        return Ok(rpassword::prompt_password("Password: ")?.into());
    }
    let mut line = String::new();
    stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned().into())
}
