//! What is known of providers and models before any is called: limits, prices, vocabularies, field names.
//!
//! The data is `data/models.toml`, compiled in; a user's file of the same shape may be laid over it.

mod entry;

use std::collections::BTreeMap;

use domain::ErrorKind;
use serde::Deserialize;

pub use entry::{ChatEntry, DefaultModels, EmbeddingEntry, MaxTokensField, Preset, Price, SeedField, Vocabulary};

const BUILT_IN: &str = include_str!("../data/models.toml");

/// Tokens of prompt and reply assumed of an unknown model: the smallest window among models still served widely.
pub const UNKNOWN_CONTEXT_WINDOW: u32 = 8_192;

/// Tokens of a reply assumed of an unknown model: half of the assumed window, and a limit that every vendor takes.
pub const UNKNOWN_MAX_OUTPUT_TOKENS: u32 = 4_096;

/// The catalogue's data is not readable.
#[derive(Debug, thiserror::Error)]
#[error("the model catalogue is not valid: correct the entry named here: {0}")]
pub struct CatalogueError(#[from] toml::de::Error);

impl CatalogueError {
    /// The kind that callers see.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::ValidationFailed
    }
}

/// Providers and models by name.
///
/// ```
/// # fn main() -> Result<(), llm_providers::catalogue::CatalogueError> {
/// let catalogue = llm_providers::catalogue::Catalogue::built_in()?;
/// assert_eq!(catalogue.chat("openai", "gpt-4o-mini").context_window, 128_000);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    #[serde(default)]
    providers: BTreeMap<String, Preset>,
    #[serde(default)]
    chat: BTreeMap<String, ChatEntry>,
    #[serde(default)]
    embedding: BTreeMap<String, EmbeddingEntry>,
}

impl Catalogue {
    /// The data that comes with the program.
    ///
    /// # Errors
    /// Never with the data as it is; a test reads it.
    pub fn built_in() -> Result<Self, CatalogueError> {
        Ok(toml::from_str(BUILT_IN)?)
    }

    /// Lays `text`, a file of the same shape, over this catalogue: an entry of the same name is replaced whole.
    ///
    /// # Errors
    /// When it is not TOML of that shape; the catalogue is then unchanged.
    pub fn overlay(&mut self, text: &str) -> Result<(), CatalogueError> {
        let over: Self = toml::from_str(text)?;
        self.providers.extend(over.providers);
        self.chat.extend(over.chat);
        self.embedding.extend(over.embedding);
        Ok(())
    }

    /// The provider of that name.
    #[must_use]
    pub fn preset(&self, provider: &str) -> Option<&Preset> {
        self.providers.get(provider)
    }

    /// All providers, by name.
    pub fn presets(&self) -> impl Iterator<Item = (&str, &Preset)> {
        self.providers.iter().map(|(name, preset)| (name.as_str(), preset))
    }

    /// What is known of a chat model. One that is unknown gets the assumed limits, and a warning in the log.
    #[must_use]
    pub fn chat(&self, provider: &str, model: &str) -> ChatEntry {
        self.find_chat(provider, model).unwrap_or_else(|| {
            let entry = self.assumed(provider);
            tracing::warn!(
                provider,
                model,
                context_window = entry.context_window,
                max_output_tokens = entry.max_output_tokens,
                "unknown model: its limits are assumed; name it in the catalogue file to set them"
            );
            entry
        })
    }

    /// What is known of a chat model, if anything.
    ///
    /// A dated snapshot is its model. The same model served by another provider keeps its limits and vocabulary
    /// but not its price.
    #[must_use]
    pub fn find_chat(&self, provider: &str, model: &str) -> Option<ChatEntry> {
        find(&self.chat, provider, model).or_else(|| {
            let entry = elsewhere(&self.chat, model)?;
            Some(ChatEntry { price: None, ..entry })
        })
    }

    /// What is known of an embedding model, if anything: nothing safe can be assumed of its dimensions.
    #[must_use]
    pub fn find_embedding(&self, provider: &str, model: &str) -> Option<EmbeddingEntry> {
        find(&self.embedding, provider, model).or_else(|| {
            let entry = elsewhere(&self.embedding, model)?;
            Some(EmbeddingEntry { price: None, ..entry })
        })
    }

    fn assumed(&self, provider: &str) -> ChatEntry {
        let preset = self.preset(provider);
        ChatEntry {
            context_window: preset.and_then(|p| p.context_window).unwrap_or(UNKNOWN_CONTEXT_WINDOW),
            max_output_tokens: preset.and_then(|p| p.max_output_tokens).unwrap_or(UNKNOWN_MAX_OUTPUT_TOKENS),
            tokenizer: None,
            price: None,
            max_tokens_field: None,
            sampling: true,
        }
    }
}

fn find<T: Clone>(entries: &BTreeMap<String, T>, provider: &str, model: &str) -> Option<T> {
    let exact = entries.get(&format!("{provider}/{model}"));
    exact.or_else(|| entries.get(&format!("{provider}/{}", undated(model)))).cloned()
}

