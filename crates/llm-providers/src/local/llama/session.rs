//! What one generation keeps between tokens.

use super::LlamaShape;

/// Keys and values of one layer, each as `[head][position][value]` with room for the session's capacity.
#[derive(Debug)]
pub(super) struct LayerCache<'a> {
    pub(super) keys: &'a mut [f32],
    pub(super) values: &'a mut [f32],
}

impl<'a> LayerCache<'a> {
    /// The share of one layer: its keys, then its values.
    pub(super) fn of(layer: &'a mut [f32]) -> Self {
        let (keys, values) = layer.split_at_mut(layer.len() / 2);
        Self { keys, values }
    }
}

/// Buffers that are reused from layer to layer and token to token.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    pub(super) hidden: Vec<f32>,
    pub(super) normed: Vec<f32>,
    pub(super) fused: Vec<f32>,
    pub(super) gated: Vec<f32>,
    pub(super) heads: Vec<f32>,
    pub(super) scores: Vec<f32>,
    pub(super) weights: Vec<f32>,
}

/// The state of one generation: the key-value cache and working memory, all freed when it is dropped.
///
/// The cache takes `2 * 4 * layers * key_width` bytes per position: 46 KB for SmolLM2-135M. It is one allocation, because
/// one of more than 32 MB is returned to the system at once, while many small ones may stay with the allocator.
#[derive(Debug)]
pub(crate) struct Session {
    pub(super) cache: Vec<f32>,
    /// Values of one layer in the cache.
    pub(super) layer_size: usize,
    pub(super) capacity: usize,
    pub(super) len: usize,
    pub(super) buffers: Buffers,
    pub(super) logits: Vec<f32>,
}

impl Session {
    /// An empty session with room for `capacity` positions. Memory is taken as it fills.
    pub(crate) fn new(shape: &LlamaShape, capacity: usize) -> Self {
        let layer_size = 2 * shape.key_width() * capacity;
        Self {
            cache: vec![0.0; layer_size * shape.layers],
            layer_size,
            capacity,
            len: 0,
            buffers: Buffers::default(),
            logits: Vec::new(),
        }
    }

    /// Scores of every token of the vocabulary as the next one, after a pass that asked for them.
    pub(crate) fn logits(&mut self) -> &mut [f32] {
        &mut self.logits
    }
}
