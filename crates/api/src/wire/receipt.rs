//! The receipt of a reply: what the model was sent, why, and what was left out.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

wire_enum! {
    /// The parts of a prompt, in the order they stand in it.
    SectionKind of domain::SectionKind {
        SystemInstruction, LongTermMemory, RollingSummary, RecalledMemory, RetrievedDocuments, RawWindow, NewMessage
    }
}

wire_enum! {
    /// Who speaks in a message to a model.
    ChatRole of domain::ChatRole { System, User, Assistant }
}

/// What the model was sent for one reply. The section tokens sum to the prompt's.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Receipt {
    message_id: Uuid,
    model: String,
    /// Which tokenizer counted.
    tokenizer: String,
    budget: Budget,
    sections: Vec<Section>,
    coverage: Coverage,
    omitted: Vec<Omission>,
    /// Byte for byte what the provider was sent.
    messages: Vec<ChatMessage>,
    /// SHA-256, in hex, of `messages` as compact JSON.
    request_sha256: String,
}

/// The tokens that there were to spend.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Budget {
    /// The model's context window.
    window: u32,
    max_context_tokens: u32,
    /// Kept free for the reply.
    reserve: u32,
    /// What the prompt might have at most.
    available: u32,
}

/// One part of the prompt as it was sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Section {
    kind: SectionKind,
    /// Message overhead included.
    tokens: u32,
    /// Messages, passages or documents that it was made from.
    source_ids: Vec<String>,
    text: String,
}

/// Where every interaction of the conversation is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Coverage {
    /// Messages that were sent as they are.
    raw: Vec<Uuid>,
    /// The newest message that the summary covers.
    summarised_until: Option<Uuid>,
    /// Messages that are neither, until the summary takes them in.
    pending: Vec<Uuid>,
}

/// Something that might have been sent and was not.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Omission {
    kind: SectionKind,
    source_ids: Vec<String>,
    tokens: u32,
    reason: String,
}

/// One message as the model saw it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChatMessage {
    role: ChatRole,
    content: String,
}

impl From<domain::Receipt> for Receipt {
    fn from(it: domain::Receipt) -> Self {
        Self {
            message_id: it.message_id.into(),
            model: it.model,
            tokenizer: it.tokenizer,
            budget: it.budget.into(),
            sections: it.sections.into_iter().map(Section::from).collect(),
            coverage: it.coverage.into(),
            omitted: it.omitted.into_iter().map(Omission::from).collect(),
            messages: it.messages.into_iter().map(ChatMessage::from).collect(),
            request_sha256: it.request_sha256,
        }
    }
}

impl From<domain::ReceiptBudget> for Budget {
    fn from(it: domain::ReceiptBudget) -> Self {
        Self {
            window: it.window,
            max_context_tokens: it.max_context_tokens,
            reserve: it.reserve,
            available: it.available,
        }
    }
}

impl From<domain::ReceiptSection> for Section {
    fn from(it: domain::ReceiptSection) -> Self {
        Self { kind: it.kind.into(), tokens: it.tokens, source_ids: it.source_ids, text: it.text }
    }
}

impl From<domain::Coverage> for Coverage {
    fn from(it: domain::Coverage) -> Self {
        Self {
            raw: it.raw.into_iter().map(Uuid::from).collect(),
            summarised_until: it.summarised_until.map(Uuid::from),
            pending: it.pending.into_iter().map(Uuid::from).collect(),
        }
    }
}

impl From<domain::Omission> for Omission {
    fn from(it: domain::Omission) -> Self {
        Self { kind: it.kind.into(), source_ids: it.source_ids, tokens: it.tokens, reason: it.reason }
    }
}

impl From<domain::ChatMessage> for ChatMessage {
    fn from(it: domain::ChatMessage) -> Self {
        Self { role: it.role.into(), content: it.content }
    }
}
