//! The smoothed size of an interaction.

/// Exponential smoothing: `avg_t = α·c_t + (1 − α)·avg_{t−1}`, and `avg_0 = c_0`.
///
/// `previous` is absent before the first interaction; `c_t` is what [`crate::interaction_tokens`] gives for the newest;
/// `alpha` is α, 0 < α ≤ 1. The result lies between the smallest and the largest `c_t` seen.
#[must_use]
pub fn update_average(previous: Option<f64>, c_t: u32, alpha: f64) -> f64 {
    let newest = f64::from(c_t);
    previous.map_or(newest, |average| alpha * newest + (1.0 - alpha) * average)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_interaction_is_its_own_average() {
        assert_eq!(update_average(None, 120, 0.3), 120.0);
    }

    #[test]
    fn newest_interaction_weighs_alpha() {
        assert!((update_average(Some(100.0), 200, 0.3) - 130.0).abs() < 1e-9);
        assert_eq!(update_average(Some(100.0), 200, 1.0), 200.0);
    }
}
