//! Blocks and state. Written when a block is sealed, all of it in one batch.

use alloy::consensus::Header;
use alloy::primitives::{B256, Bytes};
use serde::{Deserialize, Serialize};
use tern_messages::codec::as_rlp;
use tern_messages::{Anchor, BatchNumber, BlockNumber, Receipt, SealedBlock};

use crate::{StorageError, Store, Table, WriteBatch};

/// RLP of each Merkle-Patricia trie node (state and storage) by its hash. Never deleted: every historical
/// root can be read.
pub const TRIE_NODES: Table<B256, Bytes> = Table::new(0x01, "trie nodes");
/// Contract bytecode by its hash.
pub const CODES: Table<B256, Bytes> = Table::new(0x02, "codes");
/// Headers with their hashes, by block number.
pub const HEADERS: Table<BlockNumber, StoredHeader> = Table::new(0x03, "headers");
/// The raw transactions (EIP-2718 bytes) of each block.
pub const BODIES: Table<BlockNumber, Vec<Bytes>> = Table::new(0x04, "bodies");
/// The receipts of each block, with their true blooms.
pub const RECEIPTS: Table<BlockNumber, Vec<Receipt>> = Table::new(0x05, "receipts");
/// The union of the receipts' blooms of each block (256 bytes): headers do not carry it.
pub const BLOOMS: Table<BlockNumber, Bytes> = Table::new(0x06, "blooms");
/// Block numbers by block hash.
pub const BLOCK_BY_HASH: Table<B256, BlockNumber> = Table::new(0x07, "block numbers by hash");
/// Where each transaction is, by its hash.
pub const TRANSACTIONS: Table<B256, TransactionPlace> = Table::new(0x08, "transactions by hash");
/// How far the chain has come.
pub const HEADS: Table<(), Heads> = Table::new(0x09, "heads");
/// The batch that each committed block belongs to.
pub const BATCH_OF_BLOCK: Table<BlockNumber, BatchNumber> = Table::new(0x0a, "batches of blocks");

/// What each block knows of L2: what its parentBeaconBlockRoot is the hash of.
pub const ANCHORS: Table<BlockNumber, Anchor> = Table::new(0x0b, "anchors of blocks");

/// A header and its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredHeader {
    /// The header.
    #[serde(with = "as_rlp")]
    pub header: Header,
    /// keccak256 of its RLP.
    pub hash: B256,
}

/// Where a transaction is in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionPlace {
    /// Its block.
    pub block: BlockNumber,
    /// Its index in the block.
    pub index: u64,
}

/// How far the chain has come. Each is at least the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heads {
    /// The last sealed block.
    pub sealed: BlockNumber,
    /// The last block committed to L2.
    pub committed: BlockNumber,
    /// The last block verified on L2.
    pub verified: BlockNumber,
}

/// Adds everything about a sealed block to a batch: header, body, receipts, bloom and indices; with the
/// trie nodes and codes that it brought.
///
/// [`HEADS`] is left to the caller, who puts it into the same batch.
pub fn put_block(
    batch: &mut WriteBatch,
    block: &SealedBlock,
    nodes: &[(B256, Bytes)],
    codes: &[(B256, Bytes)],
) {
    let number = block.number();
    let header = StoredHeader {
        header: block.header.clone(),
        hash: block.hash,
    };
    let mut bloom = alloy::primitives::Bloom::ZERO;
    for (index, receipt) in (0..).zip(&block.receipts) {
        bloom |= *receipt.envelope.logs_bloom();
        let place = TransactionPlace {
            block: number,
            index,
        };
        batch.put(&TRANSACTIONS, &receipt.transaction_hash, &place);
    }
    for (hash, node) in nodes {
        batch.put(&TRIE_NODES, hash, node);
    }
    for (hash, code) in codes {
        batch.put(&CODES, hash, code);
    }
    batch
        .put(&HEADERS, &number, &header)
        .put(&ANCHORS, &number, &block.anchor)
        .put(&BODIES, &number, &block.transactions)
        .put(&RECEIPTS, &number, &block.receipts)
        .put(&BLOOMS, &number, &Bytes::copy_from_slice(bloom.as_slice()))
        .put(&BLOCK_BY_HASH, &block.hash, &number);
}

/// The reverse of [`put_block`]. Trie nodes and codes stay: other blocks may have them, too.
///
/// [`HEADS`] is left to the caller, who puts it into the same batch.
pub fn remove_block(batch: &mut WriteBatch, block: &SealedBlock) {
    let number = block.number();
    for receipt in &block.receipts {
        batch.delete(&TRANSACTIONS, &receipt.transaction_hash);
    }
    batch
        .delete(&HEADERS, &number)
        .delete(&ANCHORS, &number)
        .delete(&BODIES, &number)
        .delete(&RECEIPTS, &number)
        .delete(&BLOOMS, &number)
        .delete(&BLOCK_BY_HASH, &block.hash);
}

/// Reads a whole block back.
///
/// # Errors
/// If a part cannot be read or decoded.
pub fn block(store: &Store, number: BlockNumber) -> Result<Option<SealedBlock>, StorageError> {
    let (Some(stored), Some(anchor), Some(transactions), Some(receipts)) = (
        store.get(&HEADERS, &number)?,
        store.get(&ANCHORS, &number)?,
        store.get(&BODIES, &number)?,
        store.get(&RECEIPTS, &number)?,
    ) else {
        return Ok(None);
    };
    Ok(Some(SealedBlock {
        header: stored.header,
        hash: stored.hash,
        anchor,
        transactions,
        receipts,
    }))
}
