//! Counting tokens: exactly where the tokenizer is known, safely too high where it is not.
//!
//! All counters are pure arithmetic and slow on long text (4–20 MB/s): call them off the async workers. Nothing is
//! cached here.

mod estimate;
mod local;
mod segments;

use std::sync::Arc;

use domain::ports::TokenCounter;
use tiktoken_rs::{
    CoreBPE, cl100k_base_singleton, o200k_base_singleton,
    tokenizer::{Tokenizer, get_tokenizer},
};

pub use estimate::EstimateCounter;
pub(crate) use local::LocalCounter;

/// The counter for a model, by the name that its provider gives it, with or without `provider/` in front.
///
/// OpenAI's models since GPT-3.5 are counted exactly, all others are [`EstimateCounter`]'s.
#[must_use]
pub fn counter_for(model: &str) -> Arc<dyn TokenCounter> {
    let name = model.rsplit('/').next().unwrap_or(model);
    match get_tokenizer(name) {
        Some(Tokenizer::O200kBase | Tokenizer::O200kHarmony) => Arc::new(TiktokenCounter::O200k),
        Some(Tokenizer::Cl100kBase) => Arc::new(TiktokenCounter::Cl100k),
        _ => Arc::new(EstimateCounter),
    }
}

/// OpenAI's tokenizers. The first count reads a vocabulary (0.1 to 0.3 s), which is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TiktokenCounter {
    /// GPT-4o and later.
    O200k,
    /// GPT-3.5, GPT-4 and the text-embedding-3 models.
    Cl100k,
}

impl TiktokenCounter {
    fn vocabulary(self) -> &'static CoreBPE {
        match self {
            Self::O200k => o200k_base_singleton(),
            Self::Cl100k => cl100k_base_singleton(),
        }
    }
}

impl TokenCounter for TiktokenCounter {
    fn name(&self) -> &str {
        match self {
            Self::O200k => "o200k_base",
            Self::Cl100k => "cl100k_base",
        }
    }

    /// What looks like a special token counts as the text that it is.
    fn count(&self, text: &str) -> u32 {
        segments::sum(text, |segment| self.vocabulary().count_ordinary(segment))
    }

    /// Three for the frame and one for the role (OpenAI's cookbook, "How to count tokens with tiktoken").
    fn message_overhead(&self) -> u32 {
        4
    }

    /// The beginning of the reply (same source).
    fn prompt_overhead(&self) -> u32 {
        3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_chosen_by_model_name() {
        let name = |model: &str| counter_for(model).name().to_owned();
        assert_eq!(name("gpt-4o-mini"), "o200k_base");
        assert_eq!(name("openai/gpt-4.1"), "o200k_base");
        assert_eq!(name("gpt-3.5-turbo"), "cl100k_base");
        assert_eq!(name("text-embedding-3-small"), "cl100k_base");
        assert_eq!(name("mistral/mistral-large"), "estimate");
        assert_eq!(name("made-up"), "estimate");
    }

    #[test]
    fn counts_match_published_examples() {
        // OpenAI's cookbook counts these for "antidisestablishmentarianism", "2 + 2 = 4" and "お誕生日おめでとう".
        let texts = ["antidisestablishmentarianism", "2 + 2 = 4", "お誕生日おめでとう"];
        assert_eq!(texts.map(|t| TiktokenCounter::Cl100k.count(t)), [6, 7, 9]);
        assert_eq!(texts.map(|t| TiktokenCounter::O200k.count(t)), [6, 7, 8]);
    }

    #[test]
    fn special_tokens_in_a_text_count_as_text() {
        assert!(TiktokenCounter::O200k.count("<|endoftext|>") > 1);
    }

    #[test]
    fn long_runs_are_counted_quickly_and_never_under() {
        let run = "a".repeat(200_000);
        let whole = o200k_base_singleton().count_ordinary(&run[..16_000]);
        assert!(TiktokenCounter::O200k.count(&run) as usize >= whole * 12);
        assert!(TiktokenCounter::O200k.count(&" ".repeat(300_000)) > 0);
    }
}
