//! The API inside another actix application: `cargo run -p api --example mount`, then open
//! <http://127.0.0.1:8090/docs> and <http://127.0.0.1:8090/hello>.
//!
//! The use cases here stand on stores that hold nothing but accounts; a real program hands in its own adapters, as
//! `bins/causerie` does.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an example")]

#[path = "../tests/nothing/mod.rs"]
mod nothing;

use actix_web::{App, HttpServer, web};
use api::{Api, HttpSettings};

async fn hello() -> &'static str {
    "This page is the host's own."
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let api = Api::new(nothing::services(), HttpSettings::default());
    println!("listening on http://127.0.0.1:8090");
    HttpServer::new(move || {
        App::new().route("/hello", web::get().to(hello)).configure(|config| api::configure(config, &api))
    })
    .bind(("127.0.0.1", 8090))?
    .run()
    .await
}
