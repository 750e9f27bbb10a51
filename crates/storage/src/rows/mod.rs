//! Rows and what they are in `domain`; they never leave this crate.

mod account;
mod conversation;
mod document;
mod job;
mod message;

pub(crate) use account::{SessionRow, UserRow};
pub(crate) use conversation::{ConversationRow, MemoryRow, title_key};
pub(crate) use document::{ChunkRow, DocumentRow, VersionRow};
pub(crate) use job::JobRow;
pub(crate) use message::MessageRow;
