//! Headers that every answer has.

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

const DEFAULTS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    // The API answers data; nothing in it may run, load or be framed.
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    // Answers are for one person; what may be kept says so itself.
    (header::CACHE_CONTROL, "no-store"),
];

/// Adds the headers that a handler did not set itself.
pub(super) fn add_defaults(headers: &mut HeaderMap) {
    for (name, value) in DEFAULTS {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

/// Takes over what inner layers had set on an answer that is written anew, such as the headers of CORS.
pub(super) fn carry_over(from: &HeaderMap, to: &mut HeaderMap) {
    let of_the_old_body = [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING];
    let mut kept = HeaderMap::new();
    for (name, value) in from {
        if !to.contains_key(name) && !of_the_old_body.contains(name) {
            kept.append(name.clone(), value.clone());
        }
    }
    for (name, value) in kept {
        to.append(name, value);
    }
}
