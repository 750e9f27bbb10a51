//! The traits that adapters implement: one per kind of data. Absence is `Option`; another user's thing is absent.

mod accounts;
mod blobs;
mod conversations;
mod documents;
mod error;
mod jobs;
mod models;
mod search;
mod turns;

pub use accounts::{Rotation, RotationOutcome, SessionStore, UserStore};
pub use blobs::BlobStore;
pub use conversations::ConversationStore;
pub use documents::{DocumentStore, DocumentText};
pub use error::{Conflict, StoreError};
pub use jobs::JobStore;
pub use models::{ChatModel, EmbeddingModel, TokenCounter};
pub use search::{PassageIndex, StoredPassage};
pub use turns::{BufferSize, FinishedTurn, NewTurn, TurnContext, TurnRead, TurnStore};
