//! The composition root: the one place that names concrete adapters.

mod checks;
mod models;
mod weights;

use std::{error::Error, io, process::ExitCode, sync::Arc, time::Duration};

use api::{HttpSettings, Services};
use documents::{ChildParser, ParseLimits, Parser};
use domain::{
    ModelSize,
    ports::{BlobStore, ChatModel, ConversationStore, DocumentStore, EmbeddingModel, TurnStore},
};
use secrecy::ExposeSecret;
use services::{
    Context,
    accounts::{AccountParts, AccountSettings, Accounts, HashingSettings, PasswordHasherPool, TokenSigner},
    conversations::{ConversationParts, ConversationSettings, Conversations},
    ingestion::{Ingestion, IngestionParts, IngestionSettings},
    jobs::{Wake, WorkerParts, WorkerSettings},
    models::Models,
    retrieval::Retrieval,
    turn::{GroundingFallback, TurnParts, TurnSettings, Turns},
};
use storage::{Database, DatabaseLocation, DatabaseSettings, LocalBlobs};

pub use checks::{Check, examine};
pub use weights::pull_weights;

use crate::{config::Settings, data_dir};

/// Instructions that every model gets unless the operator writes others.
const SYSTEM_INSTRUCTION: &str =
    "You are a helpful assistant. Answer briefly and exactly. When you do not know, say so.";
/// The one short-term policy that exists so far.
const POLICY: &str = "adaptive";

/// Parts that a host program or a test brings along in place of the configured ones.
#[derive(Default)]
pub struct Overrides {
    /// Answers for every size.
    pub chat: Option<Arc<dyn ChatModel>>,
    /// Makes vectors.
    pub embedding: Option<Arc<dyn EmbeddingModel>>,
    /// Reads files.
    pub parser: Option<Arc<dyn Parser>>,
    /// Clock and ids.
    pub context: Option<Context>,
    /// Which of the configured models are opened.
    pub models: ModelUse,
}

/// Which of the configured models a program needs; what is not needed costs neither time nor memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ModelUse {
    /// All.
    #[default]
    All,
    /// The embedding model alone.
    Embedding,
    /// None.
    Nothing,
}

impl Overrides {
    /// The configured models of this use, and nothing else in the place of what is configured.
    #[must_use]
    pub fn models(models: ModelUse) -> Self {
        Self { models, ..Self::default() }
    }
}

/// Everything, put together and not yet started.
pub struct Program {
    /// Accounts.
    pub accounts: Arc<Accounts>,
    /// Conversations.
    pub conversations: Arc<Conversations>,
    /// Turns.
    pub turns: Turns,
    /// Documents.
    pub ingestion: Arc<Ingestion>,
    /// Search.
    pub retrieval: Retrieval,
    /// Models.
    pub models: Models,
    /// What the HTTP API serves.
    pub services: Services,
    /// How it serves.
    pub http: HttpSettings,
    /// The background worker.
    pub worker: WorkerParts,
    /// To be closed when everything else has stopped.
    pub database: Arc<Database>,
}

/// Opens the data folder and the database, migrates it, and puts everything together.
///
/// # Errors
/// Whatever cannot be opened, in a sentence that says what to do.
pub fn build(settings: &Settings, overrides: Overrides) -> Result<Program, Box<dyn Error>> {
    let context = overrides.context.clone().unwrap_or_else(Context::system);
    data_dir::prepare(&settings.data_dir)?;
    let database = open_database(settings)?;
    database.migrate()?;
    let store = Arc::new(database);
    let models = models::models(settings, &overrides)?;
    let wake = Wake::default();

    let accounts = Arc::new(accounts(settings, &store, &context)?);
    let conversations = Arc::new(Conversations::new(ConversationParts {
        conversations: Arc::clone(&store) as Arc<dyn ConversationStore>,
        turns: Arc::clone(&store) as Arc<dyn TurnStore>,
        documents: Arc::clone(&store) as Arc<dyn DocumentStore>,
        context: context.clone(),
        settings: ConversationSettings {
            modes: models.modes.keys().cloned().collect(),
            policies: vec![POLICY.to_owned()],
            default_policy: POLICY.to_owned(),
        },
    }));
    let ingestion = Arc::new(Ingestion::new(IngestionParts {
        documents: Arc::clone(&store) as Arc<dyn DocumentStore>,
        blobs: Arc::new(LocalBlobs::open(&settings.data_dir.join("blobs"))?) as Arc<dyn BlobStore>,
        parser: overrides.parser.unwrap_or(child_parser(settings)?),
        embedding: models.embedding.clone(),
        wake: wake.clone(),
        context: context.clone(),
        settings: IngestionSettings {
            max_upload_bytes: settings.max_upload_bytes,
            chunk_tokens: settings.chunk_tokens,
            chunk_overlap: settings.chunk_overlap,
        },
    }));
    let retrieval = Retrieval::new(Arc::clone(&store) as _, models.embedding.clone(), context.clone());
    let turns = Turns::new(TurnParts {
        turns: Arc::clone(&store) as _,
        conversations: Arc::clone(&store) as _,
        documents: Arc::clone(&store) as _,
        retrieval: retrieval.clone(),
        models: models.clone(),
        settings: turn_settings(settings),
        context: context.clone(),
    });
    let worker = WorkerParts {
        jobs: Arc::clone(&store) as _,
        routines: ingestion.routines(),
        wake,
        context: context.clone(),
        settings: WorkerSettings {
            workers: usize::try_from(settings.workers)?,
            ..WorkerSettings::named(format!("worker-{}", std::process::id()))
        },
    };
    let services = Services {
        accounts: Arc::clone(&accounts),
        conversations: Arc::clone(&conversations),
        turns: turns.clone(),
        ingestion: Arc::clone(&ingestion),
        retrieval: retrieval.clone(),
        models: models.clone(),
        health: Arc::new(checks::StoreHealth { database: Arc::clone(&store) }),
        context,
    };
    let http = http_settings(settings)?;
    Ok(Program {
        accounts,
        conversations,
        turns,
        ingestion,
        retrieval,
        models,
        services,
        http,
        worker,
        database: store,
    })
}

