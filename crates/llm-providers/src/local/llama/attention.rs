//! Causal attention over the cache, with grouped heads and rotary positions.

use rayon::prelude::*;

use super::{
    super::kernels::{Matrix, MatrixMut, Threads, multiply, softmax_causal},
    LlamaShape,
    session::LayerCache,
};

/// Sine and cosine of every position and pair.
#[derive(Debug)]
pub(super) struct Rope {
    half: usize,
    cos_sin: Vec<(f32, f32)>,
}

impl Rope {
    /// A table for the positions of `shape`; `factors` stretch single frequencies (Llama 3.1), all 1 when empty.
    pub(super) fn new(shape: &LlamaShape, factors: &[f32]) -> Self {
        let half = shape.head_width / 2;
        let frequency = |pair: usize| {
            let exponent = as_f64(2 * pair) / as_f64(shape.head_width);
            f64::from(shape.rope_base).powf(-exponent) / f64::from(factors.get(pair).copied().unwrap_or(1.0))
        };
        let frequencies: Vec<f64> = (0..half).map(frequency).collect();
        let angles = (0..shape.context).flat_map(|p| frequencies.iter().map(move |f| as_f64(p) * f));
        #[allow(clippy::cast_possible_truncation, reason = "rounding to f32 is meant")]
        let cos_sin = angles.map(|a| (a.cos() as f32, a.sin() as f32)).collect();
        Self { half, cos_sin }
    }

    /// Turns the neighbouring pairs of every head of one position (the order in which GGUF keeps Llama weights).
    pub(super) fn turn(&self, heads: &mut [f32], position: usize) {
        let table = &self.cos_sin[position * self.half..(position + 1) * self.half];
        for head in heads.chunks_exact_mut(2 * self.half) {
            for (pair, &(cos, sin)) in head.as_chunks_mut::<2>().0.iter_mut().zip(table) {
                let [a, b] = *pair;
                *pair = [a * cos - b * sin, a * sin + b * cos];
            }
        }
    }
}

fn as_f64(n: usize) -> f64 {
    // Positions and pairs are far below 2^32.
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// One layer's attention for `rows` new positions after `past` old ones.
pub(super) struct Attention<'a> {
    pub(super) shape: &'a LlamaShape,
    pub(super) capacity: usize,
    pub(super) past: usize,
    pub(super) rows: usize,
    pub(super) threads: Threads,
}

impl Attention<'_> {
    fn fused_width(&self) -> usize {
        self.shape.query_width() + 2 * self.shape.key_width()
    }

    /// Turns queries and keys in place and stores the new keys and values.
    pub(super) fn store(&self, fused: &mut [f32], rope: &Rope, cache: &mut LayerCache<'_>) {
        let (query_width, key_width, head_width) =
            (self.shape.query_width(), self.shape.key_width(), self.shape.head_width);
        for (i, row) in fused.chunks_exact_mut(self.fused_width()).enumerate() {
            let position = self.past + i;
            rope.turn(&mut row[..query_width + key_width], position);
            let (keys, values) = row[query_width..].split_at(key_width);
            let heads = keys.chunks_exact(head_width).zip(values.chunks_exact(head_width));
            for (head, (key, value)) in heads.enumerate() {
                let at = (head * self.capacity + position) * head_width;
                cache.keys[at..at + head_width].copy_from_slice(key);
                cache.values[at..at + head_width].copy_from_slice(value);
            }
        }
    }

    /// Writes the attended values to `heads` as `[head][row][value]`.
    pub(super) fn attend(&self, fused: &[f32], cache: &LayerCache<'_>, heads: &mut [f32], scores: &mut Vec<f32>) {
        let len = self.past + self.rows;
        let group = self.shape.heads / self.shape.key_value_heads;
        let (out_size, score_size) = (group * self.rows * self.shape.head_width, group * self.rows * len);
        if self.threads.is_one() {
            scores.resize(score_size, 0.0);
            for (index, out) in heads.chunks_exact_mut(out_size).enumerate() {
                self.attend_group(index, fused, cache, out, scores);
            }
            return;
        }
        scores.resize(score_size * self.shape.key_value_heads, 0.0);
        let groups = heads.par_chunks_exact_mut(out_size).zip(scores.par_chunks_exact_mut(score_size)).enumerate();
        groups.for_each(|(index, (out, scores))| self.attend_group(index, fused, cache, out, scores));
    }

    /// The query heads that share one key head.
    fn attend_group(&self, index: usize, fused: &[f32], cache: &LayerCache<'_>, out: &mut [f32], scores: &mut [f32]) {
        let (rows, width) = (self.rows, self.shape.head_width);
        let len = self.past + rows;
        let group = self.shape.heads / self.shape.key_value_heads;
        let first = index * self.capacity * width;
        let keys = Matrix::rows(&cache.keys[first..], len, width, width).transposed();
        let values = Matrix::rows(&cache.values[first..], len, width, width);
        #[allow(clippy::cast_possible_truncation, reason = "rounding to f32 is meant")]
        let factor = (1.0 / as_f64(width).sqrt()) as f32;
        let queries = &fused[index * group * width..];
        if rows == 1 {
            // A single position: the heads of the group are the rows, so that each key is read once.
            multiply(
                &mut MatrixMut::rows(scores, group, len, len),
                Matrix::rows(queries, group, width, width),
                keys,
                factor,
            );
            softmax_causal(scores, len, len);
            multiply(
                &mut MatrixMut::rows(out, group, width, width),
                Matrix::rows(scores, group, len, len),
                values,
                1.0,
            );
            return;
        }
        let heads = out.chunks_exact_mut(rows * width).zip(scores.chunks_exact_mut(rows * len)).enumerate();
        for (head, (out, scores)) in heads {
            let queries = Matrix::rows(&queries[head * width..], rows, width, self.fused_width());
            multiply(&mut MatrixMut::rows(scores, rows, len, len), queries, keys, factor);
            softmax_causal(scores, len, self.past + 1);
            multiply(&mut MatrixMut::rows(out, rows, width, width), Matrix::rows(scores, rows, len, len), values, 1.0);
        }
    }

    /// Brings `[head][row][value]` into the order of rows that the output product takes.
    pub(super) fn gather(&self, heads: &[f32], out: &mut [f32]) {
        let width = self.shape.head_width;
        for (head, rows) in heads.chunks_exact(self.rows * width).enumerate() {
            for (row, values) in rows.chunks_exact(width).enumerate() {
                let at = row * self.shape.query_width() + head * width;
                out[at..at + width].copy_from_slice(values);
            }
        }
    }
}
