//! Counting for models whose tokenizer is not known.

use domain::ports::TokenCounter;

use super::TiktokenCounter;

/// Counts higher than any tokenizer in use does, for models that we know nothing of.
///
/// The larger of two numbers: `o200k_base` and two thirds more, which holds for European languages and for text without
/// sense even with a vocabulary of 50,000 made for English; and a sum over the characters, which holds for vocabularies
/// of 32,000 with bytes as a last resort (Llama 2, Mistral): one token for the first four letters of a word and for every
/// three more, for every digit and sign, for white space beyond a single blank, and for every byte outside of ASCII.
/// English prose comes out up to twice as long as it is, Chinese and Cyrillic three times: a prompt made by it leaves
/// room unused, but is not refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EstimateCounter;

impl TokenCounter for EstimateCounter {
    fn name(&self) -> &str {
        "estimate"
    }

    fn count(&self, text: &str) -> u32 {
        let known = u64::from(TiktokenCounter::O200k.count(text));
        let estimate = (known + (known * 2).div_ceil(3)).max(by_characters(text));
        u32::try_from(estimate).unwrap_or(u32::MAX)
    }

    /// The longest frames in use take five (`[INST]`, headers of Llama 3), with one to spare.
    fn message_overhead(&self) -> u32 {
        6
    }

    fn prompt_overhead(&self) -> u32 {
        8
    }
}

fn by_characters(text: &str) -> u64 {
    let (mut tokens, mut letters, mut before) = (0_u64, 0_u64, 'x');
    for c in text.chars() {
        if c.is_ascii_alphabetic() {
            tokens += u64::from(letters == 0 || (letters >= 4 && letters % 3 == 1));
            letters += 1;
        } else {
            letters = 0;
            tokens += match c {
                ' ' if !before.is_ascii_whitespace() => 0,
                _ => c.len_utf8() as u64,
            };
        }
        before = c;
    }
    tokens
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tiktoken_rs::{cl100k_base_singleton, o200k_base_singleton, p50k_base_singleton};

    use super::*;

    const SAMPLES: [&str; 8] = [
        "The harbour master wrote down the height of every tide, and the weather, in a book bound in green cloth.",
        "fn main() {\n    let total: u64 = (1..=10).map(|n| n * n).sum();\n    println!(\"{total}\");\n}\n",
        "3.14159265358979 2718281828459045 1,000,000 0xdeadbeef 2026-11-21T08:30:00Z",
        "Гавань замерзает в суровые зимы, и суда ждут весны.",
        "港は厳しい冬に凍り、船は春を待つ。",
        "الميناء يتجمد في الشتاء القاسي",
        "Der Hafenmeister schrieb Donaudampfschifffahrtsgesellschaftskapitän in sein Buch.",
        "xqzvkjwp bnmtrrtk qqqqqq zzxxccvv",
    ];

    #[test]
    fn estimate_is_above_three_real_vocabularies_of_different_sizes() {
        let vocabularies = [o200k_base_singleton(), cl100k_base_singleton(), p50k_base_singleton()];
        for (text, vocabulary) in SAMPLES.iter().flat_map(|t| vocabularies.map(|v| (t, v))) {
            let (estimate, real) = (EstimateCounter.count(text) as usize, vocabulary.count_ordinary(text));
            assert!(estimate >= real, "{estimate} < {real}: {text}");
        }
    }

    #[test]
    fn english_prose_is_not_more_than_doubled() {
        let (estimate, real) = (EstimateCounter.count(SAMPLES[0]), o200k_base_singleton().count_ordinary(SAMPLES[0]));
        assert!(estimate as usize <= 2 * real, "{estimate} for {real}");
    }

    proptest! {
        #[test]
        fn estimate_is_never_below_the_newest_vocabulary(text in "\\PC{0,200}") {
            prop_assert!(EstimateCounter.count(&text) as usize >= o200k_base_singleton().count_ordinary(&text));
        }
    }
}
