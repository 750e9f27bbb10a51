//! A server's use cases over stores that keep accounts in memory and hold nothing else: enough to see how the HTTP
//! layer behaves without a database, a file or a model.

mod accounts;
mod stores;

use std::{collections::BTreeMap, sync::Arc};

use api::{HealthCheck, HealthProbe, Services};
use async_trait::async_trait;
use domain::ports::{ChatModel, TokenCounter};
use services::{
    Context,
    accounts::{
        AccountParts, AccountSettings, Accounts, HashingCost, HashingSettings, PasswordHasherPool, TokenSigner,
    },
    conversations::{ConversationParts, ConversationSettings, Conversations},
    ingestion::{Ingestion, IngestionParts, IngestionSettings},
    jobs::Wake,
    models::{DEFAULT_MODE, Mode, ModelSource, Models},
    retrieval::Retrieval,
    turn::{GroundingFallback, TurnParts, TurnSettings, Turns},
};

use self::{
    accounts::{MemorySessions, MemoryUsers},
    stores::Nothing,
};

/// The use cases, over nothing.
pub(crate) fn services() -> Services {
    let context = Context::system();
    let retrieval = Retrieval::new(Arc::new(Nothing), None, context.clone());
    let models = models();
    Services {
        accounts: Arc::new(accounts(&context)),
        conversations: Arc::new(Conversations::new(ConversationParts {
            conversations: Arc::new(Nothing),
            turns: Arc::new(Nothing),
            documents: Arc::new(Nothing),
            context: context.clone(),
            settings: ConversationSettings {
                modes: vec![DEFAULT_MODE.to_owned()],
                policies: vec!["adaptive".to_owned()],
                default_policy: "adaptive".to_owned(),
            },
        })),
        turns: turns(&context, &retrieval, &models),
        ingestion: Arc::new(ingestion(&context)),
        retrieval,
        models,
        health: Arc::new(Nothing),
        context,
    }
}

fn accounts(context: &Context) -> Accounts {
    let cheap = HashingCost { memory_kib: 8, passes: 1, lanes: 1 };
    let hashing = HashingSettings { threads: 1, queue: 8, cost: cheap };
    Accounts::new(AccountParts {
        users: Arc::new(MemoryUsers::default()),
        sessions: Arc::new(MemorySessions::default()),
        passwords: PasswordHasherPool::start(hashing).unwrap(),
        tokens: TokenSigner::hs256(&[7; 32]).unwrap(),
        context: context.clone(),
        settings: AccountSettings::default(),
    })
}

fn ingestion(context: &Context) -> Ingestion {
    Ingestion::new(IngestionParts {
        documents: Arc::new(Nothing),
        blobs: Arc::new(Nothing),
        parser: Arc::new(Nothing),
        embedding: None,
        wake: Wake::default(),
        context: context.clone(),
        settings: IngestionSettings::default(),
    })
}

fn turns(context: &Context, retrieval: &Retrieval, models: &Models) -> Turns {
    Turns::new(TurnParts {
        turns: Arc::new(Nothing),
        conversations: Arc::new(Nothing),
        documents: Arc::new(Nothing),
        retrieval: retrieval.clone(),
        models: models.clone(),
        settings: TurnSettings {
            memory: Default::default(),
            wording: Default::default(),
            system_instruction: String::new(),
            top_k: 3,
            min_score: 0.3,
            fallback: GroundingFallback::Refuse,
            max_running_per_user: 4,
            log_retention: std::time::Duration::from_secs(600),
        },
        context: context.clone(),
    })
}

fn models() -> Models {
    Models {
        chat: BTreeMap::new(),
        source: Arc::new(Nothing),
        modes: BTreeMap::from([(DEFAULT_MODE.to_owned(), Mode::default())]),
        embedding: None,
        fallback_counter: Arc::new(Nothing),
        chat_absent: "run `causerie models pull`".to_owned(),
        embedding_absent: "run `causerie models pull`".to_owned(),
    }
}

impl ModelSource for Nothing {
    fn open(&self, _: &str) -> Option<Arc<dyn ChatModel>> {
        None
    }
}

#[async_trait]
impl HealthProbe for Nothing {
    async fn check(&self) -> Vec<HealthCheck> {
        vec![HealthCheck { name: "database".to_owned(), fault: None }]
    }
}

impl TokenCounter for Nothing {
    fn name(&self) -> &str {
        "bytes"
    }

    fn count(&self, text: &str) -> u32 {
        u32::try_from(text.len()).unwrap_or(u32::MAX)
    }

    fn message_overhead(&self) -> u32 {
        0
    }

    fn prompt_overhead(&self) -> u32 {
        0
    }
}
