//! When the open block is closed: a pure function of figures and policy.

use std::fmt;
use std::time::Duration;

use tern_cluster_config::{ProvingCost, SealingPolicy};

/// The open block in figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Figures {
    /// Transactions in it; never 0 when a decision is asked for.
    pub transactions: u32,
    /// Gas used.
    pub gas_used: u64,
    /// Gas limit.
    pub gas_limit: u64,
    /// Bytes of its transactions.
    pub bytes: u64,
    /// Cycles of the prover's machine that its transactions take at most.
    pub cycles: u64,
    /// Time since its first transaction.
    pub age: Duration,
}

/// What to do with the open block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Close it now.
    Seal(Reason),
    /// Look again after this time, or after the next transaction.
    Wait(Duration),
}

/// Why a block is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Gas,
    Bytes,
    Transactions,
    ProvingCost,
    Age,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gas => "gas",
            Self::Bytes => "bytes",
            Self::Transactions => "number of transactions",
            Self::ProvingCost => "predicted proving time",
            Self::Age => "age",
        })
    }
}

/// Decides about a block that holds at least one transaction.
pub(super) fn decide(policy: &SealingPolicy, figures: &Figures, backlog: u64) -> Decision {
    let gas_full = u128::from(figures.gas_used) * 100
        >= u128::from(figures.gas_limit) * u128::from(policy.gas_percent);
    let full = [
        (gas_full, Reason::Gas),
        // Less room than a transfer needs.
        (
            figures.bytes.saturating_add(128) > policy.max_bytes,
            Reason::Bytes,
        ),
        (
            figures.transactions >= policy.max_transactions,
            Reason::Transactions,
        ),
        (
            predicted_proving(&policy.proving, figures.cycles) >= policy.proving.max,
            Reason::ProvingCost,
        ),
    ];
    if let Some((_, reason)) = full.into_iter().find(|(met, _)| *met) {
        return Decision::Seal(reason);
    }
    let interval = interval(policy, backlog);
    match interval.checked_sub(figures.age) {
        None | Some(Duration::ZERO) => Decision::Seal(Reason::Age),
        Some(rest) => Decision::Wait(rest),
    }
}

/// The age at which a block is sealed: it grows with the backlog, so that blocks grow instead of
/// multiplying.
pub(super) fn interval(policy: &SealingPolicy, backlog: u64) -> Duration {
    let full = policy.full_backlog.clamp(1, u64::from(u32::MAX));
    let behind = u32::try_from(backlog.min(full)).unwrap_or(u32::MAX);
    let full = u32::try_from(full).unwrap_or(u32::MAX);
    let span = policy.max_interval.saturating_sub(policy.min_interval);
    policy.min_interval + span.mul_f64(f64::from(behind) / f64::from(full))
}

/// The proving time that the linear model predicts for a block whose transactions take so many cycles.
pub(super) fn predicted_proving(cost: &ProvingCost, cycles: u64) -> Duration {
    let share = cost.per_million_cycles.as_nanos() * u128::from(cycles) / 1_000_000;
    let share = Duration::from_nanos(u64::try_from(share).unwrap_or(u64::MAX));
    cost.per_block.saturating_add(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn policy() -> SealingPolicy {
        SealingPolicy {
            min_interval: 2 * SECOND,
            max_interval: 60 * SECOND,
            full_backlog: 4,
            gas_percent: 90,
            max_bytes: 1000,
            max_transactions: 10,
            proving: ProvingCost {
                per_block: 10 * SECOND,
                per_million_cycles: 100 * SECOND,
                max: 120 * SECOND,
            },
        }
    }

    fn figures() -> Figures {
        Figures {
            transactions: 1,
            gas_used: 21_000,
            gas_limit: 1_000_000,
            bytes: 110,
            cycles: 50_000,
            age: SECOND,
        }
    }

    #[test]
    fn blocks_are_sealed_when_full_in_any_measure_or_old() {
        let quiet = figures();
        let cases = [
            ("young and nearly empty", quiet, Decision::Wait(SECOND)),
            (
                "old",
                Figures {
                    age: 2 * SECOND,
                    ..quiet
                },
                Decision::Seal(Reason::Age),
            ),
            (
                "below the gas mark",
                Figures {
                    gas_used: 899_999,
                    ..quiet
                },
                Decision::Wait(SECOND),
            ),
            (
                "at the gas mark",
                Figures {
                    gas_used: 900_000,
                    ..quiet
                },
                Decision::Seal(Reason::Gas),
            ),
            (
                "room for one transfer",
                Figures {
                    bytes: 872,
                    ..quiet
                },
                Decision::Wait(SECOND),
            ),
            (
                "bytes",
                Figures {
                    bytes: 873,
                    ..quiet
                },
                Decision::Seal(Reason::Bytes),
            ),
            (
                "transactions",
                Figures {
                    transactions: 10,
                    ..quiet
                },
                Decision::Seal(Reason::Transactions),
            ),
        ];
        for (name, figures, expected) in cases {
            assert_eq!(decide(&policy(), &figures, 0), expected, "{name}");
        }
    }

    #[test]
    fn a_block_that_is_predicted_to_take_too_long_is_sealed() {
        // 10 s + 1.1 × 100 s = 120 s.
        let dear = Figures {
            cycles: 1_100_000,
            ..figures()
        };
        assert_eq!(
            decide(&policy(), &dear, 0),
            Decision::Seal(Reason::ProvingCost)
        );
        let less = Figures {
            cycles: 1_099_999,
            ..dear
        };
        assert_eq!(decide(&policy(), &less, 0), Decision::Wait(SECOND));
    }

    #[test]
    fn blocks_grow_older_as_provers_fall_behind_up_to_the_maximum() {
        let seconds: Vec<f64> = (0..=6)
            .map(|backlog| interval(&policy(), backlog).as_secs_f64())
            .collect();
        assert_eq!(seconds, [2.0, 16.5, 31.0, 45.5, 60.0, 60.0, 60.0]);
        let aged = Figures {
            age: 30 * SECOND,
            ..figures()
        };
        assert_eq!(decide(&policy(), &aged, 0), Decision::Seal(Reason::Age));
        assert_eq!(decide(&policy(), &aged, 4), Decision::Wait(30 * SECOND));
        assert_eq!(
            decide(&policy(), &aged, u64::MAX),
            Decision::Wait(30 * SECOND)
        );
    }

    #[test]
    fn a_full_block_is_sealed_whatever_the_backlog() {
        let full = Figures {
            gas_used: 1_000_000,
            ..figures()
        };
        assert_eq!(decide(&policy(), &full, 100), Decision::Seal(Reason::Gas));
    }
}
