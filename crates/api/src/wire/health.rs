//! Health of the server.

use domain::ModelState;
use serde::Serialize;
use services::models::ModelStatus;
use utoipa::ToSchema;

use crate::state::HealthCheck;

/// Whether the server serves everything, something, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HealthState {
    Ok,
    Degraded,
    Down,
}

/// The process runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Alive {
    pub(crate) status: HealthState,
}

/// What the server can do now. `degraded` serves everything that does not need what is missing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "degraded", "checks": [
    {"name": "database", "status": "ok", "detail": "answers"},
    {"name": "chat_model.small", "status": "degraded", "detail": "no chat model: run `causerie models pull`, or set OPENAI_API_KEY"}
]}))]
pub(crate) struct Readiness {
    pub(crate) status: HealthState,
    checks: Vec<Check>,
}

/// One thing that the server rests on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Check {
    name: String,
    status: HealthState,
    /// What it is, or what to do about it.
    detail: String,
}

impl Readiness {
    /// The whole is as well as the worst of its parts.
    pub(crate) fn of(stores: Vec<HealthCheck>, models: Vec<ModelStatus>) -> Self {
        let stores = stores.into_iter().map(Check::from);
        let checks: Vec<Check> = stores.chain(models.into_iter().map(Check::from)).collect();
        let status = checks.iter().map(|check| check.status).max().unwrap_or(HealthState::Ok);
        Self { status, checks }
    }
}

impl From<HealthCheck> for Check {
    fn from(check: HealthCheck) -> Self {
        let (status, detail) = match check.fault {
            None => (HealthState::Ok, "answers".to_owned()),
            Some(what_to_do) => (HealthState::Down, what_to_do),
        };
        Self { name: check.name, status, detail }
    }
}

impl From<ModelStatus> for Check {
    fn from(model: ModelStatus) -> Self {
        let name = match model.role.as_str() {
            "embedding" => "embedding_model".to_owned(),
            size => format!("chat_model.{size}"),
        };
        let id = model.id.unwrap_or_else(|| "none".to_owned());
        let (status, detail) = match model.state {
            ModelState::Ready => (HealthState::Ok, id),
            ModelState::Loading => (HealthState::Degraded, format!("{id} is being loaded: calls wait for it")),
            ModelState::Failed(what_to_do) => (HealthState::Degraded, what_to_do),
        };
        Self { name, status, detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(state: ModelState) -> ModelStatus {
        ModelStatus { role: "small".into(), id: Some("local/tiny".into()), state }
    }

    fn database(fault: Option<&str>) -> HealthCheck {
        HealthCheck { name: "database".into(), fault: fault.map(str::to_owned) }
    }

    #[test]
    fn missing_model_degrades_and_says_what_to_do() {
        let ready = Readiness::of(vec![database(None)], vec![model(ModelState::Failed("run models pull".into()))]);
        assert_eq!(ready.status, HealthState::Degraded);
        assert_eq!(ready.checks[1].detail, "run models pull");
        assert_eq!(ready.checks[1].name, "chat_model.small");
    }

    #[test]
    fn database_that_does_not_answer_is_down() {
        let ready = Readiness::of(vec![database(Some("check the folder"))], vec![model(ModelState::Ready)]);
        assert_eq!(ready.status, HealthState::Down);
        assert_eq!(Readiness::of(vec![database(None)], vec![model(ModelState::Ready)]).status, HealthState::Ok);
    }
}
