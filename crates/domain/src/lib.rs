//! The vocabulary of Causerie.
//!
//! Typed ids, entities with their rules, the errors a port may answer, and the ports (traits) that adapters
//! implement. Every other crate of the project may know this one; it knows none of them, and no I/O, web
//! framework, database or async runtime.
//!
//! Read first: [`Conversation`], [`Message`], [`ReplyEvent`], [`ErrorKind`], and the traits in [`ports`].
//!
//! ```
//! use domain::{Clock, IdSource, SystemClock, SystemIds, UserId};
//!
//! let ids = SystemIds;
//! let user = UserId::new(&ids);
//! assert_eq!(user.to_string().parse::<UserId>(), Ok(user));
//! assert!(SystemClock::default().now().timestamp() > 0);
//! # let _ = ids.next_uuid();
//! ```

mod account;
mod chat;
mod clock;
mod conversation;
mod document;
mod error;
mod event;
mod id;
mod job;
mod memory;
mod message;
mod page;
pub mod ports;
mod receipt;
mod retrieval;

pub use account::{AccountRuleError, Email, NewUser, Role, Session, User, UserStatus, Username};
pub use chat::{
    ChatEvent, ChatMessage, ChatRequest, ChatRole, ChatStream, EmbedPurpose, EmbeddingInfo, FinishReason, ModelError,
    ModelFault, ModelInfo, ModelSize, ModelState, Usage,
};
pub use clock::{Clock, ManualClock, SystemClock};
pub use conversation::{
    Conversation, ConversationFilter, ConversationPatch, Grounding, MAX_SYSTEM_PROMPT_CHARS, MAX_TITLE_CHARS,
    MemorySettings,
};
pub use document::{
    Chunk, Document, DocumentFault, DocumentFaultCode, DocumentFilter, DocumentPatch, DocumentStatus, EmbeddingStatus,
    IndexedContent, PageSpan,
};
pub use error::ErrorKind;
pub use event::{EventBody, ReplyDone, ReplyEvent};
pub use id::{
    ChunkId, ConversationId, DocumentId, IdSource, JobId, MessageId, ParseIdError, SeededIds, SessionId, SystemIds,
    UserId,
};
pub use job::{Job, JobOutcome, NewJob};
pub use memory::{ConversationMemory, Summary, SummaryKind};
pub use message::{Citation, Confidence, Message, MessagePart, MessageRole, MessageStatus, Passage, PassageScores};
pub use page::{BadCursor, Cursor, Order, Page, PageRequest, Position};
pub use receipt::{Coverage, Omission, Receipt, ReceiptBudget, ReceiptSection, SectionKind};
pub use retrieval::{ScoredChunk, SearchFilter};
