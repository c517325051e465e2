//! What is on its way.

use alloy::primitives::{Address, U256};
use serde::Serialize;
use tern_settlement::{IBridge, IForcedQueue, IL3Inbox, L3_INBOX};

use super::{Crossing, CrossingError};

/// The bridge at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BridgeSummary {
    /// The `Bridge` on L2.
    pub bridge: Address,
    /// The `Rollup` on L2.
    pub rollup: Address,
    /// ETH that was deposited to the chain and has not left it, in wei.
    pub deposited: U256,
    /// Messages that were sent.
    pub messages_sent: u64,
    /// Messages that L3 has processed.
    pub messages_processed: u64,
    /// Messages that L2 knows to be processed.
    pub messages_proven: u64,
    /// Transactions that were posted on L2.
    pub forced_posted: u64,
    /// Those of them that a proven block holds, or that were passed over.
    pub forced_proven: u64,
    /// The last L3 block that L2 has verified: withdrawals up to it can be finalized.
    pub verified_block: u64,
    /// The account's ETH on L2, in wei.
    pub balance_on_l2: U256,
    /// The account's ETH on L3, in wei.
    pub balance_on_l3: U256,
}

impl Crossing {
    /// What is on its way.
    ///
    /// # Errors
    /// If a chain does not answer.
    pub async fn summary(&self) -> Result<BridgeSummary, CrossingError> {
        let (l2, l3, account) = (self.l2.l2(), self.l3.l2(), self.account());
        let deposited = IBridge::depositedCall {
            rollup: self.rollup.address(),
            token: Address::ZERO,
        };
        let queue = self.rollup.forced_queue();
        Ok(BridgeSummary {
            bridge: self.bridge,
            rollup: self.rollup.address(),
            deposited: l2.ask_contract(self.bridge, deposited).await?,
            messages_sent: self.rollup.message_count().await?,
            messages_processed: l3
                .ask_contract(L3_INBOX, IL3Inbox::nextIndexCall {})
                .await?,
            messages_proven: self.rollup.processed_messages().await?,
            forced_posted: l2.ask_contract(queue, IForcedQueue::countCall {}).await?,
            forced_proven: self.rollup.verified_forced().await?,
            verified_block: self.rollup.status().await?.verified_block.0,
            balance_on_l2: l2.balance(account).await?,
            balance_on_l3: l3.balance(account).await?,
        })
    }
}
