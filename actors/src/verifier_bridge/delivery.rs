//! What L2 wants of L3 is delivered: messages to the main node, posted transactions into its blocks, proofs to L2 of what
//! was done or cannot be done.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use alloy::primitives::{Address, B256, KECCAK256_EMPTY, U256};
use tern_messages::{BatchNumber, BlockNumber, ForcedTransaction, OfferedMessages, StateProof};
use tern_settlement::{ForcedEntry, InboxProof, L3_INBOX};
use tokio::time::Instant;
use tracing::{debug, info};

use super::looping::{CALL_LIMIT, Loop, Sight, Trouble};
use super::settlement::{Connector, Settlement};
use crate::main_node::MainNodeMessage;
use crate::sequencer::BatcherMessage;

/// Most posted transactions that are taken off the queue at a look.
const DISCHARGED: usize = 4;
/// How often to look while nothing new is verified: what cannot be executed may be shown to be so after some time only.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// What is known of the queues.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    /// The message that the main node wants next.
    pub(super) wanted: u64,
    /// The first posted transaction that the verified state leaves.
    forced: u64,
    /// Those after it that were taken off the queue.
    discharged: BTreeSet<u64>,
    /// The verified batch at which the queues' heads were looked at last, and when.
    looked_at: Option<(BatchNumber, Instant)>,
}

impl<C: Connector> Loop<C> {
    /// Delivers what waits. `known` are the messages that L2 knows to be processed, beside those of the verified state.
    pub(super) async fn deliver(
        &mut self,
        settlement: &C::Settlement,
        sight: &Sight,
        known: u64,
    ) -> Result<(), Trouble> {
        let verified = sight.latest.last_verified;
        let look = self
            .deliveries
            .looked_at
            .is_none_or(|(batch, when)| batch != verified || when.elapsed() >= LOOK_AGAIN);
        if look {
            let processed = settlement.processed().await?;
            self.deliveries.forced = processed.forced;
            self.records
                .prune(processed.messages, processed.forced)
                .await?;
        }
        let messages = self.records.messages_from(self.deliveries.wanted).await?;
        let offered = OfferedMessages { messages, known };
        let call = |reply| MainNodeMessage::OfferMessages(offered, reply);
        match self.config.main_node.call(call, CALL_LIMIT).await {
            Ok(wanted) => self.deliveries.wanted = wanted,
            Err(error) => {
                debug!(target: "tern::bridge", %error, "messages were not taken; they will be offered again");
            }
        }
        let posted = self.records.forced_from(self.deliveries.forced).await?;
        let waiting = posted
            .iter()
            .filter(|posted| !self.deliveries.discharged.contains(&posted.index));
        for transaction in waiting {
            let offer = MainNodeMessage::OfferForced(transaction.raw.clone());
            if let Err(error) = self.config.main_node.cast(offer) {
                debug!(target: "tern::bridge", %error, "a posted transaction was not taken; it will be offered again");
            }
        }
        // As long as there is something to take off, there may be more.
        if look && !self.discharge(settlement, sight).await? {
            self.deliveries.looked_at = Some((verified, Instant::now()));
        }
        Ok(())
    }

    /// Shows L2 of transactions at the queue's head that the verified state cannot execute them; says whether there
    /// were some.
    async fn discharge(
        &mut self,
        settlement: &C::Settlement,
        sight: &Sight,
    ) -> Result<bool, Trouble> {
        let (first, status, l2_time) = (self.deliveries.forced, &sight.latest, sight.l2_time);
        let entries = settlement.forced_entries(first, u64::MAX).await?;
        let of = |flag| {
            (first..)
                .zip(&entries)
                .filter(move |(_, entry)| entry.discharged == flag)
        };
        self.deliveries.discharged = of(true).map(|(index, _)| index).collect();
        if entries.is_empty() {
            return Ok(false);
        }
        let deadline = settlement.forced_deadline().await?;
        let waiting: BTreeMap<u64, &ForcedEntry> = of(false).collect();
        let mut left = DISCHARGED;
        for transaction in self.records.forced_from(first).await? {
            let Some(entry) = waiting.get(&transaction.index) else {
                continue;
            };
            // The others stay for some time, whatever the state says.
            let is_late = l2_time >= entry.posted.saturating_add(deadline)
                || status.verified_timestamp >= entry.posted.saturating_add(deadline / 2);
            let proof = self
                .state_proof(status.verified_block, transaction.sender, vec![])
                .await?;
            if is_dead(&transaction, &proof, is_late) {
                info!(target: "tern::bridge", index = transaction.index, sender = %transaction.sender,
                    "a posted transaction cannot be executed; it is taken off the queue");
                settlement.discharge(&transaction, proof.account).await?;
                self.deliveries.discharged.insert(transaction.index);
                left -= 1;
            }
            if left == 0 {
                break;
            }
        }
        Ok(left < DISCHARGED)
    }

    /// What the state after a block of ours says.
    async fn state_proof(
        &self,
        block: BlockNumber,
        account: Address,
        slots: Vec<B256>,
    ) -> Result<StateProof, Trouble> {
        let call = |reply| BatcherMessage::Proof(block, account, slots, reply);
        let proof = self.config.batcher.call(call, CALL_LIMIT).await?;
        proof.map_err(Trouble::Node)
    }

    /// What shows L2 which messages the state after a block has processed. L2 looks at it if it does not know that all are: and
    /// one may be sent just before.
    pub(super) async fn inbox_proof(
        &self,
        settlement: &C::Settlement,
        block: BlockNumber,
    ) -> Result<InboxProof, Trouble> {
        let processed = settlement.processed().await?;
        if processed.sent == 0 {
            return Ok(InboxProof::default());
        }
        let mut proof = self.state_proof(block, L3_INBOX, vec![B256::ZERO]).await?;
        Ok(InboxProof {
            account: proof.account,
            slot: proof.slots.pop().unwrap_or_default(),
        })
    }
}

/// Whether the contract takes the transaction off its queue, shown the sender's account in the verified state.
fn is_dead(transaction: &ForcedTransaction, account: &StateProof, is_late: bool) -> bool {
    if account.nonce > transaction.nonce {
        return true;
    }
    let exists = account.code_hash != B256::ZERO
        && (account.nonce > 0
            || account.balance > U256::ZERO
            || account.code_hash != KECCAK256_EMPTY);
    let executable = account.nonce == transaction.nonce
        && account.balance >= transaction.cost
        && (!exists || account.code_hash == KECCAK256_EMPTY);
    !executable && is_late
}
