//! What the handlers work with.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use services::{
    Context, accounts::Accounts, conversations::Conversations, ingestion::Ingestion, models::Models,
    retrieval::Retrieval, turn::Turns,
};
use tokio::sync::Semaphore;

use crate::{openapi, settings::HttpSettings};

/// One thing that the server rests on, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// Such as `database`.
    pub name: String,
    /// Why it does not answer and what to do; absent where it does. Shown to whoever asks.
    pub fault: Option<String>,
}

/// Looks at what the server cannot do without.
#[async_trait]
pub trait HealthProbe: Send + Sync {
    /// The state of each thing without which nothing can be served; with a fault in any, the server is down.
    async fn check(&self) -> Vec<HealthCheck>;
}

/// The use cases that the API offers.
pub struct Services {
    /// Accounts and sign-ins.
    pub accounts: Arc<Accounts>,
    /// Conversations and messages.
    pub conversations: Arc<Conversations>,
    /// Replies.
    pub turns: Turns,
    /// Documents.
    pub ingestion: Arc<Ingestion>,
    /// Search over documents.
    pub retrieval: Retrieval,
    /// Models by role.
    pub models: Models,
    /// Looks at the database.
    pub health: Arc<dyn HealthProbe>,
    /// Clock and ids.
    pub context: Context,
}

/// Use cases, settings and what is computed once for all workers.
pub(crate) struct State {
    pub(crate) services: Services,
    pub(crate) settings: HttpSettings,
    /// Bytes of uploads that may be held in memory, in KiB, over all requests.
    pub(crate) upload_memory: Arc<Semaphore>,
    /// The OpenAPI document as it is served.
    pub(crate) openapi: Bytes,
}

impl State {
    pub(crate) fn new(services: Services, settings: HttpSettings) -> Self {
        let upload_memory = Arc::new(Semaphore::new(settings.upload_memory_kib()));
        let openapi = openapi::served(settings.public_url.as_deref());
        Self { services, settings, upload_memory, openapi }
    }
}
