//! The entries of the data file.

use std::sync::Arc;

use domain::ports::TokenCounter;
use serde::{Deserialize, Serialize};

use crate::tokens::{TiktokenCounter, counter_for};

/// The name under which a provider wants the limit of a reply's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxTokensField {
    /// Understood by nearly every compatible server.
    #[default]
    MaxTokens,
    /// Wanted by OpenAI, whose reasoning models refuse the other.
    MaxCompletionTokens,
}

/// A vocabulary that is built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Vocabulary {
    /// OpenAI's since GPT-4o.
    #[serde(rename = "o200k_base")]
    O200k,
    /// OpenAI's before, and of its embedding models.
    #[serde(rename = "cl100k_base")]
    Cl100k,
}

impl Vocabulary {
    /// The counter for a model called `name`: that of its vocabulary where known, else what the name suggests.
    fn counter(vocabulary: Option<Self>, name: &str) -> Arc<dyn TokenCounter> {
        match vocabulary {
            Some(Self::O200k) => Arc::new(TiktokenCounter::O200k),
            Some(Self::Cl100k) => Arc::new(TiktokenCounter::Cl100k),
            None => counter_for(name),
        }
    }
}

/// The name under which a provider wants the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeedField {
    /// The common name.
    #[default]
    Seed,
    /// Mistral's.
    RandomSeed,
}

/// A provider that speaks OpenAI's protocol.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// Where it is; `None` must be configured.
    #[serde(default)]
    pub base_url: Option<String>,
    /// The port of an address that names none.
    #[serde(default)]
    pub default_port: Option<u16>,
    /// How it wants the limit of a reply.
    #[serde(default)]
    pub max_tokens_field: MaxTokensField,
    /// How it wants the seed.
    #[serde(default)]
    pub seed_field: SeedField,
    /// Whether `stream_options.include_usage` may be sent.
    #[serde(default = "yes")]
    pub stream_usage: bool,
    /// Tokens of prompt and reply assumed of its unknown models.
    #[serde(default)]
    pub context_window: Option<u32>,
    /// Tokens of a reply assumed of its unknown models.
    #[serde(default)]
    pub max_output_tokens: Option<u32>,
    /// The models to take when none are configured.
    #[serde(default)]
    pub models: DefaultModels,
}

/// The models of a provider by size, as the provider names them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultModels {
    /// Quick and cheap.
    #[serde(default)]
    pub small: Option<String>,
    /// The default.
    #[serde(default)]
    pub medium: Option<String>,
    /// The most able.
    #[serde(default)]
    pub large: Option<String>,
    /// For vectors; `None` where the provider has none.
    #[serde(default)]
    pub embedding: Option<String>,
}

/// US dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Of the prompt.
    pub prompt: f64,
    /// Of the reply.
    pub completion: f64,
}

/// What is known of a chat model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatEntry {
    /// Tokens that prompt and reply share.
    pub context_window: u32,
    /// The most tokens of a reply.
    pub max_output_tokens: u32,
    /// The vocabulary that counts for it; without one it is counted from above.
    #[serde(default)]
    pub tokenizer: Option<Vocabulary>,
    /// What it costs, where known.
    #[serde(default)]
    pub price: Option<Price>,
    /// Overrides the provider's, also behind another address: a gateway passes the field on.
    #[serde(default)]
    pub max_tokens_field: Option<MaxTokensField>,
    /// False where temperature, `top_p` and stop strings are refused and so not sent.
    #[serde(default = "yes")]
    pub sampling: bool,
}

impl ChatEntry {
    /// What counts for the model, which its provider calls `name`.
    #[must_use]
    pub fn counter(&self, name: &str) -> Arc<dyn TokenCounter> {
        Vocabulary::counter(self.tokenizer, name)
    }
}

/// What is known of an embedding model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingEntry {
    /// Components of a vector.
    pub dimensions: usize,
    /// Tokens beyond which text is cut off.
    pub max_tokens: usize,
    /// The vocabulary that counts for it; without one it is counted from above.
    #[serde(default)]
    pub tokenizer: Option<Vocabulary>,
    /// US dollars per million tokens, where known.
    #[serde(default)]
    pub price: Option<f64>,
    /// Written before a question.
    #[serde(default)]
    pub query_prefix: String,
    /// Written before a passage.
    #[serde(default)]
    pub passage_prefix: String,
}

impl EmbeddingEntry {
    /// What counts for the model, which its provider calls `name`.
    #[must_use]
    pub fn counter(&self, name: &str) -> Arc<dyn TokenCounter> {
        Vocabulary::counter(self.tokenizer, name)
    }
}

fn yes() -> bool {
    true
}
