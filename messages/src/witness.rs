//! What a prover needs to re-run a block without its state: the trie nodes that the block touches.

use alloy::consensus::Header;
use alloy::primitives::{B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::codec::as_rlp;
use crate::units::ChainId;

/// Everything that proves one block, cut into transaction batches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockWitness {
    /// The consecutive transaction batches of the block; at least one, each with at least one transaction.
    pub batches: Vec<TransactionBatch>,
}

/// Consecutive transactions of one block, executed by one run of the prover's machine.
///
/// Self-contained: the prover's inputs are a function of this value alone, so its encoding's hash names
/// the work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionBatch {
    /// The chain that the block belongs to.
    pub chain_id: ChainId,
    /// Header of the block.
    #[serde(with = "as_rlp")]
    pub header: Header,
    /// Hashes of the 256 blocks before this one, oldest first; zero where there was none.
    pub previous_hashes: Vec<B256>,
    /// Index in the block of the first transaction here.
    pub first_transaction: u64,
    /// The block's transactions (EIP-2718 bytes) up to and including the last one here.
    pub transactions: Vec<Bytes>,
    /// The receipts (EIP-2718 bytes) of the same transactions.
    pub receipts: Vec<Bytes>,
    /// Gas used in the block before the first transaction here.
    pub gas_used_before: u64,
    /// Gas used in the block after the last transaction here.
    pub gas_used_after: u64,
    /// State root before the first transaction here (and before the beacon-roots update, in the first batch).
    pub state_root_before: B256,
    /// State root after the last transaction here.
    pub state_root_after: B256,
    /// RLP of the nodes of the state trie before, that these transactions read, change, or need to
    /// rebalance on deletion. Sorted, without duplicates.
    pub nodes: Vec<Bytes>,
    /// The storage of each account that is touched or has its leaf among the nodes, sorted by account.
    pub storage: Vec<StorageWitness>,
    /// Bytecode of every contract that is called, read or created here. Sorted, without duplicates.
    pub codes: Vec<Bytes>,
}

/// What a transaction batch needs of one account's storage.
///
/// Each account has its own nodes, even where accounts have the same storage: the machine holds every account's trie
/// apart, and execution was metered for what was touched of that account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageWitness {
    /// keccak256 of the account's address.
    pub account: B256,
    /// Root of its storage trie in the state before; the empty trie's if the account is absent.
    pub root: B256,
    /// RLP of the nodes of that trie that the transactions read, change, or need to rebalance on deletion.
    /// Sorted, without duplicates.
    pub nodes: Vec<Bytes>,
}

impl TransactionBatch {
    /// The transactions executed by this batch.
    pub fn own_transactions(&self) -> &[Bytes] {
        let first = usize::try_from(self.first_transaction).unwrap_or(usize::MAX);
        self.transactions.get(first..).unwrap_or_default()
    }
}
