use std::time::Duration;

/// How often a job is tried, and with which pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries in all, at least 1.
    pub max_attempts: u32,
    /// Pause after the first failure; each later one is twice as long.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl Default for RetryPolicy {
    /// 5 tries with pauses of 5, 10, 20 and 40 s: long enough for a busy pool or a restarted database.
    fn default() -> Self {
        Self { max_attempts: 5, first_pause: Duration::from_secs(5), longest_pause: Duration::from_secs(300) }
    }
}

impl RetryPolicy {
    /// The pause after the try of this number failed; absent where it was the last. No jitter: few workers share
    /// the queue, and each takes one job at a time.
    #[must_use]
    pub fn pause_after(&self, attempt: u32) -> Option<Duration> {
        if attempt >= self.max_attempts {
            return None;
        }
        let doublings = attempt.saturating_sub(1).min(16);
        Some(self.first_pause.saturating_mul(1 << doublings).min(self.longest_pause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_end_with_the_last_try() {
        let policy = RetryPolicy { longest_pause: Duration::from_secs(30), ..RetryPolicy::default() };
        let pauses: Vec<_> = (1..=5).map(|attempt| policy.pause_after(attempt).map(|pause| pause.as_secs())).collect();
        assert_eq!(pauses, [Some(5), Some(10), Some(20), Some(30), None]);
        let patient = RetryPolicy { max_attempts: u32::MAX, ..policy };
        assert_eq!(patient.pause_after(1000), Some(Duration::from_secs(30)));
    }
}
