//! The use cases of Causerie: accounts, conversations, documents, replies and the work behind them.
//!
//! Every use case takes an [`Actor`] first and answers [`ServiceError`], whose `kind` callers act on and whose
//! `detail` a client may read. The crate knows ports, not adapters: no web framework, no SQL, no provider. It must
//! not know which database, blob store or model it runs on.
//!
//! Read first: [`accounts::Accounts`], [`conversations::Conversations`], [`ingestion::Ingestion`], [`jobs::Worker`].
//!
//! ```
//! use services::ServiceError;
//! use services::accounts::TokenSigner;
//!
//! assert!(TokenSigner::hs256(&[7; 32]).is_ok());
//! let refused: ServiceError = TokenSigner::hs256(b"short").unwrap_err();
//! assert_eq!(refused.kind(), domain::ErrorKind::ValidationFailed);
//! assert_eq!(refused.fields()[0].field, "auth.jwt_secret");
//! ```

pub mod accounts;
mod actor;
mod context;
pub mod conversations;
mod digest;
mod error;
pub mod ingestion;
pub mod jobs;
mod labels;
pub mod models;
pub mod retrieval;
pub mod turn;

pub use actor::Actor;
pub use context::Context;
pub use error::{FieldError, ServiceError};
