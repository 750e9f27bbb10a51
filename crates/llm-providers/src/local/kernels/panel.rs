//! Weights in panels: groups of outputs whose weights for one input lie side by side.
//!
//! That is the order in which a product reads them, so `gemm` has nothing to rearrange, and a product with a single
//! row needs no sum across a register.

use super::{
    Matrix, MatrixMut,
    matmul::{Sum, product},
};

/// Outputs per panel: one row of the widest kernel of `gemm`.
pub(crate) const PANEL: usize = 64;
/// Rows per call: `gemm` copies the weights when there are more than eight times its kernel's rows (4 with AVX2,
/// 6 with AVX-512).
const ROWS: usize = 24;

/// Activations and where the product goes; both are rows that lie one after the other.
pub(super) struct Rows<'a> {
    pub(super) x: &'a [f32],
    pub(super) inputs: usize,
    pub(super) out: &'a mut [f32],
    pub(super) outputs: usize,
}

impl Rows<'_> {
    /// Multiplies by one panel of `inputs` × `PANEL` weights whose first output is `first`; outputs past the last one
    /// are padding. With `keep` the product is added to what is there.
    pub(super) fn multiply_panel(&mut self, weights: &[f32], first: usize, keep: bool) {
        let columns = PANEL.min(self.outputs - first);
        let chunks = self.x.chunks(ROWS * self.inputs).zip(self.out.chunks_mut(ROWS * self.outputs));
        for (x, out) in chunks {
            let rows = x.len() / self.inputs;
            product(
                &mut MatrixMut::rows(&mut out[first..], rows, columns, self.outputs),
                Matrix::rows(x, rows, self.inputs, self.inputs),
                Matrix::rows(weights, self.inputs, columns, PANEL),
                Sum { keep, factor: 1.0 },
            );
        }
    }
}

/// A linear layer in `f32`: weights in panels, and a bias.
#[derive(Debug)]
pub(crate) struct Linear {
    inputs: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    /// Arranges `weights`, given as rows of `inputs` values, one for each of `bias`.
    pub(crate) fn new(weights: &[f32], bias: Vec<f32>) -> Self {
        let inputs = weights.len() / bias.len().max(1);
        let panels = bias.len().div_ceil(PANEL);
        let mut arranged = vec![0.0; panels * PANEL * inputs];
        for (output, row) in weights.chunks_exact(inputs.max(1)).enumerate() {
            let panel = &mut arranged[output / PANEL * PANEL * inputs..];
            for (input, &w) in row.iter().enumerate() {
                panel[input * PANEL + output % PANEL] = w;
            }
        }
        Self { inputs, weights: arranged, bias }
    }

    /// `out = x * weights + bias`
    pub(crate) fn run(&self, x: &[f32], out: &mut Vec<f32>) {
        out.resize(x.len() / self.inputs * self.bias.len(), 0.0);
        out.chunks_exact_mut(self.bias.len()).for_each(|row| row.copy_from_slice(&self.bias));
        self.accumulate(x, out);
    }

    /// `out += x * weights + bias`
    pub(crate) fn add_to(&self, x: &[f32], out: &mut [f32]) {
        out.chunks_exact_mut(self.bias.len()).for_each(|row| super::add(row, &self.bias));
        self.accumulate(x, out);
    }

    fn accumulate(&self, x: &[f32], out: &mut [f32]) {
        let mut rows = Rows { x, inputs: self.inputs, out, outputs: self.bias.len() };
        for (panel, weights) in self.weights.chunks_exact(PANEL * self.inputs).enumerate() {
            rows.multiply_panel(weights, panel * PANEL, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layer_with_a_partial_panel_multiplies_and_adds_its_bias() {
        let (inputs, outputs) = (3, 70);
        let weights: Vec<f32> = (0..210_u8).map(|i| f32::from(i) / 100.0).collect();
        let bias: Vec<f32> = (0..70_u8).map(f32::from).collect();
        let layer = Linear::new(&weights, bias.clone());
        let x: Vec<f32> = (0..75_u8).map(|i| f32::from(i % 5) - 2.0).collect();
        let mut out = Vec::new();
        layer.run(&x, &mut out);
        for (row, out) in x.chunks_exact(inputs).zip(out.chunks_exact(outputs)) {
            for ((w, b), got) in weights.chunks_exact(inputs).zip(&bias).zip(out) {
                let want = w.iter().zip(row).map(|(w, x)| w * x).sum::<f32>() + b;
                assert!((got - want).abs() < 1e-4, "{got} is not {want}");
            }
        }
        let before = out.clone();
        layer.add_to(&x, &mut out);
        assert!(out.iter().zip(before).all(|(now, before)| (now - 2.0 * before).abs() < 1e-3));
    }
}
