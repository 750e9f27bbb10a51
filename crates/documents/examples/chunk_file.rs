//! Reads a file, prints its chunks: `cargo run -p documents --example chunk_file -- report.pdf`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

use documents::{ChunkSettings, DocumentError, ParseLimits, chunk, parse};

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: chunk_file FILE");
        return ExitCode::FAILURE;
    };
    match std::fs::read(&path) {
        Ok(bytes) => match print_chunks(bytes, &path) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{}: {error}", error.code());
                ExitCode::FAILURE
            }
        },
        Err(error) => {
            eprintln!("cannot read {path}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print_chunks(bytes: Vec<u8>, name: &str) -> Result<(), DocumentError> {
    // In this process: fine for files of your own. For files from strangers see `documents::ChildParser`.
    let extraction = parse(bytes, name, &ParseLimits::default())?;
    println!("title: {}", extraction.title.as_deref().unwrap_or("-"));
    for warning in &extraction.warnings {
        println!("warning: {warning}");
    }
    // A real program counts with its embedding model's tokenizer.
    let words = |text: &str| text.split_whitespace().count();
    for chunk in chunk(&extraction, &ChunkSettings::default(), &words) {
        let path = chunk.heading_path.join(" > ");
        println!("\n#{} pages {}-{} [{path}] {} tokens", chunk.ordinal, chunk.page_from, chunk.page_to, chunk.tokens);
        println!("{}", chunk.text);
    }
    Ok(())
}
