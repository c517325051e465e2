//! A sealed block in which anything is altered is refused, and the refusal names the field.

use alloy::consensus::Header;
use alloy::primitives::{B64, B256, Bloom, U256};
use tern_messages::SealedBlock;

use super::scenario::{Action, Chain};
use crate::{BatchLimits, ReplayError, replay};

/// A change to a header, or to a block.
type Alteration<T> = Box<dyn Fn(&mut T)>;

const LIMITS: BatchLimits = BatchLimits {
    transactions: 10,
    gas: u64::MAX,
    cycles: u64::MAX,
};

fn sealed(chain: &mut Chain) -> SealedBlock {
    let mut builder = chain.open();
    for action in [
        Action::Write(vec![(1, 1)]),
        Action::Transfer { to: 3, wei: 7 },
    ] {
        let raw = chain.sign(0, &action);
        builder.execute(raw).unwrap();
    }
    builder.seal().unwrap().block
}

fn check(chain: &Chain, block: &SealedBlock) -> Result<(), ReplayError> {
    let nodes = chain.nodes.clone();
    replay(
        nodes,
        chain.rules,
        &chain.head,
        &chain.hashes,
        block,
        LIMITS,
    )
    .map(|_| ())
}

#[test]
fn every_altered_header_field_is_named() {
    let mut chain = Chain::new();
    let block = sealed(&mut chain);
    check(&chain, &block).unwrap();
    let one = B256::repeat_byte(1);
    let alterations: Vec<(&str, Alteration<Header>)> = vec![
        (
            "parentHash",
            Box::new(move |header| header.parent_hash = one),
        ),
        (
            "sha3Uncles",
            Box::new(move |header| header.ommers_hash = one),
        ),
        ("stateRoot", Box::new(move |header| header.state_root = one)),
        (
            "transactionsRoot",
            Box::new(move |header| header.transactions_root = one),
        ),
        (
            "receiptsRoot",
            Box::new(move |header| header.receipts_root = one),
        ),
        (
            "logsBloom",
            Box::new(|header| header.logs_bloom = Bloom::ZERO),
        ),
        (
            "difficulty",
            Box::new(|header| header.difficulty = U256::from(1)),
        ),
        ("number", Box::new(|header| header.number += 1)),
        ("gasUsed", Box::new(|header| header.gas_used += 1)),
        ("timestamp", Box::new(|header| header.timestamp = 0)),
        (
            "extraData",
            Box::new(|header| header.extra_data = vec![1].into()),
        ),
        ("mixHash", Box::new(move |header| header.mix_hash = one)),
        (
            "nonce",
            Box::new(|header| header.nonce = B64::repeat_byte(1)),
        ),
        (
            "baseFeePerGas",
            Box::new(|header| header.base_fee_per_gas = Some(7)),
        ),
        (
            "withdrawalsRoot",
            Box::new(move |header| header.withdrawals_root = Some(one)),
        ),
        (
            "blobGasUsed",
            Box::new(|header| header.blob_gas_used = Some(1)),
        ),
        (
            "excessBlobGas",
            Box::new(|header| header.excess_blob_gas = None),
        ),
        (
            "parentBeaconBlockRoot",
            Box::new(|header| header.parent_beacon_block_root = None),
        ),
        (
            "header",
            Box::new(move |header| header.requests_hash = Some(one)),
        ),
    ];
    for (field, alter) in alterations {
        let mut altered = block.clone();
        alter(&mut altered.header);
        match check(&chain, &altered) {
            Err(error @ ReplayError::Mismatch { .. }) => {
                let named =
                    matches!(&error, ReplayError::Mismatch { field: found, .. } if *found == field);
                // An absent beacon root is executed as zero, which the state shows first.
                assert!(
                    named || field == "parentBeaconBlockRoot",
                    "{field}: {error}"
                );
                assert!(error.accuses_block());
            }
            other => panic!("{field}: {other:?}"),
        }
    }
}

#[test]
fn altered_hashes_receipts_and_transactions_are_refused() {
    let mut chain = Chain::new();
    let block = sealed(&mut chain);
    let alterations: Vec<Alteration<SealedBlock>> = vec![
        Box::new(|block| block.hash = B256::ZERO),
        Box::new(|block| block.receipts[0].gas_used += 1),
        Box::new(|block| block.receipts.truncate(1)),
        Box::new(|block| block.receipts.push(block.receipts[0].clone())),
        Box::new(|block| block.transactions.truncate(1)),
        Box::new(|block| block.transactions.swap(0, 1)),
        Box::new(|block| block.transactions[0] = vec![1, 2, 3].into()),
    ];
    for (index, alter) in alterations.iter().enumerate() {
        let mut altered = block.clone();
        alter(&mut altered);
        let error = check(&chain, &altered).unwrap_err();
        assert!(error.accuses_block(), "alteration {index}: {error}");
    }
}

#[test]
fn missing_state_accuses_nobody() {
    let mut chain = Chain::new();
    let block = sealed(&mut chain);
    chain.nodes = Default::default();
    let error = check(&chain, &block).unwrap_err();
    assert!(!error.accuses_block(), "{error}");
}
