//! The vectors that the contracts' tests read, made with alloy, alloy-trie and what the node uses. This test fails when
//! they are out of date; with `TERN_WRITE_VECTORS=1` it writes them.

#![expect(clippy::unwrap_used, reason = "tests and what they stand on")]

use std::path::PathBuf;

use alloy::consensus::Header;
use alloy::consensus::constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_WITHDRAWALS};
use alloy::primitives::{B64, B256, Bloom, U256, keccak256};
use alloy_trie::root::ordered_trie_root_with_encoder;
use serde_json::{Value, json};
use tern_execution::next_base_fee;
use tern_settlement::compression::compress;

fn check(name: &str, value: &Value) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("contracts/test/vectors")
        .join(name);
    let text = format!("{value:#}\n");
    if std::env::var_os("TERN_WRITE_VECTORS").is_some() {
        std::fs::write(&path, text).unwrap();
    } else {
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            text,
            "{} is out of date",
            path.display()
        );
    }
}

fn seeded(seed: &str, index: u64) -> U256 {
    let mut bytes = seed.as_bytes().to_vec();
    bytes.extend_from_slice(&index.to_be_bytes());
    keccak256(bytes).into()
}

/// The value at `index`, which test/rollup/TransactionTrie.t.sol makes in the same way: 1 + h mod `longest` bytes of
/// h repeated, h = keccak256(seed ‖ index as 8 bytes).
fn value(seed: &str, longest: usize, index: usize) -> Vec<u8> {
    let hash = seeded(seed, index as u64);
    let length = 1 + usize::try_from(hash % U256::from(longest)).unwrap();
    hash.to_be_bytes::<32>()
        .iter()
        .copied()
        .cycle()
        .take(length)
        .collect()
}

fn roots(seed: &str, longest: usize, counts: impl Iterator<Item = usize>) -> Vec<String> {
    counts
        .map(|count| {
            let values: Vec<_> = (0..count)
                .map(|index| value(seed, longest, index))
                .collect();
            let root = ordered_trie_root_with_encoder(&values, |value, out| {
                out.extend_from_slice(value);
            });
            root.to_string()
        })
        .collect()
}

#[test]
fn the_trie_vectors_are_those_of_alloy_trie() {
    let roots = json!({
        "transactions": roots("transactions", 400, 1..=300),
        "tiny": roots("tiny", 4, 1..=300),
        "long": roots("long", 70_000, 1..=20),
        "many": roots("many", 100, [511, 512, 513, 1000, 4097].into_iter()),
    });
    check("trie.json", &roots);
}

/// Short and long, of few and of many different bytes, with repetitions near and far.
#[test]
fn the_compression_vectors_are_those_of_the_node() {
    let lengths = [1, 2, 31, 32, 33, 64, 100, 300, 1_000, 9_000];
    let plain = [2, 16, 256].into_iter().flat_map(|alphabet| {
        lengths.map(|len| {
            // The longest come to the end of a match's reach, 8,192 bytes, before they repeat.
            let draw = |index: u64| seeded("compression", index % 8_190).as_limbs()[0] % alphabet;
            (0..len)
                .map(|index| draw(index).to_le_bytes()[0])
                .collect::<Vec<_>>()
        })
    });
    let plain: Vec<_> = plain.collect();
    let hex = |bytes: &[u8]| alloy::hex::encode_prefixed(bytes);
    let value = json!({
        "plain": plain.iter().map(|data| hex(data)).collect::<Vec<_>>(),
        "compressed": plain.iter().map(|data| hex(&compress(data))).collect::<Vec<_>>(),
    });
    check("fastlz.json", &value);
}

#[test]
fn the_header_vectors_are_those_of_alloy() {
    let headers: Vec<Header> = (0..40).map(header).collect();
    let strings = |field: fn(&Header) -> String| headers.iter().map(field).collect::<Vec<_>>();
    let numbers = |field: fn(&Header) -> u64| {
        headers
            .iter()
            .map(|header| field(header).to_string())
            .collect::<Vec<_>>()
    };
    let value = json!({
        "parentHash": strings(|header| header.parent_hash.to_string()),
        "beneficiary": strings(|header| header.beneficiary.into_word().to_string()),
        "stateRoot": strings(|header| header.state_root.to_string()),
        "transactionsRoot": strings(|header| header.transactions_root.to_string()),
        "receiptsRoot": strings(|header| header.receipts_root.to_string()),
        "beaconRoot": strings(|header| header.parent_beacon_block_root.unwrap().to_string()),
        "number": numbers(|header| header.number),
        "gasLimit": numbers(|header| header.gas_limit),
        "gasUsed": numbers(|header| header.gas_used),
        "timestamp": numbers(|header| header.timestamp),
        "baseFee": numbers(|header| header.base_fee_per_gas.unwrap()),
        "hash": strings(|header| header.hash_slow().to_string()),
        "nextBaseFee": numbers(next_base_fee),
    });
    check("headers.json", &value);
}

/// A header with the constants of this chain and everything else drawn; numbers have 1 to 32 bits, but the base fees of the
/// last four, which are near the most that a header holds.
fn header(seed: u64) -> Header {
    let draw = |name: &str| B256::from(seeded(name, seed));
    let number = |name: &str| {
        let hash = seeded(name, seed);
        (hash.as_limbs()[0] & 0xffff_ffff) >> (hash.as_limbs()[1] % 32)
    };
    let parent_hash = draw("parent hash");
    let gas_limit = number("gas limit").max(5_000);
    let gas_used = match seed % 4 {
        0 => gas_limit / 2,
        1 => gas_limit,
        2 => 0,
        _ => number("gas used") % (gas_limit + 1),
    };
    let base_fee = match seed {
        36.. => u64::MAX - number("base fee"),
        _ => number("base fee") << (seed % 20),
    };
    Header {
        parent_hash,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: alloy::primitives::Address::from_word(draw("beneficiary")),
        state_root: draw("state root"),
        transactions_root: draw("transactions root"),
        receipts_root: draw("receipts root"),
        logs_bloom: Bloom::repeat_byte(0xff),
        difficulty: U256::ZERO,
        number: number("number"),
        gas_limit,
        gas_used,
        timestamp: number("timestamp"),
        extra_data: Default::default(),
        mix_hash: keccak256(parent_hash),
        nonce: B64::ZERO,
        base_fee_per_gas: Some(base_fee),
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(draw("beacon root")),
        ..Header::default()
    }
}
