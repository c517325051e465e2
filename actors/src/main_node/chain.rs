//! The chain on disk: opening it, and reading state from it.

use std::path::Path;
use std::sync::Arc;

use alloy::consensus::Header;
use alloy::primitives::{B256, Bytes};
use tern_execution::{
    BlockEnvironment, CallContext, GenesisError, HashWindow, NodeSource, SealedOutcome,
    SourceError, StateError, StateView, WINDOW,
};
use tern_messages::{BlockNumber, SealedBlock};
use tern_storage::tables::chain::{
    BLOCK_BY_HASH, CODES, HEADERS, HEADS, Heads, StoredHeader, TRIE_NODES, block, put_block,
    remove_block,
};
use tern_storage::{StorageError, Store, WriteBatch};
use thiserror::Error;

use super::head::provisional_hash;
use super::spec::{ChainSpec, Sealing};

/// A chain's data directory, opened and checked.
#[derive(Clone)]
pub struct Chain {
    pub(crate) spec: Arc<ChainSpec>,
    pub(crate) store: Arc<Store>,
    nodes: Arc<dyn NodeSource>,
}

/// Why a chain cannot be opened, read or extended.
#[derive(Debug, Error)]
pub enum ChainError {
    /// The disk.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The configured genesis makes no block.
    #[error("the genesis configuration is impossible: {0}")]
    Genesis(#[from] GenesisError),
    /// A block that must be there is not.
    #[error(
        "block {number} is missing from the data directory; restore a backup or start with an empty one"
    )]
    MissingBlock {
        /// Its number.
        number: BlockNumber,
    },
    /// The stored open block does not continue the chain.
    #[error("the stored open block {found} does not follow the last sealed block {sealed}")]
    OpenBlockOutOfPlace {
        /// Its number.
        found: BlockNumber,
        /// The last sealed block.
        sealed: BlockNumber,
    },
    /// A confirmed transaction of the open block cannot be executed again.
    #[error(
        "confirmed transaction {index} of the open block {block} cannot be executed again: {reason}"
    )]
    OpenBlockDiffers {
        /// The block.
        block: BlockNumber,
        /// The transaction's index.
        index: u64,
        /// What execution said.
        reason: String,
    },
}

impl Chain {
    /// Opens a data directory, which belongs to this chain from then on. Writes the genesis block into an
    /// empty one. Blocks on the disk.
    ///
    /// # Errors
    /// If the directory belongs to another chain, is in use or damaged, or the disk refuses.
    pub fn open(directory: &Path, spec: ChainSpec) -> Result<Self, ChainError> {
        let genesis = spec.genesis_block()?;
        let store = Arc::new(Store::open(directory, &spec.identity(&genesis))?);
        if store.get(&HEADS, &())?.is_none() {
            let mut batch = WriteBatch::new();
            put_block(&mut batch, &genesis.block, &genesis.nodes, &genesis.codes);
            batch.put(&HEADS, &(), &Heads::default());
            store.commit(batch)?;
        }
        let nodes: Arc<dyn NodeSource> = Arc::new(StoredNodes(Arc::clone(&store)));
        Ok(Self {
            spec: Arc::new(spec),
            store,
            nodes,
        })
    }

    /// How far the chain has come.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn heads(&self) -> Result<Heads, ChainError> {
        Ok(self.store.get(&HEADS, &())?.unwrap_or_default())
    }

    /// The header of a sealed block, if there is one of that number.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn header(&self, number: BlockNumber) -> Result<Option<StoredHeader>, ChainError> {
        Ok(self.store.get(&HEADERS, &number)?)
    }

    /// The header of a block that must be there.
    ///
    /// # Errors
    /// If it is not, or cannot be read.
    pub fn expect_header(&self, number: BlockNumber) -> Result<StoredHeader, ChainError> {
        self.header(number)?
            .ok_or(ChainError::MissingBlock { number })
    }

    /// Sealed blocks, from `first` to `last`; an error for each that is not there.
    pub(crate) fn blocks(
        &self,
        first: BlockNumber,
        last: BlockNumber,
    ) -> impl Iterator<Item = Result<SealedBlock, ChainError>> {
        (first.0..=last.0).map(BlockNumber).map(|number| {
            let found = block(&self.store, number)?;
            found.ok_or(ChainError::MissingBlock { number })
        })
    }

    /// Adds a sealed block, its state and all indices to a batch; heads are left to the caller.
    pub(crate) fn put_sealed(&self, batch: &mut WriteBatch, sealed: &SealedOutcome) {
        let block = &sealed.block;
        put_block(batch, block, &sealed.nodes, &sealed.codes);
        if self.spec.sealing != Sealing::Instant {
            // Who kept a receipt of the open block still finds the block by the hash that it names.
            let environment = BlockEnvironment::of(&self.spec.rules, &block.header);
            batch.put(
                &BLOCK_BY_HASH,
                &provisional_hash(&environment),
                &block.number(),
            );
        }
    }

    /// The reverse of [`Self::put_sealed`].
    pub(crate) fn remove_sealed(&self, batch: &mut WriteBatch, block: &SealedBlock) {
        remove_block(batch, block);
        let environment = BlockEnvironment::of(&self.spec.rules, &block.header);
        batch.delete(&BLOCK_BY_HASH, &provisional_hash(&environment));
    }

    /// The state after a root, with a cache of its own.
    pub fn state(&self, root: B256) -> StateView {
        StateView::new(Arc::clone(&self.nodes), root)
    }

    /// The state after a sealed block, in that block's environment.
    ///
    /// # Errors
    /// If an earlier header is missing or cannot be read.
    pub fn state_of(&self, header: &Header) -> Result<CallContext, ChainError> {
        let window = self.window_before(BlockNumber(header.number))?;
        Ok(CallContext::at(
            self.spec.rules,
            self.state(header.state_root),
            header,
            window,
        ))
    }

    /// Where trie nodes and codes come from.
    pub fn nodes(&self) -> Arc<dyn NodeSource> {
        Arc::clone(&self.nodes)
    }

    /// The hashes that block `number` sees.
    ///
    /// # Errors
    /// If a header is missing or cannot be read.
    pub fn window_before(&self, number: BlockNumber) -> Result<HashWindow, ChainError> {
        let first = number.0.saturating_sub(WINDOW as u64);
        let headers = self.store.range(&HEADERS, BlockNumber(first)..number);
        let hashes: Vec<B256> = headers
            .map(|row| Ok(row?.1.hash))
            .collect::<Result<_, StorageError>>()?;
        if hashes.len() as u64 != number.0 - first {
            return Err(ChainError::MissingBlock {
                number: BlockNumber(first),
            });
        }
        Ok(HashWindow::new(hashes))
    }
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain")
            .field("role", &self.spec.role)
            .finish_non_exhaustive()
    }
}

struct StoredNodes(Arc<Store>);

impl NodeSource for StoredNodes {
    fn node(&self, hash: B256) -> Result<Option<Bytes>, SourceError> {
        self.0.get(&TRIE_NODES, &hash).map_err(SourceError::new)
    }

    fn code(&self, hash: B256) -> Result<Option<Bytes>, SourceError> {
        self.0.get(&CODES, &hash).map_err(SourceError::new)
    }
}
