//! One server's worth of use cases over a database of its own.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use documents::InProcessParser;
use domain::{
    EmbedPurpose, EmbeddingInfo, ErrorKind, Job, JobOutcome, ManualClock, ModelError, ModelFault, ModelState,
    PageRequest, Position, Role, SeededIds, User,
    ports::{EmbeddingModel, JobStore, TokenCounter},
};
use services::{
    Actor, Context, ServiceError,
    accounts::{
        AccountParts, AccountSettings, Accounts, Credentials, HashingCost, HashingSettings, PasswordHasherPool,
        Registration, SignedIn, TokenSigner,
    },
    conversations::{ConversationParts, ConversationSettings, Conversations},
    ingestion::{Ingestion, IngestionParts, IngestionSettings, Upload},
    jobs::{JobFault, Wake},
};
use storage::{Database, DatabaseSettings, LocalBlobs};
use tempfile::TempDir;

/// Where the test stands in time at its start.
pub(crate) fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

pub(crate) const FIRST_PAGE: PageRequest = PageRequest { limit: 100, position: Position::First };
pub(crate) const PASSWORD: &str = "correct horse";

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) context: Context,
    pub(crate) database: Arc<Database>,
    pub(crate) blobs: Arc<LocalBlobs>,
    pub(crate) wake: Wake,
    folder: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(DatabaseSettings::in_folder(folder.path())).unwrap();
        database.migrate().unwrap();
        let blobs = LocalBlobs::open(&folder.path().join("blobs")).unwrap();
        let clock = Arc::new(ManualClock::new(start()));
        let context = Context { clock: Arc::clone(&clock) as _, ids: Arc::new(SeededIds::new(1)) };
        Self { clock, context, database: Arc::new(database), blobs: Arc::new(blobs), wake: Wake::default(), folder }
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) fn accounts(&self) -> Accounts {
        self.accounts_with(AccountSettings::default(), HashingCost { memory_kib: 64, passes: 1, lanes: 1 })
    }

    pub(crate) fn accounts_with(&self, settings: AccountSettings, cost: HashingCost) -> Accounts {
        let hashing = HashingSettings { cost, ..HashingSettings::default() };
        Accounts::new(AccountParts {
            users: self.database.clone(),
            sessions: self.database.clone(),
            passwords: PasswordHasherPool::start(hashing).unwrap(),
            tokens: TokenSigner::hs256(&[7; 32]).unwrap(),
            context: self.context.clone(),
            settings,
        })
    }

    pub(crate) fn conversations(&self) -> Conversations {
        Conversations::new(ConversationParts {
            conversations: self.database.clone(),
            turns: self.database.clone(),
            documents: self.database.clone(),
            context: self.context.clone(),
            settings: ConversationSettings {
                modes: vec!["default".into(), "reason".into(), "code".into()],
                policies: vec!["adaptive".into()],
                default_policy: "adaptive".into(),
            },
        })
    }

    pub(crate) fn ingestion(&self, embedding: Option<Arc<dyn EmbeddingModel>>) -> Arc<Ingestion> {
        Arc::new(Ingestion::new(IngestionParts {
            documents: self.database.clone(),
            blobs: self.blobs.clone(),
            parser: Arc::new(InProcessParser::default()),
            embedding,
            wake: self.wake.clone(),
            context: self.context.clone(),
            settings: IngestionSettings { max_upload_bytes: 200_000, ..IngestionSettings::default() },
        }))
    }

    /// A new person, trusted as the command line is.
    pub(crate) async fn person(&self, name: &str) -> Actor {
        let user = register(&self.accounts(), name).await;
        Actor { user_id: user.id, session_id: None, role: Role::User }
    }

    /// Runs due jobs, one after the other, until none is left, and answers their kinds.
    pub(crate) async fn run_jobs(&self, ingestion: &Arc<Ingestion>) -> Vec<String> {
        let mut kinds = Vec::new();
        while let Some((job, result)) = self.run_job(ingestion).await {
            result.unwrap();
            kinds.push(job.kind);
        }
        kinds
    }

    /// Runs the next due job of documents.
    pub(crate) async fn run_job(&self, ingestion: &Arc<Ingestion>) -> Option<(Job, Result<(), JobFault>)> {
        let routines = ingestion.routines();
        let kinds: Vec<&str> = routines.iter().map(|routine| routine.kind()).collect();
        let now = self.context.now();
        let job = self.database.claim(&kinds, "test", Duration::from_secs(60), now).await.unwrap()?;
        let routine = routines.iter().find(|routine| routine.kind() == job.kind).unwrap();
        let result = routine.run(&job.payload).await;
        let outcome = match &result {
            Ok(()) => JobOutcome::Done,
            Err(error) => JobOutcome::Retry { run_at: now, error: error.to_string() },
        };
        assert!(self.database.finish(job.id, "test", outcome, now).await.unwrap());
        Some((job, result))
    }

    /// Files in the file store.
    pub(crate) fn stored_files(&self) -> usize {
        count_files(&self.folder.path().join("blobs"))
    }
}

