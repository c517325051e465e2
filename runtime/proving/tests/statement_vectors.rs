//! The committed vectors are what this crate computes, so that others may test against them.
//! With `TERN_WRITE_VECTORS=1` the file is written instead.

use std::path::Path;

use alloy::consensus::Header;
use alloy::primitives::{Address, B256, Bloom, U256, keccak256};
use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::field::types::{Field, Field64, PrimeField64};
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::plonk::config::Hasher;
use serde_json::{Value, json};
use tern_messages::ChainId;
use tern_proving::statement::{BatchStatement, StatementError, stream_hash};

fn word(label: &str) -> B256 {
    keccak256(label)
}

fn header(number: u64, parent_hash: B256) -> Header {
    Header {
        parent_hash,
        ommers_hash: alloy::consensus::EMPTY_OMMER_ROOT_HASH,
        beneficiary: Address::from_word(word("beneficiary")),
        state_root: word(&format!("state {number}")),
        transactions_root: word(&format!("transactions {number}")),
        receipts_root: word(&format!("receipts {number}")),
        logs_bloom: Bloom::repeat_byte(0xff),
        difficulty: U256::ZERO,
        number,
        gas_limit: 30_000_000,
        gas_used: 21_000 * number,
        timestamp: 1_750_000_000 + 12 * number,
        mix_hash: keccak256(parent_hash),
        base_fee_per_gas: Some(0x1_2345_6789 + number),
        withdrawals_root: Some(alloy::consensus::EMPTY_ROOT_HASH),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(word(&format!("anchor {number}"))),
        ..Header::default()
    }
}

/// Blocks 3, 4 and 5 of a chain: the window before them holds genesis and two blocks.
fn synthetic_batch() -> (Vec<B256>, Vec<Header>) {
    let mut window = vec![B256::ZERO; 253];
    window.extend([word("genesis"), word("block 1"), word("block 2")]);
    let mut headers: Vec<Header> = Vec::new();
    for number in 3..6 {
        let parent = headers.last().map_or(window[255], Header::hash_slow);
        headers.push(header(number, parent));
    }
    (window, headers)
}

/// Numbers of 64 bits as decimal strings: JSON readers lose the low bits of larger ones.
fn text(elements: &[u64]) -> Value {
    elements.iter().map(|element| element.to_string()).collect()
}

fn poseidon_vectors() -> Value {
    let field = |n: u64| GoldilocksField::from_noncanonical_u64(n);
    let out = |h: HashOut<GoldilocksField>| text(&h.elements.map(|e| e.to_canonical_u64()));
    let cases = [1usize, 4, 8, 9, 22, 67].map(|len| {
        let input: Vec<u64> = (0..len as u64)
            .map(|i| field(i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_canonical_u64())
            .collect();
        let elements: Vec<_> = input.iter().map(|&e| field(e)).collect();
        json!({ "input": text(&input), "hashNoPad": out(PoseidonHash::hash_no_pad(&elements)) })
    });
    let (left, right) = ([1, 2, 3, 4], [5, 6, 7, GoldilocksField::ORDER - 1]);
    let digest = |e: [u64; 4]| HashOut::<GoldilocksField> {
        elements: e.map(field),
    };
    json!({
        "hashes": cases,
        "twoToOne": {
            "left": text(&left), "right": text(&right),
            "output": out(PoseidonHash::two_to_one(digest(left), digest(right))),
        },
    })
}

fn vectors() -> Value {
    let (window, headers) = synthetic_batch();
    let statement = BatchStatement::new(
        ChainId(48_879),
        word("start"),
        window.clone(),
        headers.clone(),
    )
    .unwrap();
    let (stream, data) = (statement.stream(), statement.data());
    let rlp = |h: &Header| alloy::primitives::Bytes::from(alloy::rlp::encode(h));
    json!({
        "poseidon": poseidon_vectors(),
        "batch": {
            "chainId": 48_879,
            "startStateRoot": word("start"),
            "window": window,
            "blocks": headers.iter().map(|h| json!({ "rlp": rlp(h), "hash": h.hash_slow() })).collect::<Vec<_>>(),
            "stream": text(&stream),
            "streamHash": stream_hash(&stream),
            "startWindow": text(&data.start_window),
            "endWindow": text(&data.end_window),
            "commitment": text(&data.commitment),
            "point": text(&data.point.0),
            "evaluation": text(&data.evaluation),
            "digest": text(&statement.digest().0),
        },
    })
}

#[test]
fn committed_vectors_are_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/statement.json");
    let expected = vectors();
    if std::env::var_os("TERN_WRITE_VECTORS").is_some() {
        std::fs::write(
            &path,
            serde_json::to_string_pretty(&expected).unwrap() + "\n",
        )
        .unwrap();
    }
    let found: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(found, expected);
}

#[test]
fn every_element_of_the_stream_moves_the_digest() {
    let (window, headers) = synthetic_batch();
    let statement =
        |headers| BatchStatement::new(ChainId(48_879), word("start"), window.clone(), headers);
    let digest = statement(headers.clone()).unwrap().digest();
    let changes: [fn(&mut Header); 8] = [
        |h| h.beneficiary.0[0] ^= 1,
        |h| h.state_root.0[31] ^= 1,
        |h| h.transactions_root.0[0] ^= 1,
        |h| h.receipts_root.0[7] ^= 1,
        |h| h.gas_used += 1,
        |h| h.timestamp += 1,
        |h| h.base_fee_per_gas = h.base_fee_per_gas.map(|fee| fee + (1 << 32)),
        |h| h.extra_data = vec![1].into(),
    ];
    for change in changes {
        let mut changed = headers.clone();
        change(&mut changed[2]);
        assert_ne!(statement(changed).unwrap().digest(), digest);
    }
}

#[test]
fn blocks_that_do_not_follow_are_refused() {
    let (window, headers) = synthetic_batch();
    let new =
        |window: Vec<B256>, headers| BatchStatement::new(ChainId(1), B256::ZERO, window, headers);
    assert_eq!(new(window.clone(), vec![]), Err(StatementError::Empty));
    assert_eq!(
        new(window[1..].to_vec(), headers.clone()),
        Err(StatementError::Window { found: 255 })
    );
    let skipped = vec![headers[0].clone(), headers[2].clone()];
    assert_eq!(
        new(window.clone(), skipped),
        Err(StatementError::Gap { number: 5 })
    );
    let mut bloomless = headers.clone();
    bloomless[1].logs_bloom = Bloom::ZERO;
    assert_eq!(
        new(window, bloomless),
        Err(StatementError::NotConstant {
            number: 4,
            field: "logs bloom"
        })
    );
}
