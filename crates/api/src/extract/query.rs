//! Query parameters.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::de::DeserializeOwned;

use super::faults::field_fault;
use crate::error::ApiError;

/// The query parameters of a request; unknown ones are ignored.
pub(crate) struct QueryParams<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest for QueryParams<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map(Self))
    }
}

pub(super) fn parse<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    let reader = serde_html_form::Deserializer::from_bytes(query.as_bytes());
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let fault = field_fault(error.path(), &error.inner().to_string());
        let field = if fault.field == "body" { "query" } else { &fault.field };
        ApiError::invalid(field, fault.message)
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only reading is tested")]
    struct Params {
        q: String,
        n: Option<u32>,
    }

    fn field_at_fault(query: &str) -> String {
        parse::<Params>(query).unwrap_err().fields[0].field.clone()
    }

    #[test]
    fn parameter_at_fault_is_named() {
        assert_eq!(field_at_fault("q=a&n=many"), "n");
        assert_eq!(field_at_fault("n=1"), "q");
    }

    #[test]
    fn unknown_parameters_are_ignored() {
        let params: Params = parse("q=a%20b&other=1").unwrap();
        assert_eq!((params.q.as_str(), params.n), ("a b", None));
    }
}
