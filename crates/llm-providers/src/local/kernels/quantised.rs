//! Weights as eight-bit integers with one scale per 32 of them (the `Q8_0` idea of GGML), in panels.
//!
//! A single row of activations is multiplied straight from the integers: that product waits for memory, so a
//! quarter of the bytes is four times the speed. Many rows share one pass that unpacks a panel into the cache and
//! leaves the product to `gemm`: that product waits for arithmetic. Activations stay `f32` in both.

use rayon::prelude::*;

use super::{
    Threads,
    panel::{PANEL, Rows},
    sum::largest_magnitude,
};

/// Weights of one output that share a scale.
const BLOCK: usize = 32;
/// From this many rows on, unpacking costs less than reading the integers once per row (measured on AVX-512).
const ROWS_WORTH_UNPACKING: usize = 6;
/// Products below this many weights are not worth waking a second thread for.
const WEIGHTS_WORTH_SHARING: usize = 128 * 1024;

/// The weights of one block of inputs for a panel of outputs: `[input][output]`.
type Tile = [[i8; PANEL]; BLOCK];

/// A weight matrix of `outputs` × `inputs`.
#[derive(Debug)]
pub(crate) struct QuantisedMatrix {
    outputs: usize,
    inputs: usize,
    /// `[panel][block of inputs][output]`
    scales: Vec<[f32; PANEL]>,
    /// `[panel][block of inputs]`
    tiles: Vec<Tile>,
}

impl QuantisedMatrix {
    /// An empty matrix for rows of `inputs` weights, to be filled by [`Self::push_rows`].
    ///
    /// # Errors
    /// When `inputs` is not a multiple of 32; the message names it.
    pub(crate) fn with_inputs(inputs: usize) -> Result<Self, String> {
        if inputs == 0 || !inputs.is_multiple_of(BLOCK) {
            return Err(format!("a weight matrix has rows of {inputs} values, which is no multiple of {BLOCK}"));
        }
        Ok(Self { outputs: 0, inputs, scales: Vec::new(), tiles: Vec::new() })
    }

    /// Appends the weights of further outputs (`rows.len()` is a multiple of the row length).
    pub(crate) fn push_rows(&mut self, rows: &[f32]) {
        assert!(rows.len().is_multiple_of(self.inputs), "whole rows");
        let blocks = self.blocks();
        for row in rows.chunks_exact(self.inputs) {
            let (panel, column) = (self.outputs / PANEL, self.outputs % PANEL);
            self.outputs += 1;
            self.scales.resize((panel + 1) * blocks, [0.0; PANEL]);
            self.tiles.resize((panel + 1) * blocks, [[0; PANEL]; BLOCK]);
            quantise(row, column, &mut self.scales[panel * blocks..], &mut self.tiles[panel * blocks..]);
        }
    }

    /// Gives back the memory that growing took in advance.
    pub(crate) fn shrink(&mut self) {
        self.scales.shrink_to_fit();
        self.tiles.shrink_to_fit();
    }

    fn blocks(&self) -> usize {
        self.inputs / BLOCK
    }

    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Unpacks the weights of one output: the embedding of a token.
    pub(crate) fn row(&self, output: usize, out: &mut [f32]) {
        let (panel, column) = (output / PANEL * self.blocks(), output % PANEL);
        let blocks = self.scales[panel..].iter().zip(&self.tiles[panel..]);
        for ((scales, tile), out) in blocks.zip(out.as_chunks_mut::<BLOCK>().0) {
            for (out, values) in out.iter_mut().zip(tile) {
                *out = f32::from(values[column]) * scales[column];
            }
        }
    }

    /// `out[r] = x[r] * weights^T` for every row `r`; `scratch` is kept between calls.
    pub(crate) fn multiply(&self, x: &[f32], out: &mut [f32], scratch: &mut Vec<f32>, threads: Threads) {
        let rows = x.len() / self.inputs;
        assert_eq!(x.len(), rows * self.inputs, "whole rows");
        assert_eq!(out.len(), rows * self.outputs, "shape of the product");
        if rows < ROWS_WORTH_UNPACKING {
            for (x, out) in x.chunks_exact(self.inputs).zip(out.chunks_exact_mut(self.outputs)) {
                self.multiply_one(x, out, threads);
            }
        } else if threads.is_one() {
            let mut rows = Rows { x, inputs: self.inputs, out, outputs: self.outputs };
            for panel in 0..self.panels() {
                rows.multiply_panel(self.unpacked(panel, scratch), panel * PANEL, false);
            }
        } else {
            self.multiply_shared(x, out, threads);
        }
    }

    fn panels(&self) -> usize {
        self.outputs.div_ceil(PANEL)
    }

    fn panel(&self, index: usize) -> (&[[f32; PANEL]], &[Tile]) {
        let range = index * self.blocks()..(index + 1) * self.blocks();
        (&self.scales[range.clone()], &self.tiles[range])
    }

