//! What readers see beside the disk: published by the engine after each durable step.

use std::sync::Arc;

use alloy::primitives::{Address, B256, keccak256};
use tern_execution::{BlockEnvironment, CallContext, ExecutedTransaction, SignedTransaction};
use tern_messages::{Backlog, BatchNumber, BlockNumber, FinalityHeights, HaltReport, L2Anchor};
use tern_storage::tables::chain::StoredHeader;

use super::chain::{Chain, ChainError};
use super::spec::Finality;
use super::tables::{ANCHOR, FINALITY, HALT};

/// The newest durable state of the chain. Never ahead of the disk.
#[derive(Clone)]
pub struct Head {
    /// The last sealed block.
    pub sealed: Arc<StoredHeader>,
    /// The open block, if it holds a transaction.
    pub open: Option<Arc<OpenView>>,
    /// The state after the last confirmed transaction, for reads and calls.
    pub state: CallContext,
    /// Transactions that wait; no promise is made about them.
    pub waiting: Arc<Vec<Arc<SignedTransaction>>>,
    /// What L2 said last.
    pub finality: FinalityHeights,
    /// The newest L2 block that was reported.
    pub anchor: Option<L2Anchor>,
    /// How far proving lags.
    pub backlog: Backlog,
    /// Why the chain is halted, if it is.
    pub halted: Option<HaltReport>,
}

/// The open block with its confirmed transactions.
#[derive(Clone)]
pub struct OpenView {
    /// What its transactions see.
    pub environment: BlockEnvironment,
    /// Stands for the block's hash until it is sealed.
    pub provisional_hash: B256,
    /// Its transactions, in order.
    pub transactions: Vec<Arc<ExecutedTransaction>>,
}

impl Head {
    /// What the disk says, without the open block: that must be executed first.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn on_disk(chain: &Chain) -> Result<Self, ChainError> {
        let heads = chain.heads()?;
        let stored = chain.store.get(&FINALITY, &())?;
        let sealed = chain.expect_header(heads.sealed)?;
        Ok(Self {
            state: chain.state_of(&sealed.header)?,
            sealed: Arc::new(sealed),
            open: None,
            waiting: Arc::default(),
            finality: match chain.spec.finality {
                Finality::Immediate => immediate(heads.sealed),
                Finality::Reported => stored.map(|stored| stored.heights).unwrap_or_default(),
            },
            anchor: chain.store.get(&ANCHOR, &())?,
            backlog: Backlog::default(),
            halted: chain.store.get(&HALT, &())?,
        })
    }

    /// Number of the last block that holds a confirmed transaction.
    pub fn confirmed(&self) -> BlockNumber {
        match &self.open {
            Some(open) => BlockNumber(open.environment.number),
            None => self.sealed_number(),
        }
    }

    /// Number of the last sealed block.
    pub fn sealed_number(&self) -> BlockNumber {
        BlockNumber(self.sealed.header.number)
    }

    /// The account's next nonce, given its nonce in the state, counting transactions that wait unbroken.
    pub fn nonce_with_waiting(&self, address: Address, state: u64) -> u64 {
        use alloy::consensus::Transaction;
        let mut nonces: Vec<u64> = self
            .waiting
            .iter()
            .filter(|waiting| waiting.sender() == address)
            .map(|waiting| waiting.envelope().nonce())
            .collect();
        nonces.sort_unstable();
        nonces.into_iter().fold(
            state,
            |next, nonce| if nonce == next { next + 1 } else { next },
        )
    }
}

impl OpenView {
    /// The transaction with this hash, if it is part of the block.
    pub fn find(&self, hash: B256) -> Option<&Arc<ExecutedTransaction>> {
        self.transactions
            .iter()
            .find(|executed| executed.receipt.transaction_hash == hash)
    }
}

/// The hash that stands for an open block's: the same for all its receipts, different for each block.
pub(super) fn provisional_hash(environment: &BlockEnvironment) -> B256 {
    let mut text = b"tern open block".to_vec();
    text.extend_from_slice(&environment.chain_id.to_be_bytes());
    text.extend_from_slice(&environment.number.to_be_bytes());
    text.extend_from_slice(environment.parent_hash.as_slice());
    keccak256(text)
}

/// Every sealed block is final; there are no batches.
pub(super) fn immediate(sealed: BlockNumber) -> FinalityHeights {
    let height = (BatchNumber(0), sealed);
    FinalityHeights {
        committed: height,
        verified: height,
    }
}
