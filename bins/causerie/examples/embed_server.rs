//! The whole server inside another program: `cargo run -p causerie --example embed_server`, then open the printed address.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use causerie::{
    config::{Loaded, Settings, Sources},
    server, wire,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let flags = vec![("server.port".to_owned(), "0".to_owned())];
    let settings = Settings::from_loaded(&Loaded::load(&Sources { flags, ..Sources::default() })?)?;
    wire::install_tls();
    let listener = server::listen(&settings)?;
    println!("http://{}/docs", listener.local_addr()?);
    server::run(wire::build(&settings, wire::Overrides::default())?, &settings, listener)?;
    Ok(())
}
