//! The OpenAPI document: what the handlers say of themselves, and the errors from the one table.

mod refusals;
mod shapes;

use bytes::Bytes;
use utoipa::{
    OpenApi as _, PartialSchema, ToSchema,
    openapi::{
        InfoBuilder, LicenseBuilder, OpenApi, RefOr, ServerBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
        tag::TagBuilder,
    },
};

use crate::{
    problem::{FieldFault, Problem},
    routes::Documented,
};

const DESCRIPTION: &str = "\
Conversations with a memory and answers that rest on your documents.

Errors are `application/problem+json` (RFC 9457); every `code` is listed under `/docs/errors`. Every answer has an
`X-Request-Id`; send your own to have it kept. A path may end with a slash. Lists take `limit` and either `cursor` or
`page`.";

const TAGS: [(&str, &str); 6] = [
    ("accounts", "Registering, signing in, sessions"),
    ("conversations", "Conversations"),
    ("messages", "Messages, replies and their streams"),
    ("memory", "What a model gets to see, and why"),
    ("documents", "Documents and search over them"),
    ("operation", "Health and description of the server"),
];

/// The OpenAPI document of the API.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut document = Documented::openapi();
    document.info = InfoBuilder::new()
        .title("Causerie")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").build()))
        .build();
    document.tags = Some(TAGS.map(|(name, text)| TagBuilder::new().name(name).description(Some(text)).build()).into());
    let components = document.components.get_or_insert_default();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    components.security_schemes.insert("bearer".to_owned(), RefOr::T(SecurityScheme::Http(bearer)));
    components.schemas.insert(Problem::name().into_owned(), Problem::schema());
    components.schemas.insert(FieldFault::name().into_owned(), FieldFault::schema());
    shapes::settle(&mut document);
    refusals::add(&mut document);
    document
}

/// The document as JSON, as it is kept in `docs/openapi.json`.
#[must_use]
pub fn openapi_json() -> String {
    let mut text = openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// The document as a server answers it: with its public address, where that is known.
pub(crate) fn served(public_url: Option<&str>) -> Bytes {
    let mut document = openapi();
    document.servers = public_url.map(|url| vec![ServerBuilder::new().url(url).build()]);
    Bytes::from(document.to_json().unwrap_or_default())
}
