//! Reads of the chain: what a block id means, and what is stored about blocks and transactions.

use std::sync::Arc;

use alloy::consensus::TxEnvelope;
use alloy::consensus::transaction::Recovered;
use alloy::eips::eip2718::Decodable2718;
use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::primitives::{B256, Bytes};
use tern_execution::{CallContext, ExecutedTransaction};
use tern_messages::{BlockNumber, Receipt};
use tern_storage::tables::chain::{BLOCK_BY_HASH, BODIES, RECEIPTS, StoredHeader, TRANSACTIONS};
use tokio::sync::watch;

use super::error::RpcFailure;
use crate::main_node::{Chain, Head, OpenView};

/// Reads of the chain. Cheap to clone; asks nobody.
#[derive(Clone)]
pub struct Reader {
    pub(super) chain: Chain,
    head: watch::Receiver<Head>,
}

/// A block that exists.
pub(super) enum Found {
    /// The open block.
    Open(Arc<OpenView>),
    /// A sealed one.
    Sealed(Arc<StoredHeader>),
}

/// A transaction with its place and receipt.
pub(super) struct Located {
    pub(super) transaction: Recovered<TxEnvelope>,
    pub(super) receipt: Receipt,
    pub(super) index: u64,
    /// Logs of the block before this transaction's.
    pub(super) logs_before: u64,
    pub(super) block: BlockFacts,
}

/// What receipts, transactions and logs say of their block.
#[derive(Clone, Copy)]
pub(super) struct BlockFacts {
    pub(super) number: u64,
    pub(super) hash: B256,
    pub(super) timestamp: u64,
    pub(super) base_fee: u64,
}

impl Reader {
    /// Reads a chain that publishes `head`.
    pub fn new(chain: Chain, head: watch::Receiver<Head>) -> Self {
        Self { chain, head }
    }

    /// The newest durable state.
    pub(super) fn head(&self) -> Head {
        self.head.borrow().clone()
    }

    /// To wait for the next one.
    pub(super) fn changes(&self) -> watch::Receiver<Head> {
        self.head.clone()
    }

    /// The block that an id means; `None` if there is none.
    pub(super) fn find(&self, id: BlockId) -> Result<Option<Found>, RpcFailure> {
        let head = self.head();
        match id {
            BlockId::Hash(hash) => self.find_hash(&head, hash.block_hash),
            BlockId::Number(tag) => self.find_tag(&head, tag),
        }
    }

    fn find_hash(&self, head: &Head, hash: B256) -> Result<Option<Found>, RpcFailure> {
        if let Some(open) = head
            .open
            .as_ref()
            .filter(|open| open.provisional_hash == hash)
        {
            return Ok(Some(Found::Open(Arc::clone(open))));
        }
        match self.chain.store.get(&BLOCK_BY_HASH, &hash)? {
            None => Ok(None),
            Some(number) => self.sealed(number),
        }
    }

    fn find_tag(&self, head: &Head, tag: BlockNumberOrTag) -> Result<Option<Found>, RpcFailure> {
        let number = match tag {
            BlockNumberOrTag::Latest => return Ok(Some(Found::Sealed(Arc::clone(&head.sealed)))),
            BlockNumberOrTag::Pending => {
                return Ok(Some(match &head.open {
                    Some(open) => Found::Open(Arc::clone(open)),
                    None => Found::Sealed(Arc::clone(&head.sealed)),
                }));
            }
            BlockNumberOrTag::Safe => head.finality.committed.1,
            BlockNumberOrTag::Finalized => head.finality.verified.1,
            BlockNumberOrTag::Earliest => BlockNumber(0),
            BlockNumberOrTag::Number(number) => BlockNumber(number),
        };
        if let Some(open) = head
            .open
            .as_ref()
            .filter(|open| open.environment.number == number.0)
        {
            return Ok(Some(Found::Open(Arc::clone(open))));
        }
        self.sealed(number)
    }

    fn sealed(&self, number: BlockNumber) -> Result<Option<Found>, RpcFailure> {
        let header = self.chain.header(number)?;
        Ok(header.map(|header| Found::Sealed(Arc::new(header))))
    }

    /// The number of the sealed block that an id means, for ranges.
    pub(super) fn sealed_number(&self, tag: BlockNumberOrTag) -> Result<u64, RpcFailure> {
        let head = self.head();
        Ok(match tag {
            BlockNumberOrTag::Number(number) => number,
            BlockNumberOrTag::Pending => head.confirmed().0,
            other => match self.find_tag(&head, other)? {
                Some(Found::Sealed(header)) => header.header.number,
                _ => return Err(RpcFailure::UnknownBlock),
            },
        })
    }

