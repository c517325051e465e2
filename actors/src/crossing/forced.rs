//! Transactions that the operator cannot leave out.

use alloy::primitives::{Bytes, TxHash, U256};
use serde::Serialize;
use tern_settlement::{Call, IForcedQueue};

use super::{Crossing, CrossingError, Progress};

/// A signed L3 transaction that L2 has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Forced {
    /// Its place in the queue, from 0.
    pub index: u64,
    /// The L3 transaction.
    pub transaction: TxHash,
    /// The L2 transaction that posted it.
    pub posted: TxHash,
    /// What comes back once a proven block holds it, in wei.
    pub deposit: U256,
    /// Seconds until a block must hold it.
    pub deadline: u64,
}

impl Crossing {
    /// Posts a signed L3 transaction (EIP-2718 bytes) on L2, for a block to hold it by the deadline.
    ///
    /// # Errors
    /// [`CrossingError`].
    pub async fn force(
        &self,
        transaction: Bytes,
        progress: &mut Progress,
    ) -> Result<Forced, CrossingError> {
        let (l2, queue) = (self.l2.l2(), self.rollup.forced_queue());
        let deposit = l2
            .ask_contract(queue, IForcedQueue::depositNowCall {})
            .await?;
        progress.say("Posting the transaction on L2.");
        let call = Call::of(queue, &IForcedQueue::postCall { transaction }).sending(deposit);
        let mined = self.l2.send("the post", &call).await?;
        let event = self
            .said::<IForcedQueue::TransactionPosted>(&mined, queue, "a post")
            .await?;
        progress.say(&format!("Entry {} is on L2: {}.", event.index, mined.hash));
        Ok(Forced {
            index: event.index,
            transaction: event.transactionHash,
            posted: mined.hash,
            deposit,
            deadline: self.rollup.forced_deadline().await?,
        })
    }

    /// Waits until L3 has the transaction.
    ///
    /// # Errors
    /// If L3 does not answer.
    pub async fn until_executed(
        &self,
        forced: &Forced,
        progress: &mut Progress,
    ) -> Result<(), CrossingError> {
        let hours = forced.deadline / 3600;
        let entry = || IForcedQueue::entryCall {
            index: forced.index,
        };
        loop {
            let mined = self.l3.l2().is_mined(forced.transaction).await;
            match progress.heard(mined).await? {
                Some(true) => return Ok(()),
                Some(false) => {}
                None => continue,
            }
            let entry = self
                .l2
                .l2()
                .ask_contract(self.rollup.forced_queue(), entry());
            if let Some(entry) = progress.heard(entry.await).await?
                && entry.discharged
            {
                return Err(CrossingError::Other(format!(
                    "{} was taken off the queue: its sender's nonce or balance does not allow it",
                    forced.transaction
                )));
            }
            progress
                .wait(&format!(
                    "Waiting for a block of L3 that holds entry {}: soon, or within {hours} hours at the latest.",
                    forced.index
                ))
                .await;
        }
    }
}
