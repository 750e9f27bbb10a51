//! An embedding model of a provider that speaks OpenAI's protocol.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    EmbedPurpose, EmbeddingInfo, ModelError, ModelFault, ModelState,
    ports::{EmbeddingModel, TokenCounter},
};
use futures::{StreamExt, TryStreamExt, stream};

use super::{
    chat::Model,
    complaint::Complaint,
    connection::Connection,
    wire::{EmbeddingAnswer, EmbeddingCall, EmbeddingIn},
};
use crate::catalogue::EmbeddingEntry;

/// Texts in one call: every vendor takes as many, and an answer stays near 2 MB.
const BATCH: usize = 64;

/// Calls at a time: hides the way to the provider without running into its limits.
const CALLS_AT_A_TIME: usize = 4;

/// An embedding model; cheap to clone.
#[derive(Clone)]
pub struct OpenAiEmbeddings {
    model: Arc<Model>,
    info: Arc<EmbeddingInfo>,
    query_prefix: Arc<str>,
    passage_prefix: Arc<str>,
    tokens: Arc<dyn TokenCounter>,
}

impl OpenAiEmbeddings {
    /// The model that `connection`'s provider calls `name`, with what the catalogue knows of it.
    #[must_use]
    pub fn new(connection: &Connection, name: &str, entry: &EmbeddingEntry) -> Self {
        let model = Model::new(connection, name);
        let info = EmbeddingInfo { id: model.id(), dimensions: entry.dimensions, max_tokens: entry.max_tokens };
        Self {
            model,
            info: Arc::new(info),
            query_prefix: entry.query_prefix.as_str().into(),
            passage_prefix: entry.passage_prefix.as_str().into(),
            tokens: entry.counter(name),
        }
    }

    async fn batch(&self, input: &[String]) -> Result<Vec<Vec<f32>>, ModelError> {
        let call = EmbeddingCall { model: &self.model.name, input };
        let embeddings = self.model.connection.client.embeddings();
        let limit = Duration::from_millis(self.model.connection.timeouts.first_token_ms);
        let answer: EmbeddingAnswer = tokio::time::timeout(limit, embeddings.create_byot(call))
            .await
            .map_err(|_| self.model.peer().late())?
            .map_err(|error| self.model.peer().failed(error))?;
        self.vectors(answer, input.len())
    }

    fn vectors(&self, answer: EmbeddingAnswer, expected: usize) -> Result<Vec<Vec<f32>>, ModelError> {
        let peer = self.model.peer();
        let Some(data) = answer.data else {
            return Err(peer.complained(&Complaint::new(answer.error, None, None, None), None));
        };
        let wrong = |what: String| peer.fault(ModelFault::Permanent, &what);
        if data.len() != expected {
            return Err(wrong(format!("was given {expected} texts and sent {} vectors", data.len())));
        }
        let dimensions = self.info.dimensions;
        let mut vectors = vec![Vec::new(); expected];
        for (at, EmbeddingIn { index, embedding }) in data.into_iter().enumerate() {
            if embedding.len() != dimensions {
                let (model, sent) = (&self.model.name, embedding.len());
                return Err(wrong(format!(
                    "sent vectors of {sent} components for model {model} where {dimensions} are expected: \
                     correct its dimensions in the catalogue file"
                )));
            }
            let slot = vectors.get_mut(index.unwrap_or(at)).filter(|slot| slot.is_empty());
            let slot = slot.ok_or_else(|| wrong("numbered its vectors wrongly".to_owned()))?;
            *slot = unit(embedding).ok_or_else(|| wrong("sent a vector without a direction".to_owned()))?;
        }
        Ok(vectors)
    }

