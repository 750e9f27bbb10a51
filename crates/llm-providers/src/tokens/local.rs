//! Counting for the local models, with their own tokenizers.

use std::sync::OnceLock;

use domain::ports::TokenCounter;
use tokenizers::Tokenizer;

use super::{EstimateCounter, segments};

/// Counts with a tokenizer that may still be being read: until then counting waits (a tenth of a second).
///
/// When it could not be read the counts are estimates, under the estimate's name.
#[derive(Debug)]
pub(crate) struct LocalCounter {
    name: String,
    tokenizer: OnceLock<Option<Tokenizer>>,
    message_overhead: u32,
    prompt_overhead: u32,
}

impl LocalCounter {
    /// For a chat model with the ChatML template: a message costs `<|im_start|>`, up to three tokens of its role with
    /// a line break, `<|im_end|>` and a line break; a prompt costs the beginning of the reply (4) and, without a
    /// system message, the template's own (21); one is kept in reserve.
    pub(crate) fn chat(id: &str) -> Self {
        Self { name: id.into(), tokenizer: OnceLock::new(), message_overhead: 6, prompt_overhead: 26 }
    }

    /// For an embedding model: a text costs `[CLS]` and `[SEP]`.
    pub(crate) fn embedding(id: &str) -> Self {
        Self { name: id.into(), tokenizer: OnceLock::new(), message_overhead: 0, prompt_overhead: 2 }
    }

    /// The tokenizer is there.
    pub(crate) fn set(&self, tokenizer: Tokenizer) {
        // It is set once, by the thread that loads the model.
        let _ = self.tokenizer.set(Some(tokenizer));
    }

    /// There will be none. Changes nothing when there is one.
    pub(crate) fn fail(&self) {
        let _ = self.tokenizer.set(None);
    }
}

impl TokenCounter for LocalCounter {
    fn name(&self) -> &str {
        match self.tokenizer.wait() {
            Some(_) => &self.name,
            None => EstimateCounter.name(),
        }
    }

    fn count(&self, text: &str) -> u32 {
        let Some(tokenizer) = self.tokenizer.wait() else {
            return EstimateCounter.count(text);
        };
        // Byte-level and WordPiece tokenizers do not fail on any text; if one did, bytes are a safe count.
        let count = |segment: &str| tokenizer.encode_fast(segment, false).map_or(segment.len(), |e| e.len());
        segments::sum(text, count)
    }

    fn message_overhead(&self) -> u32 {
        self.message_overhead
    }

    fn prompt_overhead(&self) -> u32 {
        self.prompt_overhead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counter_without_a_tokenizer_estimates_and_says_so() {
        let counter = LocalCounter::chat("local/x");
        counter.fail();
        assert_eq!(counter.name(), "estimate");
        assert_eq!(counter.count("some words"), EstimateCounter.count("some words"));
    }
}
