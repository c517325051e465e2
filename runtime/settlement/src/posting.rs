//! What is posted to the `Rollup` contract, derived from batches alone. Pure.
//!
//! ```text
//! Batch n-1 (or genesis) -> PreviousBatch -\
//!                                           commit_call -> Call
//! Batch n ---------------------------------/
//! Batches, StatementData, Proof -> prove_call -> Call
//! ```

use alloy::consensus::Header;
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::sol_types::{SolCall, SolValue};
use tern_messages::job::StatementData;
use tern_messages::{Anchor, Batch, BatchNumber, Proof, SealedBlock};
use thiserror::Error;

use crate::bindings::IRollup;
use crate::compression;

/// Largest L2 transaction that is sent, in bytes: what go-ethereum's pool takes (128 KiB), less the room
/// for the envelope and the signature.
pub const MAX_CALLDATA: usize = 128 * 1024 - 512;

/// Largest sum of [`posted_size_of`] over the blocks of a batch.
pub const MAX_BATCH_BYTES: usize = MAX_CALLDATA - COMMIT_FRAME;

/// Most blocks in a proof range: their 184 bytes each, and two words for each batch, leave 74 KB of [`MAX_CALLDATA`] to the
/// proof, watchers' signatures and what shows the messages, even if each block is a batch of its own.
pub const MAX_RANGE_BLOCKS: usize = 224;

/// Most bytes of transactions in a batch that is committed by the same call as its proof.
pub const MAX_BYTES_WITH_PROOF: u64 = 48 << 10;

/// Calldata of `commitBatch` without any block: selector, number, previous batch, three offsets, hash, three lengths, and
/// the padding of the transactions; and the places of forced transactions.
const COMMIT_FRAME: usize = 4 + 32 * (1 + 12 + 3 + 1 + 3 + 1 + MAX_FORCED);
/// Most forced transactions that a commit shows.
pub const MAX_FORCED: usize = 32;
/// Calldata of a block without its transactions: seven fields.
const BLOCK_FRAME: usize = 32 * 7;
/// Bytes of a block in `proveBatches`.
const PACKED_BLOCK: usize = 184;
/// Bytes before each transaction that tell its length.
const LENGTH_BYTES: usize = 3;

/// A call of an L2 contract, or the creation of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The contract; `None` creates one.
    pub to: Option<Address>,
    /// Calldata, or creation code with its arguments.
    pub data: Bytes,
    /// What is sent along, in wei.
    pub value: U256,
}

impl Call {
    /// A call of a contract.
    pub fn of(contract: Address, call: &impl SolCall) -> Self {
        Self::with_data(contract, call.abi_encode().into())
    }

    /// The same, encoded already.
    pub fn with_data(contract: Address, data: Bytes) -> Self {
        Self {
            to: Some(contract),
            data,
            value: U256::ZERO,
        }
    }

    /// The creation of a contract.
    pub fn create(code: Bytes) -> Self {
        Self {
            to: None,
            data: code,
            value: U256::ZERO,
        }
    }

    /// The same, with ETH.
    #[must_use]
    pub fn sending(self, value: U256) -> Self {
        Self { value, ..self }
    }
}

/// Why a batch cannot be posted. Trying again with the same batch cannot help.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PostingError {
    /// A batch has no block.
    #[error("batch {batch} has no block")]
    EmptyBatch {
        /// The batch.
        batch: BatchNumber,
    },
    /// The batch does not follow the previous one.
    #[error("batch {batch} does not follow batch {previous}: {what}")]
    NotConsecutive {
        /// The batch.
        batch: BatchNumber,
        /// The batch before it.
        previous: BatchNumber,
        /// What does not fit.
        what: &'static str,
    },
    /// A transaction is longer than its three length bytes can say, or empty.
    #[error("block {block} holds a transaction of {len} bytes")]
    TransactionLength {
        /// The block.
        block: u64,
        /// The transaction's length in bytes.
        len: usize,
    },
    /// A header lacks a Cancun field.
    #[error("the header of block {block} has no {field}")]
    MissingField {
        /// The block.
        block: u64,
        /// The field.
        field: &'static str,
    },
    /// The call does not fit one L2 transaction.
    #[error("the call needs {len} bytes of calldata; an L2 transaction takes at most {max}")]
    TooLarge {
        /// Bytes needed.
        len: usize,
        /// Bytes that fit.
        max: usize,
    },
    /// No batch, or one with more blocks than a proof can be of.
    #[error("a proof is of at least one batch, and of at most 65535 blocks in each")]
    RangeShape,
}

/// What opens a batch's hash on L2: the facts that the next commit is checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviousBatch {
    /// The batch's number; 0 is genesis.
    pub number: BatchNumber,
    /// Batch hash of the batch before it; zero for genesis.
    pub parent_batch_hash: B256,
    /// keccak256 of its packed blocks; zero for genesis.
    pub blocks_digest: B256,
    /// Header of its last block.
    pub tip: Header,
    /// Hash of its last block.
    pub tip_hash: B256,
    /// What its last block knows of L2.
    pub anchor: Anchor,
    /// The first entry of the forced queue that it leaves.
    pub forced: u64,
}

