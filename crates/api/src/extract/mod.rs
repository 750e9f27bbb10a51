//! What handlers are given: who asks, ids, bodies, query parameters, parts of lists.

mod actor;
mod body;
mod faults;
mod id;
mod paging;
mod query;

pub(crate) use actor::{Authenticated, Credential, bearer_token};
pub(crate) use body::{JsonBody, StrictBody};
pub(crate) use id::PathId;
pub(crate) use paging::{PageParams, Paging};
pub(crate) use query::QueryParams;
