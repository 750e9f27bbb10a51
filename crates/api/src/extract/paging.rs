//! Which part of a list is asked for.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use domain::{Cursor, ErrorKind, PageRequest, Position};
use serde::Deserialize;
use utoipa::IntoParams;

use super::query;
use crate::error::ApiError;

/// Items of a page when the client names no number.
const DEFAULT_LIMIT: u32 = 20;
/// The most items of a page.
const MAX_LIMIT: u32 = 100;

/// Which part of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// The most items.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `next_cursor` of the part before. Not together with `page`.
    cursor: Option<String>,
    /// Number of the page, from 1; the answer then has `total`. Not together with `cursor`.
    #[param(minimum = 1)]
    page: Option<u32>,
}

impl PageParams {
    fn request(&self) -> Result<PageRequest, ApiError> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(ApiError::invalid("limit", format!("expected 1 to {MAX_LIMIT}, got {limit}")));
        }
        let cursor = self.cursor.as_deref().filter(|text| !text.is_empty());
        let position = match (cursor, self.page) {
            (None, None) => Position::First,
            (Some(_), Some(_)) => {
                return Err(ApiError::new(
                    ErrorKind::BadRequest,
                    "expected `cursor` or `page`, got both: leave one out",
                ));
            }
            (None, Some(0)) => return Err(ApiError::invalid("page", "expected a number from 1, got 0")),
            (None, Some(number)) => Position::Page(number),
            (Some(text), None) => Position::After(parse(text)?),
        };
        Ok(PageRequest { limit, position })
    }
}

fn parse(text: &str) -> Result<Cursor, ApiError> {
    text.parse().map_err(|error: domain::BadCursor| ApiError::new(ErrorKind::BadCursor, error.to_string()))
}

/// The part of a list that a request asks for.
pub(crate) struct Paging(pub(crate) PageRequest);

impl Paging {
    /// The number of the page, where the list is read by numbers.
    pub(crate) fn number(&self) -> Option<u32> {
        match self.0.position {
            Position::Page(number) => Some(number),
            Position::First | Position::After(_) => None,
        }
    }
}

impl FromRequest for Paging {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(query::parse::<PageParams>(request.query_string()).and_then(|params| params.request()).map(Self))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn request(query: &str) -> Result<PageRequest, ErrorKind> {
        query::parse::<PageParams>(query).and_then(|params| params.request()).map_err(|error| error.kind)
    }

    #[test]
    fn twenty_items_from_the_start_unless_told() {
        assert_eq!(request(""), Ok(PageRequest { limit: 20, position: Position::First }));
        assert_eq!(request("limit=100&page=2"), Ok(PageRequest { limit: 100, position: Position::Page(2) }));
    }

    #[test]
    fn empty_parameters_count_as_absent() {
        assert_eq!(request("limit=&cursor=&page="), request(""));
    }

    #[test]
    fn limit_is_one_to_a_hundred() {
        for query in ["limit=0", "limit=101", "limit=-1", "limit=many", "page=0"] {
            assert_eq!(request(query), Err(ErrorKind::ValidationFailed), "{query}");
        }
    }

    #[test]
    fn cursor_and_page_exclude_each_other() {
        let cursor = Cursor { sort: 5, id: Uuid::from_u128(6) };
        let after = PageRequest { limit: 20, position: Position::After(cursor) };
        assert_eq!(request(&format!("cursor={cursor}")), Ok(after));
        assert_eq!(request(&format!("cursor={cursor}&page=1")), Err(ErrorKind::BadRequest));
    }

    #[test]
    fn foreign_cursor_is_refused() {
        assert_eq!(request("cursor=nonsense"), Err(ErrorKind::BadCursor));
    }
}
