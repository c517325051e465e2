//! Where trie nodes and codes come from.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use alloy::primitives::{B256, Bytes, keccak256};

/// Trie nodes (RLP) and contract codes by their keccak256 hash.
///
/// Content never changes under a hash, so implementations may cache freely. What they return is checked
/// against the hash by the reader.
pub trait NodeSource: Send + Sync {
    /// The RLP of the trie node with this hash; `None` if it is not known.
    ///
    /// # Errors
    /// If the source could not look.
    fn node(&self, hash: B256) -> Result<Option<Bytes>, SourceError>;

    /// The bytecode with this hash; `None` if it is not known.
    ///
    /// # Errors
    /// If the source could not look.
    fn code(&self, hash: B256) -> Result<Option<Bytes>, SourceError>;
}

/// Why a [`NodeSource`] could not look.
#[derive(Debug)]
pub struct SourceError(Box<dyn Error + Send + Sync>);

impl SourceError {
    /// Wraps the source's own error.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reading the state: {}", self.0)
    }
}

impl Error for SourceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

/// Nodes and codes in memory, for tests, simulations and as an overlay's fresh part.
#[derive(Debug, Default)]
pub struct MemoryNodes {
    content: RwLock<Content>,
}

#[derive(Debug, Default)]
struct Content {
    nodes: HashMap<B256, Bytes>,
    codes: HashMap<B256, Bytes>,
}

impl MemoryNodes {
    /// An empty source.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds nodes and codes, as [`crate::SealedOutcome`] and [`crate::GenesisOutcome`] list them.
    pub fn extend(&self, nodes: &[(B256, Bytes)], codes: &[(B256, Bytes)]) {
        let mut content = self.content.write().unwrap_or_else(PoisonError::into_inner);
        content.nodes.extend(nodes.iter().cloned());
        content.codes.extend(codes.iter().cloned());
    }

    /// Adds nodes by their bytes alone.
    pub fn extend_nodes<'a>(&self, nodes: impl IntoIterator<Item = &'a Bytes>) {
        let mut content = self.content.write().unwrap_or_else(PoisonError::into_inner);
        content.nodes.extend(
            nodes
                .into_iter()
                .map(|node| (keccak256(node), node.clone())),
        );
    }

    /// Number of nodes.
    pub fn node_count(&self) -> usize {
        self.content
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .nodes
            .len()
    }

    pub(crate) fn insert_node(&self, hash: B256, node: Bytes) {
        self.content
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .nodes
            .insert(hash, node);
    }

    pub(crate) fn insert_code(&self, hash: B256, code: Bytes) {
        self.content
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .codes
            .insert(hash, code);
    }

    /// Everything here, sorted by hash: nodes, then codes.
    pub(crate) fn sorted(&self) -> (HashedBytes, HashedBytes) {
        let content = self.content.read().unwrap_or_else(PoisonError::into_inner);
        let sorted = |map: &HashMap<B256, Bytes>| {
            let mut all: Vec<_> = map
                .iter()
                .map(|(hash, bytes)| (*hash, bytes.clone()))
                .collect();
            all.sort_unstable_by_key(|(hash, _)| *hash);
            all
        };
        (sorted(&content.nodes), sorted(&content.codes))
    }
}

/// Bytes with their hashes.
pub(crate) type HashedBytes = Vec<(B256, Bytes)>;

impl NodeSource for MemoryNodes {
    fn node(&self, hash: B256) -> Result<Option<Bytes>, SourceError> {
        let content = self.content.read().unwrap_or_else(PoisonError::into_inner);
        Ok(content.nodes.get(&hash).cloned())
    }

    fn code(&self, hash: B256) -> Result<Option<Bytes>, SourceError> {
        let content = self.content.read().unwrap_or_else(PoisonError::into_inner);
        Ok(content.codes.get(&hash).cloned())
    }
}

/// A source with new nodes and codes in front of it, which it collects.
#[derive(Clone)]
pub(crate) struct Overlay {
    pub(crate) base: Arc<dyn NodeSource>,
    pub(crate) fresh: Arc<MemoryNodes>,
}

impl Overlay {
    pub(crate) fn new(base: Arc<dyn NodeSource>) -> Self {
        Self {
            base,
            fresh: Arc::default(),
        }
    }
}

impl NodeSource for Overlay {
    fn node(&self, hash: B256) -> Result<Option<Bytes>, SourceError> {
        match self.fresh.node(hash)? {
            Some(node) => Ok(Some(node)),
            None => self.base.node(hash),
        }
    }

    fn code(&self, hash: B256) -> Result<Option<Bytes>, SourceError> {
        match self.fresh.code(hash)? {
            Some(code) => Ok(Some(code)),
            None => self.base.code(hash),
        }
    }
}