    /// The state that an id means: see the module's head for `latest`.
    pub(super) fn state(&self, id: Option<BlockId>) -> Result<CallContext, RpcFailure> {
        use BlockNumberOrTag::{Latest, Pending};
        match id {
            None | Some(BlockId::Number(Latest | Pending)) => Ok(self.head().state),
            Some(id) => match self.find(id)? {
                None => Err(RpcFailure::UnknownBlock),
                Some(Found::Open(_)) => Ok(self.head().state),
                Some(Found::Sealed(header)) => Ok(self.chain.state_of(&header.header)?),
            },
        }
    }

    /// The state and environment in which a call is executed: [`Self::state`], but at `pending` always in a block that
    /// has the present time.
    pub(super) fn context(&self, id: Option<BlockId>) -> Result<CallContext, RpcFailure> {
        match id {
            Some(BlockId::Number(BlockNumberOrTag::Pending)) => {
                Ok(self.chain.pending_state(&self.head())?)
            }
            id => self.state(id),
        }
    }

    /// A confirmed transaction.
    pub(super) fn locate(&self, hash: B256) -> Result<Option<Located>, RpcFailure> {
        let head = self.head();
        if let Some(open) = &head.open
            && let Some(executed) = open.find(hash)
        {
            return Ok(Some(locate_open(open, executed)));
        }
        let Some(place) = self.chain.store.get(&TRANSACTIONS, &hash)? else {
            return Ok(None);
        };
        let header = self.chain.expect_header(place.block)?;
        let (bodies, receipts) = self.contents(place.block)?;
        let index = usize::try_from(place.index).unwrap_or(usize::MAX);
        let found = bodies.get(index).zip(receipts.get(index));
        let (raw, receipt) = found.ok_or_else(|| missing(place.block))?;
        let before = receipts
            .iter()
            .take(index)
            .map(|receipt| receipt.envelope.logs().len() as u64);
        Ok(Some(Located {
            transaction: decode(raw, receipt)?,
            receipt: receipt.clone(),
            index: place.index,
            logs_before: before.sum(),
            block: BlockFacts::of(&header),
        }))
    }

    /// The raw transactions and receipts of a sealed block.
    pub(super) fn contents(
        &self,
        number: BlockNumber,
    ) -> Result<(Vec<Bytes>, Vec<Receipt>), RpcFailure> {
        let bodies = self
            .chain
            .store
            .get(&BODIES, &number)?
            .ok_or_else(|| missing(number))?;
        Ok((bodies, self.receipts(number)?))
    }

    /// The receipts of a sealed block.
    pub(super) fn receipts(&self, number: BlockNumber) -> Result<Vec<Receipt>, RpcFailure> {
        self.chain
            .store
            .get(&RECEIPTS, &number)?
            .ok_or_else(|| missing(number))
    }
}

impl BlockFacts {
    pub(super) fn of(stored: &StoredHeader) -> Self {
        Self {
            number: stored.header.number,
            hash: stored.hash,
            timestamp: stored.header.timestamp,
            base_fee: stored.header.base_fee_per_gas.unwrap_or_default(),
        }
    }

    pub(super) fn of_open(open: &OpenView) -> Self {
        Self {
            number: open.environment.number,
            hash: open.provisional_hash,
            timestamp: open.environment.timestamp,
            base_fee: open.environment.base_fee,
        }
    }
}

/// A transaction of a stored block; its sender was recovered when it was accepted.
pub(super) fn decode(raw: &Bytes, receipt: &Receipt) -> Result<Recovered<TxEnvelope>, RpcFailure> {
    let envelope = TxEnvelope::decode_2718_exact(raw)
        .map_err(|error| RpcFailure::Internal(format!("a stored transaction: {error}")))?;
    Ok(Recovered::new_unchecked(envelope, receipt.from))
}

/// The same of the open block.
pub(super) fn recovered(executed: &ExecutedTransaction) -> Recovered<TxEnvelope> {
    let transaction = &executed.transaction;
    Recovered::new_unchecked(transaction.envelope().clone(), transaction.sender())
}

fn locate_open(open: &OpenView, executed: &ExecutedTransaction) -> Located {
    let before = open
        .transactions
        .iter()
        .take_while(|other| other.index < executed.index);
    Located {
        transaction: recovered(executed),
        receipt: executed.receipt.clone(),
        index: executed.index,
        logs_before: before
            .map(|other| other.receipt.envelope.logs().len() as u64)
            .sum(),
        block: BlockFacts::of_open(open),
    }
}

fn missing(number: BlockNumber) -> RpcFailure {
    RpcFailure::Internal(format!("the contents of block {number} are missing"))
}
