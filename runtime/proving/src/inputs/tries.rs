//! Partial tries, each from a heap of nodes of its own.

use std::collections::HashMap;

use alloy::primitives::{B256, Bytes, keccak256};
use ethereum_types::H256;
use evm_arithmetization::Node;
use evm_arithmetization::generation::mpt::AccountRlp;
use mpt_trie::nibbles::Nibbles;
use mpt_trie::partial_trie::{HashedPartialTrie, WrappedNode};
use rlp::{Decodable, Encodable, Prototype, Rlp};
use tern_messages::TransactionBatch;

use super::h256;
use crate::error::InputError;
use crate::limits::MAX_WITNESS_NODES;

/// Nibbles of a hashed key.
const KEY_NIBBLES: usize = 64;

const TOO_MANY_NODES: InputError = InputError::OutOfRange {
    field: "number of trie nodes",
    value: MAX_WITNESS_NODES as u64 + 1,
    max: MAX_WITNESS_NODES as u64,
};

type StorageTries = Vec<(H256, HashedPartialTrie)>;

/// The state trie and the storage tries that the batch touches. What the witness does not show of a trie is a hash, even
/// if it shows the same node of another: what is expanded is what execution touched and was metered for.
pub(super) fn partial_tries(
    batch: &TransactionBatch,
) -> Result<(HashedPartialTrie, StorageTries), InputError> {
    // Before they are hashed. Storage of which nothing is shown counts, too.
    let shown = batch.storage.iter().map(|one| 1 + one.nodes.len());
    if shown.sum::<usize>() + batch.nodes.len() > MAX_WITNESS_NODES {
        return Err(TOO_MANY_NODES);
    }
    if !batch
        .storage
        .is_sorted_by(|one, next| one.account < next.account)
    {
        return Err(InputError::Inconsistent {
            what: "the storage of an account is shown twice, or not in the order of hashed addresses",
        });
    }
    let touched = |key: &[u8]| {
        let found = batch
            .storage
            .binary_search_by(|one| one.account.as_slice().cmp(key));
        found.ok().map(|index| &batch.storage[index])
    };
    let mut budget = MAX_WITNESS_NODES;
    let mut heap = Heap::new(&batch.nodes, &mut budget);
    let state = heap.trie(batch.state_root_before, &mut |key, value| {
        let account: AccountRlp = exact(value).ok_or("not an account")?;
        match touched(key) {
            Some(one) if h256(one.root) != account.storage_root => Err("another storage root"),
            _ => Ok(()),
        }
    })?;
    let mut storage = Vec::with_capacity(batch.storage.len());
    for one in &batch.storage {
        let mut heap = Heap::new(&one.nodes, &mut budget);
        let trie = heap.trie(one.root, &mut |_, value| {
            let value: Option<ethereum_types::U256> = exact(value);
            value.map(|_| ()).ok_or("not a slot's value")
        })?;
        storage.push((h256(one.account), trie));
    }
    Ok((state, storage))
}

/// The value that these bytes are the encoding of, without any byte more.
fn exact<T: Decodable + Encodable>(bytes: &[u8]) -> Option<T> {
    let value = rlp::decode(bytes).ok()?;
    (rlp::encode(&value) == bytes).then_some(value)
}

/// Checks a leaf: its whole key, packed, and its value.
type CheckLeaf<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<(), &'static str>;

struct Heap<'a> {
    nodes: HashMap<B256, &'a [u8]>,
    /// How many nodes of the batch may still be expanded: one that many others share is expanded many times.
    budget: &'a mut usize,
}

impl<'a> Heap<'a> {
    fn new(nodes: &'a [Bytes], budget: &'a mut usize) -> Self {
        let nodes = nodes.iter().map(|node| (keccak256(node), node.as_ref()));
        Self {
            nodes: nodes.collect(),
            budget,
        }
    }

    fn trie(&mut self, root: B256, check: CheckLeaf<'_>) -> Result<HashedPartialTrie, InputError> {
        if root == super::EMPTY_ROOT {
            return Ok(Node::Empty.into());
        }
        Ok(HashedPartialTrie::from(self.by_hash(
            root,
            &mut Vec::new(),
            check,
        )?))
    }

    fn by_hash(
        &mut self,
        hash: B256,
        path: &mut Vec<u8>,
        check: CheckLeaf<'_>,
    ) -> Result<Node, InputError> {
        let Some(bytes) = self.nodes.get(&hash).copied() else {
            return Ok(Node::Hash(h256(hash)));
        };
        self.decode(hash, &Rlp::new(bytes), path, check)
    }

