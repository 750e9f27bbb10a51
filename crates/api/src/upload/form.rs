//! The multipart form of an upload.

use std::sync::Arc;

use actix_multipart::{Field, Multipart, MultipartError};
use bytes::Bytes;
use domain::ErrorKind;
use futures::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::spool::{FieldBytes, Spool, file_too_large};
use crate::{error::ApiError, settings::HttpSettings, wire::split_list};

/// Longest text field in bytes; the services' own limits are far below.
const MAX_TEXT_BYTES: u64 = 16 << 10;
/// The most parts of a form beside its files.
const MAX_OTHER_FIELDS: usize = 64;

/// How much an upload may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UploadLimits {
    pub(crate) max_file_bytes: u64,
    pub(crate) max_request_bytes: u64,
    pub(crate) max_files: usize,
}

impl UploadLimits {
    pub(crate) fn of(settings: &HttpSettings) -> Self {
        Self {
            max_file_bytes: settings.max_upload_bytes,
            max_request_bytes: settings.upload_request_limit(),
            max_files: settings.max_files_per_upload,
        }
    }
}

/// A form that was read.
#[derive(Default)]
pub(crate) struct UploadForm {
    pub(crate) files: Vec<UploadedPart>,
    pub(crate) title: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) tags: Vec<String>,
    /// The memory of the files, given back with the form.
    _memory: Option<OwnedSemaphorePermit>,
}

/// A file of a form, or why it cannot be taken.
pub(crate) struct UploadedPart {
    pub(crate) filename: String,
    pub(crate) content: Result<Bytes, ApiError>,
}

/// Reads a form.
pub(crate) async fn read_form(
    mut multipart: Multipart,
    limits: &UploadLimits,
    memory: &Arc<Semaphore>,
) -> Result<UploadForm, ApiError> {
    let mut form = UploadForm::default();
    let mut spool = Spool::new(*limits, memory);
    let mut others = 0;
    while let Some(field) = multipart.next().await {
        let field = field.map_err(|error| fault(&error))?;
        if field.name() == Some("file") {
            check_count(form.files.len(), limits.max_files)?;
            form.files.push(read_file(field, limits, &mut spool).await?);
        } else {
            check_count(others, MAX_OTHER_FIELDS)?;
            others += 1;
            read_text(field, &mut form, &mut spool).await?;
        }
    }
    form._memory = spool.into_share();
    check(form)
}

fn check(form: UploadForm) -> Result<UploadForm, ApiError> {
    match form.files.len() {
        0 => Err(ApiError::invalid("file", "expected at least one file, got none")),
        1 => Ok(form),
        _ if form.title.is_some() => {
            Err(ApiError::invalid("title", "a title is for one file: send the files one by one, or leave it out"))
        }
        _ => Ok(form),
    }
}

fn check_count(have: usize, most: usize) -> Result<(), ApiError> {
    if have < most {
        Ok(())
    } else {
        Err(ApiError::invalid("file", format!("expected at most {most} files, got more")))
    }
}

async fn read_file(mut field: Field, limits: &UploadLimits, spool: &mut Spool) -> Result<UploadedPart, ApiError> {
    let named = field.content_disposition().and_then(|disposition| disposition.get_filename().map(str::to_owned));
    let bytes = read(&mut field, limits.max_file_bytes, spool).await?;
    Ok(UploadedPart {
        filename: named.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| "upload".to_owned()),
        content: bytes.finish().map_err(|_size| file_too_large(limits.max_file_bytes)),
    })
}

async fn read_text(mut field: Field, form: &mut UploadForm, spool: &mut Spool) -> Result<(), ApiError> {
    let name = field.name().unwrap_or_default().to_owned();
    let bytes = read(&mut field, MAX_TEXT_BYTES, spool).await?.finish();
    if !matches!(name.as_str(), "title" | "category" | "tags") {
        return Ok(());
    }
    let bytes = bytes.map_err(|_size| ApiError::invalid(&name, format!("expected at most {MAX_TEXT_BYTES} bytes")))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| ApiError::invalid(&name, "expected text in UTF-8"))?;
    match name.as_str() {
        "title" => form.title = Some(text.to_owned()),
        "category" => form.category = Some(text.to_owned()),
        _ => form.tags.extend(split_list(&[text.to_owned()]).map(str::to_owned)),
    }
    Ok(())
}