impl PreviousBatch {
    /// The state before the first batch.
    pub fn genesis(header: &Header) -> Self {
        Self {
            number: BatchNumber(0),
            parent_batch_hash: B256::ZERO,
            blocks_digest: B256::ZERO,
            tip: header.clone(),
            tip_hash: header.hash_slow(),
            anchor: Anchor::default(),
            forced: 0,
        }
    }

    /// `batch` as the one that the next commit follows; `parent_batch_hash` is the contract's
    /// `batchHash(batch - 1)`, and `forced` the first entry of the forced queue that the batch leaves.
    ///
    /// # Errors
    /// [`PostingError::EmptyBatch`], [`PostingError::MissingField`].
    pub fn of(batch: &Batch, parent_batch_hash: B256, forced: u64) -> Result<Self, PostingError> {
        let last = batch.blocks.last().ok_or(PostingError::EmptyBatch {
            batch: batch.header.number,
        })?;
        Ok(Self {
            number: batch.header.number,
            parent_batch_hash,
            blocks_digest: keccak256(packed_blocks(batch)?),
            tip: last.header.clone(),
            tip_hash: last.hash,
            anchor: last.anchor,
            forced,
        })
    }

    /// The hash under which the contract keeps the batch: `batchHash(number)`.
    pub fn batch_hash(&self) -> B256 {
        let tip = keccak256(self.sol().tip.abi_encode());
        let parts = (
            self.parent_batch_hash,
            self.blocks_digest,
            tip,
            U256::from(self.forced),
        );
        keccak256(parts.abi_encode())
    }

    /// In the contract's words.
    pub(crate) fn sol(&self) -> IRollup::PreviousBatch {
        IRollup::PreviousBatch {
            parentBatchHash: self.parent_batch_hash,
            blocksDigest: self.blocks_digest,
            tip: IRollup::BlockTip {
                blockHash: self.tip_hash,
                stateRoot: self.tip.state_root,
                beaconRoot: self.tip.parent_beacon_block_root.unwrap_or_default(),
                number: self.tip.number,
                timestamp: self.tip.timestamp,
                baseFee: self.tip.base_fee_per_gas.unwrap_or_default(),
                gasUsed: self.tip.gas_used,
            },
            anchor: named(&self.anchor),
            forced: self.forced,
        }
    }
}

/// Most bytes that a block with transactions of these lengths adds to the calldata of its batch.
pub fn posted_size_of(transaction_lengths: impl Iterator<Item = usize>) -> usize {
    let bytes: usize = transaction_lengths
        .map(|len| len.saturating_add(LENGTH_BYTES))
        .sum();
    BLOCK_FRAME + compression::longest(bytes)
}

/// The call that commits `batch` after `previous`. `forced` are the places of those of its transactions that the forced
/// queue has next.
///
/// # Errors
/// See [`PostingError`].
pub fn commit_call(
    rollup: Address,
    previous: &PreviousBatch,
    batch: &Batch,
    forced: &[u32],
) -> Result<Call, PostingError> {
    follows(previous, batch)?;
    let call = IRollup::commitBatchCall {
        number: batch.header.number.0,
        previous: previous.sol(),
        blocks: batch.blocks.iter().map(posted_block).collect(),
        transactions: compression::compress(&framed(&batch.blocks)?).into(),
        forced: forced.to_vec(),
        lastBlockHash: batch.header.last_block_hash,
    };
    sized(rollup, call.abi_encode())
}

/// What shows that a state has processed messages, as `eth_getProof` gives it. Nothing, where nothing has to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboxProof {
    /// Of the account `L3Inbox`.
    pub account: Vec<Bytes>,
    /// Of its slot 0.
    pub slot: Vec<Bytes>,
}

/// The call that proves consecutive batches; the statement is of all their blocks. `forced` are the first entries of the
/// forced queue that they leave, one for each.
///
/// # Errors
/// See [`PostingError`].
pub fn prove_call(
    rollup: Address,
    batches: &[Batch],
    forced: &[u64],
    statement: &StatementData,
    proof: &Proof,
    messages: InboxProof,
) -> Result<Call, PostingError> {
    let (Some(first), Some(last)) = (batches.first(), batches.last()) else {
        return Err(PostingError::RangeShape);
    };
    for pair in batches.windows(2) {
        if pair[0].header.number.next() != Some(pair[1].header.number) {
            return Err(not_consecutive(
                &pair[1],
                pair[0].header.number,
                "its number",
            ));
        }
    }
    let call = IRollup::proveBatchesCall {
        from: first.header.number.0,
        to: last.header.number.0,
        extents: extents(batches, forced)?,
        batches: IRollup::BatchProof {
            endWindow: statement.end_window,
            commitment: statement.commitment,
            evaluation: statement.evaluation,
            blocks: batches
                .iter()
                .map(packed_blocks)
                .collect::<Result<Vec<_>, _>>()?
                .concat()
                .into(),
        },
        proof: proof.bytes.clone(),
        messages: IRollup::InboxProof {
            account: messages.account,
            slot: messages.slot,
        },
    };
    sized(rollup, call.abi_encode())
}

