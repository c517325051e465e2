//! Reading and changing Merkle-Patricia tries whose nodes lie in a [`NodeSource`].
//!
//! Keys are keccak256 hashes, so all have the same length and branches hold no values.

use std::sync::Arc;

use alloy::primitives::{B256, Bytes, keccak256};
use alloy::rlp::Decodable;
use alloy_trie::nodes::{BranchNode, RlpNode, TrieNode};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};
use eth_trie::{DB, EthTrie, Trie, TrieError};

use crate::error::StateError;
use crate::source::{NodeSource, Overlay};

/// Loads a node and checks it against its hash.
pub(crate) fn load(nodes: &dyn NodeSource, hash: B256) -> Result<Bytes, StateError> {
    let node = nodes.node(hash)?.ok_or(StateError::MissingNode { hash })?;
    if keccak256(&node) == hash {
        Ok(node)
    } else {
        Err(StateError::Damaged {
            hash,
            reason: "the trie node has another hash".to_owned(),
        })
    }
}

/// Decodes a node's RLP; `hash` names it (or the node that holds it) in errors.
pub(crate) fn decode(rlp: &[u8], hash: B256) -> Result<TrieNode, StateError> {
    let mut rest = rlp;
    match TrieNode::decode(&mut rest) {
        Ok(node) if rest.is_empty() => Ok(node),
        Ok(_) => Err(StateError::Damaged {
            hash,
            reason: "bytes follow the node".to_owned(),
        }),
        Err(error) => Err(StateError::Damaged {
            hash,
            reason: error.to_string(),
        }),
    }
}

/// The child of a branch at a nibble.
pub(crate) fn child_at(branch: &BranchNode, nibble: u8) -> Option<&RlpNode> {
    if !branch.state_mask.is_bit_set(nibble) {
        return None;
    }
    // The stack holds the present children only, in order.
    let before = (0..nibble)
        .filter(|at| branch.state_mask.is_bit_set(*at))
        .count();
    branch.stack.get(before)
}

/// What lies at the end of a key's path.
#[derive(Debug, Default)]
pub(crate) struct Lookup {
    /// The value, if the key is there.
    pub(crate) value: Option<Vec<u8>>,
    /// The child of the extension in which the path ends, if it ends in one, and how many nibbles lead to it.
    pub(crate) beyond: Option<(RlpNode, usize)>,
}

/// Follows `key` from `root`. `visit` sees each node that has a hash of its own, with its path.
pub(crate) fn walk(
    nodes: &dyn NodeSource,
    root: B256,
    key: B256,
    mut visit: impl FnMut(&Nibbles, B256, &Bytes),
) -> Result<Lookup, StateError> {
    if root == EMPTY_ROOT_HASH {
        return Ok(Lookup::default());
    }
    let key = Nibbles::unpack(key);
    let mut depth = 0;
    let mut hash = root;
    let mut rlp = load(nodes, root)?;
    visit(&key.slice(..depth), hash, &rlp);
    loop {
        let next = match decode(&rlp, hash)? {
            TrieNode::EmptyRoot => return Ok(Lookup::default()),
            TrieNode::Leaf(leaf) => {
                let value = (leaf.key == key.slice(depth..)).then_some(leaf.value);
                return Ok(Lookup {
                    value,
                    beyond: None,
                });
            }
            TrieNode::Extension(extension) => {
                if !key.slice(depth..).starts_with(&extension.key) {
                    return Ok(Lookup {
                        value: None,
                        beyond: Some((extension.child, depth + extension.key.len())),
                    });
                }
                depth += extension.key.len();
                extension.child
            }
            TrieNode::Branch(branch) => {
                let child = key.get(depth).and_then(|nibble| child_at(&branch, nibble));
                depth += 1;
                match child {
                    None => return Ok(Lookup::default()),
                    Some(child) => child.clone(),
                }
            }
        };
        match next.as_hash() {
            Some(next) => {
                hash = next;
                rlp = load(nodes, hash)?;
                visit(&key.slice(..depth.min(key.len())), hash, &rlp);
            }
            // Nodes below 32 bytes lie inside their parent.
            None => rlp = Bytes::copy_from_slice(&next),
        }
    }
}

/// Applies changes to the trie at `root`; `None` removes a key. New nodes go to the overlay's fresh part.
/// Returns the new root.
pub(crate) fn update<K: AsRef<[u8]> + Ord>(
    nodes: &Overlay,
    root: B256,
    mut changes: Vec<(K, Option<Vec<u8>>)>,
) -> Result<B256, StateError> {
    if changes.is_empty() {
        return Ok(root);
    }
    // Insertions first: fewer branches collapse on the way.
    changes.sort_unstable_by(|a, b| (a.1.is_none(), &a.0).cmp(&(b.1.is_none(), &b.0)));
    let database = Arc::new(Nodes(nodes.clone()));
    let mut trie = if root == EMPTY_ROOT_HASH {
        EthTrie::new(database)
    } else {
        EthTrie::from(database, root).map_err(|error| failed(error, root))?
    };
    for (key, value) in changes {
        match value {
            Some(value) => trie.insert(key.as_ref(), &value),
            None => trie.remove(key.as_ref()).map(|_| ()),
        }
        .map_err(|error| failed(error, root))?;
    }
    trie.root_hash().map_err(|error| failed(error, root))
}

fn failed(error: TrieError, root: B256) -> StateError {
    match error {
        TrieError::MissingTrieNode { node_hash, .. } => StateError::MissingNode { hash: node_hash },
        TrieError::InvalidStateRoot => StateError::MissingNode { hash: root },
        other => StateError::Update {
            reason: other.to_string(),
        },
    }
}

/// The trie library's view of an overlay.
struct Nodes(Overlay);

impl DB for Nodes {
    type Error = StateError;

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let Ok(hash) = B256::try_from(key) else {
            return Ok(None);
        };
        if hash == EMPTY_ROOT_HASH {
            return Ok(Some(vec![alloy::rlp::EMPTY_STRING_CODE]));
        }
        match load(&self.0, hash) {
            Ok(node) => Ok(Some(node.to_vec())),
            Err(StateError::MissingNode { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    fn insert(&self, key: &[u8], value: Vec<u8>) -> Result<(), StateError> {
        if let Ok(hash) = B256::try_from(key) {
            self.0.fresh.insert_node(hash, value.into());
        }
        Ok(())
    }

    /// Nodes are never removed: other roots may need them.
    fn remove(&self, _key: &[u8]) -> Result<(), StateError> {
        Ok(())
    }

    fn flush(&self) -> Result<(), StateError> {
        Ok(())
    }
}