async fn read(field: &mut Field, limit: u64, spool: &mut Spool) -> Result<FieldBytes, ApiError> {
    let mut bytes = FieldBytes::new(limit);
    while let Some(chunk) = field.next().await {
        spool.push(&mut bytes, &chunk.map_err(|error| fault(&error))?)?;
    }
    Ok(bytes)
}

fn fault(error: &MultipartError) -> ApiError {
    use MultipartError as E;
    match error {
        E::ContentTypeMissing | E::ContentTypeParse | E::ContentTypeIncompatible | E::BoundaryMissing => ApiError::new(
            ErrorKind::UnsupportedMediaType,
            "expected `Content-Type: multipart/form-data` with a boundary and at least one field `file`",
        ),
        E::Incomplete | E::Payload(_) => {
            ApiError::new(ErrorKind::BadRequest, "the upload broke off before its end: send it again")
        }
        _ => ApiError::new(ErrorKind::ValidationFailed, "the body is not a valid multipart form"),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{
        error::PayloadError,
        http::header::{self, HeaderMap, HeaderValue},
    };
    use futures::stream;

    use super::*;

    const LIMITS: UploadLimits = UploadLimits { max_file_bytes: 8, max_request_bytes: 4096, max_files: 2 };

    fn multipart(body: &str) -> Multipart {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("multipart/form-data; boundary=X"));
        let body = Bytes::from(body.replace('\n', "\r\n"));
        Multipart::new(&headers, stream::iter([Ok::<_, PayloadError>(body)]))
    }

    fn part(head: &str, content: &str) -> String {
        format!("--X\nContent-Disposition: form-data; {head}\n\n{content}\n")
    }

    async fn form(parts: &[String]) -> Result<UploadForm, ApiError> {
        let body = format!("{}--X--\n", parts.concat());
        read_form(multipart(&body), &LIMITS, &Arc::new(Semaphore::new(64))).await
    }

    #[actix_web::test]
    async fn fields_may_stand_before_and_after_the_file() {
        let parts = [
            part("name=\"tags\"", "hr, leave"),
            part("name=\"file\"; filename=\"a.txt\"", "text"),
            part("name=\"title\"", "Handbook"),
            part("name=\"tags\"", "2026"),
            part("name=\"other\"", "ignored"),
        ];
        let form = form(&parts).await.unwrap();
        assert_eq!(form.title.as_deref(), Some("Handbook"));
        assert_eq!(form.tags, ["hr", "leave", "2026"]);
        assert_eq!(form.files[0].filename, "a.txt");
        assert_eq!(form.files[0].content.as_deref().unwrap(), b"text");
    }

    #[actix_web::test]
    async fn large_file_does_not_refuse_the_others() {
        let parts =
            [part("name=\"file\"; filename=\"a\"", "123456789"), part("name=\"file\"; filename=\"b\"", "12345678")];
        let form = form(&parts).await.unwrap();
        assert_eq!(form.files[0].content.as_ref().unwrap_err().kind, ErrorKind::FileTooLarge);
        assert!(form.files[1].content.is_ok());
    }

    #[actix_web::test]
    async fn form_without_files_or_with_too_many_is_refused() {
        let file = part("name=\"file\"; filename=\"a\"", "1");
        let kind = |outcome: Result<UploadForm, ApiError>| outcome.err().map(|error| error.kind);
        assert_eq!(kind(form(&[part("name=\"title\"", "x")]).await), Some(ErrorKind::ValidationFailed));
        let three = [file.clone(), file.clone(), file.clone()];
        assert_eq!(kind(form(&three).await), Some(ErrorKind::ValidationFailed));
        let titled = [file.clone(), file, part("name=\"title\"", "x")];
        assert_eq!(kind(form(&titled).await), Some(ErrorKind::ValidationFailed));
    }

    #[actix_web::test]
    async fn body_that_is_no_form_is_refused() {
        let no_form = Multipart::new(&HeaderMap::new(), stream::iter([Ok::<_, PayloadError>(Bytes::new())]));
        let error = read_form(no_form, &LIMITS, &Arc::new(Semaphore::new(1))).await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::UnsupportedMediaType);
        let broken = multipart("--X\nContent-Disposition: form-data; name=\"file\"\n\nhalf");
        let error = read_form(broken, &LIMITS, &Arc::new(Semaphore::new(1))).await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::BadRequest);
    }
}