/// Brings the schema up to date.
///
/// # Errors
/// A database that cannot be opened or migrated.
pub fn migrate(settings: &Settings) -> Result<String, Box<dyn Error>> {
    data_dir::prepare(&settings.data_dir)?;
    let report = open_database(settings)?.migrate()?;
    if report.applied.is_empty() {
        return Ok("the schema is up to date".to_owned());
    }
    let copy = report.snapshot.map(|path| format!("; a copy from before is {}", path.display())).unwrap_or_default();
    Ok(format!("applied {}{copy}", report.applied.join(", ")))
}

/// Makes rustls use ring, once in the process; reqwest finds it there.
pub fn install_tls() {
    // A second call finds the first one's choice, which is the same.
    let _already = rustls::crypto::ring::default_provider().install_default();
}

/// Reads one document from standard input and answers on standard output.
///
/// # Errors
/// When the worker could not do its work; the answer was then not written.
pub fn parse_worker() -> Result<(), Box<dyn Error>> {
    if documents::parse_worker_main() == ExitCode::SUCCESS {
        Ok(())
    } else {
        Err(io::Error::other("the document could not be read").into())
    }
}

fn open_database(settings: &Settings) -> Result<Database, Box<dyn Error>> {
    let location =
        DatabaseLocation::from_url(settings.database_url.as_deref().unwrap_or_default(), &settings.data_dir)?;
    let chosen = DatabaseSettings { pool_size: settings.database_pool_size, ..DatabaseSettings::new(location) };
    Ok(Database::open(chosen)?)
}

fn accounts(settings: &Settings, store: &Arc<Database>, context: &Context) -> Result<Accounts, Box<dyn Error>> {
    let key = match &settings.jwt_secret {
        Some(configured) => configured.clone(),
        None => data_dir::secret(&settings.data_dir, "jwt", &*context.ids)?,
    };
    Ok(Accounts::new(AccountParts {
        users: Arc::clone(store) as _,
        sessions: Arc::clone(store) as _,
        passwords: PasswordHasherPool::start(HashingSettings::default())?,
        tokens: TokenSigner::hs256(key.expose_secret().as_bytes())?,
        context: context.clone(),
        settings: AccountSettings {
            access_ttl: settings.access_ttl,
            refresh_ttl: settings.refresh_ttl,
            registration_open: settings.registration_open,
            ..AccountSettings::default()
        },
    }))
}

fn child_parser(settings: &Settings) -> io::Result<Arc<dyn Parser>> {
    let limits = ParseLimits {
        max_pages: settings.max_pages,
        max_text_bytes: usize::try_from(settings.max_text_bytes).unwrap_or(usize::MAX),
        memory_bytes: settings.parse_memory_bytes,
        wall_ms: u64::try_from(settings.parse_timeout.as_millis()).unwrap_or(u64::MAX),
        ..ParseLimits::default()
    };
    Ok(Arc::new(ChildParser::new(std::env::current_exe()?, vec!["parse-worker".to_owned()], limits)))
}

fn turn_settings(settings: &Settings) -> TurnSettings {
    TurnSettings {
        memory: settings.memory,
        wording: memory_engine::Wording::default(),
        system_instruction: settings.system_instruction.clone().unwrap_or_else(|| SYSTEM_INSTRUCTION.to_owned()),
        top_k: settings.top_k,
        min_score: settings.min_score,
        fallback: if settings.fallback_generic { GroundingFallback::Generic } else { GroundingFallback::Refuse },
        max_running_per_user: settings.max_running_per_user,
        log_retention: settings.log_retention,
    }
}

fn http_settings(settings: &Settings) -> Result<HttpSettings, Box<dyn Error>> {
    Ok(HttpSettings {
        max_body_bytes: settings.max_body_bytes,
        max_upload_bytes: settings.max_upload_bytes,
        max_files_per_upload: usize::try_from(settings.max_files)?,
        cors_origins: settings.cors_origins.clone(),
        public_url: settings.public_url.clone(),
        request_timeout: settings.request_timeout,
        upload_timeout: settings.upload_timeout,
        max_upload_request_bytes: settings.max_upload_request_bytes,
        upload_memory_bytes: settings.upload_memory_bytes,
        workers: settings.http_workers,
        keep_alive: settings.keep_alive,
        client_timeout: settings.client_timeout,
        drain_timeout: settings.shutdown,
    })
}

/// The sizes in the order that they are shown in.
const SIZES: [ModelSize; 3] = [ModelSize::Small, ModelSize::Medium, ModelSize::Large];
/// How long a check of the database may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);
