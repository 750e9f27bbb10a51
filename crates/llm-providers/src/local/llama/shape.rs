//! The numbers that fix the shape of a model.

use super::gguf::Gguf;

/// Sizes of a Llama model, from the metadata of its file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LlamaShape {
    pub(crate) layers: usize,
    pub(crate) width: usize,
    pub(crate) feed_forward: usize,
    pub(crate) heads: usize,
    pub(crate) key_value_heads: usize,
    pub(crate) head_width: usize,
    /// Positions the model was trained on, or fewer when fewer are wanted.
    pub(crate) context: usize,
    pub(crate) epsilon: f32,
    pub(crate) rope_base: f32,
}

impl LlamaShape {
    /// Reads and checks the shape.
    ///
    /// # Errors
    /// What is missing or does not fit together.
    pub(crate) fn read(file: &Gguf) -> Result<Self, String> {
        let architecture = file.text("general.architecture")?;
        if architecture != "llama" {
            return Err(format!("the model is of the architecture `{architecture}`; only `llama` can be run here"));
        }
        let heads = file.number("llama.attention.head_count")?;
        let width = file.number("llama.embedding_length")?;
        let shape = Self {
            layers: file.number("llama.block_count")?,
            width,
            feed_forward: file.number("llama.feed_forward_length")?,
            heads,
            key_value_heads: file.number("llama.attention.head_count_kv").unwrap_or(heads),
            head_width: width.checked_div(heads).unwrap_or(0),
            context: file.number("llama.context_length")?,
            epsilon: file.fraction("llama.attention.layer_norm_rms_epsilon")?,
            rope_base: file.fraction("llama.rope.freq_base").unwrap_or(10_000.0),
        };
        shape.check(file.number("llama.rope.dimension_count").unwrap_or(shape.head_width))?;
        Ok(shape)
    }

    fn check(&self, rope_width: usize) -> Result<(), String> {
        let whole = self.head_width * self.heads == self.width
            && self.key_value_heads > 0
            && self.heads.is_multiple_of(self.key_value_heads);
        if self.layers == 0 || self.context == 0 || self.head_width == 0 || !self.head_width.is_multiple_of(2) || !whole
        {
            return Err(format!("the sizes in the model's metadata do not fit together: {self:?}"));
        }
        if rope_width != self.head_width {
            return Err(format!("rotary positions over {rope_width} of {} values are not supported", self.head_width));
        }
        Ok(())
    }

    /// Values of all queries of one position; keys and values follow them in the fused product.
    pub(crate) fn query_width(&self) -> usize {
        self.heads * self.head_width
    }

    /// Values of all keys (or values) of one position.
    pub(crate) fn key_width(&self) -> usize {
        self.key_value_heads * self.head_width
    }
}
