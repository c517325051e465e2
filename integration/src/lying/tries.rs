//! Lies about tries: the lists of accounts and slots are made of one pair of tries, the state that is hashed of
//! another; the honest prover takes one for both.

use ethereum_types::{H256, U256};
use evm_arithmetization::Node;
use evm_arithmetization::generation::mpt::AccountRlp;
use mpt_trie::nibbles::Nibbles;
use mpt_trie::partial_trie::{HashedPartialTrie, PartialTrie};

/// Which tries are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Those of which the lists are made.
    Lists,
    /// Those that are hashed.
    State,
    /// All.
    Both,
}

/// A change. Keys are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// The node at this depth on the way to an account is shown as its hash.
    HideAccount {
        /// Key of the account.
        key: U256,
        /// How far below the root.
        depth: usize,
    },
    /// The same in a storage trie.
    HideSlot {
        /// Key of the account.
        account: U256,
        /// Key of the slot.
        slot: U256,
        /// How far below the root.
        depth: usize,
    },
    /// An account is left out.
    DropAccount {
        /// Key of the account.
        key: U256,
    },
    /// A slot is left out.
    DropSlot {
        /// Key of the account.
        account: U256,
        /// Key of the slot.
        slot: U256,
    },
    /// An account has another balance; or is invented.
    Balance {
        /// Key of the account.
        key: U256,
        /// The balance.
        balance: U256,
    },
    /// An account has another nonce; or is invented.
    Nonce {
        /// Key of the account.
        key: U256,
        /// The nonce.
        nonce: U256,
    },
    /// A slot has another value; or is invented.
    Slot {
        /// Key of the account.
        account: U256,
        /// Key of the slot.
        slot: U256,
        /// The value.
        value: U256,
    },
}

type StorageTries = Vec<(H256, HashedPartialTrie)>;

fn hash_of(key: U256) -> H256 {
    let mut bytes = [0; 32];
    key.to_big_endian(&mut bytes);
    H256(bytes)
}

fn path(key: U256) -> Nibbles {
    Nibbles::from_bytes_be(hash_of(key).as_bytes()).expect("32 bytes are 64 nibbles")
}

impl Edit {
    /// Makes the change; whether it changed something.
    pub fn make(self, state: &mut HashedPartialTrie, storage: &mut StorageTries) -> bool {
        match self {
            Self::HideAccount { key, depth } => replace(state, hidden(state, &nibbles(key), depth)),
            Self::DropAccount { key } => replace(state, without(state, &nibbles(key))),
            Self::Balance { key, balance } => {
                account(state, key, |account| account.balance = balance)
            }
            Self::Nonce { key, nonce } => account(state, key, |account| account.nonce = nonce),
            Self::HideSlot {
                account,
                slot,
                depth,
            } => in_storage(state, storage, account, |trie| {
                replace(trie, hidden(trie, &nibbles(slot), depth))
            }),
            Self::DropSlot { account, slot } => in_storage(state, storage, account, |trie| {
                replace(trie, without(trie, &nibbles(slot)))
            }),
            Self::Slot {
                account,
                slot,
                value,
            } => in_storage(state, storage, account, |trie| {
                trie.insert(path(slot), rlp::encode(&value).to_vec())
                    .is_ok()
            }),
        }
    }
}

fn nibbles(key: U256) -> Vec<u8> {
    let bytes = hash_of(key).0;
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .collect()
}

fn replace(trie: &mut HashedPartialTrie, other: Option<Node>) -> bool {
    let Some(other) = other else { return false };
    *trie = other.into();
    true
}

/// The trie with the node that is `depth` nodes below the root behind its hash.
fn hidden(node: &Node, way: &[u8], depth: usize) -> Option<Node> {
    let mut above = 0..depth;
    changed(node, way, &mut |node, _| match node {
        _ if above.next().is_some() => None,
        Node::Empty | Node::Hash(_) => None,
        _ => Some(Node::Hash(HashedPartialTrie::from(node.clone()).hash())),
    })
}

/// The trie with nothing where a leaf is. What is left need not be a trie that anybody would make.
fn without(node: &Node, way: &[u8]) -> Option<Node> {
    changed(node, way, &mut |node, way| match node {
        Node::Leaf { nibbles, .. } if nibbles.count == way.len() => Some(Node::Empty),
        _ => None,
    })
}

/// The trie with another node in place of the first on the way for which there is one: `other` is given the node and the
/// rest of the way.
fn changed(
    node: &Node,
    way: &[u8],
    other: &mut dyn FnMut(&Node, &[u8]) -> Option<Node>,
) -> Option<Node> {
    if let Some(found) = other(node, way) {
        return Some(found);
    }
    match node {
        Node::Branch { children, value } => {
            let (first, rest) = way.split_first()?;
            let mut children = children.clone();
            let child = &mut children[usize::from(*first)];
            *child = changed(child, rest, other)?.into();
            let value = value.clone();
            Some(Node::Branch { children, value })
        }
        Node::Extension { nibbles, child } => {
            let child = changed(child, way.get(nibbles.count..)?, other)?.into();
            let nibbles = *nibbles;
            Some(Node::Extension { nibbles, child })
        }
        _ => None,
    }
}

/// Changes an account, or makes one.
fn account(trie: &mut HashedPartialTrie, key: U256, change: impl Fn(&mut AccountRlp)) -> bool {
    let found = trie.get(path(key)).map(rlp::decode::<AccountRlp>);
    let Ok(mut account) = found.transpose().map(Option::unwrap_or_default) else {
        return false;
    };
    change(&mut account);
    trie.insert(path(key), rlp::encode(&account).to_vec())
        .is_ok()
}

/// Changes a storage trie, and the account's storage root with it.
fn in_storage(
    state: &mut HashedPartialTrie,
    storage: &mut StorageTries,
    of: U256,
    change: impl FnOnce(&mut HashedPartialTrie) -> bool,
) -> bool {
    let key = hash_of(of);
    if !storage.iter().any(|(account, _)| *account == key) {
        storage.push((key, HashedPartialTrie::default()));
    }
    let Some((_, trie)) = storage.iter_mut().find(|(account, _)| *account == key) else {
        return false;
    };
    let before = trie.hash();
    let changed = change(trie);
    let root = trie.hash();
    if root != before {
        account(state, of, |account| account.storage_root = root);
    }
    changed
}
