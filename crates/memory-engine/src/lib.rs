//! The memory engine: decides what a chat model gets to see.
//!
//! Given the stored history of a conversation, the state of its memory, passages that were found and the message to
//! answer, [`assemble`] picks what goes into the prompt so that it never exceeds its budget, and writes a receipt that
//! says what was sent and where everything else is. The policy is *adaptive*: the size of an interaction is smoothed
//! ([`update_average`]), and when history outgrows its budget, as many of the newest interactions stay raw as fill a
//! set share of it ([`window::dynamic_k`]).
//!
//! It is given numbers, texts and a [`domain::ports::TokenCounter`]; it knows no HTTP, SQL, provider or runtime, and
//! everything here is a plain function over plain values. The work of an assembly depends on what it is given, not on the
//! length of the history: read what [`AdaptiveSettings::turn_read`] says and no more. Text whose tokens were stored
//! under the counter's name is not counted again.
//!
//! Read first: [`Assembly`], [`Assembled`], [`budget::CLAIMS`], [`AdaptiveSettings`].
//!
//! ```
//! use domain::{ConversationMemory, IdSource, MessageId, ModelInfo, SeededIds, ports::TokenCounter};
//! use memory_engine::{AdaptiveSettings, Assembly, NewMessage, Wording, assemble};
//!
//! /// A deliberate over-estimate: no tokenizer makes more tokens than there are bytes.
//! struct Bytes;
//!
//! impl TokenCounter for Bytes {
//!     fn name(&self) -> &str { "bytes" }
//!     fn count(&self, text: &str) -> u32 { text.len().try_into().unwrap_or(u32::MAX) }
//!     fn message_overhead(&self) -> u32 { 4 }
//!     fn prompt_overhead(&self) -> u32 { 3 }
//! }
//!
//! let ids = SeededIds::new(1);
//! let model = ModelInfo {
//!     id: "local/small".into(), context_window: 8192, max_output_tokens: 2048, price_per_million: None,
//! };
//! let assembled = assemble(&Assembly {
//!     model: &model,
//!     counter: &Bytes,
//!     settings: &AdaptiveSettings::default(),
//!     wording: &Wording::default(),
//!     system_instruction: "Be brief.",
//!     conversation_prompt: None,
//!     long_term: None,
//!     memory: &ConversationMemory::default(),
//!     buffer: &[],
//!     unread: &[],
//!     passages: &[],
//!     new_message: NewMessage { id: MessageId::new(&ids), text: "Hello!", tokens: None },
//!     reply_id: MessageId::new(&ids),
//! })?;
//! assert_eq!(assembled.messages.len(), 2);
//! assert_eq!(assembled.prompt_tokens, (9 + 4) + (6 + 4) + 3);
//! # Ok::<(), memory_engine::AssemblyError>(())
//! ```

mod assemble;
mod average;
pub mod budget;
mod error;
#[cfg(test)]
#[path = "../tests/fixtures/mod.rs"]
mod fixtures;
mod interaction;
mod passages;
mod prompt;
mod receipt;
mod sections;
mod settings;
pub mod window;
mod wording;

pub use assemble::{Assembled, Assembly, LongTerm, NewMessage, assemble};
pub use average::update_average;
pub use error::AssemblyError;
pub use interaction::{Interaction, group, interaction_tokens};
pub use receipt::request_sha256;
pub use settings::{AdaptiveSettings, SettingsError};
pub use wording::Wording;
