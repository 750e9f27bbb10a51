//! Whether what the server rests on is there.

use std::{fmt::Display, sync::Arc};

use api::{HealthCheck, HealthProbe};
use async_trait::async_trait;
use domain::ModelState;
use storage::Database;

use super::{CHECK_TIMEOUT, Overrides, build, open_database};
use crate::{config::Settings, data_dir};

/// Asks the database for the readiness probe.
pub(super) struct StoreHealth {
    pub(super) database: Arc<Database>,
}

#[async_trait]
impl HealthProbe for StoreHealth {
    async fn check(&self) -> Vec<HealthCheck> {
        let fault = match tokio::time::timeout(CHECK_TIMEOUT, self.database.ping()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("it did not answer within {} s", CHECK_TIMEOUT.as_secs())),
        };
        vec![HealthCheck { name: "database".to_owned(), fault }]
    }
}

/// One finding of `causerie doctor`.
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// What is well, or what is wrong and what to do.
    pub finding: Result<String, String>,
}

impl Check {
    fn new(name: &'static str, finding: Result<impl Display, impl Display>) -> Self {
        Self { name, finding: finding.map(|fine| fine.to_string()).map_err(|fault| fault.to_string()) }
    }
}

/// Looks at everything that a start needs, going on after a fault.
pub async fn examine(settings: &Settings) -> Vec<Check> {
    let dir = settings.data_dir.display();
    let mut checks = vec![Check::new(
        "data folder",
        data_dir::prepare(&settings.data_dir).map(|()| format!("{dir} can be written to")),
    )];
    let database = open_database(settings);
    checks.push(Check::new("database", database.as_ref().map(|_| "opens").map_err(ToString::to_string)));
    if let Ok(database) = database {
        checks.push(schema(&database));
        checks.push(integrity(&database).await);
    }
    match build(settings, Overrides::default()) {
        Ok(program) => checks.extend(program.models.status().into_iter().map(|status| {
            let id = status.id.unwrap_or_else(|| "none".to_owned());
            let finding = match status.state {
                ModelState::Failed(why) => Err(format!("{id}: {why}")),
                ModelState::Ready | ModelState::Loading => Ok(id),
            };
            Check {
                name: "model",
                finding: finding
                    .map(|id| format!("{}: {id}", status.role))
                    .map_err(|why| format!("{}: {why}", status.role)),
            }
        })),
        Err(error) => checks.push(Check { name: "start", finding: Err(error.to_string()) }),
    }
    checks
}

async fn integrity(database: &Database) -> Check {
    let finding = match database.integrity_check().await {
        Ok(faults) if faults.is_empty() => Ok("no damage found".to_owned()),
        Ok(faults) => Err(format!("{}: stop the server and put back the last copy of the database", faults.join("; "))),
        Err(error) => Err(error.to_string()),
    };
    Check { name: "integrity", finding }
}

fn schema(database: &Database) -> Check {
    match database.pending() {
        Ok(pending) if pending.is_empty() => Check { name: "schema", finding: Ok("up to date".to_owned()) },
        Ok(pending) => Check {
            name: "schema",
            finding: Err(format!("{} is not applied: run `causerie migrate`, or start the server", pending.join(", "))),
        },
        Err(error) => Check { name: "schema", finding: Err(error.to_string()) },
    }
}
