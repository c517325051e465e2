//! Batches through the machine's kernel, without proofs.

use alloy::primitives::{B256, Bytes};
use evm_arithmetization::generation::mpt::AccountRlp;
use tern_messages::TransactionBatch;

use super::fixture::{Chain, rlp_list};
use crate::simulate::{measure, simulate};
use crate::{InputError, Profile, Table, Unprovable};

const PROFILE: Profile = Profile::InsecureTest;

fn batch() -> TransactionBatch {
    Chain::new().block(&[2]).batches.remove(0)
}

#[test]
fn two_transfers_fit_one_segment() {
    let simulation = simulate(&batch(), PROFILE).unwrap();
    assert_eq!(simulation.max_cycles_log, PROFILE.max_cycles_log());
    assert_eq!(simulation.segments.len(), 1);
    let sizes = simulation.segments[0].0;
    for (table, size) in Table::ALL.into_iter().zip(sizes) {
        assert!(
            size.is_none_or(|size| PROFILE.table_sizes()[table as usize].contains(&size.into()))
        );
    }
    assert_eq!(
        sizes[Table::MemAfter as usize],
        None,
        "nothing is left after the last segment"
    );
}

#[test]
fn shorter_segments_are_more_and_have_the_same_end() {
    let config = PROFILE.recursion_config().stark_config;
    let simulation = measure(&batch(), &config, 15).unwrap();
    assert_eq!(simulation.segments.len(), 3);
    let memory = simulation
        .segments
        .iter()
        .map(|sizes| sizes.0[Table::MemAfter as usize].is_some());
    assert_eq!(memory.collect::<Vec<_>>(), [true, true, false]);
}

#[test]
fn a_wrong_outcome_stops_the_kernel() {
    let changes: [fn(&mut TransactionBatch); 3] = [
        |b| b.state_root_after.0[0] ^= 1,
        |b| b.gas_used_after -= 1,
        |b| b.receipts.swap(0, 1),
    ];
    for change in changes {
        let mut batch = batch();
        change(&mut batch);
        let result = simulate(&batch, PROFILE);
        assert!(
            matches!(result, Err(Unprovable::Kernel { .. })),
            "{result:?}"
        );
        // Everybody may read it, by `tern_finality`: no backtrace with the paths of a build, no memory.
        let said = result.unwrap_err().to_string();
        assert!(said.len() < 300 && !said.contains('\n'), "{said}");
    }
}

#[test]
fn a_witness_without_a_needed_node_is_an_error() {
    let full = batch();
    for missing in 0..full.nodes.len() {
        let mut batch = full.clone();
        batch.nodes.remove(missing);
        let result = simulate(&batch, PROFILE);
        assert!(result.is_err(), "node {missing} is not needed");
    }
}

#[test]
fn storage_is_made_of_the_nodes_of_its_own_account() {
    let mut chain = Chain::new();
    chain.block(&[1]);
    let mut batch = chain.block(&[2]).batches.remove(0);
    assert!(simulate(&batch, PROFILE).is_ok());
    let own = batch.storage.iter().position(|one| !one.nodes.is_empty());
    let own = own.expect("the beacon roots are stored");
    let nodes = std::mem::take(&mut batch.storage[own].nodes);
    let other = (own + 1) % batch.storage.len();
    batch.storage[other].nodes = nodes.clone();
    batch.nodes.extend(nodes);
    assert!(simulate(&batch, PROFILE).is_err(), "another's nodes served");
}

#[test]
fn malformed_input_is_an_error() {
    let changes: [fn(&mut TransactionBatch); 13] = [
        |b| b.chain_id.0 = 1 << 32,
        |b| b.header.timestamp = 1 << 32,
        |b| b.header.base_fee_per_gas = None,
        |b| b.header.difficulty += alloy::primitives::U256::ONE,
        |b| b.header.logs_bloom.0[0] = 0,
        |b| b.previous_hashes.truncate(255),
        |b| b.previous_hashes[255] = B256::ZERO,
        |b| b.first_transaction = 2,
        |b| b.transactions[0] = Bytes::from_static(&[3, 1, 2]),
        |b| b.receipts[1] = Bytes::from_static(&[0xc0]),
        |b| b.receipts.truncate(1),
        |b| b.storage.iter_mut().for_each(|one| one.root = B256::ZERO),
        |b| b.storage.push(b.storage[0].clone()),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut batch = batch();
        change(&mut batch);
        let result = simulate(&batch, PROFILE);
        assert!(
            matches!(result, Err(Unprovable::Input(_))),
            "change {index}: {result:?}"
        );
    }
}

