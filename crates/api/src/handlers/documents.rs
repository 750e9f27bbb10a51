//! Documents.

use actix_multipart::Multipart;
use actix_web::{
    HttpResponse,
    http::header::{self, ContentDisposition},
    web::Data,
};
use domain::DocumentId;

use super::{Answer, Api, no_content, ok, to_the_end};
use crate::{
    extract::{Authenticated, JsonBody, PageParams, Paging, PathId, QueryParams},
    paths,
    upload::{self, UploadLimits},
    wire::{
        document::{Chunk, Content, Document, Filter, PatchDocument, UploadForm, Uploaded},
        list::List,
    },
};

/// Takes files in; each becomes searchable once its status is `ready`.
///
/// One bad file does not refuse the others. A single bad file answers its own error, several bad ones 422.
#[utoipa::path(
    post, path = paths::DOCUMENTS, tag = "documents", security(("bearer" = [])),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 202, description = "What became of each file", body = Uploaded))
)]
pub(crate) async fn upload_documents(api: Api, Authenticated(actor): Authenticated, form: Multipart) -> Answer {
    let form = upload::read_form(form, &UploadLimits::of(&api.settings), &api.upload_memory).await?;
    let taking = Data::clone(&api);
    let uploaded = to_the_end(async move { upload::accept(&taking.services.ingestion, &actor, form).await }).await?;
    Ok(HttpResponse::Accepted().json(uploaded))
}

/// Lists documents, newest first.
#[utoipa::path(
    get, path = paths::DOCUMENTS, tag = "documents", security(("bearer" = [])),
    params(Filter, PageParams),
    responses((status = 200, description = "A part of the list", body = List<Document>))
)]
pub(crate) async fn list_documents(
    api: Api,
    Authenticated(actor): Authenticated,
    QueryParams(filter): QueryParams<Filter>,
    paging: Paging,
) -> Answer {
    let page = api.services.ingestion.list(&actor, filter.into(), paging.0).await?;
    ok(List::<Document>::of(page, paging.number()))
}

/// Shows a document.
#[utoipa::path(
    get, path = paths::DOCUMENT, tag = "documents", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The document")),
    responses((status = 200, description = "The document", body = Document))
)]
pub(crate) async fn show_document(
    api: Api,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<DocumentId>,
) -> Answer {
    let document = api.services.ingestion.find(&actor, id).await?;
    ok(Document::from(document))
}

/// Changes a document's title, category or labels.
#[utoipa::path(
    patch, path = paths::DOCUMENT, tag = "documents", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The document")),
    request_body = PatchDocument,
    responses((status = 200, description = "The document as it now is", body = Document))
)]
pub(crate) async fn update_document(
    api: Api,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<DocumentId>,
    JsonBody(body): JsonBody<PatchDocument>,
) -> Answer {
    let document = api.services.ingestion.update(&actor, id, body.into()).await?;
    ok(Document::from(document))
}

/// Removes a document from lists and searches at once, and its file soon after.
#[utoipa::path(
    delete, path = paths::DOCUMENT, tag = "documents", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The document")),
    responses((status = 204, description = "Removed"))
)]
pub(crate) async fn delete_document(
    api: Api,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<DocumentId>,
) -> Answer {
    api.services.ingestion.delete(&actor, id).await?;
    no_content()
}

/// Shows the extracted text of a document.
#[utoipa::path(
    get, path = paths::CONTENT, tag = "documents", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The document")),
    responses((status = 200, description = "The text", body = Content))
)]
pub(crate) async fn show_content(
    api: Api,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<DocumentId>,
) -> Answer {
    let text = api.services.ingestion.find_text(&actor, id).await?;
    ok(Content::of(id, text))
}

/// Lists the passages of a document by their place in the text.
#[utoipa::path(
    get, path = paths::CHUNKS, tag = "documents", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The document"), PageParams),
    responses((status = 200, description = "A part of the list", body = List<Chunk>))
)]
pub(crate) async fn list_chunks(
    api: Api,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<DocumentId>,
    paging: Paging,
) -> Answer {
    let page = api.services.ingestion.list_chunks(&actor, id, paging.0).await?;
    ok(List::<Chunk>::of(page, paging.number()))
}

/// Answers the file as it was uploaded, as a download: it is never shown as a page of this server.
#[utoipa::path(
    get, path = paths::ORIGINAL, tag = "documents", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The document")),
    responses((status = 200, description = "The file", content_type = "application/octet-stream", body = Vec<u8>))
)]
pub(crate) async fn download_original(
    api: Api,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<DocumentId>,
) -> Answer {
    let (document, content) = api.services.ingestion.original(&actor, id).await?;
    Ok(HttpResponse::Ok()
        .content_type(document.content_type)
        .insert_header(ContentDisposition::attachment(document.filename))
        .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"))
        .body(content))
}