    /// Decodes one node, be it shown by itself or in place; `hash` names the node that holds it, for errors.
    fn decode(
        &mut self,
        hash: B256,
        node: &Rlp<'_>,
        path: &mut Vec<u8>,
        check: CheckLeaf<'_>,
    ) -> Result<Node, InputError> {
        *self.budget = self.budget.checked_sub(1).ok_or(TOO_MANY_NODES)?;
        let error = |reason| InputError::Node { hash, reason };
        let items = match node.prototype() {
            Ok(Prototype::List(items)) => items,
            _ => return Err(error("not a list")),
        };
        match items {
            17 => {
                let value = node.at(16).and_then(|item| item.data().map(<[u8]>::len));
                if value != Ok(0) {
                    return Err(error("a branch with a value"));
                }
                let mut children: [WrappedNode<HashedPartialTrie>; 16] = Default::default();
                let mut held = 0;
                for (nibble, child) in (0u8..).zip(children.iter_mut()) {
                    path.push(nibble);
                    let item = node
                        .at(usize::from(nibble))
                        .map_err(|_| error("a malformed child"))?;
                    let node = self.child(hash, &item, path, check)?;
                    held += u8::from(!matches!(node, Node::Empty));
                    *child = node.into();
                    path.pop();
                }
                if held < 2 {
                    return Err(error("a branch with fewer than two children"));
                }
                Ok(Node::Branch {
                    children,
                    value: Vec::new(),
                })
            }
            2 => {
                let prefix = node
                    .at(0)
                    .and_then(|item| item.data())
                    .map_err(|_| error("no path"))?;
                let (nibbles, is_leaf) = decode_path(prefix).ok_or(error("a malformed path"))?;
                // Each node but a leaf leads on, so that the recursion ends.
                if nibbles.is_empty() && !is_leaf {
                    return Err(error("an extension without a path"));
                }
                let item = node.at(1).map_err(|_| error("a malformed item"))?;
                let depth = path.len();
                path.extend(&nibbles);
                if path.len() > KEY_NIBBLES || (is_leaf && path.len() < KEY_NIBBLES) {
                    return Err(error("a path of the wrong length"));
                }
                let decoded = if is_leaf {
                    let value = item.data().map_err(|_| error("a leaf without a value"))?;
                    check(&pack(path), value).map_err(error)?;
                    Node::Leaf {
                        nibbles: to_nibbles(&nibbles),
                        value: value.to_vec(),
                    }
                } else {
                    let child = self.child(hash, &item, path, check)?;
                    if matches!(child, Node::Empty) {
                        return Err(error("an empty extension"));
                    }
                    Node::Extension {
                        nibbles: to_nibbles(&nibbles),
                        child: child.into(),
                    }
                };
                path.truncate(depth);
                Ok(decoded)
            }
            _ => Err(error("neither 2 nor 17 items")),
        }
    }

    /// A child is empty, a hash, or a node of less than 32 bytes in place.
    fn child(
        &mut self,
        parent: B256,
        item: &Rlp<'_>,
        path: &mut Vec<u8>,
        check: CheckLeaf<'_>,
    ) -> Result<Node, InputError> {
        let error = |reason| InputError::Node {
            hash: parent,
            reason,
        };
        if path.len() > KEY_NIBBLES {
            return Err(error("a path of the wrong length"));
        }
        if item.is_list() {
            if item.as_raw().len() >= 32 {
                return Err(error("a child in place that is too long"));
            }
            return self.decode(parent, item, path, check);
        }
        match item.data() {
            Ok([]) => Ok(Node::Empty),
            Ok(hash) => {
                let hash: [u8; 32] = hash
                    .try_into()
                    .map_err(|_| error("a child of odd length"))?;
                self.by_hash(hash.into(), path, check)
            }
            Err(_) => Err(error("a malformed child")),
        }
    }
}

/// Nibbles of a hex-prefix path, and whether it is a leaf's.
fn decode_path(prefix: &[u8]) -> Option<(Vec<u8>, bool)> {
    let (&first, rest) = prefix.split_first()?;
    let flag = first >> 4;
    if flag > 3 || rest.len() > KEY_NIBBLES / 2 || (flag & 1 == 0 && first & 0xf != 0) {
        return None;
    }
    let odd = (flag & 1 == 1).then_some(first & 0xf);
    let nibbles = odd
        .into_iter()
        .chain(rest.iter().flat_map(|byte| [byte >> 4, byte & 0xf]));
    Some((nibbles.collect(), flag & 2 == 2))
}

fn pack(nibbles: &[u8]) -> Vec<u8> {
    nibbles
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, nibble| (byte << 4) | nibble))
        .collect()
}

fn to_nibbles(nibbles: &[u8]) -> Nibbles {
    let mut out = Nibbles::default();
    for &nibble in nibbles {
        out.push_nibble_back(nibble);
    }
    out
}