/// A model whose name is another provider's, as gateways write it: `openai/gpt-4o:free` or `gpt-4o`.
fn elsewhere<T: Clone>(entries: &BTreeMap<String, T>, model: &str) -> Option<T> {
    let name = undated(model.split(':').next().unwrap_or(model));
    let of_any = |key: &String| key.split_once('/').is_some_and(|(_, known)| known == name);
    entries.get(name).cloned().or_else(|| entries.iter().find(|(key, _)| of_any(key)).map(|(_, entry)| entry.clone()))
}

/// `gpt-4o-2024-08-06` is `gpt-4o`.
fn undated(model: &str) -> &str {
    let is_date = |tail: &str| {
        tail.bytes()
            .enumerate()
            .all(|(at, byte)| if at == 0 || at == 5 || at == 8 { byte == b'-' } else { byte.is_ascii_digit() })
    };
    match model.len().checked_sub(11).and_then(|at| model.split_at_checked(at)) {
        Some((name, tail)) if is_date(tail) => name,
        _ => model,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        Catalogue::built_in().unwrap()
    }

    #[test]
    fn every_model_belongs_to_a_listed_provider_and_its_reply_fits_its_window() {
        let catalogue = catalogue();
        for (id, entry) in &catalogue.chat {
            let (provider, _) = id.split_once('/').unwrap();
            assert!(catalogue.preset(provider).is_some(), "{id}");
            assert!(entry.max_output_tokens <= entry.context_window, "{id}");
        }
        for (id, entry) in &catalogue.embedding {
            assert!(catalogue.preset(id.split_once('/').unwrap().0).is_some(), "{id}");
            assert!(entry.dimensions > 0 && entry.max_tokens > 0, "{id}");
        }
    }

    #[test]
    fn every_default_model_is_known() {
        let catalogue = catalogue();
        for (name, preset) in catalogue.presets() {
            let models = &preset.models;
            for model in [&models.small, &models.medium, &models.large].into_iter().flatten() {
                assert!(catalogue.find_chat(name, model).is_some(), "{name}/{model}");
            }
            if let Some(model) = &models.embedding {
                assert!(catalogue.find_embedding(name, model).is_some(), "{name}/{model}");
            }
        }
    }

    #[test]
    fn dated_snapshot_is_its_model() {
        let catalogue = catalogue();
        let dated = catalogue.find_chat("openai", "gpt-4o-2024-08-06");
        assert_eq!(dated, catalogue.find_chat("openai", "gpt-4o"));
        assert_eq!(undated("é-2024-08-06"), "é");
        assert_eq!(undated("x-2024-08-0a"), "x-2024-08-0a");
    }

    #[test]
    fn same_model_behind_a_gateway_keeps_its_limits_but_has_no_price() {
        let catalogue = catalogue();
        let known = catalogue.find_chat("openai", "gpt-4o").unwrap();
        for model in ["openai/gpt-4o", "openai/gpt-4o:free", "gpt-4o"] {
            let entry = catalogue.find_chat("openrouter", model).unwrap();
            assert_eq!(entry, ChatEntry { price: None, ..known.clone() }, "{model}");
        }
    }

    #[test]
    fn unknown_model_gets_safe_limits_and_ollama_its_own() {
        let catalogue = catalogue();
        let unknown = catalogue.chat("custom", "made-here");
        assert_eq!(unknown.context_window, UNKNOWN_CONTEXT_WINDOW);
        assert_eq!(unknown.max_output_tokens, UNKNOWN_MAX_OUTPUT_TOKENS);
        assert_eq!(unknown.price, None);
        assert_eq!(catalogue.chat("ollama", "made-here").context_window, 4_096);
        assert_eq!(catalogue.find_embedding("custom", "made-here"), None);
    }

    #[test]
    fn model_is_counted_by_its_vocabulary_or_from_above() {
        let catalogue = catalogue();
        let counter = |provider: &str, model: &str| catalogue.chat(provider, model).counter(model).name().to_owned();
        assert_eq!(counter("openai", "gpt-4"), "cl100k_base");
        assert_eq!(counter("openrouter", "openai/gpt-4.1"), "o200k_base");
        assert_eq!(counter("mistral", "mistral-large-latest"), "estimate");
        let embedding = catalogue.find_embedding("openai", "text-embedding-3-small").unwrap();
        assert_eq!(embedding.counter("text-embedding-3-small").name(), "cl100k_base");
    }

    #[test]
    fn users_file_replaces_an_entry_whole_and_a_wrong_one_changes_nothing() {
        let mut catalogue = catalogue();
        catalogue.overlay("[chat.\"openai/gpt-4o\"]\ncontext_window = 1000\nmax_output_tokens = 500\n").unwrap();
        let entry = catalogue.chat("openai", "gpt-4o");
        assert_eq!((entry.context_window, entry.price), (1000, None));

        let before = catalogue.clone();
        let error = catalogue.overlay("[chat.\"openai/gpt-4o\"]\ncontext_windo = 1\n").unwrap_err();
        assert!(error.to_string().contains("context_windo"), "{error}");
        assert_eq!(catalogue, before);
    }
}
