//! A parser that keeps files waiting.

use std::sync::Arc;

use async_trait::async_trait;
use documents::{DocumentError, Extraction, Parser};
use tokio_util::sync::CancellationToken;

/// Begins to read and never ends.
#[derive(Debug, Default)]
pub struct StuckParser {
    asked: CancellationToken,
}

impl StuckParser {
    /// A parser that nobody has asked yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Returns once it was given a file.
    pub async fn until_asked(&self) {
        self.asked.cancelled().await;
    }
}

#[async_trait]
impl Parser for StuckParser {
    async fn parse(&self, _bytes: Vec<u8>, _name: &str) -> Result<Extraction, DocumentError> {
        self.asked.cancel();
        std::future::pending().await
    }
}
