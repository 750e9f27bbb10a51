//! The HTTP API of Causerie: routes, extractors, wire formats, server-sent events, problems, the OpenAPI document.
//!
//! A handler unpacks a request, calls one use case of `services` and renders its answer. The crate must not know SQL,
//! providers or which adapters it runs on, and no wire structure leaves it.
//!
//! Read first: [`Services`], [`HttpSettings`], [`serve`], and [`configure`] to mount the API in another application.
//! Inside: `routes.rs` (the table of paths and handlers), `error.rs` (the table of errors), `wire` (bodies).
//!
//! ```
//! let document = api::openapi();
//! assert!(document.paths.paths.contains_key("/api/v1/conversations"));
//! ```

mod error;
mod errors_page;
mod extract;
mod handlers;
mod middleware;
mod openapi;
mod paths;
mod problem;
mod request_id;
mod routes;
mod server;
mod settings;
mod sse;
mod state;
mod upload;
mod wire;

pub use errors_page::errors_page;
pub use openapi::{openapi, openapi_json};
pub use server::{Api, configure, serve};
pub use settings::HttpSettings;
pub use state::{HealthCheck, HealthProbe, Services};
