//! Tokenizers, honest and hostile: the promises hold for whatever a counter answers.

use std::hash::{DefaultHasher, Hash, Hasher};

use domain::ports::TokenCounter;
use proptest::prelude::*;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Method {
    /// Like most models: words are cheap, rare characters dear.
    Words,
    /// Every byte is a token.
    Bytes,
    /// A run of the same character is one token, so that joining texts joins tokens.
    Runs,
    /// Joined texts cost more than their parts.
    MoreThanItsParts,
    /// No order at all: a longer text may have fewer tokens.
    Hashed,
    /// Nothing costs anything.
    Free,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Tokenizer {
    method: Method,
    message_overhead: u32,
    prompt_overhead: u32,
}

impl TokenCounter for Tokenizer {
    fn name(&self) -> &str {
        "generated"
    }

    fn count(&self, text: &str) -> u32 {
        let tokens = match self.method {
            Method::Words => text.split_whitespace().count() + text.chars().filter(|c| !c.is_ascii()).count(),
            Method::Bytes => text.len(),
            Method::Runs => {
                let later_starts = text.chars().zip(text.chars().skip(1)).filter(|(a, b)| a != b).count();
                usize::from(!text.is_empty()) + later_starts
            }
            Method::MoreThanItsParts => text.len() / 4 + (text.len() / 100).pow(2),
            Method::Hashed => {
                let mut hasher = DefaultHasher::new();
                text.hash(&mut hasher);
                usize::try_from(hasher.finish() % 150).unwrap_or(0)
            }
            Method::Free => 0,
        };
        u32::try_from(tokens).unwrap_or(u32::MAX)
    }

    fn message_overhead(&self) -> u32 {
        self.message_overhead
    }

    fn prompt_overhead(&self) -> u32 {
        self.prompt_overhead
    }
}

pub(crate) fn tokenizer() -> impl Strategy<Value = Tokenizer> {
    let method = prop_oneof![
        4 => Just(Method::Words),
        1 => Just(Method::Bytes),
        1 => Just(Method::Runs),
        1 => Just(Method::MoreThanItsParts),
        1 => Just(Method::Hashed),
        1 => Just(Method::Free),
    ];
    (method, 0..8_u32, 0..8_u32).prop_map(|(method, message_overhead, prompt_overhead)| Tokenizer {
        method,
        message_overhead,
        prompt_overhead,
    })
}
