//! How the tokens of a prompt are shared out. Pure arithmetic; every amount is in tokens.

use domain::{ModelInfo, ReceiptBudget, SectionKind};

use crate::AdaptiveSettings;

/// What a section may claim when tokens are short.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Claim {
    /// It is always there whole; where it does not fit, there is no prompt.
    Required,
    /// It is there whole or not at all.
    WholeOrNothing,
    /// It has between a floor and a ceiling, shares of what the sections above leave free. What it does not use of its
    /// floor goes to the others.
    Share {
        /// The share that no section below can take.
        floor: f64,
        /// The most that it may have.
        ceiling: f64,
    },
}

/// Which sections give way to which: a section yields to all above it.
///
/// The best passage ranks above the summary, because a grounded reply without it is worth nothing; the floor of the
/// documents is therefore never less than that passage. A quarter holds the three passages of 256 tokens that are sent
/// by default in every budget from 4,000 tokens; above three quarters more passages push out the conversation they are
/// about.
pub const CLAIMS: [(SectionKind, Claim); 6] = [
    (SectionKind::SystemInstruction, Claim::Required),
    (SectionKind::NewMessage, Claim::Required),
    (SectionKind::RollingSummary, Claim::WholeOrNothing),
    (SectionKind::LongTermMemory, Claim::WholeOrNothing),
    (SectionKind::RetrievedDocuments, Claim::Share { floor: DOCUMENTS_FLOOR, ceiling: DOCUMENTS_CEILING }),
    (SectionKind::RawWindow, Claim::Share { floor: 0.0, ceiling: 1.0 }),
];

const DOCUMENTS_FLOOR: f64 = 0.25;
const DOCUMENTS_CEILING: f64 = 0.75;

/// `B = min(max_context_tokens, window − reserve)`.
///
/// The reserve for the reply is at most a quarter of the window, so that a model of 2,048 tokens can still be told
/// something, and at most what the model can write.
#[must_use]
pub fn of_model(model: &ModelInfo, settings: &AdaptiveSettings) -> ReceiptBudget {
    let window = model.context_window;
    let reserve = settings.reply_reserve.min(model.max_output_tokens).min(window / 4);
    ReceiptBudget {
        window,
        max_context_tokens: settings.max_context_tokens,
        reserve,
        available: settings.max_context_tokens.min(window - reserve),
    }
}

/// What the sections would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand<'a> {
    /// Instructions, new message and the overhead of the prompt.
    pub required: u32,
    /// The rolling summary; 0 where there is none.
    pub summary: u32,
    /// Preferences and long-term memory; 0 where there are none.
    pub long_term: u32,
    /// What stands before the first passage.
    pub passages_heading: u32,
    /// Each passage, best first.
    pub passages: &'a [u32],
}

/// What the sections get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// Whether the summary is sent.
    pub summary: bool,
    /// Whether long-term memory is sent.
    pub long_term: bool,
    /// What passages and history share.
    pub free: u32,
    /// What history leaves to the passages whatever its size.
    pub passages_floor: u32,
    /// `H`: the most that history may have.
    pub history: u32,
}

impl Shares {
    /// The most that the passages may have once history has taken `history_tokens`, which are at most `history`.
    #[must_use]
    pub fn passages(&self, history_tokens: u32) -> u32 {
        let rest = self.free.saturating_sub(history_tokens);
        rest.min(share(self.free, DOCUMENTS_CEILING)).max(self.passages_floor)
    }
}

/// Shares out `available` by [`CLAIMS`]. Where `required` exceeds it, nothing is left to share.
#[must_use]
pub fn share_out(available: u32, demand: &Demand<'_>) -> Shares {
    let mut free = available.saturating_sub(demand.required);
    let best_passage = demand
        .passages
        .iter()
        .map(|tokens| tokens.saturating_add(demand.passages_heading))
        .find(|tokens| *tokens <= free)
        .unwrap_or(0);
    let mut take_whole = |tokens: u32| {
        let fits = tokens <= free - best_passage;
        if fits {
            free -= tokens;
        }
        fits
    };
    let (summary, long_term) = (take_whole(demand.summary), take_whole(demand.long_term));
    let wanted = demand.passages.iter().fold(demand.passages_heading, |sum, tokens| sum.saturating_add(*tokens));
    let passages_floor = if best_passage == 0 { 0 } else { share(free, DOCUMENTS_FLOOR).max(best_passage).min(wanted) };
    Shares { summary, long_term, free, passages_floor, history: free - passages_floor }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is at most the whole, a u32")]
fn share(whole: u32, part: f64) -> u32 {
    (f64::from(whole) * part) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(context_window: u32) -> ModelInfo {
        ModelInfo { id: "test/model".into(), context_window, max_output_tokens: 4_096, price_per_million: None }
    }

    const NOTHING: Demand<'_> = Demand { required: 0, summary: 0, long_term: 0, passages_heading: 0, passages: &[] };

    #[test]
    fn prompt_has_what_the_operator_allows_or_the_window_leaves() {
        let settings = AdaptiveSettings::default();
        assert_eq!(of_model(&model(128_000), &settings).available, 8_000);
        assert_eq!(of_model(&model(8_192), &settings).available, 8_192 - 1_024);
        assert_eq!(of_model(&model(2_048), &settings).available, 2_048 - 512);
        assert_eq!(of_model(&model(0), &settings).available, 0);
    }

    #[test]
    fn history_has_everything_where_there_are_no_passages() {
        let shares = share_out(1_000, &Demand { required: 200, ..NOTHING });
        assert_eq!((shares.history, shares.passages_floor), (800, 0));
    }

    #[test]
    fn passages_keep_their_floor_and_may_use_what_history_leaves() {
        let shares = share_out(1_200, &Demand { required: 200, passages_heading: 50, passages: &[200; 5], ..NOTHING });
        assert_eq!((shares.passages_floor, shares.history), (250, 750));
        assert_eq!(shares.passages(750), 250);
        assert_eq!(shares.passages(400), 600);
        assert_eq!(shares.passages(0), 750);
    }

    #[test]
    fn few_passages_reserve_no_more_than_they_need() {
        let shares = share_out(1_000, &Demand { passages_heading: 10, passages: &[20, 20], ..NOTHING });
        assert_eq!(shares.passages_floor, 50);
    }

    #[test]
    fn best_passage_comes_before_summary_and_summary_before_long_term() {
        let demand = Demand { required: 100, summary: 60, long_term: 30, passages_heading: 0, passages: &[300] };
        let at = |available| {
            let shares = share_out(available, &demand);
            (shares.passages_floor, shares.summary, shares.long_term)
        };
        assert_eq!(at(490), (300, true, true));
        assert_eq!(at(489), (300, true, false));
        assert_eq!(at(430), (300, false, true));
        assert_eq!(at(400), (300, false, false));
        assert_eq!(at(399), (0, true, true));
    }

    #[test]
    fn passage_that_cannot_fit_does_not_bar_the_next() {
        let shares = share_out(100, &Demand { passages_heading: 10, passages: &[200, 60], ..NOTHING });
        assert_eq!(shares.passages_floor, 70);
    }
}
