//! What L2 wants of the chain: messages are the first thing that a block processes, and transactions that were posted there
//! are executed whoever sent them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use alloy::consensus::Transaction;
use alloy::primitives::{B256, Bytes, U256};
use tern_execution::{CallContext, ExecutionError, SignedTransaction};
use tern_messages::{BlockNumber, OfferedMessages, QueuedMessage, Rejection};
use tern_settlement::{L3_INBOX, Queue, processed};
use tern_storage::WriteBatch;
use tern_storage::tables::chain::{ANCHORS, TRANSACTIONS};
use tracing::{debug, error, info, warn};

use super::{Attempt, Engine, Turn};
use crate::main_node::chain::ChainError;
use crate::main_node::inbox::{Processing, Room};
use crate::main_node::open_block::{OpenBlock, block_time};
use crate::main_node::spec::{Finality, Sealing};
use crate::main_node::tables::ANCHOR;

/// Pause after messages could not be processed.
const PAUSE: Duration = Duration::from_secs(30);

/// Messages that a block may name beyond those that L2 knows to be processed before it: the contract refuses more.
const MAX_NAMED: u64 = 256;

/// How many messages a state has processed.
fn count(state: &CallContext) -> Result<u64, ChainError> {
    Ok(processed(state.storage(L3_INBOX, U256::ZERO)?))
}

/// Most transactions posted on L2 that are kept: as many as a commit looks at.
const MAX_POSTED: usize = 256;
/// How long one is kept that the bridge does not offer any more.
const OFFERED: Duration = Duration::from_secs(600);

/// A transaction that was posted on L2.
#[derive(Clone, Debug)]
pub(super) struct Posted {
    transaction: SignedTransaction,
    /// When the bridge offered it last.
    offered: Instant,
}

/// What came of an attempt.
enum Tried {
    Processed(Box<OpenBlock>, WriteBatch),
    /// So many do not fit, or their calls take too much.
    TooMuch(String),
    /// No transaction of the node's account is executed now.
    Refused(String),
}

impl Engine {
    /// Takes messages that the bridge offers; says which is wanted next.
    pub(super) fn take_messages(&mut self, offered: OfferedMessages) -> Result<u64, ChainError> {
        let OfferedMessages { messages, known } = offered;
        self.known_messages = known;
        let (processed, named) = (self.processed_messages()?, self.named_messages()?);
        Ok(self.inbox.offer(processed, named, messages))
    }

    /// How many messages the last sealed state has processed.
    fn processed_messages(&self) -> Result<u64, ChainError> {
        count(&self.sealed_state)
    }

    /// How many messages the last sealed block names.
    fn named_messages(&self) -> Result<u64, ChainError> {
        let number = BlockNumber(self.sealed.header.number);
        let anchor = self.chain.store.get(&ANCHORS, &number)?;
        Ok(anchor.unwrap_or_default().messages)
    }

    /// The messages that the next block names, beside those before them.
    pub(super) fn next_messages(&mut self) -> Result<Vec<QueuedMessage>, ChainError> {
        if self.chain.spec.finality == Finality::Immediate || self.used_anchor.is_none() {
            return Ok(Vec::new());
        }
        let time = block_time(&self.chain, &self.sealed.header, self.used_anchor);
        let (processed, room) = (self.processed_messages()?, self.room());
        let mut messages = self.inbox.next(processed, time, room);
        if !messages.is_empty() {
            let verified = self.chain.expect_header(self.finality.verified.1)?;
            let known = count(&self.chain.state_of(&verified.header)?)?.max(self.known_messages);
            let most = known.saturating_add(MAX_NAMED);
            messages.retain(|message| message.index < most);
        }
        Ok(messages)
    }

