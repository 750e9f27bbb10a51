//! A whole server in the test's process.

use std::{net::SocketAddr, path::Path, sync::Arc, thread::JoinHandle};

use causerie::{
    config::{Loaded, Settings, Sources},
    server, wire,
    wire::{ModelUse, Overrides},
};
use documents::{InProcessParser, Parser};
use domain::{
    Clock, ManualClock, SystemIds,
    ports::{ChatModel, EmbeddingModel},
};
use services::Context;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::{Account, Client, HashedWords, ScriptedModel};

/// What a server is started with.
pub struct ServerBuilder {
    flags: Vec<(String, String)>,
    chat: Option<Arc<dyn ChatModel>>,
    embedding: Option<Arc<dyn EmbeddingModel>>,
    parser: Option<Arc<dyn Parser>>,
    context: Option<Context>,
    models: ModelUse,
    folder: TempDir,
}

/// A running server; stops when dropped.
pub struct TestServer {
    address: SocketAddr,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
    folder: Option<TempDir>,
}

impl ServerBuilder {
    /// Sets a configuration key.
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "values are written in place: numbers and texts")]
    pub fn set(mut self, key: &str, value: impl ToString) -> Self {
        self.flags.push((key.to_owned(), value.to_string()));
        self
    }

    /// Answers with this model.
    #[must_use]
    pub fn model(mut self, model: &Arc<ScriptedModel>) -> Self {
        self.chat = Some(Arc::clone(model) as Arc<dyn ChatModel>);
        self
    }

    /// Has no chat model.
    #[must_use]
    pub fn without_chat_model(mut self) -> Self {
        self.chat = None;
        self
    }

    /// Has no embedding model.
    #[must_use]
    pub fn without_embedding_model(mut self) -> Self {
        self.embedding = None;
        self
    }

    /// Reads files with this parser.
    #[must_use]
    pub fn parser(mut self, parser: Arc<dyn Parser>) -> Self {
        self.parser = Some(parser);
        self
    }

    /// Has the models that the configuration names, as the program itself has them.
    #[must_use]
    pub fn configured_models(mut self) -> Self {
        (self.models, self.chat, self.embedding) = (ModelUse::All, None, None);
        self
    }

    /// Takes the time from here.
    #[must_use]
    pub fn clock(mut self, clock: &Arc<ManualClock>) -> Self {
        self.context = Some(Context { clock: Arc::clone(clock) as Arc<dyn Clock>, ids: Arc::new(SystemIds) });
        self
    }

    /// Starts the server on a free port.
    #[must_use]
    pub fn start(mut self) -> TestServer {
        self.flags.push(("data.dir".to_owned(), self.folder.path().display().to_string()));
        self.flags.push(("server.port".to_owned(), "0".to_owned()));
        let sources = Sources { flags: self.flags, ..Sources::default() };
        let settings = Settings::from_loaded(&Loaded::load(&sources).unwrap()).unwrap();
        wire::install_tls();
        let overrides = Overrides {
            models: self.models,
            chat: self.chat,
            embedding: self.embedding,
            parser: Some(self.parser.unwrap_or_else(|| Arc::new(InProcessParser::default()))),
            context: self.context,
        };
        let listener = server::listen(&settings).unwrap();
        let address = listener.local_addr().unwrap();
        let program = wire::build(&settings, overrides).unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new()
                .block_on(server::serve(program, &settings, listener, stopped))
                .expect("the server serves");
        });
        TestServer { address, stop, thread: Some(thread), folder: Some(self.folder) }
    }
}

impl TestServer {
    /// A server with a scripted chat model and hashed words as vectors, to be changed before it starts.
    #[must_use]
    pub fn builder() -> ServerBuilder {
        ServerBuilder {
            flags: Vec::new(),
            chat: Some(ScriptedModel::new()),
            embedding: Some(Arc::new(HashedWords::default())),
            parser: None,
            context: None,
            models: ModelUse::Nothing,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A server that answers with `model`.
    #[must_use]
    pub fn with(model: &Arc<ScriptedModel>) -> Self {
        Self::builder().model(model).start()
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its data folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.as_ref().expect("the server has its folder").path()
    }

    /// A client that is nobody yet.
    #[must_use]
    pub fn anonymous(&self) -> Client {
        Client::new(self.url())
    }

    /// A client signed in to a new account of this name.
    pub async fn user(&self, name: &str) -> (Client, Account) {
        self.anonymous().registered(name).await
    }

    /// Stops the server as SIGTERM does and starts another on the same data; `change` may set what is different.
    #[must_use]
    pub fn restart(mut self, change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        self.stop_and_wait();
        let folder = self.folder.take().expect("the server has its folder");
        change(ServerBuilder { folder, ..Self::builder() }).start()
    }

    /// Begins the stop and does not wait.
    pub fn begin_stop(&self) {
        self.stop.cancel();
    }

    fn stop_and_wait(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server stops cleanly");
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.stop.cancel();
        } else {
            self.stop_and_wait();
        }
    }
}
