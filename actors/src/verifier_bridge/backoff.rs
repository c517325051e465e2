//! Growing pauses between attempts, with jitter so that many clients do not come back at once, and why they fail: each
//! reason is worth saying once.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// Attempts in a row that failed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
    reason: Option<String>,
}

impl Backoff {
    /// An attempt succeeded. Says whether the one before failed.
    pub(crate) fn reset(&mut self) -> bool {
        self.failures = 0;
        self.reason.take().is_some()
    }

    /// An attempt failed: how long to wait, and whether the one before did not fail for this reason. `random` is between
    /// 0 and 1.
    pub(crate) fn failed(&mut self, reason: &str, random: f64) -> (Duration, bool) {
        let doubled = FIRST
            .saturating_mul(1 << self.failures.min(16))
            .min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let is_new = self.reason.as_deref() != Some(reason);
        if is_new {
            self.reason = Some(reason.to_owned());
        }
        (doubled.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0), is_new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_start_again_after_a_success() {
        let mut backoff = Backoff::default();
        let mut pause = |random| backoff.failed("a reason", random).0.as_millis();
        let pauses: Vec<_> = (0..8).map(|_| pause(1.0)).collect();
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        backoff.reset();
        assert_eq!(backoff.failed("a reason", 0.0).0.as_millis(), 250);
    }

    #[test]
    fn a_reason_is_new_once_until_another_one_or_a_success() {
        let mut backoff = Backoff::default();
        assert!(!backoff.reset());
        let reasons = ["one", "one", "other", "one"];
        let new = reasons.map(|reason| backoff.failed(reason, 0.0).1);
        assert_eq!(new, [true, false, true, true]);
        assert!(backoff.reset());
        assert!(backoff.failed("one", 0.0).1);
    }
}
