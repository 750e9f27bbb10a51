//! A BERT encoder for sentence embeddings (all-MiniLM-L6-v2 and its kin), one sequence at a time.
//!
//! One sequence per call and thread is faster than a padded batch: its activations stay in the cache and no padding is
//! computed. Leaner than the stock model because queries, keys and values are one product and no tensor is copied.

use std::{collections::HashMap, path::Path};

use candle_core::{Device, Tensor};

use super::kernels::{Linear, Matrix, MatrixMut, add, gelu, layer_norm, multiply, softmax};

/// Sizes that the weights do not tell by their shape.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
pub(crate) struct BertConfig {
    #[serde(rename = "hidden_size")]
    width: usize,
    #[serde(rename = "num_attention_heads")]
    heads: usize,
    #[serde(rename = "num_hidden_layers")]
    layers: usize,
    #[serde(rename = "intermediate_size")]
    inner: usize,
    #[serde(rename = "max_position_embeddings")]
    positions: usize,
    #[serde(rename = "layer_norm_eps")]
    epsilon: f32,
}

impl BertConfig {
    /// Reads a `config.json`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, String> {
        let config: Self = serde_json::from_slice(json).map_err(|e| format!("it is no BERT configuration: {e}"))?;
        let sizes = [config.width, config.heads, config.layers, config.inner, config.positions];
        if sizes.contains(&0) || !config.width.is_multiple_of(config.heads) {
            return Err(format!("its sizes do not fit together: {config:?}"));
        }
        Ok(config)
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn positions(&self) -> usize {
        self.positions
    }
}

#[derive(Debug)]
struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

#[derive(Debug)]
struct Layer {
    query_key_value: Linear,
    attended: Linear,
    attended_norm: Norm,
    up: Linear,
    down: Linear,
    norm: Norm,
}

/// The encoder. Shared by all workers; never written to.
#[derive(Debug)]
pub(crate) struct Bert {
    config: BertConfig,
    words: Vec<f32>,
    /// Position and first segment added up: every text is one segment.
    positions: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

/// Working memory of one thread.
#[derive(Debug, Default)]
pub(crate) struct BertBuffers {
    hidden: Vec<f32>,
    fused: Vec<f32>,
    heads: Vec<f32>,
    scores: Vec<f32>,
    inner: Vec<f32>,
}

impl Bert {
    /// Reads `model.safetensors`.
    ///
    /// # Errors
    /// What is missing or has the wrong shape.
    pub(crate) fn load(path: &Path, config: BertConfig) -> Result<Self, String> {
        let tensors = candle_core::safetensors::load(path, &Device::Cpu)
            .map_err(|e| format!("it is no readable safetensors file: {e}"))?;
        let weights = Weights { tensors };
        let (width, embeddings) = (config.width, "embeddings");
        let mut positions =
            weights.read(&format!("{embeddings}.position_embeddings.weight"), config.positions * width)?;
        let segments = weights.read(&format!("{embeddings}.token_type_embeddings.weight"), 2 * width)?;
        for row in positions.chunks_exact_mut(width) {
            add(row, &segments[..width]);
        }
        Ok(Self {
            words: weights.read_rows(&format!("{embeddings}.word_embeddings.weight"), width)?,
            positions,
            norm: weights.norm(&format!("{embeddings}.LayerNorm"), width)?,
            layers: (0..config.layers).map(|i| weights.layer(i, &config)).collect::<Result<_, _>>()?,
            config,
        })
    }

    /// Tokens that the vocabulary has.
    pub(crate) fn vocabulary(&self) -> usize {
        self.words.len() / self.config.width
    }

    /// The mean of the last layer over all tokens, scaled to length 1.
    ///
    /// Tokens must be below the vocabulary and no more than the model has positions.
    pub(crate) fn embed(&self, tokens: &[u32], buffers: &mut BertBuffers) -> Vec<f32> {
        let width = self.config.width;
        self.begin(tokens, &mut buffers.hidden);
        for layer in &self.layers {
            self.attend(layer, tokens.len(), buffers);
            self.feed_forward(layer, tokens.len(), buffers);
        }
        let mut mean = vec![0.0; width];
        for row in buffers.hidden.chunks_exact(width) {
            add(&mut mean, row);
        }
        // The division by the number of tokens cancels out here.
        let length = mean.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        mean.iter_mut().for_each(|x| *x /= length);
        mean
    }

    fn begin(&self, tokens: &[u32], hidden: &mut Vec<f32>) {
        let width = self.config.width;
        hidden.clear();
        for (&token, position) in tokens.iter().zip(self.positions.chunks_exact(width)) {
            let at = hidden.len();
            let word = token as usize * width;
            hidden.extend_from_slice(&self.words[word..word + width]);
            add(&mut hidden[at..], position);
        }
        layer_norm(hidden, &self.norm.weight, &self.norm.bias, self.config.epsilon);
    }

