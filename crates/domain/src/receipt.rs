//! The receipt: what a model was sent, why, and what was left out.

use serde::{Deserialize, Serialize};

use crate::{ChatMessage, MessageId};

/// The parts of a prompt, in the order they stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SectionKind {
    /// The operator's instructions and the conversation's own.
    SystemInstruction,
    /// Preferences and long-term memory.
    LongTermMemory,
    /// The rolling summary.
    RollingSummary,
    /// Older turns and facts found for the question.
    RecalledMemory,
    /// Passages of documents found for the question.
    RetrievedDocuments,
    /// The newest interactions, as they were said.
    RawWindow,
    /// The message to answer.
    NewMessage,
}

/// The tokens that there were to spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptBudget {
    /// The model's context window.
    pub window: u32,
    /// `memory.max_context_tokens`.
    pub max_context_tokens: u32,
    /// Kept free for the reply.
    pub reserve: u32,
    /// What the prompt might have at most.
    pub available: u32,
}

/// One part of the prompt as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptSection {
    /// Which part.
    pub kind: SectionKind,
    /// Its tokens, message overhead included.
    pub tokens: u32,
    /// Ids of the messages, chunks or documents that it was made from.
    pub source_ids: Vec<String>,
    /// Its text.
    pub text: String,
}

/// Where every interaction of the branch is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Coverage {
    /// Messages that were sent as they are.
    pub raw: Vec<MessageId>,
    /// The newest message that the summary covers.
    pub summarised_until: Option<MessageId>,
    /// Messages that are neither, until the summary takes them in.
    pub pending: Vec<MessageId>,
}

/// Something that might have been sent and was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Omission {
    /// Of which part.
    pub kind: SectionKind,
    /// What.
    pub source_ids: Vec<String>,
    /// Its tokens.
    pub tokens: u32,
    /// Why.
    pub reason: String,
}

/// What the model was sent for one reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The reply.
    pub message_id: MessageId,
    /// The model, `provider/model`.
    pub model: String,
    /// Which tokenizer counted.
    pub tokenizer: String,
    /// What there was to spend.
    pub budget: ReceiptBudget,
    /// What it was spent on; the sum of the tokens is the prompt's.
    pub sections: Vec<ReceiptSection>,
    /// Where every interaction is.
    pub coverage: Coverage,
    /// What was left out.
    pub omitted: Vec<Omission>,
    /// What the provider was sent.
    pub messages: Vec<ChatMessage>,
    /// SHA-256, in hex, of `messages` as compact JSON.
    pub request_sha256: String,
}
