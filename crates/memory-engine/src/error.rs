//! Why a prompt cannot be assembled.

use domain::ErrorKind;

/// A prompt that cannot be assembled; no model may be called.
#[derive(Debug, thiserror::Error)]
pub enum AssemblyError {
    /// The new message does not fit, even with everything left out that can be.
    #[error(
        "the message has {tokens} tokens and at most {allowed} fit: shorten it, send it in parts, or upload it as a document"
    )]
    MessageTooLong {
        /// Tokens of the message's text.
        tokens: u32,
        /// The most tokens that it may have.
        allowed: u32,
    },
    /// The instructions leave no room for any message.
    #[error(
        "the instructions take {tokens} tokens and a prompt for {model} may have {available}: shorten the conversation's \
         system prompt or prompt.system_instruction, raise memory.max_context_tokens, or choose a model with a larger window"
    )]
    InstructionsTooLong {
        /// Tokens of the instructions, message overhead included.
        tokens: u32,
        /// What the prompt may have.
        available: u32,
        /// The model, `provider/model`.
        model: String,
    },
    /// The prompt could not be written as JSON for its hash.
    #[error("the prompt cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
}

impl AssemblyError {
    /// The kind that callers see.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::MessageTooLong { .. } | Self::InstructionsTooLong { .. } => ErrorKind::MessageTooLong,
            Self::Encode(_) => ErrorKind::Internal,
        }
    }
}
