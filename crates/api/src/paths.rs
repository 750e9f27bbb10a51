//! Every path of the API, in one place.

macro_rules! v1 {
    ($path:literal) => {
        concat!("/api/v1", $path)
    };
}

/// What the paths under which unknown fields are refused begin with.
pub(crate) const AUTH: &str = v1!("/auth/");

pub(crate) const REGISTER: &str = v1!("/auth/register");
pub(crate) const LOGIN: &str = v1!("/auth/login");
pub(crate) const REFRESH: &str = v1!("/auth/refresh");
pub(crate) const LOGOUT: &str = v1!("/auth/logout");
pub(crate) const LOGOUT_ALL: &str = v1!("/auth/logout-all");
pub(crate) const SESSIONS: &str = v1!("/auth/sessions");
pub(crate) const SESSION: &str = v1!("/auth/sessions/{id}");
pub(crate) const ME: &str = v1!("/me");

pub(crate) const CONVERSATIONS: &str = v1!("/conversations");
pub(crate) const CONVERSATION: &str = v1!("/conversations/{id}");
pub(crate) const MESSAGES: &str = v1!("/conversations/{id}/messages");
pub(crate) const MEMORY: &str = v1!("/conversations/{id}/memory");
pub(crate) const RECEIPT: &str = v1!("/messages/{id}/context");
pub(crate) const STREAM: &str = v1!("/messages/{id}/stream");
pub(crate) const CANCEL: &str = v1!("/messages/{id}/cancel");

pub(crate) const DOCUMENTS: &str = v1!("/documents");
pub(crate) const DOCUMENT: &str = v1!("/documents/{id}");
pub(crate) const CONTENT: &str = v1!("/documents/{id}/content");
pub(crate) const CHUNKS: &str = v1!("/documents/{id}/chunks");
pub(crate) const ORIGINAL: &str = v1!("/documents/{id}/original");
pub(crate) const SEARCH: &str = v1!("/rag/search");

pub(crate) const LIVE: &str = "/health/live";
pub(crate) const READY: &str = "/health/ready";
pub(crate) const OPENAPI: &str = "/openapi.json";
pub(crate) const HOME: &str = "/";
pub(crate) const DOCS: &str = "/docs";
pub(crate) const DOCS_FILE: &str = "/docs/{file:.*}";
pub(crate) const DOCS_ERRORS: &str = "/docs/errors";

/// Both forms of a path: clients may end it with a slash and are served without a redirect.
pub(crate) fn with_and_without_slash(path: &str) -> Vec<String> {
    if path == HOME { vec![path.to_owned()] } else { vec![path.to_owned(), format!("{path}/")] }
}
