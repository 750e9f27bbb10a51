//! Choosing the next token.

use std::collections::BinaryHeap;

/// How tokens are chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sampling {
    /// 0 takes the likeliest token.
    pub(super) temperature: f32,
    /// The share of probability that is considered, likeliest first.
    pub(super) top_p: f32,
    /// Start of the random sequence.
    pub(super) seed: u64,
}

/// Chooses tokens; the same sampling and scores give the same choices.
#[derive(Debug)]
pub(super) struct Sampler {
    sampling: Sampling,
    state: u64,
}

/// A token and its weight; ordered by weight, equal ones by the smaller token.
#[derive(Debug, PartialEq)]
struct Candidate {
    weight: f32,
    token: u32,
}

impl Eq for Candidate {}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.weight.total_cmp(&other.weight).then_with(|| other.token.cmp(&self.token))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Sampler {
    pub(super) fn new(sampling: Sampling) -> Self {
        Self { sampling, state: sampling.seed }
    }

    /// The next token for the scores of the whole vocabulary.
    pub(super) fn choose(&mut self, logits: &[f32]) -> u32 {
        let (best, highest) = likeliest(logits);
        // Below this temperature the second token could not be told from the first in `f32` either.
        if self.sampling.temperature < 1e-3 {
            return best;
        }
        let scale = 1.0 / self.sampling.temperature;
        // e^-20 of the best one's weight: beyond the reach of any top_p below 1 that a user could tell apart from 1.
        let candidates = logits.iter().zip(0..).filter_map(|(&logit, token)| {
            let exponent = (logit - highest) * scale;
            (exponent > -20.0).then(|| Candidate { weight: exponent.exp(), token })
        });
        self.draw(candidates.collect::<Vec<_>>()).unwrap_or(best)
    }

    /// Draws from the likeliest candidates that together reach `top_p`.
    fn draw(&mut self, candidates: Vec<Candidate>) -> Option<u32> {
        let total: f32 = candidates.iter().map(|c| c.weight).sum();
        let limit = total * self.sampling.top_p;
        let (mut heap, mut kept, mut sum) = (BinaryHeap::from(candidates), Vec::new(), 0.0);
        while sum < limit || kept.is_empty() {
            let Some(candidate) = heap.pop() else { break };
            sum += candidate.weight;
            kept.push(candidate);
        }
        let mut target = self.fraction() * sum;
        let chosen = kept.iter().find(|candidate| {
            target -= candidate.weight;
            target < 0.0
        });
        chosen.or(kept.last()).map(|candidate| candidate.token)
    }

    /// A number in 0..1 with 24 random bits.
    fn fraction(&mut self) -> f32 {
        let bits = self.next() >> 40;
        // 24 bits are exact in f32.
        #[allow(clippy::cast_precision_loss, reason = "24 bits fit the 24 bits of an f32")]
        let value = bits as f32;
        value / 16_777_216.0
    }

    /// `SplitMix64` (Steele, Lea and Flood, 2014): small, and the same on every machine and version.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = self.state;
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn likeliest(logits: &[f32]) -> (u32, f32) {
    let higher = |best: (u32, f32), (&logit, token): (&f32, u32)| if logit > best.1 { (token, logit) } else { best };
    logits.iter().zip(0..).fold((0, f32::NEG_INFINITY), higher)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(sampling: Sampling, logits: &[f32]) -> Vec<u32> {
        let mut sampler = Sampler::new(sampling);
        (0..1000).map(|_| sampler.choose(logits)).collect()
    }

    #[test]
    fn temperature_zero_takes_the_likeliest_and_the_first_of_equals() {
        let sampling = Sampling { temperature: 0.0, top_p: 1.0, seed: 1 };
        assert_eq!(Sampler::new(sampling).choose(&[0.5, 3.0, 3.0, -1.0]), 1);
    }

    #[test]
    fn same_seed_gives_the_same_tokens_and_another_seed_others() {
        let logits = [1.0, 1.1, 0.9, 1.2];
        let sampling = Sampling { temperature: 1.0, top_p: 1.0, seed: 7 };
        assert_eq!(draws(sampling, &logits), draws(sampling, &logits));
        assert_ne!(draws(sampling, &logits), draws(Sampling { seed: 8, ..sampling }, &logits));
    }

    #[test]
    fn draws_follow_the_probabilities() {
        let logits = [2.0_f32.ln(), 0.0, 1.0_f32.ln()];
        let drawn = draws(Sampling { temperature: 1.0, top_p: 1.0, seed: 3 }, &logits);
        let share = drawn.iter().filter(|&&t| t == 0).count();
        assert!((430..570).contains(&share), "half of 1000 draws, got {share}");
    }

    #[test]
    fn tokens_outside_of_top_p_are_never_drawn() {
        let logits = [3.0, 2.9, 0.0, -1.0];
        let drawn = draws(Sampling { temperature: 1.0, top_p: 0.9, seed: 5 }, &logits);
        assert!(drawn.iter().all(|&t| t < 2) && drawn.contains(&0) && drawn.contains(&1));
    }

    #[test]
    fn scores_that_are_no_numbers_do_not_stop_it() {
        let drawn = Sampler::new(Sampling { temperature: 1.0, top_p: 0.5, seed: 1 }).choose(&[f32::NAN, f32::NAN]);
        assert_eq!(drawn, 0);
    }
}
