//! JSON bodies.

use std::{future::Future, pin::Pin, time::Duration};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    error::PayloadError,
    http::header::{self, HeaderMap},
    web::{Bytes, BytesMut, Data},
};
use domain::ErrorKind;
use futures::StreamExt;
use serde::de::DeserializeOwned;
use services::FieldError;

use super::faults::field_fault;
use crate::{error::ApiError, state::State};

/// A JSON body of which unknown fields are ignored.
pub(crate) struct JsonBody<T>(pub(crate) T);

/// A JSON body that is refused for unknown fields.
pub(crate) struct StrictBody<T>(pub(crate) T);

type Extracting<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

impl<T: DeserializeOwned + 'static> FromRequest for JsonBody<T> {
    type Error = ApiError;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = read(request, payload);
        Box::pin(async move { parse(&bytes.await?).map(|(value, _)| Self(value)) })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for StrictBody<T> {
    type Error = ApiError;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = read(request, payload);
        Box::pin(async move {
            let (value, unknown) = parse(&bytes.await?)?;
            if unknown.is_empty() { Ok(Self(value)) } else { Err(unknown_fields(unknown)) }
        })
    }
}

fn unknown_fields(names: Vec<String>) -> ApiError {
    let detail = format!("this endpoint has no such fields: {}", names.join(", "));
    let fields = names.into_iter().map(|name| FieldError::new(name, "is not a field of this endpoint")).collect();
    ApiError::with_fields(ErrorKind::UnknownField, detail, fields)
}

/// The bytes of the body, at most `server.max_body_bytes` of them.
fn read(request: &HttpRequest, payload: &mut Payload) -> impl Future<Output = Result<Bytes, ApiError>> + use<> {
    let settings = request.app_data::<Data<State>>().map(|state| &state.settings);
    let (limit, patience) = settings.map_or_else(Default::default, |all| (all.max_body_bytes, all.request_timeout));
    let checked = check_media_type(request.headers()).and_then(|()| check_length(request.headers(), limit));
    let mut payload = payload.take();
    async move {
        checked?;
        tokio::time::timeout(patience, collect(&mut payload, limit)).await.map_err(|_| too_slow(patience))?
    }
}

async fn collect(payload: &mut Payload, limit: usize) -> Result<Bytes, ApiError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| broken_off(&error))?;
        if body.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn too_slow(patience: Duration) -> ApiError {
    let detail = format!("the body was not complete within {} s: send it again", patience.as_secs());
    ApiError::new(ErrorKind::RequestTimeout, detail)
}

/// A body without a media type is taken for JSON; `application/json` and `…+json` are JSON.
fn check_media_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(sent) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let essence = sent.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    Err(ApiError::new(ErrorKind::UnsupportedMediaType, "expected a body with `Content-Type: application/json`"))
}

fn check_length(headers: &HeaderMap, limit: usize) -> Result<(), ApiError> {
    let sent = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let over = sent.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > limit));
    if over { Err(too_large(limit)) } else { Ok(()) }
}

fn too_large(limit: usize) -> ApiError {
    ApiError::new(ErrorKind::PayloadTooLarge, format!("the body has more than {limit} bytes (server.max_body_bytes)"))
}

/// The body ended before its announced end, or cannot be decoded.
fn broken_off(error: &PayloadError) -> ApiError {
    tracing::debug!(%error, "a request body could not be read");
    ApiError::new(ErrorKind::BadRequest, "the body broke off before its end: send it again")
}

/// The value, and the paths of the fields that it does not have.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<(T, Vec<String>), ApiError> {
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(ApiError::invalid("body", "expected a JSON object, got an array"));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let mut track = serde_path_to_error::Track::new();
    let mut unknown = Vec::new();
    let value = {
        let tracked = serde_path_to_error::Deserializer::new(&mut reader, &mut track);
        let mut note = |path: serde_ignored::Path<'_>| unknown.push(path.to_string());
        T::deserialize(serde_ignored::Deserializer::new(tracked, &mut note))
    };
    let value = value.map_err(|error| refusal(&error, &track.path()))?;
    reader.end().map_err(|error| not_json(&error))?;
    Ok((value, unknown))
}

fn refusal(error: &serde_json::Error, path: &serde_path_to_error::Path) -> ApiError {
    if !error.is_data() {
        return not_json(error);
    }
    let fault = field_fault(path, &error.to_string());
    ApiError::invalid(&fault.field, fault.message)
}

fn not_json(error: &serde_json::Error) -> ApiError {
    ApiError::new(ErrorKind::ValidationFailed, format!("the body is not valid JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only reading is tested")]
    struct Body {
        name: String,
        #[serde(default)]
        sizes: Vec<Size>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Size {
        Small,
        Large,
    }

    fn fault(json: &str) -> (ErrorKind, String, String) {
        let error = parse::<Body>(json.as_bytes()).unwrap_err();
        let field = error.fields.first().map(|fault| fault.field.clone()).unwrap_or_default();
        let message = error.fields.first().map_or(error.detail, |fault| fault.message.clone());
        (error.kind, field, message)
    }

    #[test]
    fn wrong_type_names_the_path_of_its_field() {
        let (kind, field, message) = fault(r#"{"name":"a","sizes":["small","huge"]}"#);
        assert_eq!((kind, field.as_str()), (ErrorKind::ValidationFailed, "sizes[1]"));
        assert_eq!(message, "unknown variant `huge`, expected `small` or `large`");
    }

    #[test]
    fn missing_field_is_named() {
        assert_eq!(fault("{}"), (ErrorKind::ValidationFailed, "name".into(), "is missing".into()));
    }

    #[test]
    fn body_is_an_object() {
        assert_eq!(fault(r#" ["a", []]"#).1, "body");
        assert_eq!(fault("7").1, "body");
    }

    #[test]
    fn text_that_is_no_json_says_where() {
        for broken in ["", "{", "{\"name\":\"a\"} x", "nonsense"] {
            let (kind, field, message) = fault(broken);
            assert_eq!((kind, field.as_str()), (ErrorKind::ValidationFailed, ""), "{broken}");
            assert!(message.starts_with("the body is not valid JSON"), "{message}");
        }
    }

    #[test]
    fn unknown_fields_are_found_with_their_path() {
        let (_, unknown) = parse::<Body>(br#"{"name":"a","nmae":"b","x":{"y":1}}"#).unwrap();
        assert_eq!(unknown, ["nmae", "x"]);
        assert_eq!(unknown_fields(unknown).kind, ErrorKind::UnknownField);
    }

    #[test]
    fn only_json_media_types_are_taken() {
        let check = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(text).unwrap());
            check_media_type(&headers).is_ok()
        };
        assert!(check("application/json") && check("Application/JSON; charset=utf-8"));
        assert!(check("application/merge-patch+json"));
        assert!(!check("text/plain") && !check("application/x-www-form-urlencoded") && !check("image/x+json"));
        assert!(check_media_type(&HeaderMap::new()).is_ok());
    }

    #[test]
    fn announced_length_over_the_limit_is_refused_before_reading() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("11"));
        assert_eq!(check_length(&headers, 10).unwrap_err().kind, ErrorKind::PayloadTooLarge);
        assert!(check_length(&headers, 11).is_ok());
    }
}
