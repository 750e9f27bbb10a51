//! Which interactions stay raw.

use crate::{
    AdaptiveSettings,
    interaction::{Interaction, total_tokens},
};

/// The raw window: a contiguous newest suffix of the buffer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window<'w, 'a> {
    /// The interactions, oldest first.
    pub kept: &'w [Interaction<'a>],
    /// What they cost.
    pub tokens: u32,
    /// Interactions that a pruning keeps raw.
    pub dynamic_k: u32,
}

/// `clamp(⌊ρ·H / avg⌋, k_min, k_max)`: how many interactions of average size fill the share ρ of the history budget H.
///
/// `average` is the smoothed c_t; absent before the first interaction, when nothing speaks for less than `k_max`.
#[must_use]
pub fn dynamic_k(history_budget: u32, average: Option<f64>, settings: &AdaptiveSettings) -> u32 {
    let Some(average) = average else { return settings.k_max };
    // An average under one token would only come from empty interactions.
    let fit = (settings.retain_ratio * f64::from(history_budget) / average.max(1.0)).floor();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and k_max; NaN becomes 0")]
    let fit = fit.min(f64::from(settings.k_max)) as u32;
    fit.max(settings.k_min)
}

/// The newest interactions that fit `history_budget`, and how many of them a pruning keeps.
///
/// A buffer that outgrew the budget is to be pruned to its newest `dynamic_k` interactions, fewer if those do not fit.
/// Until that is done, nothing is gained by sending less than what fits.
#[must_use]
pub fn select<'w, 'a>(
    buffer: &'w [Interaction<'a>],
    history_budget: u32,
    average: Option<f64>,
    settings: &AdaptiveSettings,
) -> Window<'w, 'a> {
    let k = dynamic_k(history_budget, average, settings);
    let kept = newest_that_fit(buffer, history_budget);
    let outgrown = kept.len() < buffer.len();
    let most = u32::try_from(kept.len()).unwrap_or(u32::MAX);
    Window { kept, tokens: total_tokens(kept), dynamic_k: if outgrown { k.min(most) } else { k } }
}

fn newest_that_fit<'w, 'a>(buffer: &'w [Interaction<'a>], budget: u32) -> &'w [Interaction<'a>] {
    let (mut start, mut tokens) = (buffer.len(), 0_u32);
    while start > 0 {
        tokens = tokens.saturating_add(buffer[start - 1].tokens);
        if tokens > budget {
            break;
        }
        start -= 1;
    }
    &buffer[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> AdaptiveSettings {
        AdaptiveSettings { k_min: 2, k_max: 10, ..AdaptiveSettings::default() }
    }

    fn buffer(costs: &[u32]) -> Vec<Interaction<'static>> {
        costs.iter().map(|tokens| Interaction { messages: &[], tokens: *tokens }).collect()
    }

    #[test]
    fn k_is_the_share_of_the_budget_over_the_average_within_its_bounds() {
        assert_eq!(dynamic_k(1_000, Some(100.0), &settings()), 5);
        assert_eq!(dynamic_k(1_000, Some(120.0), &settings()), 4);
        assert_eq!(dynamic_k(1_000, Some(5_000.0), &settings()), 2);
        assert_eq!(dynamic_k(1_000, Some(0.0), &settings()), 10);
        assert_eq!(dynamic_k(1_000, None, &settings()), 10);
    }

    #[test]
    fn buffer_that_fits_stays_whole_even_beyond_k() {
        let buffer = buffer(&[1; 40]);
        assert_eq!(select(&buffer, 40, Some(1.0), &settings()).kept.len(), 40);
    }

    #[test]
    fn buffer_that_outgrows_the_budget_shows_what_fits_and_is_pruned_to_k() {
        let buffer = buffer(&[100, 100, 100, 100, 100, 90]);
        let window = select(&buffer, 500, Some(100.0), &settings());
        assert_eq!((window.dynamic_k, window.tokens), (2, 490));
        assert_eq!(window.kept, &buffer[1..]);
    }

    #[test]
    fn k_shrinks_until_the_newest_fit() {
        let buffer = buffer(&[10, 10, 400, 200]);
        let window = select(&buffer, 500, Some(50.0), &settings());
        assert_eq!((window.dynamic_k, window.tokens), (1, 200));
    }

    #[test]
    fn newest_interaction_over_the_budget_leaves_the_window_empty() {
        let buffer = buffer(&[10, 600]);
        let window = select(&buffer, 500, Some(50.0), &settings());
        assert_eq!((window.dynamic_k, window.kept.len()), (0, 0));
    }
}
