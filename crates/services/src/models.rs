//! Which model answers: sizes, modes and named models.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    ErrorKind, ModelSize, ModelState,
    ports::{ChatModel, EmbeddingModel, TokenCounter},
};

use crate::ServiceError;

/// The mode of a conversation that names none.
pub const DEFAULT_MODE: &str = "default";

/// What a mode changes about a reply.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mode {
    /// Answers in place of the size's model, `provider/model`.
    pub model: Option<String>,
    /// Instructions added to the operator's.
    pub system_prompt: Option<String>,
    /// Sampling temperature, 0 to 2.
    pub temperature: Option<f32>,
    /// The most tokens of a reply.
    pub max_output_tokens: Option<u32>,
}

/// Opens models by name; made where the adapters are known.
pub trait ModelSource: Send + Sync {
    /// The chat model `provider/model`, where the provider is configured.
    fn open(&self, id: &str) -> Option<Arc<dyn ChatModel>>;
}

/// What a client asks for; absent parts fall back to the conversation's, then to the defaults.
#[derive(Debug, Clone, Default)]
pub struct ModelWish<'a> {
    /// A mode by name.
    pub mode: Option<&'a str>,
    /// A size.
    pub size: Option<ModelSize>,
    /// `provider/model`.
    pub model: Option<&'a str>,
}

/// Whether a role has a model and whether that can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelStatus {
    /// `small`, `medium`, `large` or `embedding`.
    pub role: String,
    /// `provider/model`; absent where the role has none.
    pub id: Option<String>,
    /// Whether it can answer now; for an absent model, why it is absent and what to do.
    pub state: ModelState,
}

/// All models of this server by role.
#[derive(Clone)]
pub struct Models {
    /// By size; a size without an entry is absent.
    pub chat: BTreeMap<ModelSize, Arc<dyn ChatModel>>,
    /// Models by name.
    pub source: Arc<dyn ModelSource>,
    /// Modes by name; always has [`DEFAULT_MODE`].
    pub modes: BTreeMap<String, Mode>,
    /// Makes vectors; absent leaves search by words.
    pub embedding: Option<Arc<dyn EmbeddingModel>>,
    /// Counts tokens where no model is there to say how.
    pub fallback_counter: Arc<dyn TokenCounter>,
    /// Why there is no chat model and what to do; shown when one is needed.
    pub chat_absent: String,
    /// Why there is no embedding model and what to do.
    pub embedding_absent: String,
}

/// The model and mode of one reply. No model is not an error yet: the message is stored first.
#[derive(Clone)]
pub struct ModelChoice {
    /// Answers; absent where none is configured.
    pub model: Option<Arc<dyn ChatModel>>,
    /// What the mode changes.
    pub mode: Mode,
}

impl Models {
    /// Chooses for one reply. A model named by the client goes before the mode's, the mode's before the size's.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownMode`] and [`ErrorKind::UnknownModel`], each naming what there is.
    pub fn choose(&self, wish: &ModelWish<'_>) -> Result<ModelChoice, ServiceError> {
        let name = wish.mode.unwrap_or(DEFAULT_MODE);
        let mode = self.modes.get(name).ok_or_else(|| self.unknown_mode(name))?.clone();
        let model = match wish.model.or(mode.model.as_deref()) {
            Some(id) => Some(self.open(id)?),
            None => self.chat.get(&wish.size.unwrap_or_default()).cloned(),
        };
        Ok(ModelChoice { model, mode })
    }

    /// Refuses a mode that is not configured.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownMode`], naming the modes there are.
    pub fn check_mode(&self, name: &str) -> Result<(), ServiceError> {
        if self.modes.contains_key(name) { Ok(()) } else { Err(self.unknown_mode(name)) }
    }

    /// Every role with its model.
    #[must_use]
    pub fn status(&self) -> Vec<ModelStatus> {
        let chat = [ModelSize::Small, ModelSize::Medium, ModelSize::Large].map(|size| {
            let model = self.chat.get(&size);
            ModelStatus {
                role: format!("{size:?}").to_lowercase(),
                id: model.map(|model| model.info().id.clone()),
                state: model.map_or_else(|| ModelState::Failed(self.chat_absent.clone()), |model| model.state()),
            }
        });
        let embedding = ModelStatus {
            role: "embedding".to_owned(),
            id: self.embedding.as_ref().map(|model| model.info().id.clone()),
            state: self
                .embedding
                .as_ref()
                .map_or_else(|| ModelState::Failed(self.embedding_absent.clone()), |model| model.state()),
        };
        chat.into_iter().chain([embedding]).collect()
    }

    fn open(&self, id: &str) -> Result<Arc<dyn ChatModel>, ServiceError> {
        let configured = self.chat.values().find(|model| model.info().id == id).cloned();
        configured.or_else(|| self.source.open(id)).ok_or_else(|| {
            ServiceError::refuse(
                ErrorKind::UnknownModel,
                format!("there is no model `{id}`: expected `provider/model` of a configured provider"),
            )
        })
    }

    fn unknown_mode(&self, name: &str) -> ServiceError {
        let known = self.modes.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        ServiceError::refuse(ErrorKind::UnknownMode, format!("there is no mode `{name}`: expected one of {known}"))
    }
}
