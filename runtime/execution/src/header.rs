//! From executed transactions to a header.

use alloy::consensus::constants::EMPTY_WITHDRAWALS;
use alloy::consensus::{EMPTY_OMMER_ROOT_HASH, Header};
use alloy::eips::eip2718::Encodable2718;
use alloy::primitives::{B64, B256, Bloom, Bytes, U256};
use alloy_trie::root::ordered_trie_root_encoded;
use tern_messages::Receipt;

use crate::environment::{BlockEnvironment, ChainRules, HeaderBloom};

/// What execution adds to the environment.
pub(crate) struct Contents<'a> {
    pub(crate) state_root: B256,
    pub(crate) transactions: &'a [Bytes],
    pub(crate) receipts: &'a [Receipt],
    pub(crate) gas_used: u64,
}

/// Builds the Cancun header of a block. Ommers, difficulty, nonce, extra data, withdrawals and blob fields
/// are constants.
pub(crate) fn header(
    rules: &ChainRules,
    environment: &BlockEnvironment,
    contents: &Contents<'_>,
) -> Header {
    let receipts: Vec<_> = contents
        .receipts
        .iter()
        .map(|receipt| receipt.envelope.encoded_2718())
        .collect();
    let logs_bloom = match rules.header_bloom {
        HeaderBloom::AllOnes => Bloom::repeat_byte(0xff),
        HeaderBloom::True => contents
            .receipts
            .iter()
            .fold(Bloom::ZERO, |bloom, receipt| {
                bloom | *receipt.envelope.logs_bloom()
            }),
    };
    Header {
        parent_hash: environment.parent_hash,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: environment.beneficiary,
        state_root: contents.state_root,
        transactions_root: ordered_trie_root_encoded(contents.transactions),
        receipts_root: ordered_trie_root_encoded(&receipts),
        logs_bloom,
        difficulty: U256::ZERO,
        number: environment.number,
        gas_limit: environment.gas_limit.0,
        gas_used: contents.gas_used,
        timestamp: environment.timestamp,
        extra_data: Bytes::new(),
        mix_hash: environment.prev_randao,
        nonce: B64::ZERO,
        base_fee_per_gas: Some(environment.base_fee),
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(environment.parent_beacon_block_root),
        ..Header::default()
    }
}
