//! Layer normalisation (BERT) and root-mean-square normalisation (Llama), row by row.

use super::sum::sum_of;

vectorised! {
    /// Normalises every row in place to mean 0 and variance 1, then scales and shifts it.
    /// `weight.len()` is the width of a row.
    pub(crate) fn layer_norm(rows: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32) {
        let scale = reciprocal(weight.len());
        for row in rows.chunks_exact_mut(weight.len()) {
            let mean = sum_of(row, |x| x) * scale;
            let variance = sum_of(row, |x| (x - mean) * (x - mean)) * scale;
            let inverse = 1.0 / (variance + epsilon).sqrt();
            for ((x, &w), &b) in row.iter_mut().zip(weight).zip(bias) {
                *x = (*x - mean) * inverse * w + b;
            }
        }
    }
}

vectorised! {
    /// Writes every row of `rows`, divided by its root mean square and scaled, to `out`.
    pub(crate) fn rms_norm(out: &mut [f32], rows: &[f32], weight: &[f32], epsilon: f32) {
        let scale = reciprocal(weight.len());
        for (out, row) in out.chunks_exact_mut(weight.len()).zip(rows.chunks_exact(weight.len())) {
            let inverse = 1.0 / (sum_of(row, |x| x * x) * scale + epsilon).sqrt();
            for ((out, &x), &w) in out.iter_mut().zip(row).zip(weight) {
                *out = x * inverse * w;
            }
        }
    }
}

/// 1/n; widths are a few thousand and exact in `f32`.
fn reciprocal(n: usize) -> f32 {
    1.0 / f32::from(u16::try_from(n).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layer_norm_centres_and_scales() {
        let mut rows = [1.0, 2.0, 3.0, 4.0];
        layer_norm(&mut rows, &[1.0; 4], &[0.5; 4], 0.0);
        let want = [-0.841_640_8, 0.052_786_42, 0.947_213_6, 1.841_640_8];
        for (got, want) in rows.iter().zip(want) {
            assert!((got - want).abs() < 1e-6);
        }
    }

    #[test]
    fn rms_norm_keeps_the_sign_and_divides_by_the_root_mean_square() {
        let mut out = [0.0; 2];
        rms_norm(&mut out, &[3.0, -4.0], &[1.0, 2.0], 0.0);
        assert!((out[0] - 0.848_528_1).abs() < 1e-6);
        assert!((out[1] + 2.262_741_7).abs() < 1e-6);
    }
}
