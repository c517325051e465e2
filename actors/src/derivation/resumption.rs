//! What a sequencer needs to go on where L2 is: the state after the verified block, and the places of the committed
//! batches, which can never be formed otherwise again.
//!
//! Blocks after the verified one are left out: a sequencer fetches them from the main node, and executes and simulates
//! them itself, since they are still to be proven.

use tern_execution::SealedOutcome;
use tern_messages::{BatchHeader, BatchNumber, BlockNumber};
use tern_storage::tables::chain::{HEADS, Heads, put_block};
use tern_storage::tables::sequencer::BATCHES;
use tern_storage::{StorageError, WriteBatch};

use crate::main_node::{Chain, ChainError};
use crate::sequencer::tables::{PROVEN, PRUNED, SIMULATIONS};

/// A sequencer's directory in the making.
#[derive(Clone, Debug)]
pub(super) struct Resumption(Chain);

impl Resumption {
    /// A directory that was made in this way; none if a sequencer has worked in it, which knows better. Blocks on the
    /// disk.
    pub(super) fn of(chain: Chain) -> Result<Option<Self>, StorageError> {
        let untouched = chain.store.last(&SIMULATIONS)?.is_none();
        Ok(untouched.then_some(Self(chain)))
    }

    /// Adds a block that follows the last one. Others are skipped: they are fetched later.
    pub(super) fn block(&self, sealed: &SealedOutcome) -> Result<(), ChainError> {
        let number = sealed.block.number();
        if self.0.heads()?.sealed.next() != Some(number) {
            return Ok(());
        }
        let mut writes = WriteBatch::new();
        put_block(&mut writes, &sealed.block, &sealed.nodes, &sealed.codes);
        let heads = Heads {
            sealed: number,
            ..Heads::default()
        };
        writes.put(&HEADS, &(), &heads);
        Ok(self.0.store.commit(writes)?)
    }

    /// Notes the place of a committed batch, and that nothing of it is left to do if it is verified.
    pub(super) fn batch(&self, header: &BatchHeader, verified: bool) -> Result<(), ChainError> {
        let number = header.number;
        let mut writes = WriteBatch::new();
        writes.put(&BATCHES, &number, header);
        if verified && self.has(header.last_block)? && number > self.done()? {
            writes.put(&PROVEN, &(), &number);
            writes.put(&PRUNED, &(), &number);
        }
        Ok(self.0.store.commit(writes)?)
    }

    fn has(&self, block: BlockNumber) -> Result<bool, ChainError> {
        Ok(self.0.heads()?.sealed >= block)
    }

    fn done(&self) -> Result<BatchNumber, ChainError> {
        Ok(self.0.store.get(&PRUNED, &())?.unwrap_or_default())
    }
}
