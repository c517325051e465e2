//! The open block in memory, and its rows on disk.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use alloy::consensus::Header;
use alloy::primitives::{Address, U256};
use tern_execution::{
    BlockAttributes, BlockBuilder, BlockEnvironment, CallContext, ExecutedTransaction,
    ExecutionError, HashWindow, SealedOutcome, SignedTransaction, StateError,
};
use tern_messages::{BlockNumber, Gas, L2Anchor};
use tern_settlement::Queue;
use tern_storage::WriteBatch;
use tern_storage::tables::chain::{ANCHORS, StoredHeader};
use tern_storage::tables::open_block::{ENVIRONMENT, OpenBlock as StoredOpenBlock, TRANSACTIONS};

use super::chain::{Chain, ChainError};
use super::head::{Head, OpenView, provisional_hash};
use super::sealing::Figures;
use super::spec::Finality;

/// How far a block's time may be ahead of its anchor's, in seconds. The contract allows an hour; the rest is room for an
/// anchor that is recorded again, after a reorganisation of L2, with its own time in place of the next block's.
const MAX_ANCHOR_AGE: u64 = 50 * 60;

/// The open block. Until its first transaction nothing of it is stored.
pub(super) struct OpenBlock {
    builder: BlockBuilder,
    attributes: BlockAttributes,
    transactions: Vec<Arc<ExecutedTransaction>>,
    bytes: u64,
    /// Of the prover's machine, at most.
    cycles: u64,
    /// When its first transaction came.
    since: Instant,
}

impl OpenBlock {
    /// Opens the block after `parent` now. It names `l2_anchor`, and `queue` of the messages; as its parent does where one
    /// is not given, or would be fewer messages: the contract takes no block that names fewer than its parent. Its time is the clock's as far as L2 will accept that: see [`time_after`].
    pub(super) fn open(
        chain: &Chain,
        parent: &StoredHeader,
        window: HashWindow,
        l2_anchor: Option<L2Anchor>,
        queue: Option<Queue>,
    ) -> Result<Self, ChainError> {
        let number = BlockNumber(parent.header.number);
        let parents = chain.store.get(&ANCHORS, &number)?.unwrap_or_default();
        let named = Queue {
            count: parents.messages,
            hash: parents.queue,
        };
        let queue = queue.filter(|queue| queue.count > named.count);
        let queue = queue.unwrap_or(named);
        let attributes = BlockAttributes {
            timestamp: block_time(chain, &parent.header, l2_anchor),
            beneficiary: chain.spec.genesis.beneficiary,
            gas_limit: Gas(chain.spec.genesis.gas_limit),
            anchor: queue.anchor(l2_anchor.map_or(parents.l2_block, |anchor| anchor.hash)),
        };
        Self::with(chain, parent, window, attributes)
    }

    fn with(
        chain: &Chain,
        parent: &StoredHeader,
        window: HashWindow,
        attributes: BlockAttributes,
    ) -> Result<Self, ChainError> {
        let rules = chain.spec.rules;
        let builder = BlockBuilder::new(chain.nodes(), rules, &parent.header, window, attributes)?;
        Ok(Self {
            builder,
            attributes,
            transactions: Vec::new(),
            bytes: 0,
            cycles: 0,
            since: Instant::now(),
        })
    }

    /// The stored open block, executed again.
    pub(super) fn recover(
        chain: &Chain,
        parent: &StoredHeader,
        window: HashWindow,
    ) -> Result<Option<Self>, ChainError> {
        let Some(stored) = chain.store.get(&ENVIRONMENT, &())? else {
            return Ok(None);
        };
        let expected = BlockNumber(parent.header.number.saturating_add(1));
        if (stored.number, stored.parent_hash) != (expected, parent.hash) {
            let sealed = BlockNumber(parent.header.number);
            return Err(ChainError::OpenBlockOutOfPlace {
                found: stored.number,
                sealed,
            });
        }
        let attributes = BlockAttributes {
            timestamp: stored.timestamp,
            beneficiary: stored.beneficiary,
            gas_limit: Gas(stored.gas_limit),
            anchor: stored.anchor,
        };
        let mut open = Self::with(chain, parent, window, attributes)?;
        let waited = Duration::from_millis(unix_millis().saturating_sub(stored.since));
        open.since = open.since.checked_sub(waited).unwrap_or(open.since);
        for (position, row) in (0..).zip(chain.store.range(&TRANSACTIONS, ..)) {
            let (index, raw) = row?;
            let differs = |reason: String| ChainError::OpenBlockDiffers {
                block: expected,
                index: position,
                reason,
            };
            if index != position {
                return Err(differs(format!("it is missing, the next one is {index}")));
            }
            let executed = open
                .builder
                .execute(raw)
                .map_err(|error| differs(error.to_string()))?;
            open.note(executed);
        }
        Ok(Some(open))
    }

    pub(super) fn number(&self) -> BlockNumber {
        BlockNumber(self.builder.environment().number)
    }

    pub(super) fn base_fee(&self) -> u64 {
        self.environment().base_fee
    }

    /// What its transactions see.
    pub(super) fn environment(&self) -> &BlockEnvironment {
        self.builder.environment()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.transactions.is_empty()
    }

