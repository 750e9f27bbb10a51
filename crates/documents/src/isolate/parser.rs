//! Parsing as a service, so that its users need not know where it happens.

use async_trait::async_trait;

use super::ChildParser;
use crate::{DocumentError, Extraction, ParseLimits, parse};

/// Something that turns files into text without blocking the caller's thread.
#[async_trait]
pub trait Parser: Send + Sync {
    /// Extracts the text of one file; `name` is its file name.
    ///
    /// # Errors
    /// Every variant of [`DocumentError`] but that about chunk settings.
    async fn parse(&self, bytes: Vec<u8>, name: &str) -> Result<Extraction, DocumentError>;
}

#[async_trait]
impl Parser for ChildParser {
    async fn parse(&self, bytes: Vec<u8>, name: &str) -> Result<Extraction, DocumentError> {
        Self::parse(self, bytes, name).await
    }
}

/// Parses on a thread of this process: no bounds on memory and time, so only for files that are trusted.
#[derive(Debug, Clone, Default)]
pub struct InProcessParser {
    /// Bounds on pages, text and objects; those on memory and time have no effect.
    pub limits: ParseLimits,
}

#[async_trait]
impl Parser for InProcessParser {
    async fn parse(&self, bytes: Vec<u8>, name: &str) -> Result<Extraction, DocumentError> {
        let (name, limits) = (name.to_owned(), self.limits.clone());
        tokio::task::spawn_blocking(move || parse(bytes, &name, &limits))
            .await
            .unwrap_or_else(|_| Err(DocumentError::unreadable("it makes the parser fail")))
    }
}
