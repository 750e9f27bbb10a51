//! Which pages of other origins may call the API.

use actix_cors::Cors;
use actix_web::http::{Method, header};

use crate::request_id;

/// How long a browser may remember the answer to a preflight; Chromium's own limit is two hours.
const MAX_AGE_S: usize = 3600;
const LAST_EVENT_ID: &str = "last-event-id";

/// The rules for `origins`; `*` stands for all. Credentials are sent in a header, so cookies are never allowed.
pub(crate) fn cors(origins: &[String]) -> Cors {
    let headers = [header::ACCEPT, header::AUTHORIZATION, header::CONTENT_TYPE, request_id::HEADER];
    let rules = Cors::default()
        .allowed_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allowed_headers(headers)
        .allowed_header(LAST_EVENT_ID)
        .expose_headers([request_id::HEADER, header::RETRY_AFTER, header::CONTENT_DISPOSITION])
        .max_age(MAX_AGE_S);
    if origins.iter().any(|origin| origin == "*") {
        return rules.allow_any_origin();
    }
    let allowed: Vec<String> = origins.iter().map(|origin| origin.trim_end_matches('/').to_ascii_lowercase()).collect();
    rules.allowed_origin_fn(move |origin, _| {
        let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
        allowed.contains(&origin)
    })
}