    /// Opens a block whose first transaction processes the next messages, if some wait and none is open.
    pub(super) fn process_messages(&mut self, turn: &mut Turn) -> Result<(), ChainError> {
        let is_open = self.open.as_ref().is_some_and(|open| !open.is_empty());
        let rests = self
            .inbox_rests_until
            .is_some_and(|until| Instant::now() < until);
        let cannot = self.halted.is_some() || self.chain.spec.processor.is_none();
        if is_open || rests || cannot || !self.may_open() {
            return Ok(());
        }
        self.use_newest_anchor();
        let (all, named) = (self.next_messages()?, self.named_messages()?);
        // Those that take more by themselves than can be proven.
        let mut parked = BTreeSet::new();
        let mut messages = &all[..];
        while let Some(last) = messages.last() {
            let end = last.index + 1;
            let Some(later) = self.inbox.hashes(end, named.max(end)) else {
                debug!(target: "tern::main_node", named, "not all messages that the last block names are here yet");
                return Ok(());
            };
            match self.try_processing(messages, &later, &parked)? {
                Tried::Processed(open, writes) => {
                    let (first, count) = (messages[0].index, messages.len());
                    info!(target: "tern::main_node", block = %open.number(), first, count, ?parked, "processed messages from L2");
                    turn.writes.append(writes);
                    turn.changed = true;
                    if let Some(anchor) = self.used_anchor {
                        turn.writes.put(&ANCHOR, &(), &anchor);
                    }
                    self.open = Some(*open);
                    return Ok(());
                }
                Tried::TooMuch(reason) if messages.len() > 1 => {
                    debug!(target: "tern::main_node", count = messages.len(), %reason, "too many messages at once");
                    messages = &messages[..messages.len() / 2];
                }
                Tried::TooMuch(reason) if parked.insert(last.index) => {
                    warn!(target: "tern::main_node", index = last.index, %reason,
                        "a message takes more than can be proven; it is parked");
                    // In the same block as those behind it, so that many of its kind do not hold these up.
                    messages = &all[..];
                }
                Tried::TooMuch(reason) | Tried::Refused(reason) => {
                    error!(target: "tern::main_node", first = last.index, %reason,
                        "messages from L2 wait: this node's account cannot process them");
                    self.inbox_rests_until = Some(Instant::now() + PAUSE);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Executes what was posted on L2 and could not be executed before, ahead of everybody else.
    pub(super) fn force_waiting(&mut self, turn: &mut Turn) -> Result<(), ChainError> {
        self.posted
            .retain(|_, posted| posted.offered.elapsed() < OFFERED);
        let waiting: Vec<_> = self.posted.values().cloned().collect();
        for posted in waiting {
            self.force_now(posted, turn)?;
        }
        Ok(())
    }

    /// Takes a transaction that was posted on L2, and executes it, if it can be executed now. It is sure to be provable, and is
    /// not refused for anything else that its sender did; until it is executed, no other one of its nonce is.
    pub(super) fn force(&mut self, raw: Bytes, turn: &mut Turn) -> Result<(), ChainError> {
        let decoded = SignedTransaction::decode(raw, self.chain.spec.chain_id());
        let (Ok(transaction), None) = (decoded, &self.halted) else {
            return Ok(());
        };
        let offered = Instant::now();
        self.force_now(
            Posted {
                transaction,
                offered,
            },
            turn,
        )
    }

    fn force_now(&mut self, posted: Posted, turn: &mut Turn) -> Result<(), ChainError> {
        let (hash, sender) = (posted.transaction.hash(), posted.transaction.sender());
        let nonce = posted.transaction.envelope().nonce();
        let place = (sender, nonce);
        if self.chain.store.contains(&TRANSACTIONS, &hash)? {
            self.posted.remove(&place);
            return Ok(());
        }
        let attempt = self.attempt(posted.transaction.clone(), turn)?;
        if let Attempt::Executed(_) = attempt {
            info!(target: "tern::main_node", transaction = %hash, "executed what was posted on L2");
            self.posted.remove(&place);
            self.forget_below(sender, nonce + 1);
            return self.run_waiting_of(sender, turn);
        }
        if let Attempt::Refused(reason) = attempt {
            debug!(target: "tern::main_node", transaction = %hash, %reason, "posted on L2, not executable now");
        }
        let is_late = nonce < self.ensure_some_open()?.nonce(sender)?;
        if is_late {
            self.posted.remove(&place);
        } else if self.posted.len() < MAX_POSTED || self.posted.contains_key(&place) {
            self.posted.insert(place, posted);
        }
        Ok(())
    }

    /// Why a transaction is not executed: another one of its nonce was posted on L2, and L2 takes no block past its deadline
    /// without that one.
    pub(super) fn comes_after_posted(&self, transaction: &SignedTransaction) -> Option<Rejection> {
        let place = (transaction.sender(), transaction.envelope().nonce());
        let posted = self.posted.get(&place)?.transaction.hash();
        (posted != transaction.hash()).then(|| Rejection::Invalid {
            message: format!(
                "{posted}, which has the same nonce, was posted on L2 and comes first"
            ),
        })
    }

    /// Processes these messages in a block of their own, which is not yet the open one.
    fn try_processing(
        &self,
        messages: &[QueuedMessage],
        later: &[B256],
        parked: &BTreeSet<u64>,
    ) -> Result<Tried, ChainError> {
        let (Some(signer), Some(anchor), Some(last)) = (
            &self.chain.spec.processor,
            self.used_anchor,
            messages.last(),
        ) else {
            return Ok(Tried::Refused("there is no account for it".to_owned()));
        };
        let queue = Some(Queue::up_to(last));
        let mut open = OpenBlock::open(
            &self.chain,
            &self.sealed,
            self.window.clone(),
            self.used_anchor,
            queue,
        )?;
        let transaction = Processing {
            signer,
            nonce: open.nonce(signer.address())?,
            gas_limit: self.room().gas,
            block: open.environment(),
            l2_block: anchor.hash,
            parked,
            later,
        }
        .transaction(messages);
        let mut writes = WriteBatch::new();
        let outcome = transaction.and_then(|transaction| open.execute(transaction, &mut writes));
        Ok(match outcome {
            Ok(executed) if executed.receipt.envelope.status() => {
                Tried::Processed(Box::new(open), writes)
            }
            Ok(_) => Tried::TooMuch("the calls need more gas".to_owned()),
            Err(ExecutionError::State(error)) => return Err(error.into()),
            Err(
                error @ (ExecutionError::Unprovable(_)
                | ExecutionError::BlockFull { .. }
                | ExecutionError::Crowded { .. }
                | ExecutionError::Oversized { .. }),
            ) => Tried::TooMuch(error.to_string()),
            Err(error) => Tried::Refused(error.to_string()),
        })
    }

    /// What one transaction may be.
    fn room(&self) -> Room {
        let limits = self.chain.spec.limits.unwrap_or_default();
        let bytes = match self.chain.spec.sealing {
            Sealing::Policy(policy) => limits.transaction_bytes.min(policy.max_bytes),
            Sealing::Instant => limits.transaction_bytes,
        };
        Room {
            gas: limits
                .transaction_gas
                .min(self.chain.spec.genesis.gas_limit),
            bytes,
        }
    }
}
