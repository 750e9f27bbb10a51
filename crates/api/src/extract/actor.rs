//! Who asks. A handler that needs an [`Actor`] has no other way to get one.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header::HeaderValue};
use domain::ErrorKind;
use services::Actor;

use crate::error::ApiError;

/// What became of the credential of a request; set by the middleware before the handler runs.
pub(crate) struct Credential(pub(crate) Result<Actor, ApiError>);

/// The person on whose behalf a handler works.
pub(crate) struct Authenticated(pub(crate) Actor);

impl FromRequest for Authenticated {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let outcome = match request.extensions().get::<Credential>() {
            Some(Credential(outcome)) => outcome.clone().map(Self),
            None => Err(ApiError::new(
                ErrorKind::Unauthenticated,
                "expected the header `Authorization: Bearer <access token>`, got none: sign in first",
            )),
        };
        ready(outcome)
    }
}

/// The token of an `Authorization` header (RFC 6750, section 2.1; the scheme's case does not matter).
pub(crate) fn bearer_token(header: &HeaderValue) -> Result<&str, ApiError> {
    let token = header.to_str().ok().and_then(|text| {
        let (scheme, token) = text.trim().split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(' ')).then_some(token)
    });
    token.ok_or_else(|| {
        ApiError::new(ErrorKind::InvalidToken, "expected `Authorization: Bearer <access token>`, got something else")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str) -> Option<String> {
        let header = HeaderValue::from_str(header).unwrap();
        bearer_token(&header).ok().map(str::to_owned)
    }

    #[test]
    fn only_bearer_tokens_are_taken() {
        assert_eq!(token("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(token("bearer  abc ").as_deref(), Some("abc"));
        for wrong in ["", "Bearer", "Bearer ", "Basic abc", "abc", "Bearer a b"] {
            assert_eq!(token(wrong), None, "{wrong:?}");
        }
    }
}