fn count_files(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.map(|path| if path.is_dir() { count_files(&path) } else { 1 }).sum()
}

pub(crate) fn registration(name: &str) -> Registration {
    Registration { username: name.into(), email: format!("{name}@example.org"), password: PASSWORD.into() }
}

pub(crate) async fn register(accounts: &Accounts, name: &str) -> User {
    accounts.register(registration(name)).await.unwrap()
}

pub(crate) async fn login(accounts: &Accounts, login: &str, password: &str) -> Result<SignedIn, ServiceError> {
    let credentials = Credentials { login: login.into(), password: password.into(), user_agent: Some("test".into()) };
    accounts.login(credentials).await
}

pub(crate) fn upload(filename: &str, content: impl Into<Vec<u8>>) -> Upload {
    let content: Vec<u8> = content.into();
    Upload { filename: filename.into(), title: None, category: None, tags: Vec::new(), content: content.into() }
}

pub(crate) fn kind_of<T: std::fmt::Debug>(result: Result<T, ServiceError>) -> ErrorKind {
    result.unwrap_err().kind()
}

/// An embedding model that puts every word into one of eight components and can fail on purpose.
pub(crate) struct WordVectors {
    info: EmbeddingInfo,
    /// Calls that still succeed.
    calls_left: AtomicUsize,
}

impl WordVectors {
    pub(crate) fn new() -> Arc<Self> {
        Self::failing_after(usize::MAX)
    }

    pub(crate) fn failing_after(calls: usize) -> Arc<Self> {
        let info = EmbeddingInfo { id: "test/words".into(), dimensions: 8, max_tokens: 256 };
        Arc::new(Self { info, calls_left: AtomicUsize::new(calls) })
    }

    pub(crate) fn recover(&self) {
        self.calls_left.store(usize::MAX, Ordering::SeqCst);
    }
}

#[async_trait]
impl EmbeddingModel for WordVectors {
    fn info(&self) -> &EmbeddingInfo {
        &self.info
    }

    fn state(&self) -> ModelState {
        ModelState::Ready
    }

    fn tokens(&self) -> &dyn TokenCounter {
        self
    }

    async fn embed(&self, texts: Vec<String>, _purpose: EmbedPurpose) -> Result<Vec<Vec<f32>>, ModelError> {
        if self.calls_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err() {
            return Err(ModelError::new(ModelFault::Retryable, "the model is resting"));
        }
        Ok(texts.iter().map(|text| vector_of(text)).collect())
    }
}

fn vector_of(text: &str) -> Vec<f32> {
    let mut vector = vec![0.01_f32; 8];
    for word in text.split_whitespace() {
        vector[word.bytes().map(usize::from).sum::<usize>() % 8] += 1.0;
    }
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.into_iter().map(|x| x / length).collect()
}

impl TokenCounter for WordVectors {
    fn name(&self) -> &str {
        "test/words"
    }

    fn count(&self, text: &str) -> u32 {
        u32::try_from(text.split_whitespace().count()).unwrap()
    }

    fn message_overhead(&self) -> u32 {
        0
    }

    fn prompt_overhead(&self) -> u32 {
        2
    }
}
