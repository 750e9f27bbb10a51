//! exp, softmax, GELU and SiLU over slices.

use super::sum::{largest, sum_of};

/// e^x with a relative error below 2e-7 on [-87, 88]; clamped outside.
///
/// Range reduction to [-ln 2 / 2, ln 2 / 2] and the degree-6 polynomial of Cephes `expf`
/// (<https://netlib.org/cephes/>). Branch-free, so that a loop over it becomes vector code.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Adding 1.5 * 2^23 rounds to an integer and leaves that integer in the low bits.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN2_HIGH - n * LN2_LOW;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_6e-1;
    let p = p * r + 0.5;
    let y = p * r * r + r + 1.0;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    y * power
}

/// The error function to 1.5e-7 (Abramowitz and Stegun, 7.1.26).
#[inline(always)]
fn erf(x: f32) -> f32 {
    let a = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * a);
    let p = 1.061_405_4;
    let p = p * t - 1.453_152_1;
    let p = p * t + 1.421_413_8;
    let p = p * t - 0.284_496_72;
    let p = p * t + 0.254_829_6;
    (1.0 - p * t * exp(-a * a)).copysign(x)
}

vectorised! {
    /// GELU in its exact form, x/2 (1 + erf(x/√2)), in place.
    pub(crate) fn gelu(values: &mut [f32]) {
        for x in values.iter_mut() {
            *x = 0.5 * *x * (1.0 + erf(*x * std::f32::consts::FRAC_1_SQRT_2));
        }
    }
}

vectorised! {
    /// `out[i] = silu(gate[i]) * up[i]`, the gate of a Llama feed-forward layer.
    pub(crate) fn silu_times(out: &mut [f32], gate: &[f32], up: &[f32]) {
        for ((out, &g), &u) in out.iter_mut().zip(gate).zip(up) {
            *out = g / (1.0 + exp(-g)) * u;
        }
    }
}

#[inline(always)]
fn softmax_row(row: &mut [f32]) {
    let max = largest(row);
    for x in row.iter_mut() {
        *x = exp(*x - max);
    }
    let scale = 1.0 / sum_of(row, |x| x);
    for x in row.iter_mut() {
        *x *= scale;
    }
}

vectorised! {
    /// Softmax of every row of `columns` values, in place.
    pub(crate) fn softmax(values: &mut [f32], columns: usize) {
        for row in values.chunks_exact_mut(columns) {
            softmax_row(row);
        }
    }
}

vectorised! {
    /// Softmax of row `i` over its first `first_visible + i` values; the rest of the row becomes zero.
    ///
    /// `first_visible` is how many positions the first row may see (at least one).
    pub(crate) fn softmax_causal(values: &mut [f32], columns: usize, first_visible: usize) {
        for (i, row) in values.chunks_exact_mut(columns).enumerate() {
            let (seen, hidden) = row.split_at_mut((first_visible + i).min(columns));
            softmax_row(seen);
            hidden.fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_within_two_parts_in_ten_million() {
        for i in -8_700_i16..=8_800 {
            let x = f32::from(i) / 100.0;
            let exact = f64::from(x).exp();
            assert!((f64::from(exp(x)) / exact - 1.0).abs() < 2.5e-7, "exp({x})");
        }
    }

    #[test]
    fn gelu_matches_tabulated_values() {
        let mut values = [-3.0, -1.0, -0.0, 0.5, 1.0, 2.0];
        gelu(&mut values);
        let expected = [-0.004_049_7, -0.158_655_26, 0.0, 0.345_731_23, 0.841_344_7, 1.954_499_7];
        for (got, want) in values.iter().zip(expected) {
            assert!((got - want).abs() < 1e-6, "{got} is not {want}");
        }
    }

    #[test]
    fn silu_gates_the_other_branch() {
        let mut out = [0.0; 3];
        silu_times(&mut out, &[0.0, 1.0, -2.0], &[5.0, 2.0, 1.0]);
        for (got, want) in out.iter().zip([0.0, 1.462_117_2, -0.238_405_84]) {
            assert!((got - want).abs() < 1e-6);
        }
    }

    #[test]
    fn softmax_rows_sum_to_one() {
        let mut values: Vec<f32> = (0..46_u8).map(|i| f32::from(i % 7) - 90.0).collect();
        softmax(&mut values, 23);
        for row in values.chunks_exact(23) {
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn causal_softmax_hides_later_positions() {
        let mut values = vec![1.0; 12];
        softmax_causal(&mut values, 4, 2);
        assert_eq!(values, [0.5, 0.5, 0.0, 0.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 0.0, 0.25, 0.25, 0.25, 0.25]);
    }
}
