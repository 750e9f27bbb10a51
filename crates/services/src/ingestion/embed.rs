//! Giving passages their vectors.

use std::sync::Arc;

use domain::{
    Chunk, Document, DocumentId, DocumentStatus, EmbedPurpose, EmbeddingStatus,
    ports::{EmbeddingModel, TokenCounter},
};

use super::{Ingestion, ingest::unless_gone};
use crate::{ServiceError, error::broken};

/// Passages of one call of the model, and of one write.
const BATCH: u32 = 16;

impl Ingestion {
    /// Gives the document's passages the vectors that they lack and marks it as found by meaning. Doing it again
    /// goes on where it was left; a document that was deleted is passed over.
    ///
    /// # Errors
    /// Failures of the model and the store.
    pub async fn embed(&self, id: DocumentId) -> Result<(), ServiceError> {
        let Some(model) = &self.parts.embedding else { return Ok(()) };
        let document = match self.parts.documents.find_for_worker(id).await? {
            Some(document) if document.status == DocumentStatus::Ready => Arc::new(document),
            _ => return Ok(()),
        };
        let mut before = None;
        loop {
            let chunks = self.parts.documents.chunks_without_vector(id, &model.info().id, BATCH).await?;
            let Some(first) = chunks.first().map(|chunk| chunk.id) else { break };
            if before.replace(first) == Some(first) {
                return Err(broken(&format!("passage {first} has no vector although one was stored")));
            }
            self.embed_batch(model, &document, chunks).await?;
        }
        let now = self.parts.context.now();
        unless_gone(self.parts.documents.mark_embedding(id, EmbeddingStatus::Ready, None, now).await)
    }

    /// Leaves the document to be searched by words, and says so.
    pub(super) async fn give_up_embedding(&self, id: DocumentId) -> Result<(), ServiceError> {
        let warning = "the embedding model failed, so this document is found by its words only".to_owned();
        let now = self.parts.context.now();
        unless_gone(self.parts.documents.mark_embedding(id, EmbeddingStatus::Off, Some(warning), now).await)
    }

    async fn embed_batch(
        &self,
        model: &Arc<dyn EmbeddingModel>,
        document: &Arc<Document>,
        chunks: Vec<Chunk>,
    ) -> Result<(), ServiceError> {
        let ids: Vec<_> = chunks.iter().map(|chunk| chunk.id).collect();
        let (counting, titled) = (Arc::clone(model), Arc::clone(document));
        let texts = tokio::task::spawn_blocking(move || {
            let room = counting.info().max_tokens;
            chunks.iter().map(|chunk| text_in_context(&titled.title, chunk, room, counting.tokens())).collect()
        });
        let texts = texts.await.map_err(|error| broken(&format!("preparing passages failed: {error}")))?;
        let vectors = model.embed(texts, EmbedPurpose::Passage).await?;
        if vectors.len() != ids.len() {
            return Err(broken(&format!("{} passages were embedded into {} vectors", ids.len(), vectors.len())));
        }
        let vectors = ids.into_iter().zip(vectors).collect();
        unless_gone(self.parts.documents.save_vectors(document.id, &model.info().id, vectors).await)
    }
}

/// The passage under its title and headings, as far as the model reads: what a passage is about often stands only there.
/// Outer headings are left out first, the passage itself never.
fn text_in_context(title: &str, chunk: &Chunk, max_tokens: usize, tokens: &dyn TokenCounter) -> String {
    let overhead = tokens.prompt_overhead().saturating_add(tokens.message_overhead()).saturating_add(chunk.tokens);
    let room = max_tokens.saturating_sub(usize::try_from(overhead).unwrap_or(usize::MAX));
    let mut names: Vec<&str> = vec![title];
    names.extend(chunk.heading_path.iter().map(String::as_str).filter(|heading| *heading != title));
    while !names.is_empty() {
        let line = names.join(" > ");
        if usize::try_from(tokens.count(&line)).is_ok_and(|count| count <= room) {
            return format!("{line}\n{}", chunk.text);
        }
        names.remove(usize::from(names.len() > 1));
    }
    chunk.text.clone()
}

#[cfg(test)]
mod tests {
    use domain::{ChunkId, SeededIds};

    use super::*;

    struct Words;

    impl TokenCounter for Words {
        fn name(&self) -> &str {
            "test/words"
        }
        fn count(&self, text: &str) -> u32 {
            u32::try_from(text.split_whitespace().count()).unwrap()
        }
        fn message_overhead(&self) -> u32 {
            0
        }
        fn prompt_overhead(&self) -> u32 {
            2
        }
    }

    fn in_context(max_tokens: usize) -> String {
        let ids = SeededIds::new(1);
        let chunk = Chunk {
            id: ChunkId::new(&ids),
            document_id: DocumentId::new(&ids),
            version: 1,
            ordinal: 0,
            text: "four words of text".into(),
            page_from: None,
            page_to: None,
            byte_start: 0,
            byte_end: 0,
            heading_path: vec!["Guide".into(), "Harbours".into(), "Tides".into()],
            tokens: 4,
        };
        text_in_context("Guide", &chunk, max_tokens, &Words)
    }

    #[test]
    fn passages_carry_as_many_of_their_headings_as_the_model_reads() {
        assert_eq!(in_context(11), "Guide > Harbours > Tides\nfour words of text");
        assert_eq!(in_context(10), "Guide > Tides\nfour words of text");
        assert_eq!(in_context(7), "Guide\nfour words of text");
        assert_eq!(in_context(6), "four words of text");
        assert_eq!(in_context(0), "four words of text");
    }
}
