//! When the open block is closed.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tern_messages::{MAX_BLOCK_BYTES, MAX_BLOCK_TRANSACTIONS};

use crate::error::ConfigError;

/// When the open block is closed. Transactions are confirmed before that, so waiting costs users nothing;
/// a block costs minutes of proving however few its transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SealingPolicy {
    /// Age at which a block is sealed when provers are idle, counted from its first transaction.
    #[serde(with = "humantime_serde")]
    pub min_interval: Duration,
    /// Age at which it is sealed however far provers are behind.
    #[serde(with = "humantime_serde")]
    pub max_interval: Duration,
    /// Unproven blocks at which the age reaches `max_interval`; it grows evenly up to there.
    pub full_backlog: u64,
    /// Gas used at which a block is sealed at once, in percent of its limit.
    pub gas_percent: u8,
    /// Bytes of transactions that a block holds at most: they are posted in one L2 transaction.
    pub max_bytes: u64,
    /// Most transactions of a block.
    pub max_transactions: u32,
    /// Predicted proving time at which a block is sealed at once.
    pub proving: ProvingCost,
}

/// A linear model of the time that one prover needs for a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProvingCost {
    /// What every block costs: the first segment, and the recursion above it.
    #[serde(with = "humantime_serde")]
    pub per_block: Duration,
    /// What each million cycles of the prover's machine adds, as the main node counts them: an upper bound, some
    /// 45,000 for a transfer.
    #[serde(with = "humantime_serde")]
    pub per_million_cycles: Duration,
    /// The time that a block may be predicted to need.
    #[serde(with = "humantime_serde")]
    pub max: Duration,
}

impl Default for SealingPolicy {
    fn default() -> Self {
        Self {
            min_interval: Duration::from_secs(2),
            max_interval: Duration::from_secs(60),
            full_backlog: 4,
            gas_percent: 90,
            max_bytes: 90 << 10,
            max_transactions: 500,
            proving: ProvingCost::default(),
        }
    }
}

/// Measured by `scripts/bench` on two cores, which differ from machine to machine: 89 to 105 s for a block of two
/// transfers, 315 to 370 s for one of twenty.
impl Default for ProvingCost {
    fn default() -> Self {
        Self {
            per_block: Duration::from_secs(70),
            per_million_cycles: Duration::from_secs(300),
            max: Duration::from_secs(900),
        }
    }
}

impl SealingPolicy {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let refuse = |key, problem: &str| Err(ConfigError::value(key, problem));
        if self.max_interval < self.min_interval {
            return refuse(
                "sealing.max_interval",
                "is shorter than sealing.min_interval",
            );
        }
        if self.max_interval > Duration::from_secs(3600) {
            return refuse("sealing.max_interval", "is longer than an hour");
        }
        if self.full_backlog == 0 {
            return refuse("sealing.full_backlog", "must be at least 1");
        }
        if !(1..=100).contains(&self.gas_percent) {
            return refuse("sealing.gas_percent", "is not between 1 and 100");
        }
        if !(1..=MAX_BLOCK_TRANSACTIONS).contains(&self.max_transactions) {
            let problem = format!("is not between 1 and {MAX_BLOCK_TRANSACTIONS}");
            return refuse("sealing.max_transactions", &problem);
        }
        // What a block holds is posted in one L2 transaction.
        if !(1..=MAX_BLOCK_BYTES).contains(&self.max_bytes) {
            let problem = format!("is not between 1 and {MAX_BLOCK_BYTES}");
            return refuse("sealing.max_bytes", &problem);
        }
        Ok(())
    }
}