    pub(super) fn transactions(&self) -> &[Arc<ExecutedTransaction>] {
        &self.transactions
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Executes a transaction and adds what makes it durable to `batch`.
    pub(super) fn execute(
        &mut self,
        transaction: SignedTransaction,
        batch: &mut WriteBatch,
    ) -> Result<Arc<ExecutedTransaction>, ExecutionError> {
        let executed = self.builder.execute_signed(transaction)?;
        if self.is_empty() {
            self.since = Instant::now();
            batch.put(&ENVIRONMENT, &(), &self.stored());
        }
        batch.put(&TRANSACTIONS, &executed.index, executed.transaction.raw());
        Ok(self.note(executed))
    }

    /// The account's nonce and balance after the transactions so far.
    pub(super) fn account(&self, address: Address) -> Result<(u64, U256), StateError> {
        let state = self.state();
        Ok((state.nonce(address)?, state.balance(address)?))
    }

    pub(super) fn nonce(&self, address: Address) -> Result<u64, StateError> {
        self.builder.nonce(address)
    }

    pub(super) fn figures(&self) -> Figures {
        Figures {
            transactions: u32::try_from(self.transactions.len()).unwrap_or(u32::MAX),
            gas_used: self.builder.gas_used().0,
            gas_limit: self.attributes.gas_limit.0,
            bytes: self.bytes,
            cycles: self.cycles,
            age: self.since.elapsed(),
        }
    }

    /// What readers may see of it.
    pub(super) fn view(&self) -> OpenView {
        let environment = *self.builder.environment();
        OpenView {
            environment,
            provisional_hash: provisional_hash(&environment),
            transactions: self.transactions.clone(),
        }
    }

    /// The state after its transactions.
    pub(super) fn state(&self) -> CallContext {
        self.builder.pending()
    }

    /// Closes the block; adds the removal of its rows to `batch`.
    pub(super) fn seal(self, batch: &mut WriteBatch) -> Result<SealedOutcome, StateError> {
        batch.delete(&ENVIRONMENT, &());
        for executed in &self.transactions {
            batch.delete(&TRANSACTIONS, &executed.index);
        }
        self.builder.seal()
    }

    fn note(&mut self, executed: ExecutedTransaction) -> Arc<ExecutedTransaction> {
        self.bytes = self
            .bytes
            .saturating_add(executed.transaction.raw().len() as u64);
        self.cycles = self.cycles.saturating_add(executed.work.cycles);
        let executed = Arc::new(executed);
        self.transactions.push(Arc::clone(&executed));
        executed
    }

    /// What is stored with the first transaction, which has just come.
    fn stored(&self) -> StoredOpenBlock {
        StoredOpenBlock {
            number: self.number(),
            parent_hash: self.builder.environment().parent_hash,
            timestamp: self.attributes.timestamp,
            beneficiary: self.attributes.beneficiary,
            gas_limit: self.attributes.gas_limit.0,
            anchor: self.attributes.anchor,
            since: unix_millis(),
        }
    }
}

impl Chain {
    /// What a transaction would meet that is executed now: the open block of `head`, or the one that would be opened
    /// for it.
    ///
    /// # Errors
    /// If the last blocks cannot be read.
    pub fn pending_state(&self, head: &Head) -> Result<CallContext, ChainError> {
        if head.open.is_some() {
            return Ok(head.state.clone());
        }
        let next = BlockNumber(head.sealed_number().0.saturating_add(1));
        let window = self.window_before(next)?;
        Ok(OpenBlock::open(self, &head.sealed, window, head.anchor, None)?.state())
    }
}

/// The time of the block after `parent` that is opened now and names `anchor`.
pub(super) fn block_time(chain: &Chain, parent: &Header, anchor: Option<L2Anchor>) -> u64 {
    time_after(chain, parent, anchor, unix_time())
}

/// The time of the block after `parent` that names `anchor`, when the clock shows `now`: what the L2 contract will
/// accept, however late it is asked. At least the parent's and the anchor's; and not so far ahead of the anchor that the
/// contract finds it too old. While nothing new is heard of L2 the chain thus stands still in time.
fn time_after(chain: &Chain, parent: &Header, anchor: Option<L2Anchor>, now: u64) -> u64 {
    let (earliest, latest) = match chain.spec.finality {
        // A chain by itself keeps Ethereum's rule.
        Finality::Immediate => (parent.timestamp.saturating_add(1), u64::MAX),
        Finality::Reported => {
            let heard = anchor.map_or(chain.spec.genesis.timestamp, |anchor| anchor.timestamp);
            (parent.timestamp, heard.saturating_add(MAX_ANCHOR_AGE))
        }
    };
    let anchored = anchor.map_or(0, |anchor| anchor.timestamp);
    now.min(latest).max(anchored).max(earliest)
}

/// Whether a block that names the anchor has the clock's time.
pub(super) fn is_fresh(anchor: &L2Anchor) -> bool {
    unix_time() <= anchor.timestamp.saturating_add(MAX_ANCHOR_AGE)
}

/// Seconds since the Unix epoch; 0 for a clock before it.
pub(super) fn unix_time() -> u64 {
    unix_millis() / 1000
}

/// Milliseconds since the Unix epoch; 0 for a clock before it.
fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
