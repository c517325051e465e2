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
//! The nodes of each storage trie are kept apart, though accounts may have the same storage: the prover holds, lists and
//! walks every account's trie by itself, and the meter counted what was touched of each account. Were they one heap, a
//! slot read of one account would be shown of all accounts with that storage.
//!
//! More nodes than needed do no harm, as long as they are about as many as the meter counts for a key.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{B256, Bytes, U256, keccak256};
use alloy_trie::nodes::{RlpNode, TrieNode};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};
use tern_messages::StorageWitness;

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
    /// Of the state trie.
    nodes: BTreeSet<Bytes>,
    /// By hashed address.
    storage: BTreeMap<B256, Storage>,
}

/// The root of an account's storage, and its nodes that are needed.
#[derive(Debug)]
struct Storage {
    root: B256,
    nodes: BTreeSet<Bytes>,
}

/// A trie that nodes are taken from.
#[derive(Clone, Copy, Debug)]
enum Trie {
    State,
    /// That of the account with this hashed address, which has this root.
    Storage(B256, B256),
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
            let found = extract.path(nodes, root, key, Trie::State)?;
            let Some(rlp) = found else {
                extract.storage(key, EMPTY_ROOT_HASH);
                continue;
            };
            let storage_root = decode_account(&rlp, root)?.storage_root;
            extract.storage(key, storage_root);
            let storage = Trie::Storage(key, storage_root);
            let mut cleared = Vec::new();
            for slot in &account.slots {
                let key = slot_key(slot);
                let present = extract.path(nodes, storage_root, key, storage)?.is_some();
                if present && (account.absent || account.cleared.contains(slot)) {
                    cleared.push(Nibbles::unpack(key));
                }
            }
            extract.collapses(nodes, storage_root, cleared, storage)?;
            if account.absent {
                gone.push(Nibbles::unpack(key));
            }
        }
        extract.collapses(nodes, root, gone, Trie::State)?;
        Ok(extract)
    }

    /// The nodes of the state trie, sorted, and the storage of every account among them, sorted by hashed address.
    pub(crate) fn into_parts(self) -> (Vec<Bytes>, Vec<StorageWitness>) {
        let storage = self.storage.into_iter();
        (
            self.nodes.into_iter().collect(),
            storage
                .map(|(account, Storage { root, nodes })| StorageWitness {
                    account,
                    root,
                    nodes: nodes.into_iter().collect(),
                })
                .collect(),
        )
    }

    /// The storage of an account, of which nothing is needed at first.
    fn storage(&mut self, account: B256, root: B256) -> &mut Storage {
        let nodes = BTreeSet::new();
        self.storage
            .entry(account)
            .or_insert(Storage { root, nodes })
    }

    /// Takes the path of a key; returns its value.
    fn path(
        &mut self,
        nodes: &dyn NodeSource,
        root: B256,
        key: B256,
        trie: Trie,
    ) -> Result<Option<Vec<u8>>, StateError> {
        let mut visited = Vec::new();
        let found = walk(nodes, root, key, |path, hash, node| {
            visited.push((*path, hash, node.clone()));
        })?;
        for (path, hash, node) in visited {
            self.take(&path, hash, node, trie)?;
        }
        // The path's extension may be split by the key and joined again.
        if let Some(child) = found.beyond.and_then(|(child, _)| child.as_hash()) {
            self.insert(load(nodes, child)?, trie);
        }
        Ok(found.value)
    }

    /// Takes a node. A leaf of the state trie brings its account's storage root.
    fn take(
        &mut self,
        path: &Nibbles,
        hash: B256,
        node: Bytes,
        trie: Trie,
    ) -> Result<(), StateError> {
        if matches!(trie, Trie::State)
            && let TrieNode::Leaf(leaf) = decode(&node, hash)?
        {
            let key = B256::from_slice(&path.join(&leaf.key).pack());
            let account = decode_account(&leaf.value, hash)?;
            self.storage(key, account.storage_root);
        }
        self.insert(node, trie);
        Ok(())
    }

    fn insert(&mut self, node: Bytes, trie: Trie) {
        match trie {
            Trie::State => self.nodes.insert(node),
            Trie::Storage(account, root) => self.storage(account, root).nodes.insert(node),
        };
    }

    /// Takes the nodes that remain alone in a branch when the keys in `gone` are deleted.
    fn collapses(
        &mut self,
        nodes: &dyn NodeSource,
        root: B256,
        mut gone: Vec<Nibbles>,
        trie: Trie,
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
                self.take(&path, hash, load(nodes, hash)?, trie)?;
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
