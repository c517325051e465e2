//! How often a child may be restarted.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Restart intensity: at most `max_restarts` within `window`, each after a growing pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    /// Restarts allowed within the window. 0 means that the first failure ends the process.
    pub max_restarts: u32,
    /// The window.
    pub window: Duration,
    /// Pause before the first restart; doubles with each further one in the window.
    pub first_pause: Duration,
    /// The longest pause.
    pub max_pause: Duration,
}

impl RestartPolicy {
    /// The first failure ends the process.
    pub const NEVER: Self = Self {
        max_restarts: 0,
        window: Duration::ZERO,
        first_pause: Duration::ZERO,
        max_pause: Duration::ZERO,
    };

    /// For actors that hold the chain: 5 restarts in a minute, after 100 ms, 200 ms, … 2 s.
    pub const STANDARD: Self = Self {
        max_restarts: 5,
        window: Duration::from_secs(60),
        first_pause: Duration::from_millis(100),
        max_pause: Duration::from_secs(2),
    };
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Start the child again after the pause.
    Restart {
        /// The pause.
        after: Duration,
    },
    /// The child failed too often.
    Escalate {
        /// Failures within the window, this one included.
        failures: u32,
    },
}

/// The recent failures of one child.
#[derive(Clone, Debug, Default)]
pub struct RestartHistory {
    failures: VecDeque<Instant>,
}

impl RestartHistory {
    /// Counts a failure at `now` and says what to do.
    pub fn record(&mut self, policy: &RestartPolicy, now: Instant) -> Verdict {
        while self
            .failures
            .front()
            .is_some_and(|&then| now.duration_since(then) > policy.window)
        {
            self.failures.pop_front();
        }
        self.failures.push_back(now);
        let failures = u32::try_from(self.failures.len()).unwrap_or(u32::MAX);
        if failures > policy.max_restarts {
            return Verdict::Escalate { failures };
        }
        let doublings = (failures - 1).min(16);
        Verdict::Restart {
            after: policy
                .first_pause
                .saturating_mul(1 << doublings)
                .min(policy.max_pause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RestartPolicy = RestartPolicy {
        max_restarts: 3,
        window: Duration::from_secs(10),
        first_pause: Duration::from_millis(100),
        max_pause: Duration::from_millis(300),
    };

    fn restart(millis: u64) -> Verdict {
        Verdict::Restart {
            after: Duration::from_millis(millis),
        }
    }

    #[test]
    fn pauses_double_up_to_the_limit_and_then_the_failure_escalates() {
        let mut history = RestartHistory::default();
        let now = Instant::now();
        let verdicts: Vec<_> = (0..4).map(|_| history.record(&POLICY, now)).collect();
        assert_eq!(
            verdicts,
            [
                restart(100),
                restart(200),
                restart(300),
                Verdict::Escalate { failures: 4 }
            ]
        );
    }

    #[test]
    fn failures_older_than_the_window_are_forgotten() {
        let mut history = RestartHistory::default();
        let start = Instant::now();
        for second in 0..3 {
            history.record(&POLICY, start + Duration::from_secs(second));
        }
        let verdict = history.record(&POLICY, start + Duration::from_millis(11_500));
        assert_eq!(
            verdict,
            restart(200),
            "only the failure at second 2 is still counted"
        );
    }

    #[test]
    fn a_child_that_must_not_be_restarted_escalates_at_once() {
        let verdict = RestartHistory::default().record(&RestartPolicy::NEVER, Instant::now());
        assert_eq!(verdict, Verdict::Escalate { failures: 1 });
    }
}
