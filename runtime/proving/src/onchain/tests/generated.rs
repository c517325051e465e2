//! What is generated from the circuit is what the sources hold.

use std::fs;
use std::path::PathBuf;

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
