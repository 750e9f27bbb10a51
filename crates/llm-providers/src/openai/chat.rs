//! A chat model of a provider that speaks OpenAI's protocol.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use domain::{
    ChatRequest, ChatStream, ModelError, ModelInfo, ModelState,
    ports::{ChatModel, TokenCounter},
};

use super::{
    connection::{Connection, Inner},
    fault::Peer,
    stream::{Reply, first_token_limit},
    wire::{CallForm, ChatCall},
};
use crate::catalogue::ChatEntry;

/// A chat model; cheap to clone. Always streams; one call is made, retries are the caller's affair.
#[derive(Clone)]
pub struct OpenAiChat {
    model: Arc<Model>,
    info: Arc<ModelInfo>,
    form: CallForm,
    tokens: Arc<dyn TokenCounter>,
}

/// A model at its provider.
pub(super) struct Model {
    pub(super) name: String,
    pub(super) connection: Arc<Inner>,
}

impl Model {
    pub(super) fn new(connection: &Connection, name: &str) -> Arc<Self> {
        Arc::new(Self { name: name.to_owned(), connection: Arc::clone(&connection.inner) })
    }

    pub(super) fn id(&self) -> String {
        format!("{}/{}", self.connection.provider, self.name)
    }

    pub(super) fn peer(&self) -> Peer<'_> {
        let Inner { provider, timeouts, key, .. } = &*self.connection;
        Peer { provider, model: &self.name, key: key.as_ref(), timeouts: *timeouts }
    }
}

impl OpenAiChat {
    /// The model that `connection`'s provider calls `name`, with what the catalogue knows of it.
    #[must_use]
    pub fn new(connection: &Connection, name: &str, entry: &ChatEntry) -> Self {
        let model = Model::new(connection, name);
        let info = ModelInfo {
            id: model.id(),
            context_window: entry.context_window,
            max_output_tokens: entry.max_output_tokens,
            price_per_million: entry.price.map(|price| (price.prompt, price.completion)),
        };
        let mut dialect = connection.inner.dialect;
        dialect.max_tokens_field = entry.max_tokens_field.unwrap_or(dialect.max_tokens_field);
        let form = CallForm { dialect, sampling: entry.sampling };
        Self { model, info: Arc::new(info), form, tokens: entry.counter(name) }
    }
}

impl fmt::Debug for OpenAiChat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiChat").field("info", &self.info).finish_non_exhaustive()
    }
}

#[async_trait]
impl ChatModel for OpenAiChat {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn state(&self) -> ModelState {
        // Nothing is loaded; whether the provider answers shows in the calls.
        ModelState::Ready
    }

    fn tokens(&self) -> &dyn TokenCounter {
        &*self.tokens
    }

    async fn stream(&self, request: ChatRequest) -> Result<ChatStream, ModelError> {
        let mut limit = first_token_limit(&self.model);
        let call = ChatCall::new(&self.model.name, &request, self.form);
        let chat = self.model.connection.client.chat();
        let chunks = tokio::select! {
            chunks = chat.create_stream_byot(call) => chunks.map_err(|error| self.model.peer().failed(error))?,
            () = &mut limit => return Err(self.model.peer().late()),
        };
        Ok(Reply::new(Arc::clone(&self.model), chunks, limit).into_stream())
    }
}
