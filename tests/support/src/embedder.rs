//! Vectors without weights.

use async_trait::async_trait;
use domain::{
    EmbedPurpose, EmbeddingInfo, ModelError, ModelState,
    ports::{EmbeddingModel, TokenCounter},
};

use crate::WordCounter;

const DIMENSIONS: usize = 256;

/// Feature hashing: each word adds to one component. Texts that share words are near each other, and nothing else is
/// claimed.
pub struct HashedWords {
    info: EmbeddingInfo,
}

impl Default for HashedWords {
    fn default() -> Self {
        let info = EmbeddingInfo { id: "scripted/hashed-words".to_owned(), dimensions: DIMENSIONS, max_tokens: 256 };
        Self { info }
    }
}

#[async_trait]
impl EmbeddingModel for HashedWords {
    fn info(&self) -> &EmbeddingInfo {
        &self.info
    }

    fn state(&self) -> ModelState {
        ModelState::Ready
    }

    fn tokens(&self) -> &dyn TokenCounter {
        &WordCounter
    }

    async fn embed(&self, texts: Vec<String>, _purpose: EmbedPurpose) -> Result<Vec<Vec<f32>>, ModelError> {
        Ok(texts.iter().map(|text| embed(text)).collect())
    }
}

fn embed(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0_f32; DIMENSIONS];
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        // FNV-1a.
        let hash = word
            .to_lowercase()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        vector[usize::try_from(hash % 256).unwrap()] += 1.0;
    }
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    }
    vector
}
