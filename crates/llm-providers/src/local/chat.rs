//! The chat model behind its port.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use async_trait::async_trait;
use domain::{
    ChatRequest, ChatStream, IdSource, ModelError, ModelFault, ModelInfo, ModelState,
    ports::{ChatModel, TokenCounter},
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{
    chat_tokenizer, default_threads,
    generate::{Chatter, Generation},
    kernels::Threads,
    llama::{Gguf, Llama, LlamaShape},
    loading::Loading,
    template::ChatTemplate,
    work_queue::{Refused, WorkQueue},
};
use crate::{
    ProviderError,
    tokens::LocalCounter,
    weights::{self, WeightsSet},
};

/// What a local chat model is made from.
#[derive(Debug, Clone)]
pub struct LocalChatOptions {
    /// Its id, as `provider/model`.
    pub id: String,
    /// The GGUF file.
    pub file: PathBuf,
    /// The known weights that `file` belongs to and the folder above theirs; they are verified before they are read.
    pub verify: Option<(&'static WeightsSet, PathBuf)>,
    /// Tokens that prompt and reply may share; at most what the model was trained on.
    pub context_window: u32,
    /// Threads of one generation.
    pub threads: usize,
    /// Generations at the same time; each takes its own threads and, at 8,192 tokens, 0.4 GB.
    pub slots: usize,
    /// Requests that may wait for a slot.
    pub queue: usize,
}

impl LocalChatOptions {
    /// The default model under `models_dir`: one slot, sixteen may wait.
    #[must_use]
    pub fn default_model(models_dir: &Path) -> Self {
        Self {
            id: format!("local/{}", weights::CHAT.name.to_lowercase()),
            file: weights::CHAT.folder(models_dir).join(weights::CHAT.files[0].name),
            verify: Some((&weights::CHAT, models_dir.to_owned())),
            context_window: 8192,
            threads: default_threads(),
            slots: 1,
            queue: 16,
        }
    }
}

/// A chat model that runs in this process.
///
/// Its weights are read in the background (SmolLM2-135M: 0.6 s); until then calls wait. Dropping the stream of a reply
/// frees its slot within one token, or within one layer of a prompt.
pub struct LocalChat {
    info: ModelInfo,
    tokens: Arc<LocalCounter>,
    model: Arc<Loading<Chatter>>,
    queue: Arc<WorkQueue<Generation>>,
    ids: Arc<dyn IdSource>,
}

impl LocalChat {
    /// Starts reading the weights and returns at once; see [`ChatModel::state`] for what becomes of it.
    ///
    /// `ids` gives the seeds of replies that bring none.
    #[must_use]
    pub fn open(options: LocalChatOptions, ids: Arc<dyn IdSource>) -> Self {
        let context = usize::try_from(options.context_window).unwrap_or(usize::MAX);
        let chat = Self {
            info: ModelInfo {
                id: options.id.clone(),
                context_window: options.context_window,
                max_output_tokens: options.context_window,
                price_per_million: None,
            },
            tokens: Arc::new(LocalCounter::chat(&options.id)),
            model: Arc::new(Loading::new()),
            queue: Arc::new(WorkQueue::new(options.queue, Generation::abandoned)),
            ids,
        };
        for slot in 0..options.slots.max(1) {
            let (model, queue, threads) = (Arc::clone(&chat.model), Arc::clone(&chat.queue), options.threads);
            spawn(&format!("chat-{slot}"), &chat.model, move || serve(&model, &queue, context, threads));
        }
        let (model, tokens) = (Arc::clone(&chat.model), Arc::clone(&chat.tokens));
        spawn("chat-load", &chat.model, move || {
            let loaded = load(&options, &tokens).map_err(|e| e.to_string());
            if let Err(reason) = &loaded {
                tracing::warn!(model = %options.id, %reason, "the local chat model is not available");
                tokens.fail();
            }
            model.finish(loaded);
        });
        chat
    }
}

impl Drop for LocalChat {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Starts a named thread; when the system has none left the model fails instead of the process.
pub(super) fn spawn<T: Send + Sync + 'static>(
    name: &str,
    model: &Arc<Loading<T>>,
    work: impl FnOnce() + Send + 'static,
) {
    if let Err(error) = thread::Builder::new().name(name.into()).spawn(work) {
        model.finish(Err(format!("the thread {name} could not be started: {error}")));
    }
}

fn load(options: &LocalChatOptions, tokens: &LocalCounter) -> Result<Chatter, ProviderError> {
    if let Some((set, models_dir)) = &options.verify {
        weights::inspect(models_dir, set)?.into_result(set, models_dir)?;
    } else if !options.file.exists() {
        let folder = options.file.parent().unwrap_or(Path::new("")).to_owned();
        return Err(ProviderError::WeightsMissing { model: options.id.clone(), folder });
    }
    let unsupported = |detail| ProviderError::ModelUnsupported { file: options.file.clone(), detail };
    let mut file = Gguf::open(&options.file).map_err(unsupported)?;
    let context = LlamaShape::read(&file).map_err(unsupported)?.context;
    let wanted = usize::try_from(options.context_window).unwrap_or(usize::MAX);
    if context < wanted {
        return Err(unsupported(format!("it was trained on {context} tokens, configured are {wanted}")));
    }
    let tokenizer = chat_tokenizer(&file).map_err(unsupported)?;
    tokens.set(tokenizer.clone());
    let vocabulary = tokenizer.get_vocab_size(true);
    let template = ChatTemplate::new(tokenizer).map_err(unsupported)?;
    let chatter = Chatter { model: Llama::load(&mut file, vocabulary, wanted).map_err(unsupported)?, template };
    chatter.warm_up();
    Ok(chatter)
}

/// The life of one slot.
fn serve(model: &Loading<Chatter>, queue: &WorkQueue<Generation>, context: usize, threads: usize) {
    let pool = match threads {
        0 | 1 => None,
        _ => rayon::ThreadPoolBuilder::new().num_threads(threads).build().ok(),
    };
    while let Some(generation) = queue.pop() {
        let reply = || match (model.wait(), &pool) {
            (Err(error), _) => generation.fail(error),
            (Ok(chatter), None) => chatter.reply(&generation, context, Threads::ONE),
            (Ok(chatter), Some(pool)) => pool.install(|| chatter.reply(&generation, context, Threads(threads))),
        };
        // A fault in the arithmetic must not cost the slot; the model itself is never written to.
        if catch_unwind(AssertUnwindSafe(reply)).is_err() {
            generation.fail(fault("generating"));
        }
    }
}

pub(super) fn fault(doing: &str) -> ModelError {
    let detail = format!("{doing} with the local model failed by a fault of ours: please report what was asked");
    ModelError::new(ModelFault::Permanent, detail)
}

#[async_trait]
impl ChatModel for LocalChat {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn state(&self) -> ModelState {
        self.model.state()
    }

    fn tokens(&self) -> &dyn TokenCounter {
        &*self.tokens
    }

    async fn stream(&self, request: ChatRequest) -> Result<ChatStream, ModelError> {
        if let ModelState::Failed(reason) = self.state() {
            return Err(ModelError::new(ModelFault::Unavailable, reason));
        }
        let mut seed = [0; 8];
        self.ids.fill_random(&mut seed);
        let (events, receiver) = unbounded_channel();
        let generation = Generation { request, seed: u64::from_le_bytes(seed), events };
        self.queue.push(vec![generation], false).map_err(|refused| refusal(refused, "the local chat model"))?;
        Ok(Box::pin(futures::stream::unfold(receiver, next)))
    }
}

async fn next<T>(mut receiver: UnboundedReceiver<T>) -> Option<(T, UnboundedReceiver<T>)> {
    let event = receiver.recv().await?;
    Some((event, receiver))
}

pub(super) fn refusal(refused: Refused, who: &str) -> ModelError {
    match refused {
        Refused::Full => ModelError {
            retry_after_ms: Some(1000),
            ..ModelError::new(ModelFault::Overloaded, format!("{who} is busy and its queue is full: try again later"))
        },
        Refused::Closed => ModelError::new(ModelFault::Unavailable, format!("{who} is being stopped")),
    }
}