    /// The texts as the model wants them: with its prefix, and no longer than it takes.
    async fn prepared(&self, texts: Vec<String>, purpose: EmbedPurpose) -> Result<Vec<String>, ModelError> {
        let prefix = match purpose {
            EmbedPurpose::Query => &self.query_prefix,
            EmbedPurpose::Passage => &self.passage_prefix,
        };
        let texts: Vec<_> =
            if prefix.is_empty() { texts } else { texts.iter().map(|text| format!("{prefix}{text}")).collect() };
        let max_tokens = self.info.max_tokens;
        // No tokenizer makes more tokens than bytes, so most texts need no counting.
        if texts.iter().all(|text| text.len() <= max_tokens) {
            return Ok(texts);
        }
        let tokens = Arc::clone(&self.tokens);
        let cut = move || texts.into_iter().map(|text| fitted(text, max_tokens, &*tokens)).collect();
        tokio::task::spawn_blocking(cut)
            .await
            .map_err(|_| self.model.peer().fault(ModelFault::Retryable, "was not called: counting tokens failed"))
    }
}

/// The longest start of the text that is sure to fit.
fn fitted(mut text: String, max_tokens: usize, tokens: &dyn TokenCounter) -> String {
    while text.len() > max_tokens {
        let count = tokens.count(&text) as usize;
        if count <= max_tokens {
            break;
        }
        // In proportion, and at least one byte less, so that it ends.
        let keep = (text.len() * max_tokens / count).min(text.len() - 1);
        text.truncate(text.floor_char_boundary(keep));
    }
    text
}

/// The vector at length 1. `None` when it has no direction, or a component is not a number.
fn unit(mut vector: Vec<f32>) -> Option<Vec<f32>> {
    let length = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
    if !(length.is_finite() && length > 0.0) {
        return None;
    }
    for component in &mut vector {
        #[expect(clippy::cast_possible_truncation, reason = "a component of a unit vector lies within -1 and 1")]
        {
            *component = (f64::from(*component) / length) as f32;
        }
    }
    Some(vector)
}

impl fmt::Debug for OpenAiEmbeddings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiEmbeddings").field("info", &self.info).finish_non_exhaustive()
    }
}

#[async_trait]
impl EmbeddingModel for OpenAiEmbeddings {
    fn info(&self) -> &EmbeddingInfo {
        &self.info
    }

    fn state(&self) -> ModelState {
        ModelState::Ready
    }

    fn tokens(&self) -> &dyn TokenCounter {
        &*self.tokens
    }

    async fn embed(&self, texts: Vec<String>, purpose: EmbedPurpose) -> Result<Vec<Vec<f32>>, ModelError> {
        let texts = self.prepared(texts, purpose).await?;
        let batches: Vec<_> = texts.chunks(BATCH).map(|batch| self.batch(batch)).collect();
        let vectors: Vec<_> = stream::iter(batches).buffered(CALLS_AT_A_TIME).try_collect().await?;
        Ok(vectors.into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct TwoBytes;

    impl TokenCounter for TwoBytes {
        fn name(&self) -> &str {
            "two-bytes"
        }

        fn count(&self, text: &str) -> u32 {
            u32::try_from(text.len().div_ceil(2)).unwrap()
        }

        fn message_overhead(&self) -> u32 {
            0
        }

        fn prompt_overhead(&self) -> u32 {
            0
        }
    }

    #[test]
    fn text_is_cut_to_what_the_model_takes_between_characters() {
        assert_eq!(fitted("abcdef".into(), 3, &TwoBytes), "abcdef");
        assert_eq!(fitted("abcdefghij".into(), 3, &TwoBytes), "abcdef");
        let cut = fitted("é".repeat(50), 7, &TwoBytes);
        assert_eq!(cut, "é".repeat(7));
    }

    #[test]
    fn vector_is_brought_to_length_one_or_refused() {
        assert_eq!(unit(vec![3.0, 4.0]), Some(vec![0.6, 0.8]));
        assert_eq!(unit(vec![0.0, 0.0]), None);
        assert_eq!(unit(vec![f32::NAN, 1.0]), None);
    }
}
