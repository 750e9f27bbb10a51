//! Weights and the forward pass.

use std::ops::ControlFlow;

use super::{
    super::kernels::{QuantisedMatrix, Threads, add, rms_norm, silu_times},
    Gguf, LlamaShape, Session,
    attention::{Attention, Rope},
    session::{Buffers, LayerCache},
};

/// Prompt positions that go through the layers together: enough to make the unpacking of weights cheap.
const CHUNK: usize = 256;

/// Says between two layers whether to go on; breaking leaves the session unusable.
pub(crate) type Flow<'a> = &'a dyn Fn() -> ControlFlow<()>;

#[derive(Debug)]
struct Layer {
    attention_norm: Vec<f32>,
    /// Queries, keys and values stacked: one pass over the activations instead of three.
    query_key_value: QuantisedMatrix,
    output: QuantisedMatrix,
    feed_forward_norm: Vec<f32>,
    /// Gate and up stacked.
    gate_up: QuantisedMatrix,
    down: QuantisedMatrix,
}

/// A model ready to run. Shared by all sessions; never written to.
#[derive(Debug)]
pub(crate) struct Llama {
    shape: LlamaShape,
    embedding: QuantisedMatrix,
    /// Absent when the embedding serves as the output matrix too.
    head: Option<QuantisedMatrix>,
    norm: Vec<f32>,
    layers: Vec<Layer>,
    rope: Rope,
}

impl Llama {
    /// Reads the weights of any GGML type and requantises them to eight bits, for up to `context` positions.
    ///
    /// # Errors
    /// What the file lacks or holds in the wrong shape.
    pub(crate) fn load(file: &mut Gguf, vocabulary: usize, context: usize) -> Result<Self, String> {
        let mut shape = LlamaShape::read(file)?;
        shape.context = shape.context.min(context);
        let factors = match file.has("rope_freqs.weight") {
            true => file.tensor("rope_freqs.weight", shape.head_width / 2)?,
            false => Vec::new(),
        };
        let head = match file.has("output.weight") {
            true => Some(file.matrix(&[("output.weight", vocabulary)], shape.width)?),
            false => None,
        };
        Ok(Self {
            embedding: file.matrix(&[("token_embd.weight", vocabulary)], shape.width)?,
            head,
            norm: file.tensor("output_norm.weight", shape.width)?,
            layers: (0..shape.layers).map(|i| Layer::load(file, &shape, i)).collect::<Result<_, _>>()?,
            rope: Rope::new(&shape, &factors),
            shape,
        })
    }

    pub(crate) fn shape(&self) -> &LlamaShape {
        &self.shape
    }

    /// Takes `tokens` in and leaves the scores of the next token in the session.
    ///
    /// Tokens must be below the vocabulary and fit the session's capacity.
    pub(crate) fn read(
        &self,
        session: &mut Session,
        tokens: &[u32],
        threads: Threads,
        flow: Flow<'_>,
    ) -> ControlFlow<()> {
        assert!(session.len + tokens.len() <= session.capacity, "the session has no room for {} tokens", tokens.len());
        for chunk in tokens.chunks(CHUNK) {
            self.embed(chunk, &mut session.buffers.hidden);
            let caches = session.cache.chunks_exact_mut(session.layer_size).map(LayerCache::of);
            for (layer, mut cache) in self.layers.iter().zip(caches) {
                flow()?;
                let attention = Attention {
                    shape: &self.shape,
                    capacity: session.capacity,
                    past: session.len,
                    rows: chunk.len(),
                    threads,
                };
                self.attend(layer, &attention, &mut cache, &mut session.buffers);
                self.feed_forward(layer, &attention, &mut session.buffers);
            }
            session.len += chunk.len();
        }
        self.score(session, threads);
        ControlFlow::Continue(())
    }

    fn embed(&self, tokens: &[u32], hidden: &mut Vec<f32>) {
        hidden.resize(tokens.len() * self.shape.width, 0.0);
        for (&token, row) in tokens.iter().zip(hidden.chunks_exact_mut(self.shape.width)) {
            // A token is an index into the vocabulary; u32 fits usize on every target that this runs on.
            self.embedding.row(token as usize, row);
        }
    }

    fn attend(&self, layer: &Layer, attention: &Attention<'_>, cache: &mut LayerCache<'_>, buffers: &mut Buffers) {
        let Buffers { hidden, normed, fused, heads, scores, weights, .. } = buffers;
        let rows = attention.rows;
        normed.resize(hidden.len(), 0.0);
        rms_norm(normed, hidden, &layer.attention_norm, self.shape.epsilon);
        fused.resize(rows * layer.query_key_value.outputs(), 0.0);
        layer.query_key_value.multiply(normed, fused, weights, attention.threads);
        attention.store(fused, &self.rope, cache);
        heads.resize(rows * self.shape.query_width(), 0.0);
        attention.attend(fused, cache, heads, scores);
        attention.gather(heads, normed);
        heads.resize(hidden.len(), 0.0);
        layer.output.multiply(normed, heads, weights, attention.threads);
        add(hidden, heads);
    }

    fn feed_forward(&self, layer: &Layer, attention: &Attention<'_>, buffers: &mut Buffers) {
        let Buffers { hidden, normed, fused, gated, weights, .. } = buffers;
        let inner = self.shape.feed_forward;
        rms_norm(normed, hidden, &layer.feed_forward_norm, self.shape.epsilon);
        fused.resize(attention.rows * 2 * inner, 0.0);
        layer.gate_up.multiply(normed, fused, weights, attention.threads);
        gated.resize(attention.rows * inner, 0.0);
        for (out, row) in gated.chunks_exact_mut(inner).zip(fused.chunks_exact(2 * inner)) {
            let (gate, up) = row.split_at(inner);
            silu_times(out, gate, up);
        }
        layer.down.multiply(gated, normed, weights, attention.threads);
        add(hidden, normed);
    }

    fn score(&self, session: &mut Session, threads: Threads) {
        let Buffers { hidden, normed, weights, .. } = &mut session.buffers;
        let last = hidden.len() - self.shape.width;
        normed.resize(self.shape.width, 0.0);
        rms_norm(normed, &hidden[last..], &self.norm, self.shape.epsilon);
        let head = self.head.as_ref().unwrap_or(&self.embedding);
        session.logits.resize(head.outputs(), 0.0);
        head.multiply(normed, &mut session.logits, weights, threads);
    }
}

impl Layer {
    fn load(file: &mut Gguf, shape: &LlamaShape, index: usize) -> Result<Self, String> {
        let name = |part: &str| format!("blk.{index}.{part}.weight");
        let (query, key) = (shape.query_width(), shape.key_width());
        let (width, inner) = (shape.width, shape.feed_forward);
        Ok(Self {
            attention_norm: file.tensor(&name("attn_norm"), width)?,
            query_key_value: file
                .matrix(&[(&name("attn_q"), query), (&name("attn_k"), key), (&name("attn_v"), key)], width)?,
            output: file.matrix(&[(&name("attn_output"), width)], query)?,
            feed_forward_norm: file.tensor(&name("ffn_norm"), width)?,
            gate_up: file.matrix(&[(&name("ffn_gate"), inner), (&name("ffn_up"), inner)], width)?,
            down: file.matrix(&[(&name("ffn_down"), width)], inner)?,
        })
    }
}
