//! A transaction batch as the prover's machine wants it: the one place where the vocabularies meet.
//!
//! Witnesses come from storage or from the network, so nothing in them is believed: numbers are checked
//! against the machine's limits, nodes are found by hash, expansion is bounded.

mod lists;
mod tries;

use std::collections::HashMap;

use alloy::consensus::{EMPTY_ROOT_HASH, Header};
use alloy::primitives::{B256, Bytes, keccak256};
use ethereum_types::{H160, H256, U256};
use evm_arithmetization::GenerationInputs;
use evm_arithmetization::generation::TrieInputs;
use evm_arithmetization::proof::{BlockHashes, BlockMetadata, TrieRoots};
use mpt_trie::partial_trie::PartialTrie;
use tern_messages::TransactionBatch;

use crate::error::InputError;
use crate::statement::{WINDOW_LEN, check_header};

pub(crate) use lists::ListRoots;

/// The prover's inputs for `batch`.
///
/// # Errors
/// If the batch contradicts itself, or holds values that the prover's machine cannot express.
pub fn generation_inputs(batch: &TransactionBatch) -> Result<GenerationInputs, InputError> {
    check(batch)?;
    let transactions = lists::Lists::transactions(batch)?;
    let receipts = lists::Lists::receipts(batch)?;
    let (state_trie, storage_tries) = tries::partial_tries(batch)?;
    Ok(GenerationInputs {
        txn_number_before: batch.first_transaction.into(),
        gas_used_before: batch.gas_used_before.into(),
        gas_used_after: batch.gas_used_after.into(),
        signed_txns: batch
            .own_transactions()
            .iter()
            .map(|bytes| bytes.to_vec())
            .collect(),
        burn_addr: None,
        withdrawals: Vec::new(),
        trie_roots_after: TrieRoots {
            state_root: h256(batch.state_root_after),
            transactions_root: transactions.after,
            receipts_root: receipts.after,
        },
        tries: TrieInputs {
            state_trie,
            transactions_trie: transactions.before,
            receipts_trie: receipts.before,
            storage_tries,
        },
        checkpoint_state_trie_root: H256::zero(),
        checkpoint_consolidated_hash: Default::default(),
        contract_code: codes(&batch.codes),
        block_metadata: metadata(batch),
        block_hashes: BlockHashes {
            prev_hashes: batch.previous_hashes.iter().copied().map(h256).collect(),
            cur_hash: h256(batch.header.hash_slow()),
        },
        ger_data: None,
    })
}

/// Roots of the transactions and receipts tries before and after `batch`.
pub(crate) fn list_roots(batch: &TransactionBatch) -> Result<ListRoots, InputError> {
    check(batch)?;
    let transactions = lists::Lists::transactions(batch)?;
    let receipts = lists::Lists::receipts(batch)?;
    let root = |hash: H256| B256::from(hash.0);
    Ok(ListRoots {
        transactions: [root(transactions.before.hash()), root(transactions.after)],
        receipts: [root(receipts.before.hash()), root(receipts.after)],
    })
}

/// Everything that can be said of a batch without decoding its lists and nodes.
fn check(batch: &TransactionBatch) -> Result<(), InputError> {
    let max = u64::from(u32::MAX);
    let numbers = [
        ("chain id", batch.chain_id.0),
        ("index of the first transaction", batch.first_transaction),
        ("number of transactions", batch.transactions.len() as u64),
        ("gas used before", batch.gas_used_before),
        ("gas used after", batch.gas_used_after),
    ];
    if let Some((field, value)) = numbers.into_iter().find(|(_, value)| *value > max) {
        return Err(InputError::OutOfRange { field, value, max });
    }
    check_header(&batch.header)?;
    let facts = [
        (
            "there are not 256 previous hashes",
            batch.previous_hashes.len() == WINDOW_LEN,
        ),
        (
            "the newest previous hash is not the parent's",
            batch.previous_hashes.last() == Some(&batch.header.parent_hash),
        ),
        (
            "it has no transaction of its own",
            !batch.own_transactions().is_empty(),
        ),
        (
            "transactions and receipts differ in number",
            batch.transactions.len() == batch.receipts.len(),
        ),
        ("gas falls", batch.gas_used_before <= batch.gas_used_after),
        (
            "it uses more gas than the block",
            batch.gas_used_after <= batch.header.gas_used,
        ),
        (
            "it begins the block with gas used before",
            batch.first_transaction > 0 || batch.gas_used_before == 0,
        ),
    ];
    match facts.into_iter().find(|(_, holds)| !holds) {
        Some((what, _)) => Err(InputError::Inconsistent { what }),
        None => Ok(()),
    }
}

fn metadata(batch: &TransactionBatch) -> BlockMetadata {
    let header: &Header = &batch.header;
    BlockMetadata {
        block_beneficiary: H160(header.beneficiary.0.0),
        block_timestamp: header.timestamp.into(),
        block_number: header.number.into(),
        block_difficulty: U256::zero(),
        block_random: h256(header.mix_hash),
        block_gaslimit: header.gas_limit.into(),
        block_chain_id: batch.chain_id.0.into(),
        block_base_fee: header.base_fee_per_gas.unwrap_or_default().into(),
        block_gas_used: header.gas_used.into(),
        block_blob_gas_used: U256::zero(),
        block_excess_blob_gas: U256::zero(),
        parent_beacon_block_root: h256(header.parent_beacon_block_root.unwrap_or_default()),
        block_bloom: [U256::MAX; 8],
    }
}

/// Bytecodes by hash; the machine looks up the empty one too.
fn codes(codes: &[Bytes]) -> HashMap<H256, Vec<u8>> {
    let empty = Bytes::new();
    codes
        .iter()
        .chain([&empty])
        .map(|code| (h256(keccak256(code)), code.to_vec()))
        .collect()
}

fn h256(hash: B256) -> H256 {
    H256(hash.0)
}

/// Root of an empty trie, as transactions and receipts have at the start of a block.
pub(crate) const EMPTY_ROOT: B256 = EMPTY_ROOT_HASH;
