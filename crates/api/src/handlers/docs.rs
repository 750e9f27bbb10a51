//! The description of the API, for programs and for people.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, ContentEncoding},
};
use domain::ErrorKind;
use serde_json::json;
use utoipa_swagger_ui::{Config, SwaggerFile};

use super::{Answer, Api, fallback, ok};
use crate::{error::ApiError, errors_page::errors_page, paths};

/// The pages of Swagger UI load their own scripts, styles and images, and call this server; nothing else.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'self'; frame-ancestors 'none'";
/// Below `/docs`, whose pages are relative to `/docs/`.
const OPENAPI_FROM_DOCS: &str = "../openapi.json";

/// Tells where to begin.
pub(crate) async fn home() -> Answer {
    ok(json!({
        "name": "causerie", "version": env!("CARGO_PKG_VERSION"),
        "docs": paths::DOCS, "openapi": paths::OPENAPI, "health": paths::READY
    }))
}

/// Describes the API as an OpenAPI document.
#[utoipa::path(
    get, path = paths::OPENAPI, tag = "operation",
    responses((status = 200, description = "The document", body = Object))
)]
pub(crate) async fn show_openapi(api: Api) -> Answer {
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(api.openapi.clone()))
}

/// Lists the error codes as Markdown.
pub(crate) async fn show_errors() -> Answer {
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(errors_page()))
}

/// The files of Swagger UI, which come with the program.
pub(crate) async fn show_docs(request: HttpRequest) -> Answer {
    let name = request.match_info().get("file").unwrap_or_default();
    let name = if name.is_empty() { "index.html" } else { name };
    let config = Config::new([OPENAPI_FROM_DOCS]).use_base_layout().validator_url("none").try_it_out_enabled(true);
    match utoipa_swagger_ui::serve(name, Arc::new(config)) {
        Ok(Some(file)) if name == "index.html" => Ok(index(&file, request.path())),
        Ok(Some(file)) => Ok(asset(file)),
        Ok(None) => fallback::not_found().await,
        Err(error) => {
            tracing::error!(%error, name, "a file of Swagger UI cannot be served");
            Err(ApiError::new(ErrorKind::Internal, "this page cannot be shown; /openapi.json holds the same"))
        }
    }
}

/// The page, with a base so that it finds its files whether its address ends with a slash or not.
fn index(file: &SwaggerFile<'_>, address: &str) -> HttpResponse {
    let base = if address.ends_with('/') { "./" } else { "docs/" };
    let page = String::from_utf8_lossy(&file.bytes);
    let page = page.replacen("<head>", &format!("<head>\n    <base href=\"{base}\" />"), 1);
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, PAGE_POLICY))
        .body(page)
}

fn asset(file: SwaggerFile<'_>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    if file.gzpipped {
        response.insert_header(ContentEncoding::Gzip);
    }
    response
        .content_type(file.content_type)
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .body(file.bytes.into_owned())
}
