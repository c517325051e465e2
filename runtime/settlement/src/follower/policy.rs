//! How patient and how generous following is.

use std::time::Duration;

use super::Fees;

/// How an L2 transaction is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowPolicy {
    /// Blocks that must hold the transaction, its own included, before it counts. At least 1.
    pub confirmations: u64,
    /// Time between two observations.
    pub poll: Duration,
    /// A transaction that L2 no longer knows is sent again after this time.
    pub resend_after: Duration,
    /// A transaction that is not mined is replaced by one with higher fees after this time.
    pub bump_after: Duration,
    /// Following ends after this time.
    pub give_up_after: Duration,
    /// Most that is paid for a unit of gas, in wei.
    pub max_fee: u128,
    /// Most gas that a transaction may use.
    pub gas_limit: u64,
}

impl Default for FollowPolicy {
    fn default() -> Self {
        Self {
            confirmations: 1,
            poll: Duration::from_secs(1),
            resend_after: Duration::from_secs(15),
            bump_after: Duration::from_secs(45),
            give_up_after: Duration::from_secs(1_800),
            max_fee: 500_000_000_000,
            gas_limit: 30_000_000,
        }
    }
}

impl FollowPolicy {
    /// `fees`, but no more than the policy pays.
    pub(super) fn capped(&self, fees: Fees) -> Fees {
        let max_fee = fees.max_fee.min(self.max_fee);
        Fees {
            max_fee,
            max_priority_fee: fees.max_priority_fee.min(max_fee),
        }
    }

    /// Fees with which a transaction at `current` can be replaced, unless they would exceed the cap.
    pub(super) fn replacement(&self, current: Fees, market: Fees) -> Option<Fees> {
        let raised = current.raised();
        if raised.max_fee > self.max_fee {
            return None;
        }
        let wanted = self.capped(raised.max(market));
        (wanted.max_priority_fee >= raised.max_priority_fee).then_some(wanted)
    }
}
