//! What is generated from the circuit is what the sources hold.

use std::fs;
use std::path::PathBuf;

use alloy::primitives::{b256, keccak256};
use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::hash::hashing::PlonkyPermutation;
use plonky2::hash::keccak::KeccakPermutation;

use crate::onchain::{
    SOLIDITY_CONSTANTS_PATH, SOLIDITY_POSEIDON_PATH, Structure, solidity_constants,
    solidity_poseidon_table, structure, structure_bytes, wrap_config,
};

fn path(relative: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(relative)
}

/// Without the white space that `forge fmt` moves.
fn words(source: &str) -> String {
    source.split_whitespace().collect()
}

#[test]
fn constants_of_the_contract_are_those_of_the_structure() {
    for (file, fresh) in [
        (SOLIDITY_CONSTANTS_PATH, solidity_constants()),
        (SOLIDITY_POSEIDON_PATH, solidity_poseidon_table()),
    ] {
        if std::env::var_os("TERN_WRITE_FIXTURES").is_some() {
            fs::write(path(file), &fresh).unwrap();
        }
        let committed = fs::read_to_string(path(file)).unwrap();
        assert!(
            words(&committed) == words(&fresh),
            "{file} is out of date: run this test with TERN_WRITE_FIXTURES=1, then forge fmt"
        );
    }
}

#[test]
fn the_structure_offers_a_hundred_bits() {
    let fri = &structure().config.fri_config;
    assert_eq!(structure().config, wrap_config());
    assert!(fri.rate_bits * fri.num_query_rounds + fri.proof_of_work_bits as usize >= 100);
    assert!(!structure().config.zero_knowledge);
}

/// Writes a new structure; the constants follow with the next compilation.
pub(super) fn write(structure: &Structure) {
    fs::write(
        path("src/onchain/structure.bin"),
        structure_bytes(structure),
    )
    .unwrap();
}

/// The contract's tests hold this digest against their own sponge (`Twins.t.sol`).
#[test]
fn the_sponge_leaves_out_numbers_that_are_no_elements() {
    let first = F::from_canonical_u64(257_290_499_u64.swap_bytes());
    let state = std::iter::once(first).chain([F::ZERO; 11]);
    let mut sponge = KeccakPermutation::new(state);
    sponge.permute();
    let bytes: Vec<u8> = sponge
        .as_ref()
        .iter()
        .flat_map(|x| x.to_canonical_u64().to_le_bytes())
        .collect();
    assert_eq!(
        keccak256(bytes),
        b256!("3d53893fa8f53ebf9c7e0b7352808b989530604a95b049d5ec510a50c486d3d2")
    );
}