    fn unpacked<'a>(&self, panel: usize, scratch: &'a mut Vec<f32>) -> &'a [f32] {
        let (scales, tiles) = self.panel(panel);
        scratch.resize(self.inputs * PANEL, 0.0);
        unpack(scales, tiles, scratch);
        scratch
    }

    fn multiply_one(&self, x: &[f32], out: &mut [f32], threads: Threads) {
        let one = |(index, out): (usize, &mut [f32])| {
            let (scales, tiles) = self.panel(index);
            let mut sums = [0.0; PANEL];
            dot(scales, tiles, x, &mut sums);
            out.copy_from_slice(&sums[..out.len()]);
        };
        if threads.is_one() || self.outputs * self.inputs < WEIGHTS_WORTH_SHARING {
            out.chunks_mut(PANEL).enumerate().for_each(one);
        } else {
            out.par_chunks_mut(PANEL).enumerate().for_each(one);
        }
    }

    /// Shares panels out. Panels are columns of the product, so each is computed apart and put in its place.
    fn multiply_shared(&self, x: &[f32], out: &mut [f32], threads: Threads) {
        let rows = x.len() / self.inputs;
        let share = self.panels().div_ceil(threads.0 * 2).max(1);
        let parts: Vec<Vec<f32>> = (0..self.panels())
            .into_par_iter()
            .step_by(share)
            .map_init(Vec::new, |scratch, first| {
                let outputs = (share * PANEL).min(self.outputs - first * PANEL);
                let mut part = vec![0.0; rows * outputs];
                let mut view = Rows { x, inputs: self.inputs, out: &mut part, outputs };
                for panel in 0..outputs.div_ceil(PANEL) {
                    view.multiply_panel(self.unpacked(first + panel, scratch), panel * PANEL, false);
                }
                part
            })
            .collect();
        for (index, part) in parts.iter().enumerate() {
            let (first, width) = (index * share * PANEL, part.len() / rows);
            for (out, part) in out.chunks_exact_mut(self.outputs).zip(part.chunks_exact(width)) {
                out[first..first + width].copy_from_slice(part);
            }
        }
    }
}

vectorised! {
    fn quantise(row: &[f32], column: usize, scales: &mut [[f32; PANEL]], tiles: &mut [Tile]) {
        for ((weights, scales), tile) in row.as_chunks::<BLOCK>().0.iter().zip(scales).zip(tiles) {
            let largest = largest_magnitude(weights);
            scales[column] = largest / 127.0;
            let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
            for (values, &w) in tile.iter_mut().zip(weights) {
                // Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low byte.
                values[column] = (w * inverse + 12_582_912.0).to_bits().to_le_bytes()[0].cast_signed();
            }
        }
    }
}

vectorised! {
    fn unpack(scales: &[[f32; PANEL]], tiles: &[Tile], out: &mut [f32]) {
        let out = out.as_chunks_mut::<PANEL>().0.as_chunks_mut::<BLOCK>().0;
        for ((scales, tile), out) in scales.iter().zip(tiles).zip(out) {
            for (values, out) in tile.iter().zip(out) {
                for ((out, &value), &scale) in out.iter_mut().zip(values).zip(scales) {
                    *out = f32::from(value) * scale;
                }
            }
        }
    }
}

vectorised! {
    fn dot(scales: &[[f32; PANEL]], tiles: &[Tile], x: &[f32], out: &mut [f32; PANEL]) {
        for ((scales, tile), x) in scales.iter().zip(tiles).zip(x.as_chunks::<BLOCK>().0) {
            let mut sums = [0.0_f32; PANEL];
            for (values, &x) in tile.iter().zip(x) {
                for (sum, &value) in sums.iter_mut().zip(values) {
                    *sum += f32::from(value) * x;
                }
            }
            for ((out, &sum), &scale) in out.iter_mut().zip(&sums).zip(scales) {
                *out += sum * scale;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(len: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from(u16::try_from(state >> 16).unwrap()) / 32_768.0 - 1.0
        };
        (0..len).map(|_| next()).collect()
    }

    fn exact(weights: &[f32], x: &[f32], inputs: usize) -> Vec<f32> {
        let one = |x: &[f32], w: &[f32]| w.iter().zip(x).map(|(a, b)| a * b).sum::<f32>();
        x.chunks_exact(inputs).flat_map(|x| weights.chunks_exact(inputs).map(move |w| one(x, w))).collect()
    }

    #[test]
    fn one_row_and_many_rows_and_threads_give_the_same_product() {
        let (inputs, outputs) = (448, 300);
        let weights = sample(inputs * outputs, 1);
        let mut matrix = QuantisedMatrix::with_inputs(inputs).unwrap();
        matrix.push_rows(&weights[..inputs * 100]);
        matrix.push_rows(&weights[inputs * 100..]);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        for (rows, threads) in [(1, 1), (1, 2), (40, 1), (40, 2)] {
            let x = sample(inputs * rows, 2);
            let mut out = vec![0.0; outputs * rows];
            pool.install(|| matrix.multiply(&x, &mut out, &mut Vec::new(), Threads(threads)));
            for (got, want) in out.iter().zip(exact(&weights, &x, inputs)) {
                assert!((got - want).abs() < 0.15, "{got} is not {want} ({rows} rows)");
            }
        }
    }

    #[test]
    fn row_comes_back_within_half_a_step() {
        let weights = sample(64, 3);
        let mut matrix = QuantisedMatrix::with_inputs(32).unwrap();
        matrix.push_rows(&weights);
        let mut row = vec![0.0; 32];
        matrix.row(1, &mut row);
        for (got, want) in row.iter().zip(&weights[32..]) {
            assert!((got - want).abs() <= 1.0 / 254.0 + 1e-6);
        }
    }

    #[test]
    fn row_length_that_is_no_multiple_of_a_block_is_refused() {
        assert!(QuantisedMatrix::with_inputs(33).unwrap_err().contains("33"));
    }
}