/// The call that does both, of one batch.
///
/// # Errors
/// [`PostingError::TooLarge`].
pub fn both(rollup: Address, commit: &Call, prove: &Call) -> Result<Call, PostingError> {
    let arguments = |call: &Call| Bytes::copy_from_slice(call.data.get(4..).unwrap_or_default());
    let call = IRollup::commitAndProveCall {
        commit: arguments(commit),
        proof: arguments(prove),
    };
    sized(rollup, call.abi_encode())
}

fn extents(batches: &[Batch], forced: &[u64]) -> Result<Vec<IRollup::Extent>, PostingError> {
    if batches.len() != forced.len() {
        return Err(PostingError::RangeShape);
    }
    let extent = |(batch, &forced): (&Batch, &u64)| {
        let blocks = u16::try_from(batch.blocks.len()).map_err(|_| PostingError::RangeShape)?;
        Ok(IRollup::Extent { blocks, forced })
    };
    batches.iter().zip(forced).map(extent).collect()
}

pub(crate) fn sized(rollup: Address, data: Vec<u8>) -> Result<Call, PostingError> {
    if data.len() > MAX_CALLDATA {
        return Err(PostingError::TooLarge {
            len: data.len(),
            max: MAX_CALLDATA,
        });
    }
    Ok(Call::with_data(rollup, data.into()))
}

fn not_consecutive(batch: &Batch, previous: BatchNumber, what: &'static str) -> PostingError {
    PostingError::NotConsecutive {
        batch: batch.header.number,
        previous,
        what,
    }
}

fn follows(previous: &PreviousBatch, batch: &Batch) -> Result<(), PostingError> {
    let first = batch.blocks.first().ok_or(PostingError::EmptyBatch {
        batch: batch.header.number,
    })?;
    if previous.number.next() != Some(batch.header.number) {
        return Err(not_consecutive(batch, previous.number, "its number"));
    }
    if first.header.parent_hash != previous.tip_hash {
        return Err(not_consecutive(
            batch,
            previous.number,
            "its first block has another parent",
        ));
    }
    Ok(())
}

fn named(anchor: &Anchor) -> IRollup::Anchor {
    IRollup::Anchor {
        blockHash: anchor.l2_block,
        messages: anchor.messages,
    }
}

fn posted_block(block: &SealedBlock) -> IRollup::PostedBlock {
    IRollup::PostedBlock {
        stateRoot: block.header.state_root,
        receiptsRoot: block.header.receipts_root,
        anchor: named(&block.anchor),
        timestamp: block.header.timestamp,
        gasUsed: block.header.gas_used,
        transactions: block.transactions.len() as u64,
    }
}

/// Each transaction after its length in three bytes.
fn framed(blocks: &[SealedBlock]) -> Result<Vec<u8>, PostingError> {
    let mut out = Vec::new();
    for SealedBlock {
        header,
        transactions,
        ..
    } in blocks
    {
        for transaction in transactions {
            let len = transaction.len();
            let invalid = PostingError::TransactionLength {
                block: header.number,
                len,
            };
            match u32::try_from(len).map(u32::to_be_bytes) {
                Ok([0, a, b, c]) if len > 0 => out.extend_from_slice(&[a, b, c]),
                _ => return Err(invalid),
            }
            out.extend_from_slice(transaction);
        }
    }
    Ok(out)
}

/// A batch's blocks as they are posted for a proof, one after the other.
pub(crate) fn packed_blocks(batch: &Batch) -> Result<Vec<u8>, PostingError> {
    let mut out = Vec::with_capacity(batch.blocks.len() * PACKED_BLOCK);
    for SealedBlock { header, hash, .. } in &batch.blocks {
        let base_fee = header.base_fee_per_gas.ok_or(PostingError::MissingField {
            block: header.number,
            field: "base fee",
        })?;
        out.extend_from_slice(header.state_root.as_slice());
        out.extend_from_slice(header.transactions_root.as_slice());
        out.extend_from_slice(header.receipts_root.as_slice());
        out.extend_from_slice(beacon_root(header)?.as_slice());
        out.extend_from_slice(hash.as_slice());
        out.extend_from_slice(&header.gas_used.to_be_bytes());
        out.extend_from_slice(&header.timestamp.to_be_bytes());
        out.extend_from_slice(&base_fee.to_be_bytes());
    }
    Ok(out)
}

fn beacon_root(header: &Header) -> Result<B256, PostingError> {
    header
        .parent_beacon_block_root
        .ok_or(PostingError::MissingField {
            block: header.number,
            field: "parent beacon block root",
        })
}

#[cfg(test)]
mod tests;
