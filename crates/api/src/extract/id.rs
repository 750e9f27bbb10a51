//! Ids in paths.

use std::{
    future::{Ready, ready},
    str::FromStr,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use domain::ErrorKind;

use crate::error::ApiError;

/// The `{id}` of the path. Text that is no id names nothing, so it answers 404 like any id that is not yours.
pub(crate) struct PathId<T>(pub(crate) T);

impl<T: FromStr> FromRequest for PathId<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("id").and_then(|text| text.parse().ok());
        ready(
            id.map(Self).ok_or_else(|| {
                ApiError::new(ErrorKind::NotFound, "the id in the path is not a UUID, so it names nothing")
            }),
        )
    }
}
