//! What an operator may set about memory.

use domain::{ErrorKind, ports::TurnRead};
use serde::{Deserialize, Serialize};

/// A setting is out of its range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} is {value}; expected {allowed}")]
pub struct SettingsError {
    /// The configuration key.
    pub key: &'static str,
    /// What it was set to.
    pub value: String,
    /// What it may be set to.
    pub allowed: &'static str,
}

impl SettingsError {
    /// The kind that callers see.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::ValidationFailed
    }
}

/// Settings of the policy `adaptive`, by their names under `memory.` in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdaptiveSettings {
    /// The most tokens that a prompt may have, whatever the model's window; 256 to 10,000,000, by default 8,000.
    pub max_context_tokens: u32,
    /// α, the weight of the newest interaction in the smoothed average; 0 < α ≤ 1, by default 0.3.
    pub smoothing_factor: f64,
    /// ρ, the share of the history budget that raw turns keep after a pruning; 0 < ρ ≤ 1, by default 0.5.
    pub retain_ratio: f64,
    /// The fewest interactions that a pruning keeps, where they fit; 1 to `k_max`, by default 2.
    pub k_min: u32,
    /// The most interactions that a pruning keeps; `k_min` to 1,000, by default 50.
    pub k_max: u32,
    /// Tokens kept free for the reply, at most the model's output limit and a quarter of its window;
    /// 1 to 1,000,000, by default 1,024 (a long answer of about 700 English words).
    pub reply_reserve: u32,
}

impl Default for AdaptiveSettings {
    fn default() -> Self {
        Self {
            max_context_tokens: 8_000,
            smoothing_factor: 0.3,
            retain_ratio: 0.5,
            k_min: 2,
            k_max: 50,
            reply_reserve: 1_024,
        }
    }
}

impl AdaptiveSettings {
    /// Checks every range.
    ///
    /// # Errors
    /// The first setting that is out of its range, by its configuration key, with what is allowed.
    pub fn validate(&self) -> Result<(), SettingsError> {
        check(
            (256..=10_000_000).contains(&self.max_context_tokens),
            "memory.max_context_tokens",
            &self.max_context_tokens,
            "256 to 10000000 tokens",
        )?;
        check(is_share(self.smoothing_factor), "memory.smoothing_factor", &self.smoothing_factor, "0 < α ≤ 1")?;
        check(is_share(self.retain_ratio), "memory.retain_ratio", &self.retain_ratio, "0 < ρ ≤ 1")?;
        check((1..=1_000).contains(&self.k_max), "memory.k_max", &self.k_max, "1 to 1000 interactions")?;
        check((1..=self.k_max).contains(&self.k_min), "memory.k_min", &self.k_min, "1 to memory.k_max interactions")?;
        check(
            (1..=1_000_000).contains(&self.reply_reserve),
            "memory.reply_reserve",
            &self.reply_reserve,
            "1 to 1000000 tokens",
        )
    }

    /// How much history one assembly can make use of.
    ///
    /// Reading as many tokens as a prompt may have shows whether the buffer has outgrown its budget. Four messages for
    /// each of `k_max` interactions are twice what a pruning keeps.
    #[must_use]
    pub fn turn_read(&self) -> TurnRead {
        TurnRead { max_tokens: self.max_context_tokens, max_messages: self.k_max.saturating_mul(4) }
    }
}

fn is_share(value: f64) -> bool {
    value > 0.0 && value <= 1.0
}

fn check(ok: bool, key: &'static str, value: &dyn ToString, allowed: &'static str) -> Result<(), SettingsError> {
    if ok { Ok(()) } else { Err(SettingsError { key, value: value.to_string(), allowed }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(&mut AdaptiveSettings)) -> String {
        let mut settings = AdaptiveSettings::default();
        change(&mut settings);
        settings.validate().unwrap_err().to_string()
    }

    #[test]
    fn defaults_are_valid() {
        AdaptiveSettings::default().validate().unwrap();
    }

    #[test]
    fn refusals_name_the_key_and_what_is_allowed() {
        assert_eq!(refusal(|s| s.smoothing_factor = 1.5), "memory.smoothing_factor is 1.5; expected 0 < α ≤ 1");
        assert_eq!(refusal(|s| s.smoothing_factor = f64::NAN), "memory.smoothing_factor is NaN; expected 0 < α ≤ 1");
        assert_eq!(refusal(|s| s.retain_ratio = 0.0), "memory.retain_ratio is 0; expected 0 < ρ ≤ 1");
        assert_eq!(refusal(|s| s.k_min = 51), "memory.k_min is 51; expected 1 to memory.k_max interactions");
        assert_eq!(refusal(|s| s.k_max = 0), "memory.k_max is 0; expected 1 to 1000 interactions");
        assert_eq!(
            refusal(|s| s.max_context_tokens = 10),
            "memory.max_context_tokens is 10; expected 256 to 10000000 tokens"
        );
        assert_eq!(refusal(|s| s.reply_reserve = 0), "memory.reply_reserve is 0; expected 1 to 1000000 tokens");
    }

    #[test]
    fn bounds_of_ranges_are_allowed() {
        let settings = AdaptiveSettings { smoothing_factor: 1.0, retain_ratio: 1.0, k_min: 50, ..Default::default() };
        settings.validate().unwrap();
    }
}