    fn attend(&self, layer: &Layer, rows: usize, buffers: &mut BertBuffers) {
        let width = self.config.width;
        let head_width = width / self.config.heads;
        let BertBuffers { hidden, fused, heads, scores, .. } = buffers;
        layer.query_key_value.run(hidden, fused);
        heads.resize(rows * width, 0.0);
        scores.resize(rows * rows, 0.0);
        let factor = 1.0 / f32::from(u16::try_from(head_width).unwrap_or(u16::MAX)).sqrt();
        let part = |at: usize| Matrix::rows(&fused[at..], rows, head_width, 3 * width);
        for at in (0..width).step_by(head_width) {
            let (queries, keys, values) = (part(at), part(width + at), part(2 * width + at));
            multiply(&mut MatrixMut::rows(scores, rows, rows, rows), queries, keys.transposed(), factor);
            softmax(scores, rows);
            let mut out = MatrixMut::rows(&mut heads[at..], rows, head_width, width);
            multiply(&mut out, Matrix::rows(scores, rows, rows, rows), values, 1.0);
        }
        layer.attended.add_to(heads, hidden);
        layer_norm(hidden, &layer.attended_norm.weight, &layer.attended_norm.bias, self.config.epsilon);
    }

    fn feed_forward(&self, layer: &Layer, rows: usize, buffers: &mut BertBuffers) {
        let BertBuffers { hidden, inner, .. } = buffers;
        layer.up.run(hidden, inner);
        debug_assert_eq!(inner.len(), rows * self.config.inner);
        gelu(inner);
        layer.down.add_to(inner, hidden);
        layer_norm(hidden, &layer.norm.weight, &layer.norm.bias, self.config.epsilon);
    }
}

struct Weights {
    tensors: HashMap<String, Tensor>,
}

impl Weights {
    fn read_rows(&self, name: &str, width: usize) -> Result<Vec<f32>, String> {
        let tensor = self.tensors.get(name).ok_or_else(|| format!("it has no tensor `{name}`"))?;
        let values = tensor.flatten_all().and_then(|t| t.to_vec1::<f32>()).map_err(|e| format!("`{name}`: {e}"))?;
        if values.is_empty() || !values.len().is_multiple_of(width) {
            return Err(format!("its tensor `{name}` has {} values, which is no multiple of {width}", values.len()));
        }
        Ok(values)
    }

    fn read(&self, name: &str, len: usize) -> Result<Vec<f32>, String> {
        let values = self.read_rows(name, 1)?;
        if values.len() == len {
            Ok(values)
        } else {
            Err(format!("its tensor `{name}` has {} values where {len} belong", values.len()))
        }
    }

    /// Layers that read the same input, side by side.
    fn linear(&self, names: &[String], inputs: usize, outputs: usize) -> Result<Linear, String> {
        let (mut weights, mut bias) = (Vec::new(), Vec::new());
        for name in names {
            weights.extend(self.read(&format!("{name}.weight"), inputs * outputs)?);
            bias.extend(self.read(&format!("{name}.bias"), outputs)?);
        }
        Ok(Linear::new(&weights, bias))
    }

    fn norm(&self, name: &str, width: usize) -> Result<Norm, String> {
        Ok(Norm {
            weight: self.read(&format!("{name}.weight"), width)?,
            bias: self.read(&format!("{name}.bias"), width)?,
        })
    }

    fn layer(&self, index: usize, config: &BertConfig) -> Result<Layer, String> {
        let name = |part: &str| format!("encoder.layer.{index}.{part}");
        let (width, inner) = (config.width, config.inner);
        let attention = ["query", "key", "value"].map(|part| name(&format!("attention.self.{part}")));
        Ok(Layer {
            query_key_value: self.linear(&attention, width, width)?,
            attended: self.linear(&[name("attention.output.dense")], width, width)?,
            attended_norm: self.norm(&name("attention.output.LayerNorm"), width)?,
            up: self.linear(&[name("intermediate.dense")], width, inner)?,
            down: self.linear(&[name("output.dense")], inner, width)?,
            norm: self.norm(&name("output.LayerNorm"), width)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_whose_heads_do_not_divide_the_width_is_refused() {
        let json = br#"{"hidden_size": 10, "num_attention_heads": 3, "num_hidden_layers": 1,
            "intermediate_size": 4, "max_position_embeddings": 8, "layer_norm_eps": 1e-12}"#;
        assert!(BertConfig::parse(json).unwrap_err().contains("do not fit"));
        assert!(BertConfig::parse(b"{}").unwrap_err().contains("hidden_size"));
    }
}
