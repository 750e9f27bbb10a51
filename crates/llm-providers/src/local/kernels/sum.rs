//! Reductions in sixteen lanes: the compiler may not reorder floating-point sums by itself.

const LANES: usize = 16;

/// Sum of `f(x)` over `values`.
#[inline(always)]
pub(super) fn sum_of(values: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let chunks = values.chunks_exact(LANES);
    let tail: f32 = chunks.remainder().iter().map(|&x| f(x)).sum();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += f(x);
        }
    }
    fold_lanes(lanes) + tail
}

/// Sum of lanes by halving, which stays in vector registers.
#[inline(always)]
pub(super) fn fold_lanes<const N: usize>(mut lanes: [f32; N]) -> f32 {
    let mut half = N / 2;
    while half > 0 {
        let (low, high) = lanes.split_at_mut(half);
        for (low, &high) in low.iter_mut().zip(high.iter()) {
            *low += high;
        }
        half /= 2;
    }
    lanes[0]
}

/// The largest of `values`; negative infinity when there are none.
#[inline(always)]
pub(super) fn largest(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = values.chunks_exact(LANES);
    let tail = chunks.remainder().iter().fold(f32::NEG_INFINITY, |a, &x| if x > a { x } else { a });
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            // Not `f32::max`: its rule for NaN keeps the loop from becoming one instruction.
            *lane = if x > *lane { x } else { *lane };
        }
    }
    lanes.iter().fold(tail, |a, &x| if x > a { x } else { a })
}

/// The largest absolute value of one block.
#[inline(always)]
pub(super) fn largest_magnitude<const N: usize>(values: &[f32; N]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    for chunk in values.as_chunks::<LANES>().0 {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            let x = x.abs();
            *lane = if x > *lane { x } else { *lane };
        }
    }
    lanes.iter().fold(0.0, |a, &x| if x > a { x } else { a })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reductions_include_the_tail() {
        let values: Vec<f32> = (1..=37_u8).map(f32::from).collect();
        assert_eq!(sum_of(&values, |x| x), 703.0);
        assert_eq!(largest(&values), 37.0);
        assert_eq!(largest(&[]), f32::NEG_INFINITY);
    }
}
