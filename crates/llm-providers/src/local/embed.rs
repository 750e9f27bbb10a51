//! The embedding model behind its port.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use domain::{
    EmbedPurpose, EmbeddingInfo, ModelError, ModelFault, ModelState,
    ports::{EmbeddingModel, TokenCounter},
};
use tokenizers::Tokenizer;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::{
    bert::{Bert, BertBuffers, BertConfig},
    chat::{fault, refusal, spawn},
    default_threads, embedding_tokenizer,
    loading::Loading,
    work_queue::WorkQueue,
};
use crate::{
    ProviderError,
    tokens::LocalCounter,
    weights::{self, WeightsSet},
};

/// Calls with no more texts than this go first: they are questions, and somebody waits for the answer.
const URGENT_TEXTS: usize = 4;

/// What a local embedding model is made from.
#[derive(Debug, Clone)]
pub struct LocalEmbeddingsOptions {
    /// Its id, as `provider/model`.
    pub id: String,
    /// A folder with `model.safetensors`, `tokenizer.json` and `config.json` of a BERT model.
    pub folder: PathBuf,
    /// The known weights in that folder and the folder above; they are verified before they are read.
    pub verify: Option<(&'static WeightsSet, PathBuf)>,
    /// Components of a vector.
    pub dimensions: usize,
    /// Tokens beyond which text is cut off.
    pub max_tokens: usize,
    /// Threads, each with one text at a time.
    pub threads: usize,
    /// Texts that may wait.
    pub queue: usize,
}

impl LocalEmbeddingsOptions {
    /// The default model under `models_dir`; 4,096 texts may wait, two minutes of work for one thread.
    #[must_use]
    pub fn default_model(models_dir: &Path) -> Self {
        Self {
            id: format!("local/{}", weights::EMBEDDING.name.to_lowercase()),
            folder: weights::EMBEDDING.folder(models_dir),
            verify: Some((&weights::EMBEDDING, models_dir.to_owned())),
            dimensions: 384,
            max_tokens: 256,
            threads: default_threads(),
            queue: 4096,
        }
    }
}

/// An embedding model that runs in this process.
///
/// Vectors are means over all tokens, scaled to length 1; questions and passages are treated alike. About 35 passages of
/// 128 tokens a second per thread on a CPU of 2023. Calls of up to four texts overtake longer ones; give documents in
/// calls of 32 or so, and a full queue will refuse few of them.
pub struct LocalEmbeddings {
    info: EmbeddingInfo,
    tokens: Arc<LocalCounter>,
    model: Arc<Loading<Embedder>>,
    queue: Arc<WorkQueue<Work>>,
}

#[derive(Debug)]
struct Embedder {
    model: Bert,
    tokenizer: Tokenizer,
    max_tokens: usize,
}

/// One text of a call.
struct Work {
    index: usize,
    text: String,
    done: UnboundedSender<(usize, Result<Vec<f32>, ModelError>)>,
}

impl LocalEmbeddings {
    /// Starts reading the weights and returns at once; see [`EmbeddingModel::state`] for what becomes of it.
    #[must_use]
    pub fn open(options: LocalEmbeddingsOptions) -> Self {
        let embeddings = Self {
            info: EmbeddingInfo {
                id: options.id.clone(),
                dimensions: options.dimensions,
                max_tokens: options.max_tokens,
            },
            tokens: Arc::new(LocalCounter::embedding(&options.id)),
            model: Arc::new(Loading::new()),
            queue: Arc::new(WorkQueue::new(options.queue, |work: &Work| work.done.is_closed())),
        };
        for worker in 0..options.threads.max(1) {
            let (model, queue) = (Arc::clone(&embeddings.model), Arc::clone(&embeddings.queue));
            spawn(&format!("embed-{worker}"), &embeddings.model, move || serve(&model, &queue));
        }
        let (model, tokens) = (Arc::clone(&embeddings.model), Arc::clone(&embeddings.tokens));
        spawn("embed-load", &embeddings.model, move || {
            let loaded = load(&options, &tokens).map_err(|e| e.to_string());
            if let Err(reason) = &loaded {
                tracing::warn!(model = %options.id, %reason, "the local embedding model is not available");
                tokens.fail();
            }
            model.finish(loaded);
        });
        embeddings
    }
}

impl Drop for LocalEmbeddings {
    fn drop(&mut self) {
        self.queue.close();
    }
}

fn load(options: &LocalEmbeddingsOptions, tokens: &LocalCounter) -> Result<Embedder, ProviderError> {
    if let Some((set, models_dir)) = &options.verify {
        weights::inspect(models_dir, set)?.into_result(set, models_dir)?;
    }
    let file = |name: &str| {
        let path = options.folder.join(name);
        let missing = || ProviderError::WeightsMissing { model: options.id.clone(), folder: options.folder.clone() };
        path.is_file().then_some(path).ok_or_else(missing)
    };
    let (config_file, tokenizer_file, weights_file) =
        (file("config.json")?, file("tokenizer.json")?, file("model.safetensors")?);
    let unsupported = |file: &Path| {
        let file = file.to_owned();
        move |detail| ProviderError::ModelUnsupported { file, detail }
    };
    let tokenizer = embedding_tokenizer(&tokenizer_file).map_err(unsupported(&tokenizer_file))?;
    tokens.set(tokenizer.clone());
    let json = std::fs::read(&config_file).map_err(ProviderError::filesystem("read", &config_file))?;
    let config = BertConfig::parse(&json).map_err(unsupported(&config_file))?;
    if config.width() != options.dimensions || config.positions() < options.max_tokens {
        let detail = format!(
            "it gives {} dimensions for up to {} tokens, configured are {} and {}",
            config.width(),
            config.positions(),
            options.dimensions,
            options.max_tokens
        );
        return Err(unsupported(&config_file)(detail));
    }
    let model = Bert::load(&weights_file, config).map_err(unsupported(&weights_file))?;
    if model.vocabulary() < tokenizer.get_vocab_size(true) {
        let detail = format!("its tokenizer has more tokens than the model's {}", model.vocabulary());
        return Err(unsupported(&tokenizer_file)(detail));
    }
    let embedder = Embedder { model, tokenizer, max_tokens: options.max_tokens };
    // The first call pays for touching every page: pay it here.
    embedder.embed("warm up", &mut BertBuffers::default()).map_err(|e| unsupported(&weights_file)(e.detail))?;
    Ok(embedder)
}

/// The life of one worker.
fn serve(model: &Loading<Embedder>, queue: &WorkQueue<Work>) {
    let mut buffers = BertBuffers::default();
    while let Some(work) = queue.pop() {
        // The caller has gone: its other texts are skipped as well.
        if work.done.is_closed() {
            continue;
        }
        let embed = || model.wait().and_then(|embedder| embedder.embed(&work.text, &mut buffers));
        // A fault in the arithmetic must not cost the worker. The buffers are overwritten by the next text.
        let vector = catch_unwind(AssertUnwindSafe(embed)).unwrap_or_else(|_| Err(fault("embedding")));
        // Nobody waits for it any more: nothing to do.
        let _ = work.done.send((work.index, vector));
    }
}

impl Embedder {
    fn embed(&self, text: &str, buffers: &mut BertBuffers) -> Result<Vec<f32>, ModelError> {
        let text = prefix(text, self.max_tokens * MAX_BYTES_PER_TOKEN);
        let encoding = self
            .tokenizer
            .encode_fast(text, true)
            .map_err(|e| ModelError::new(ModelFault::Permanent, format!("tokenizing a text failed: {e}")))?;
        Ok(self.model.embed(&cut(encoding.get_ids(), self.max_tokens), buffers))
    }
}

/// Text beyond this many bytes for each of the model's tokens is not even tokenized: words have a hundredth of it.
const MAX_BYTES_PER_TOKEN: usize = 512;

fn prefix(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

/// The first `max` tokens, the last of which stays the closing one.
fn cut(tokens: &[u32], max: usize) -> Vec<u32> {
    match tokens {
        [head @ .., last] if tokens.len() > max => [&head[..max - 1], &[*last]].concat(),
        _ => tokens.to_vec(),
    }
}

#[async_trait]
impl EmbeddingModel for LocalEmbeddings {
    fn info(&self) -> &EmbeddingInfo {
        &self.info
    }

    fn state(&self) -> ModelState {
        self.model.state()
    }

    fn tokens(&self) -> &dyn TokenCounter {
        &*self.tokens
    }

    async fn embed(&self, texts: Vec<String>, _purpose: EmbedPurpose) -> Result<Vec<Vec<f32>>, ModelError> {
        if let ModelState::Failed(reason) = self.state() {
            return Err(ModelError::new(ModelFault::Unavailable, reason));
        }
        let mut vectors = vec![Vec::new(); texts.len()];
        let (done, mut results) = unbounded_channel();
        let mut work: Vec<Work> =
            texts.into_iter().enumerate().map(|(index, text)| Work { index, text, done: done.clone() }).collect();
        drop(done);
        // Texts of like length follow each other, so that buffers keep their size.
        work.sort_by_key(|work| work.text.len());
        let urgent = work.len() <= URGENT_TEXTS;
        self.queue.push(work, urgent).map_err(|refused| refusal(refused, "the local embedding model"))?;
        let mut missing = vectors.len();
        while let Some((index, vector)) = results.recv().await {
            vectors[index] = vector?;
            missing -= 1;
        }
        match missing {
            0 => Ok(vectors),
            _ => Err(ModelError::new(ModelFault::Unavailable, "the local embedding model is being stopped")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_keep_their_closing_token() {
        assert_eq!(cut(&[1, 2, 3, 4, 9], 3), [1, 2, 9]);
        assert_eq!(cut(&[1, 2, 9], 3), [1, 2, 9]);
    }

    #[test]
    fn prefix_ends_between_characters() {
        assert_eq!(prefix("añb", 2), "a");
        assert_eq!(prefix("añb", 20), "añb");
    }

    #[tokio::test]
    async fn absent_weights_are_a_state_and_an_error_with_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let model = LocalEmbeddings::open(LocalEmbeddingsOptions::default_model(dir.path()));
        let error = model.embed(vec!["a".into()], EmbedPurpose::Query).await.unwrap_err();
        assert_eq!(error.fault, ModelFault::Unavailable);
        assert!(error.detail.contains("models pull") && error.detail.contains("all-MiniLM-L6-v2"), "{error}");
        assert!(matches!(model.state(), ModelState::Failed(_)));
        assert!(model.tokens().count("some words") >= 2, "counting goes on with an estimate");
    }
}
