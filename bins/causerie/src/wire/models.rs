//! Which models there are: from the configuration, the catalogue, and the weights on the disk.

use std::{
    collections::{BTreeMap, HashMap},
    error::Error,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{
    ModelSize,
    ports::{ChatModel, EmbeddingModel},
};
use llm_providers::{
    catalogue::{Catalogue, Preset},
    openai::{Connection, ConnectionSettings, OpenAiChat, OpenAiEmbeddings, Timeouts},
    tokens::EstimateCounter,
};
use services::models::{DEFAULT_MODE, Mode, ModelSource, Models};

use super::{
    ModelUse, Overrides, SIZES,
    weights::{self, Wanted},
};
use crate::config::{Provider, Settings};

/// Name under which the local models are known.
const LOCAL: &str = "local";
/// The provider that is taken first where several have a key.
const FIRST_PROVIDER: &str = "openai";
/// Opened models that are kept; clients name few, and a name costs little to open again.
const MAX_OPEN: usize = 64;

const CODE_PROMPT: &str = "You write code. Give complete, working code in fenced blocks that name the language, and \
                           explain it in a few sentences.";
const REASON_PROMPT: &str = "Think the question through step by step before you answer. Then give the answer and the \
                             reasons that decide it.";

/// All models of this configuration.
pub(super) fn models(settings: &Settings, overrides: &Overrides) -> Result<Models, Box<dyn Error>> {
    let remote = Arc::new(Remote::open(settings)?);
    let local = weights::Local::find(settings, wanted(settings, &remote, overrides.models));
    let mut models = Models {
        chat: BTreeMap::new(),
        source: Arc::new(Source { remote: Arc::clone(&remote), local: local.chat.clone(), open: Mutex::default() }),
        modes: modes(settings),
        embedding: None,
        fallback_counter: Arc::new(EstimateCounter),
        chat_absent: local.chat_absent.clone(),
        embedding_absent: local.embedding_absent.clone(),
    };
    if overrides.models == ModelUse::All {
        for size in SIZES {
            if let Some(model) = chat_of(settings, &remote, &local, size)? {
                models.chat.insert(size, model);
            }
        }
    }
    if overrides.models != ModelUse::Nothing {
        models.embedding = embedding_of(settings, &remote, &local)?;
    }
    if let Some(chat) = &overrides.chat {
        models.chat = SIZES.into_iter().map(|size| (size, Arc::clone(chat))).collect();
    }
    if let Some(embedding) = &overrides.embedding {
        models.embedding = Some(Arc::clone(embedding));
    }
    Ok(models)
}

/// The local chat model costs 280 MB of memory: it is opened where it is asked for or nothing else is there.
fn wanted(settings: &Settings, remote: &Remote, used: ModelUse) -> Wanted {
    let named = settings.models.values().chain(settings.modes.values().filter_map(|mode| mode.model.as_ref()));
    let chat = remote.first.is_none() || named.into_iter().any(|id| is_local(id));
    let embedding = settings.embedding_model.as_ref().is_none_or(|id| is_local(id));
    Wanted { chat: chat && used == ModelUse::All, embedding: embedding && used != ModelUse::Nothing }
}

fn is_local(id: &str) -> bool {
    id.split('/').next() == Some(LOCAL)
}

/// The model of a size: the one that is named, else that of the first provider, else the local one.
fn chat_of(
    settings: &Settings,
    remote: &Remote,
    local: &weights::Local,
    size: ModelSize,
) -> Result<Option<Arc<dyn ChatModel>>, Box<dyn Error>> {
    if let Some(id) = settings.models.get(&size) {
        let named = if is_local(id) { local.chat.clone() } else { remote.chat(id) };
        return named.map(Some).ok_or_else(|| unconfigured(&format!("models.{size:?}").to_lowercase(), id));
    }
    let first = remote.first.as_ref().and_then(|name| {
        let models = &remote.catalogue.preset(name)?.models;
        let model = match size {
            ModelSize::Small => &models.small,
            ModelSize::Medium => &models.medium,
            ModelSize::Large => &models.large,
        };
        remote.chat(&format!("{name}/{}", model.as_ref().or(models.medium.as_ref())?))
    });
    Ok(first.or_else(|| local.chat.clone()))
}

/// The embedding model: the one that is named, else the local one, which costs nothing and sends no document away,
/// else that of the first provider.
fn embedding_of(
    settings: &Settings,
    remote: &Remote,
    local: &weights::Local,
) -> Result<Option<Arc<dyn EmbeddingModel>>, Box<dyn Error>> {
    if let Some(id) = &settings.embedding_model {
        let named = if is_local(id) { local.embedding.clone() } else { remote.embedding(id) };
        return named.map(Some).ok_or_else(|| unconfigured("models.embedding", id));
    }
    Ok(local.embedding.clone().or_else(|| {
        let name = remote.first.as_ref()?;
        let model = remote.catalogue.preset(name)?.models.embedding.as_ref()?;
        remote.embedding(&format!("{name}/{model}"))
    }))
}

fn unconfigured(key: &str, id: &str) -> Box<dyn Error> {
    let provider = id.split('/').next().unwrap_or(id);
    let what = if provider == LOCAL {
        "the local weights are not there: run `causerie models pull`".to_owned()
    } else {
        format!(
            "set providers.{provider}.api_key (and providers.{provider}.base_url where the provider is not known), and check the model's name"
        )
    };
    format!("{key} is `{id}`, which cannot be opened: {what}").into()
}

fn modes(settings: &Settings) -> BTreeMap<String, Mode> {
    let with_prompt = |prompt: &str| Mode { system_prompt: Some(prompt.to_owned()), ..Mode::default() };
    let mut modes = BTreeMap::from([
        (DEFAULT_MODE.to_owned(), Mode::default()),
        ("reason".to_owned(), with_prompt(REASON_PROMPT)),
        ("code".to_owned(), with_prompt(CODE_PROMPT)),
    ]);
    for (name, chosen) in &settings.modes {
        let mode = modes.entry(name.clone()).or_default();
        mode.model = chosen.model.clone().or(mode.model.take());
        mode.system_prompt = chosen.system_prompt.clone().or(mode.system_prompt.take());
        mode.temperature = chosen.temperature.or(mode.temperature);
        mode.max_output_tokens = chosen.max_output_tokens.or(mode.max_output_tokens);
    }
    modes
}

/// The configured providers.
struct Remote {
    catalogue: Catalogue,
    connections: BTreeMap<String, Connection>,
    /// The provider whose models are the defaults.
    first: Option<String>,
}

impl Remote {
    fn open(settings: &Settings) -> Result<Self, Box<dyn Error>> {
        let catalogue = Catalogue::built_in()?;
        let mut connections = BTreeMap::new();
        for (name, provider) in &settings.providers {
            if let Some(connection) = connect(settings, name, provider, catalogue.preset(name))? {
                connections.insert(name.clone(), connection);
            }
        }
        let first = connections.keys().find(|name| *name == FIRST_PROVIDER).or_else(|| connections.keys().next());
        Ok(Self { first: first.cloned(), catalogue, connections })
    }

    fn chat(&self, id: &str) -> Option<Arc<dyn ChatModel>> {
        let (provider, model) = id.split_once('/')?;
        let connection = self.connections.get(provider)?;
        let entry = self.catalogue.chat(provider, model);
        Some(Arc::new(OpenAiChat::new(connection, model, &entry)))
    }

    fn embedding(&self, id: &str) -> Option<Arc<dyn EmbeddingModel>> {
        let (provider, model) = id.split_once('/')?;
        let connection = self.connections.get(provider)?;
        let entry = self.catalogue.find_embedding(provider, model)?;
        Some(Arc::new(OpenAiEmbeddings::new(connection, model, &entry)))
    }
}

/// A connection to a provider that has a key or, where none is needed, an address.
fn connect(
    settings: &Settings,
    name: &str,
    provider: &Provider,
    preset: Option<&Preset>,
) -> Result<Option<Connection>, Box<dyn Error>> {
    if provider.api_key.is_none() && provider.base_url.is_none() {
        return Ok(None);
    }
    let unknown = Preset::default();
    let preset = preset.unwrap_or(&unknown);
    let mut connection = ConnectionSettings::of_preset(name, preset, provider.base_url.as_deref())?;
    let [connect_ms, first_token_ms, idle_ms] = settings.provider_timeouts_ms;
    connection.timeouts = Timeouts { connect_ms, first_token_ms, idle_ms };
    connection.api_key.clone_from(&provider.api_key);
    Ok(Some(Connection::open(connection)?))
}

/// Opens models that a client or a mode names.
struct Source {
    remote: Arc<Remote>,
    local: Option<Arc<dyn ChatModel>>,
    open: Mutex<HashMap<String, Arc<dyn ChatModel>>>,
}

impl ModelSource for Source {
    fn open(&self, id: &str) -> Option<Arc<dyn ChatModel>> {
        let local = self.local.as_ref().filter(|model| model.info().id == id);
        if let Some(model) = local {
            return Some(Arc::clone(model));
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = open.get(id) {
            return Some(Arc::clone(model));
        }
        let model = self.remote.chat(id)?;
        if open.len() >= MAX_OPEN {
            open.clear();
        }
        open.insert(id.to_owned(), Arc::clone(&model));
        Some(model)
    }
}