/// A batch in whose witness the first of these nodes is the root of the state.
fn batch_of(nodes: Vec<Bytes>) -> TransactionBatch {
    TransactionBatch {
        state_root_before: alloy::primitives::keccak256(&nodes[0]),
        nodes,
        ..batch()
    }
}

/// Asserts that a witness is refused for one of these nodes, the first of which is the root of the state.
fn assert_node_refused(nodes: Vec<Bytes>) {
    let result = simulate(&batch_of(nodes), PROFILE);
    assert!(
        matches!(result, Err(Unprovable::Input(InputError::Node { .. }))),
        "{result:?}"
    );
}

/// So many nodes, each made of the reference to the next, the root first.
fn chain(count: usize, node: impl Fn(&[u8]) -> Vec<u8>) -> Vec<Bytes> {
    let mut child = alloy::rlp::encode(B256::ZERO);
    let mut nodes = Vec::new();
    for _ in 0..count {
        let node = rlp_list(&node(&child));
        child = alloy::rlp::encode(alloy::primitives::keccak256(&node));
        nodes.push(node.into());
    }
    nodes.reverse();
    nodes
}

#[test]
fn a_node_that_expands_without_end_is_refused() {
    // A branch whose sixteen children are one branch, and so on: 16^n leaves from n nodes.
    let nodes = chain(40, |child| [&child.repeat(16)[..], &[0x80]].concat());
    let result = simulate(&batch_of(nodes), PROFILE);
    let expected = InputError::OutOfRange {
        field: "number of trie nodes",
        value: crate::limits::MAX_WITNESS_NODES as u64 + 1,
        max: crate::limits::MAX_WITNESS_NODES as u64,
    };
    assert_eq!(result, Err(Unprovable::Input(expected)));
}

#[test]
fn a_chain_of_extensions_without_a_path_is_refused() {
    assert_node_refused(chain(60_000, |child| [&[0], child].concat()));
}

/// What a leaf holds is copied wherever the leaf is expanded.
#[test]
fn what_follows_the_value_of_a_leaf_is_refused() {
    let account = rlp::encode(&AccountRlp::default()).to_vec();
    for junk in [1, 1_000_000] {
        let value = [&account[..], &vec![1; junk]].concat();
        let path = [&[0x20][..], &[0; 32]].concat();
        let leaf = [
            alloy::rlp::encode(&path[..]),
            alloy::rlp::encode(&value[..]),
        ];
        assert_node_refused(vec![rlp_list(&leaf.concat()).into()]);
    }
}

/// Each takes more memory than the bytes that show it.
#[test]
fn branches_that_lead_to_nothing_are_refused() {
    let empty = rlp_list(&[0x80; 17]);
    let full = rlp_list(&[&empty.repeat(16)[..], &[0x80]].concat());
    for root in [empty, full] {
        assert_node_refused(vec![root.into()]);
    }
}

#[test]
fn random_nodes_never_panic() {
    use alloy::primitives::keccak256;
    for seed in 0u32..2000 {
        let noise = keccak256(seed.to_be_bytes());
        let mut batch = batch();
        let index = usize::from(noise[0]) % batch.nodes.len();
        let mut node = batch.nodes[index].to_vec();
        let position = usize::from(noise[1]) % node.len();
        node[position] = noise[2];
        if noise[3] < 64 {
            node.truncate(position);
        }
        let root = keccak256(&node);
        batch.nodes.push(node.into());
        batch.state_root_before = root;
        let _ = crate::inputs::generation_inputs(&batch);
    }
}
