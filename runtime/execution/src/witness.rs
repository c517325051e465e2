//! Which trie nodes a prover needs to run a transaction batch without the state.
//!
//! The prover holds the nodes in place and everything else as hashes. It reads and writes the paths of the
//! keys that the transactions touch. Two things go beyond those paths:
//!
//! * When a deletion leaves a branch with one child, that child's kind decides what the branch becomes: the
//!   child must be there. We take every branch that could come down to one child if all keys that are absent
//!   at some moment were deleted ([`survivors`]); an order of deletions cannot need more.
//! * When a key that ends inside an extension is inserted and deleted again, the extension is split and
//!   joined: its child must be there.
//!
//! More nodes than needed do no harm.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{B256, Bytes, U256, keccak256};
use alloy_trie::nodes::{RlpNode, TrieNode};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};

use crate::error::StateError;
use crate::source::NodeSource;
use crate::touched::Touched;
use crate::trie::{child_at, decode, load, walk};
use crate::view::decode_account;

/// How long transaction batches may become. A batch always holds at least one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Most transactions in one batch.
    pub transactions: usize,
    /// A batch ends before the transaction with which it would use more gas than this.
    pub gas: u64,
    /// A batch ends before the transaction with which it might take more machine cycles than this.
    pub cycles: u64,
}

/// The parts of the state that a transaction batch needs.
#[derive(Debug, Default)]
pub(crate) struct Extract {
    nodes: BTreeSet<Bytes>,
    storage_roots: BTreeMap<B256, B256>,
}

impl Extract {
    /// Collects what `touched` needs of the state at `root`.
    pub(crate) fn collect(
        nodes: &dyn NodeSource,
        root: B256,
        touched: &Touched,
    ) -> Result<Self, StateError> {
        let mut extract = Self::default();
        let mut gone = Vec::new();
        for (address, account) in &touched.accounts {
            let key = keccak256(address);
            let found = extract.path(nodes, root, key, true)?;
            let Some(rlp) = found else {
                extract.storage_roots.insert(key, EMPTY_ROOT_HASH);
                continue;
            };
            let storage_root = decode_account(&rlp, root)?.storage_root;
            extract.storage_roots.insert(key, storage_root);
            let mut cleared = Vec::new();
            for slot in &account.slots {
                let key = slot_key(slot);
                let present = extract.path(nodes, storage_root, key, false)?.is_some();
                if present && (account.absent || account.cleared.contains(slot)) {
                    cleared.push(Nibbles::unpack(key));
                }
            }
            extract.collapses(nodes, storage_root, cleared, false)?;
            if account.absent {
                gone.push(Nibbles::unpack(key));
            }
        }
        extract.collapses(nodes, root, gone, true)?;
        Ok(extract)
    }

    /// The nodes, sorted, and the storage root of every account among them, sorted by hashed address.
    pub(crate) fn into_parts(self) -> (Vec<Bytes>, Vec<(B256, B256)>) {
        (
            self.nodes.into_iter().collect(),
            self.storage_roots.into_iter().collect(),
        )
    }

    /// Takes the path of a key; returns its value.
    fn path(
        &mut self,
        nodes: &dyn NodeSource,
        root: B256,
        key: B256,
        state: bool,
    ) -> Result<Option<Vec<u8>>, StateError> {
        let mut visited = Vec::new();
        let found = walk(nodes, root, key, |path, hash, node| {
            visited.push((*path, hash, node.clone()));
        })?;
        for (path, hash, node) in visited {
            self.take(&path, hash, node, state)?;
        }
        // The path's extension may be split by the key and joined again.
        if let Some(child) = found.beyond.and_then(|child| child.as_hash()) {
            self.nodes.insert(load(nodes, child)?);
        }
        Ok(found.value)
    }

    /// Takes a node. A leaf of the state trie brings its account's storage root.
    fn take(
        &mut self,
        path: &Nibbles,
        hash: B256,
        node: Bytes,
        state: bool,
    ) -> Result<(), StateError> {
        if state && let TrieNode::Leaf(leaf) = decode(&node, hash)? {
            let key = B256::from_slice(&path.join(&leaf.key).pack());
            let account = decode_account(&leaf.value, hash)?;
            self.storage_roots.insert(key, account.storage_root);
        }
        self.nodes.insert(node);
        Ok(())
    }

    /// Takes the nodes that remain alone in a branch when the keys in `gone` are deleted.
    fn collapses(
        &mut self,
        nodes: &dyn NodeSource,
        root: B256,
        mut gone: Vec<Nibbles>,
        state: bool,
    ) -> Result<(), StateError> {
        if gone.is_empty() {
            return Ok(());
        }
        gone.sort_unstable();
        let rlp = load(nodes, root)?;
        let mut alone = Vec::new();
        survivors(nodes, (root, &rlp), Nibbles::default(), &gone, &mut alone)?;
        for (path, child) in alone {
            if let Some(hash) = child.as_hash() {
                self.take(&path, hash, load(nodes, hash)?, state)?;
            }
        }
        Ok(())
    }
}

/// Whether anything is left under a node when the keys in `gone` (sorted, all below `path`) are deleted.
/// Children that are left alone in their branch are added to `alone`.
fn survivors(
    nodes: &dyn NodeSource,
    (hash, rlp): (B256, &[u8]),
    path: Nibbles,
    gone: &[Nibbles],
    alone: &mut Vec<(Nibbles, RlpNode)>,
) -> Result<bool, StateError> {
    match decode(rlp, hash)? {
        TrieNode::EmptyRoot => Ok(false),
        TrieNode::Leaf(leaf) => Ok(gone.binary_search(&path.join(&leaf.key)).is_err()),
        TrieNode::Extension(extension) => below(
            nodes,
            hash,
            &extension.child,
            path.join(&extension.key),
            gone,
            alone,
        ),
        TrieNode::Branch(branch) => {
            let mut left = Vec::new();
            for nibble in 0..16 {
                let Some(child) = child_at(&branch, nibble) else {
                    continue;
                };
                let path = path.join(&Nibbles::from_nibbles([nibble]));
                if below(nodes, hash, child, path, gone, alone)? {
                    left.push((path, child.clone()));
                }
            }
            let any = !left.is_empty();
            if left.len() == 1 {
                alone.extend(left);
            }
            Ok(any)
        }
    }
}

fn below(
    nodes: &dyn NodeSource,
    parent: B256,
    child: &RlpNode,
    path: Nibbles,
    gone: &[Nibbles],
    alone: &mut Vec<(Nibbles, RlpNode)>,
) -> Result<bool, StateError> {
    let first = gone.partition_point(|key| *key < path);
    let gone: &[Nibbles] = gone.get(first..).unwrap_or_default();
    let count = gone.partition_point(|key| key.starts_with(&path));
    let gone = gone.get(..count).unwrap_or_default();
    if gone.is_empty() {
        return Ok(true);
    }
    match child.as_hash() {
        Some(hash) => survivors(nodes, (hash, &load(nodes, hash)?), path, gone, alone),
        None => survivors(nodes, (parent, child), path, gone, alone),
    }
}

fn slot_key(slot: &U256) -> B256 {
    keccak256(slot.to_be_bytes::<32>())
}
