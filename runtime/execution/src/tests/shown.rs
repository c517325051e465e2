//! What is shown of tries takes no more cells than were counted.

use std::sync::Arc;

use alloy::primitives::{Address, B256, U256, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use alloy_trie::nodes::TrieNode;

use crate::source::{MemoryNodes, Overlay};
use crate::touched::Touched;
use crate::trie::{decode, update};
use crate::view::{AccountState, StateView, encode_account};
use crate::witness::Extract;

const ACCOUNT: Address = Address::repeat_byte(0xcc);
/// Cells of a slot in the kernel's list, the access list and the journal.
const SLOT_CELLS: u64 = 13;

/// Cells of a storage trie's node: a leaf is in the trie and in the list of slots.
fn cells(node: &[u8]) -> u64 {
    match decode(node, B256::ZERO).unwrap() {
        TrieNode::EmptyRoot => 0,
        TrieNode::Extension(_) => 4,
        TrieNode::Leaf(_) => 10,
        TrieNode::Branch(branch) => {
            let children = branch.stack.iter();
            let children = children.map(|child| match child.as_hash() {
                Some(_) => 2,
                None => cells(child),
            });
            18 + children.sum::<u64>()
        }
    }
}

/// A slot whose hashed key begins with this nibble.
fn slot_below(nibble: u8) -> U256 {
    let mut slots = (0..).map(U256::from);
    let found = slots.find(|slot| keccak256(slot.to_be_bytes::<32>())[0] >> 4 == nibble);
    found.unwrap()
}

/// Slots that were looked for until their keys had eight nibbles in common: their leaves lie inside a branch. An absent
/// key that ends in the extension above shows the branch.
#[test]
fn leaves_that_lie_inside_a_branch_were_counted() {
    let overlay = Overlay::new(Arc::new(MemoryNodes::new()));
    let mut leaves = Vec::new();
    for first in 0..16u8 {
        for ninth in 0..16u8 {
            let mut key = [0; 32];
            (key[0], key[4]) = (first << 4, ninth << 4);
            // Other values, so that no two branches are one.
            leaves.push((key, Some(vec![1 + first])));
        }
    }
    let account = AccountState {
        storage_root: update(&overlay, EMPTY_ROOT_HASH, leaves).unwrap(),
        ..AccountState::default()
    };
    let leaf = (keccak256(ACCOUNT), Some(encode_account(&account)));
    let root = update(&overlay, EMPTY_ROOT_HASH, vec![leaf]).unwrap();
    let slots: Vec<U256> = (0..16).map(slot_below).collect();
    let mut touched = Touched::default();
    for slot in &slots {
        touched.slot(ACCOUNT, *slot);
    }
    let extract = Extract::collect(&overlay, root, &touched).unwrap();
    let (_, storage) = extract.into_parts();
    let nodes = storage.iter().flat_map(|one| &one.nodes);
    let nodes: Vec<u64> = nodes.map(|node| cells(node)).collect();
    assert_eq!(nodes.len(), 1 + 16 + 16);
    let shown = nodes.iter().sum::<u64>() + slots.len() as u64 * SLOT_CELLS;
    let view = StateView::new(Arc::new(overlay), root);
    let counted = view.tries_work(ACCOUNT, slots.into_iter()).unwrap();
    assert!(shown <= counted.cells, "{shown} cells, {counted:?}");
    assert!(shown > 16 * 195, "{shown} cells");
}
