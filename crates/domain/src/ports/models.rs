use async_trait::async_trait;

use crate::{ChatRequest, ChatStream, EmbedPurpose, EmbeddingInfo, ModelError, ModelInfo, ModelState};

/// A model that replies.
#[async_trait]
pub trait ChatModel: Send + Sync {
    /// What is known of it.
    fn info(&self) -> &ModelInfo;

    /// Whether it can answer now.
    fn state(&self) -> ModelState;

    /// The tokenizer that counts for it.
    fn tokens(&self) -> &dyn TokenCounter;

    /// Begins a reply. An error before the first event comes from here or as the first item.
    async fn stream(&self, request: ChatRequest) -> Result<ChatStream, ModelError>;
}

/// A model that turns text into vectors.
#[async_trait]
pub trait EmbeddingModel: Send + Sync {
    /// What is known of it.
    fn info(&self) -> &EmbeddingInfo;

    /// Whether it can answer now.
    fn state(&self) -> ModelState;

    /// The tokenizer by which passages are sized.
    fn tokens(&self) -> &dyn TokenCounter;

    /// One unit-length vector for each text, in order.
    async fn embed(&self, texts: Vec<String>, purpose: EmbedPurpose) -> Result<Vec<Vec<f32>>, ModelError>;
}

/// Counts tokens. Pure arithmetic without I/O, but slow on long text: call it off the async workers.
pub trait TokenCounter: Send + Sync {
    /// Name of the tokenizer; counts of one name are comparable.
    fn name(&self) -> &str;

    /// Tokens of `text` alone; never fewer than the model would count.
    fn count(&self, text: &str) -> u32;

    /// Tokens that each message costs beside its text.
    fn message_overhead(&self) -> u32;

    /// Tokens that a prompt costs beside its messages.
    fn prompt_overhead(&self) -> u32;
}
