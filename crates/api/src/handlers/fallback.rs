//! Addresses and methods that there are not.

use domain::ErrorKind;

use super::Answer;
use crate::error::ApiError;

/// Nothing is at the address.
pub(crate) async fn not_found() -> Answer {
    Err(ApiError::new(ErrorKind::NotFound, "there is nothing at this address; what there is stands in /openapi.json"))
}

/// The address has other methods.
pub(crate) fn method_not_allowed(allow: &'static str) -> Answer {
    Err(ApiError::method_not_allowed(allow))
}
