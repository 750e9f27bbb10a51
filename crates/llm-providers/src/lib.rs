//! Chat and embedding models behind the ports of [`domain`].
//!
//! Two kinds so far: models that run here ([`local`]) and every provider that speaks OpenAI's protocol ([`openai`]).
//! [`catalogue`] says what is known of models, [`tokens`] counts for them, [`weights`] finds and fetches the files of
//! the local ones. This crate must not know the web server, the database, or what a conversation is: it is given a
//! [`domain::ChatRequest`] and answers with a stream of [`domain::ChatEvent`].
//!
//! Read first: [`local::LocalChat`], [`local::LocalEmbeddings`], [`weights::WeightsSet`], [`ProviderError`].
//!
//! ```
//! use domain::ports::TokenCounter;
//! use llm_providers::{tokens, weights};
//!
//! let counter = tokens::counter_for("gpt-4o");
//! assert_eq!(counter.count("The harbour freezes in hard winters."), 7);
//!
//! let empty = std::env::temp_dir().join("no-models-here");
//! let status = weights::inspect(&empty, &weights::CHAT)?;
//! assert!(matches!(status, weights::WeightsStatus::Missing { .. }));
//! # Ok::<(), llm_providers::ProviderError>(())
//! ```

pub mod catalogue;
mod error;
pub mod local;
pub mod openai;
pub mod tokens;
pub mod weights;

pub use error::ProviderError;
