//! Search over documents.

use super::{Answer, Api, ok};
use crate::{
    extract::{Authenticated, QueryParams},
    paths,
    wire::retrieval::{Results, Search},
};

/// Finds the passages that answer a question.
#[utoipa::path(
    get, path = paths::SEARCH, tag = "documents", security(("bearer" = [])), params(Search),
    responses((status = 200, description = "The passages, best first", body = Results))
)]
pub(crate) async fn search_passages(
    api: Api,
    Authenticated(actor): Authenticated,
    QueryParams(search): QueryParams<Search>,
) -> Answer {
    let found = api.services.retrieval.search(&actor, search.by(actor.user_id)).await?;
    ok(Results::from(found))
}
