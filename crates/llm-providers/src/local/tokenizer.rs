//! The tokenizers of the local models, and what they need corrected.

use std::path::Path;

use candle_core::quantized::tokenizer::TokenizerFromGguf;
use tokenizers::{
    Tokenizer,
    pre_tokenizers::{PreTokenizerWrapper, byte_level::ByteLevel, digits::Digits, sequence::Sequence},
};

use super::llama::Gguf;

/// Pre-tokenizers that candle builds faithfully; all others it takes for GPT-2's *with a space put in front*.
const FAITHFUL: [&str; 4] = ["qwen2", "smaug-bpe", "lfm2", "llama3"];
/// Vocabularies whose digits stand alone, as llama.cpp lists them.
const SINGLE_DIGITS: [&str; 5] = ["smollm", "starcoder", "refact", "command-r", "codeshell"];

/// The tokenizer of a GGUF chat model.
///
/// Special tokens are found only where the template puts them: a person who types `<|im_end|>` gets its letters
/// encoded, and cannot end their own message. Nothing is put in front or behind: SmolLM2's file says so
/// (`add_bos_token = false`), and its `<|im_start|>` would be there twice.
///
/// # Errors
/// What the file lacks.
pub(crate) fn chat_tokenizer(file: &Gguf) -> Result<Tokenizer, String> {
    let mut tokenizer =
        Tokenizer::from_gguf(file.content()).map_err(|e| format!("its tokenizer cannot be read: {e}"))?;
    let kind = file.text("tokenizer.ggml.pre").unwrap_or("gpt-2");
    if !FAITHFUL.contains(&kind) {
        let bytes = ByteLevel::new(false, true, true);
        let splitter: PreTokenizerWrapper = if SINGLE_DIGITS.contains(&kind) {
            Sequence::new(vec![Digits::new(true).into(), bytes.into()]).into()
        } else {
            bytes.into()
        };
        tokenizer.with_pre_tokenizer(Some(splitter));
    }
    tokenizer.set_encode_special_tokens(true);
    Ok(tokenizer)
}

/// The tokenizer of an embedding model, without the padding and truncation that its file asks for: texts are cut to
/// the model's length by the caller.
///
/// # Errors
/// What is wrong with the file.
pub(crate) fn embedding_tokenizer(path: &Path) -> Result<Tokenizer, String> {
    let mut tokenizer = Tokenizer::from_file(path).map_err(|e| format!("it is no readable tokenizer: {e}"))?;
    tokenizer.with_padding(None);
    tokenizer.with_truncation(None).map_err(|e| e.to_string())?;
    Ok(tokenizer)
}
