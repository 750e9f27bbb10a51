//! Whether the server lives and what it can do.

use std::time::Duration;

use actix_web::HttpResponse;

use super::{Answer, Api, ok};
use crate::{
    paths,
    state::HealthCheck,
    wire::health::{Alive, HealthState, Readiness},
};

/// Longest time that a healthy database takes to answer a trivial question.
const PATIENCE: Duration = Duration::from_secs(3);

/// Tells that the process runs.
#[utoipa::path(
    get, path = paths::LIVE, tag = "operation",
    responses((status = 200, description = "It does", body = Alive))
)]
pub(crate) async fn live() -> Answer {
    ok(Alive { status: HealthState::Ok })
}

/// Tells what the server can do now, and what to do about the rest.
#[utoipa::path(
    get, path = paths::READY, tag = "operation",
    responses(
        (status = 200, description = "It serves; `degraded` where a model is missing", body = Readiness),
        (status = 503, description = "The database does not answer", body = Readiness),
    )
)]
pub(crate) async fn ready(api: Api) -> Answer {
    let stores = tokio::time::timeout(PATIENCE, api.services.health.check()).await.unwrap_or_else(|_| silent());
    let readiness = Readiness::of(stores, api.services.models.status());
    match readiness.status {
        HealthState::Ok | HealthState::Degraded => ok(readiness),
        HealthState::Down => Ok(HttpResponse::ServiceUnavailable().json(readiness)),
    }
}

fn silent() -> Vec<HealthCheck> {
    let fault = format!("does not answer within {} s: check that it runs and is not overloaded", PATIENCE.as_secs());
    vec![HealthCheck { name: "database".to_owned(), fault: Some(fault) }]
}
