//! The ChatML template of SmolLM2 and its kin.

use domain::{ChatMessage, ChatRole};
use tokenizers::Tokenizer;

/// What SmolLM2's own template says when nobody else does.
const DEFAULT_SYSTEM: &str = "You are a helpful AI assistant named SmolLM, trained by Hugging Face";

/// Turns messages into the tokens that the model was trained on.
#[derive(Debug)]
pub(super) struct ChatTemplate {
    tokenizer: Tokenizer,
    start: u32,
    end: u32,
    /// Tokens that end a reply.
    stops: Vec<u32>,
    /// Tokens that are never text.
    special: Vec<u32>,
}

impl ChatTemplate {
    /// # Errors
    /// When the vocabulary has no ChatML tokens.
    pub(super) fn new(tokenizer: Tokenizer) -> Result<Self, String> {
        let find = |token: &str| tokenizer.token_to_id(token);
        let (Some(start), Some(end)) = (find("<|im_start|>"), find("<|im_end|>")) else {
            return Err("its vocabulary has no <|im_start|> and <|im_end|>: only models with the ChatML template can \
                        chat here"
                .into());
        };
        let stops = [Some(end), find("<|endoftext|>"), find("</s>")].into_iter().flatten().collect();
        let special = tokenizer.get_added_tokens_decoder().into_iter().filter(|(_, t)| t.special).map(|(id, _)| id);
        Ok(Self { start, end, stops, special: special.collect(), tokenizer })
    }

    /// Whether a token ends the reply.
    pub(super) fn ends_reply(&self, token: u32) -> bool {
        self.stops.contains(&token)
    }

    /// The prompt for a reply to `messages`.
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub(super) fn render(&self, messages: &[ChatMessage]) -> Result<Vec<u32>, String> {
        let mut prompt = Vec::new();
        if messages.first().is_none_or(|first| first.role != ChatRole::System) {
            self.message(&mut prompt, "system", DEFAULT_SYSTEM)?;
        }
        for message in messages {
            let role = match message.role {
                ChatRole::System => "system",
                ChatRole::User => "user",
                ChatRole::Assistant => "assistant",
            };
            self.message(&mut prompt, role, &message.content)?;
        }
        prompt.push(self.start);
        self.text(&mut prompt, "assistant\n")?;
        Ok(prompt)
    }

    fn message(&self, prompt: &mut Vec<u32>, role: &str, content: &str) -> Result<(), String> {
        prompt.push(self.start);
        self.text(prompt, &format!("{role}\n{content}"))?;
        prompt.push(self.end);
        self.text(prompt, "\n")
    }

    fn text(&self, prompt: &mut Vec<u32>, text: &str) -> Result<(), String> {
        let encoding = self.tokenizer.encode_fast(text, false).map_err(|e| format!("tokenizing failed: {e}"))?;
        prompt.extend(encoding.get_ids());
        Ok(())
    }

    /// The bytes of a token; none for special tokens and those outside the vocabulary.
    pub(super) fn bytes(&self, token: u32) -> Vec<u8> {
        if self.special.contains(&token) {
            return Vec::new();
        }
        self.tokenizer.id_to_token(token).map(|piece| piece.chars().filter_map(byte_of).collect()).unwrap_or_default()
    }
}

/// The byte behind a character of a byte-level vocabulary.
///
/// GPT-2 writes printable Latin-1 bytes as themselves and the other 68 as U+0100 and following
/// (<https://github.com/openai/gpt-2/blob/master/src/encoder.py>, `bytes_to_unicode`).
fn byte_of(c: char) -> Option<u8> {
    let printable = |b: u8| matches!(b, 33..=126 | 161..=172 | 174..=255);
    match u8::try_from(u32::from(c)) {
        Ok(byte) => printable(byte).then_some(byte),
        Err(_) => {
            let index = usize::try_from(u32::from(c)).ok()?.checked_sub(256)?;
            (0..=255).filter(|&b| !printable(b)).nth(index)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_exactly_one_character() {
        let mut seen = [false; 256];
        for byte in ('\u{21}'..='\u{143}').filter_map(byte_of) {
            assert!(!std::mem::replace(&mut seen[usize::from(byte)], true), "{byte} twice");
        }
        assert!(seen.iter().all(|&s| s));
        assert_eq!(
            (byte_of('Ġ'), byte_of('Ċ'), byte_of('A'), byte_of('€')),
            (Some(b' '), Some(b'\n'), Some(b'A'), None)
        );
    }
}
