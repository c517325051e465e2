//! The tries of a block's transactions and receipts, before and after a batch.

use alloy::consensus::{ReceiptEnvelope, TxEnvelope};
use alloy::eips::eip2718::Decodable2718;
use alloy::primitives::{B256, Bytes};
use ethereum_types::H256;
use mpt_trie::nibbles::Nibbles;
use mpt_trie::partial_trie::{HashedPartialTrie, PartialTrie};
use mpt_trie::trie_subsets::create_trie_subset;
use tern_messages::TransactionBatch;

use crate::error::InputError;

/// Roots before and after a batch.
pub(crate) struct ListRoots {
    pub(crate) transactions: [B256; 2],
    pub(crate) receipts: [B256; 2],
}

/// One of the two tries.
pub(super) struct Lists {
    /// As it is before the batch, with only the nodes that the batch's own entries touch. Among them may be an earlier
    /// entry, which a new key splits: execution counts it for the batch (`MachineWork::of_neighbours`).
    pub(super) before: HashedPartialTrie,
    /// Root after the batch.
    pub(super) after: H256,
}

impl Lists {
    pub(super) fn transactions(batch: &TransactionBatch) -> Result<Self, InputError> {
        let what = "transaction";
        for (index, bytes) in batch.transactions.iter().enumerate() {
            let transaction = TxEnvelope::decode_2718_exact(bytes)
                .map_err(|_| InputError::Encoding { what, index })?;
            if transaction.is_eip4844() || transaction.is_eip7702() {
                return Err(InputError::Encoding { what, index });
            }
        }
        Self::new(what, &batch.transactions, batch.first_transaction)
    }

    pub(super) fn receipts(batch: &TransactionBatch) -> Result<Self, InputError> {
        let what = "receipt";
        for (index, bytes) in batch.receipts.iter().enumerate() {
            ReceiptEnvelope::<alloy::primitives::Log>::decode_2718_exact(bytes)
                .map_err(|_| InputError::Encoding { what, index })?;
        }
        Self::new(what, &batch.receipts, batch.first_transaction)
    }

    fn new(what: &'static str, entries: &[Bytes], first: u64) -> Result<Self, InputError> {
        let first = usize::try_from(first)
            .unwrap_or(usize::MAX)
            .min(entries.len());
        let mut trie = HashedPartialTrie::default();
        insert(what, &mut trie, entries, 0..first)?;
        let own = (first..entries.len()).map(key);
        let before = create_trie_subset(&trie, own)
            .map_err(|_| InputError::Encoding { what, index: first })?;
        insert(what, &mut trie, entries, first..entries.len())?;
        Ok(Self {
            before,
            after: trie.hash(),
        })
    }
}

fn insert(
    what: &'static str,
    trie: &mut HashedPartialTrie,
    entries: &[Bytes],
    range: std::ops::Range<usize>,
) -> Result<(), InputError> {
    for index in range {
        trie.insert(key(index), entries[index].to_vec())
            .map_err(|_| InputError::Encoding { what, index })?;
    }
    Ok(())
}

/// RLP of the index.
fn key(index: usize) -> Nibbles {
    Nibbles::from_bytes_be(&rlp::encode(&index)).expect("the RLP of an index is short")
}
