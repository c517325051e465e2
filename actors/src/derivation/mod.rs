//! The chain from L2 alone: every posted block is executed again, and everything that a main node keeps of it is
//! stored as a main node stores it.
//!
//! ```text
//! Rollup on L2 ── posted batch ─▶ block by block: execute, compare, store ─▶ compare with the contract's batch hash
//!                                                                               │
//!                                              verified root of L2 ◀─ compare ──┴─▶ batch record, heights
//! ```
//!
//! A block with its state, receipts and indices is one durable write, and so is a batch's record: at whichever moment
//! the process ends, the next run goes on behind what is there. Nothing that L2's server says is believed: the
//! contract's hash of a batch covers its blocks, and its verified block covers all before it. Batches that are replaced
//! before they are verified are dropped, and the new ones taken.

mod attestor;
mod block;
mod challenger;
mod resumption;
#[cfg(test)]
mod tests;
pub mod watcher;

use std::sync::{Arc, Mutex, PoisonError};

use alloy::eips::BlockId;
use alloy::primitives::B256;
use tern_execution::StateError;
use tern_messages::{
    Batch, BatchHeader, BatchNumber, BatchRecord, BlockNumber, FinalityRefusal, FinalityReport,
    L2Place, WindowDigest,
};
use tern_settlement::{
    Depth, L2Block, PostedBlock, PostingError, RollupClient, RollupStatus, SettlementError,
};
use tern_storage::tables::chain::{HEADS, Heads, block as stored_block};
use tern_storage::{StorageError, WriteBatch, crash_point};
use thiserror::Error;
use tokio::task::JoinError;
use tracing::{info, warn};

use crate::main_node::{
    Chain, ChainError, accept, batch_record, put_anchor, reported_finality, take_back,
};
use crate::statement;

pub use attestor::Attestor;
pub use challenger::Challenger;
use resumption::Resumption;

/// Why a chain cannot be made again from L2.
#[derive(Debug, Error)]
pub enum DerivationError {
    /// A committed block is not what its transactions make of its parent. It can never be proven.
    #[error("block {block}, as it was committed to L2, is a lie: {what}")]
    Differs {
        /// The block.
        block: BlockNumber,
        /// What differs.
        what: String,
    },
    /// L2 has verified another block than the one that execution gives.
    #[error(
        "L2 has verified block {block} = {verified}, execution gives {derived}: its verifier is broken, or its genesis \
         is not the chain file's"
    )]
    OtherVerified {
        /// The block.
        block: BlockNumber,
        /// Its hash on L2.
        verified: B256,
        /// Its hash here.
        derived: B256,
    },
    /// L2 has made final that blocks see other block hashes than there are.
    #[error(
        "L2 has made final, for what comes after block {block}, other block hashes than those of the chain: nobody has \
         challenged the proposal that said so, or its verifier is broken"
    )]
    OtherWindow {
        /// The last verified block.
        block: BlockNumber,
    },
    /// A batch that was taken from L2 is no longer there.
    #[error(
        "L2 no longer holds batch {batch} as it was read: it was replaced, or L2 took blocks back; start with an empty \
         data directory, and with more confirmations"
    )]
    Replaced {
        /// The batch.
        batch: BatchNumber,
    },
    /// The data directory holds blocks that are not on L2.
    #[error(
        "the data directory holds block {sealed}, L2 only the blocks up to {committed}: it is a main node's own; \
         choose an empty one with --data-dir"
    )]
    Ahead {
        /// Last block on disk.
        sealed: BlockNumber,
        /// Last block on L2.
        committed: BlockNumber,
    },
    /// Whom the contract asks for signatures cannot be read. What L2 holds was compared.
    #[error("whose signatures the contract asks for cannot be read: {0}")]
    Asked(#[source] SettlementError),
    /// L2.
    #[error(transparent)]
    L2(#[from] SettlementError),
    /// The chain on disk.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A report about L2 that does not fit what is stored.
    #[error(transparent)]
    Finality(#[from] FinalityRefusal),
    /// The process is ending.
    #[error("interrupted: {0}")]
    Interrupted(#[from] JoinError),
}

impl From<StateError> for DerivationError {
    fn from(error: StateError) -> Self {
        Self::Chain(error.into())
    }
}

impl From<StorageError> for DerivationError {
    fn from(error: StorageError) -> Self {
        Self::Chain(error.into())
    }
}

impl From<PostingError> for DerivationError {
    fn from(error: PostingError) -> Self {
        Self::L2(error.into())
    }
}

impl DerivationError {
    /// Whether L2 and execution, or L2 and the disk, exclude each other: trying again cannot help.
    pub fn is_disagreement(&self) -> bool {
        matches!(
            self,
            Self::Differs { .. }
                | Self::OtherVerified { .. }
                | Self::OtherWindow { .. }
                | Self::Replaced { .. }
                | Self::Ahead { .. }
        )
    }

    /// Whether L2 may answer otherwise later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Asked(_) => true,
            Self::L2(error) => error.is_retryable(),
            _ => false,
        }
    }
}

/// A chain that follows what L2 holds.
#[derive(Debug)]
pub struct Derivation {
    chain: Chain,
    rollup: RollupClient,
    /// How deep something must be on L2 before it is taken.
    depth: Depth,
    /// Batches that L2 has not verified are left out.
    only_verified: bool,
    /// Also made, for a sequencer to go on.
    resumption: Option<Resumption>,
    /// The batch that was last found on L2 as it was taken, and the contract's hash of it.
    held: Mutex<Option<(BatchHeader, B256)>>,
    /// A lie on L2 is waited out: somebody challenges it.
    past_lies: bool,
    /// The lie that is waited out.
    lie: Mutex<Option<Lie>>,
}

/// A batch on L2 that cannot be taken, since one of its blocks is a lie. It is not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Lie {
    batch: BatchNumber,
    /// The contract's hash of it.
    batch_hash: B256,
    /// Its first block.
    first: BlockNumber,
    /// The first block that is a lie.
    block: BlockNumber,
    /// What differs.
    what: String,
    /// The window that the first block sees.
    start: WindowDigest,
    /// The windows after the blocks before the lie.
    windows: Vec<WindowDigest>,
}

impl Lie {
    fn differs(&self) -> DerivationError {
        DerivationError::Differs {
            block: self.block,
            what: self.what.clone(),
        }
    }
}

/// What L2 shows at the depth that counts.
#[derive(Clone, Copy, Debug)]
struct Sight {
    at: L2Block,
    status: RollupStatus,
}

impl Derivation {
    /// Follows `rollup` in `chain`, which is new or was made in the same way.
    pub fn new(chain: Chain, rollup: RollupClient, depth: Depth) -> Self {
        Self {
            chain,
            rollup,
            depth,
            only_verified: false,
            resumption: None,
            held: Mutex::default(),
            past_lies: false,
            lie: Mutex::default(),
        }
    }

    /// Takes no batches that L2 has not verified.
    #[must_use]
    pub fn only_verified(self) -> Self {
        Self {
            only_verified: true,
            ..self
        }
    }

    /// Goes on when a lie is dropped on L2. The directory must be nobody else's: blocks of a batch that turns out to be false
    /// are taken back.
    #[must_use]
    pub fn past_lies(self) -> Self {
        Self {
            past_lies: true,
            ..self
        }
    }

    /// Also makes in `sequencer`, unless a sequencer has worked in it, what a sequencer needs to go on.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn for_sequencer(self, sequencer: Chain) -> Result<Self, DerivationError> {
        let resumption = Resumption::of(sequencer)?;
        Ok(Self { resumption, ..self })
    }

    /// The chain as far as it was made.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Takes every batch that L2 holds and compares the verified block. Returns what L2 said before the first of them.
    ///
    /// # Errors
    /// [`DerivationError`]; whatever was made before stays.
    pub async fn follow(&self) -> Result<RollupStatus, DerivationError> {
        let sight = self.look().await?;
        self.drop_replaced(&sight).await?;
        let taken = self.take_committed(&sight).await;
        // A lie behind it does not hide what became final before.
        if taken.is_ok() || self.chain.heads()?.sealed >= sight.status.verified_block {
            self.compare_verified(&sight).await?;
        }
        taken?;
        let committed = reported_finality(&self.chain)?.committed.1;
        let sealed = self.chain.heads()?.sealed;
        if sealed > committed && self.past_lies {
            // They were begun of a batch that was dropped then.
            self.take_back(committed).await?;
        } else if sealed > committed {
            return Err(DerivationError::Ahead { sealed, committed });
        }
        Ok(sight.status)
    }

    async fn take_committed(&self, sight: &Sight) -> Result<(), DerivationError> {
        let known = reported_finality(&self.chain)?;
        let (committed, verified) = (sight.status.last_committed, sight.status.last_verified);
        for number in known.verified.0.0 + 1..=committed.0 {
            let number = BatchNumber(number);
            if number > known.committed.0 {
                self.take(number, sight).await?;
            } else if number <= verified {
                self.report(self.recorded(number)?, sight).await?;
            }
        }
        Ok(())
    }

    /// What is final is what execution gives: the last block, and the hashes that the next one sees.
    async fn compare_verified(&self, sight: &Sight) -> Result<(), DerivationError> {
        let RollupStatus {
            verified_block: block,
            verified_block_hash: verified,
            verified_window,
            ..
        } = sight.status;
        let derived = self.chain.expect_header(block)?.hash;
        if derived != verified {
            return Err(DerivationError::OtherVerified {
                block,
                verified,
                derived,
            });
        }
        match self.windows_after(block, block).await? == [verified_window] {
            true => Ok(()),
            false => Err(DerivationError::OtherWindow { block }),
        }
    }

    /// Digests of the block hashes that are seen after each of these blocks.
    async fn windows_after(
        &self,
        first: BlockNumber,
        last: BlockNumber,
    ) -> Result<Vec<WindowDigest>, DerivationError> {
        let chain = self.chain.clone();
        let windows =
            tokio::task::spawn_blocking(move || statement::windows_after(&chain, first, last));
        Ok(windows.await??)
    }

    /// Drops batches that were taken from L2 and are not there any more, with their blocks: as long as they are not
    /// verified the operator may replace them, and L2 may take them back.
    async fn drop_replaced(&self, sight: &Sight) -> Result<(), DerivationError> {
        let known = reported_finality(&self.chain)?;
        let mut last = known.committed.0.min(sight.status.last_committed);
        while last > known.verified.0 && !self.is_held(last).await? {
            last = BatchNumber(last.0 - 1);
        }
        if last == known.committed.0 && known.verified.0 <= sight.status.last_verified {
            return Ok(());
        }
        let (batch, before) = (BatchNumber(last.0 + 1), known.committed.0);
        // A sequencer's directory holds them, too.
        if last < known.verified.0
            || known.verified.0 > sight.status.last_verified
            || self.resumption.is_some()
        {
            return Err(DerivationError::Replaced { batch });
        }
        let kept = match last.0 {
            0 => BlockNumber(0),
            _ => self.recorded(last)?.header.last_block,
        };
        self.take_back(kept).await?;
        warn!(target: "tern::derivation", first = %batch, last = %before, %kept,
            "L2 does not hold these batches any more; they are dropped here, too, with their blocks");
        Ok(())
    }

    /// Drops the blocks after `kept`, with their batches.
    async fn take_back(&self, kept: BlockNumber) -> Result<(), DerivationError> {
        let chain = self.chain.clone();
        let dropped = tokio::task::spawn_blocking(move || {
            let mut writes = WriteBatch::new();
            take_back(&chain, kept, &mut writes)?;
            crash_point("sync/dropping");
            Ok::<_, DerivationError>(chain.store.commit(writes)?)
        });
        dropped.await?
    }

    /// Whether L2 holds a batch as it was taken. Its hash covers all before it. The blocks are read again only when the
    /// batch or the contract's hash is another one than at the last look.
    async fn is_held(&self, number: BatchNumber) -> Result<bool, DerivationError> {
        let header = self.recorded(number)?.header;
        let Some(hash) = self.rollup.batch_hash(number).await? else {
            return Ok(false);
        };
        let known = || self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if known().as_ref() == Some(&(header.clone(), hash)) {
            return Ok(true);
        }
        let blocks = self.chain.blocks(header.first_block, header.last_block);
        let blocks = blocks.collect::<Result<_, _>>()?;
        let batch = Batch { header, blocks };
        let ours = self.rollup.previous_batch(&batch).await?.batch_hash();
        if ours == hash {
            *known() = Some((batch.header, hash));
        }
        Ok(ours == hash)
    }

    async fn look(&self) -> Result<Sight, DerivationError> {
        let l2 = self.rollup.l2();
        let at = l2
            .settled(self.depth, self.rollup.deployment_block())
            .await?;
        let mut status = self.rollup.status_at(BlockId::number(at.number)).await?;
        if self.only_verified {
            status.last_committed = status.last_verified;
        }
        Ok(Sight { at, status })
    }

    /// Takes a batch; a lie that is waited out is not executed again.
    async fn take(&self, number: BatchNumber, sight: &Sight) -> Result<(), DerivationError> {
        let is_final = number <= sight.status.last_verified;
        if let Some(lie) = self.lie().filter(|lie| lie.batch == number && !is_final)
            && self.rollup.batch_hash(number).await? == Some(lie.batch_hash)
        {
            return Err(lie.differs());
        }
        self.note_lie(None);
        let kept = reported_finality(&self.chain)?.committed.1;
        let is_begun = self.chain.heads()?.sealed > kept;
        match self.take_posted(number, sight).await {
            // What was begun may be of another batch than the one that stands now: that says nothing of this one.
            Err(DerivationError::Differs { .. } | DerivationError::Replaced { .. })
                if is_begun && self.past_lies =>
            {
                self.note_lie(None);
                self.take_back(kept).await?;
                self.take_posted(number, sight).await
            }
            taken => taken,
        }
    }

    /// The lie that is waited out, as of the last look.
    fn lie(&self) -> Option<Lie> {
        self.lie
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note_lie(&self, lie: Option<Lie>) {
        *self.lie.lock().unwrap_or_else(PoisonError::into_inner) = lie;
    }

    /// A block of a posted batch is a lie: notes it, so that it can be waited out, and takes back the blocks before it. `kept`
    /// is the last block of the batch before.
    async fn wait_out(
        &self,
        (batch, batch_hash): (BatchNumber, B256),
        kept: BlockNumber,
        block: BlockNumber,
        what: &str,
    ) -> Result<(), DerivationError> {
        let before = BlockNumber(block.0.saturating_sub(1));
        let mut windows = self.windows_after(kept, before).await?.into_iter();
        let start = windows.next().unwrap_or_default();
        self.take_back(kept).await?;
        self.note_lie(Some(Lie {
            batch,
            batch_hash,
            first: BlockNumber(kept.0.saturating_add(1)),
            block,
            what: what.to_owned(),
            start,
            windows: windows.collect(),
        }));
        Ok(())
    }

    /// Makes the blocks of a batch, then its record.
    async fn take_posted(&self, number: BatchNumber, sight: &Sight) -> Result<(), DerivationError> {
        let before = reported_finality(&self.chain)?.committed;
        let since = match batch_record(&self.chain, before.0)? {
            Some(record) => record.committed.map_or(0, |place| place.block),
            None => 0,
        };
        let missing = |what| SettlementError::PostingMissing {
            batch: number,
            what,
        };
        let hash = self.rollup.batch_hash(number).await?;
        let hash = hash.ok_or_else(|| missing("its hash"))?;
        let posted = self.rollup.posted_as(number, hash, since).await?;
        let mut batch = Batch {
            header: BatchHeader {
                number,
                first_block: BlockNumber(0),
                last_block: BlockNumber(0),
                last_block_hash: posted.last_block_hash,
                state_root: B256::ZERO,
            },
            blocks: Vec::with_capacity(posted.blocks.len()),
        };
        let first = before.1.0 + 1;
        for (block, block_posted) in (first..).map(BlockNumber).zip(&posted.blocks) {
            if self.chain.heads()?.sealed < block {
                let made = self.make(block, block_posted, sight).await;
                if let Err(DerivationError::Differs { block, what }) = &made
                    && self.past_lies
                    && number > sight.status.last_verified
                {
                    self.wait_out((number, hash), before.1, *block, what)
                        .await?;
                }
                made?;
            }
            let made = stored_block(&self.chain.store, block)?
                .ok_or(ChainError::MissingBlock { number: block })?;
            batch.blocks.push(made);
        }
        let last = batch
            .blocks
            .last()
            .ok_or(PostingError::EmptyBatch { batch: number })?;
        batch.header.first_block = BlockNumber(first);
        batch.header.last_block = last.number();
        batch.header.state_root = last.header.state_root;
        if last.hash != posted.last_block_hash || !self.rollup.holds(&batch).await? {
            if self.past_lies && self.rollup.batch_hash(number).await? != Some(hash) {
                return Err(missing("it as it was read").into());
            }
            return Err(DerivationError::Replaced { batch: number });
        }
        info!(target: "tern::derivation", batch = %number, blocks = batch.blocks.len(), last = %last.number(),
            state_root = %last.header.state_root, "taken from L2");
        let record = BatchRecord {
            header: batch.header,
            committed: Some(posted.transaction),
            verified: None,
        };
        self.report(record, sight).await
    }

    /// Makes and stores a block.
    async fn make(
        &self,
        number: BlockNumber,
        posted: &PostedBlock,
        sight: &Sight,
    ) -> Result<(), DerivationError> {
        let (anchor, l2_anchor) = self.rollup.anchor_of(posted).await?;
        let (chain, posted) = (self.chain.clone(), posted.clone());
        let is_verified = number <= sight.status.verified_block;
        let resumption = self.resumption.clone().filter(|_| is_verified);
        let made = tokio::task::spawn_blocking(move || {
            let before = BlockNumber(number.0.saturating_sub(1));
            let parent = chain.expect_header(before)?;
            let window = chain.window_before(number)?;
            let sealed = block::derive(&chain, &parent.header, window, &posted, anchor)?;
            let mut writes = WriteBatch::new();
            chain.put_sealed(&mut writes, &sealed);
            let heads = chain.heads()?;
            writes.put(
                &HEADS,
                &(),
                &Heads {
                    sealed: number,
                    ..heads
                },
            );
            if let Some(anchor) = l2_anchor {
                put_anchor(&mut writes, &anchor);
            }
            crash_point("sync/block");
            // First, so that whatever the chain has, this has.
            if let Some(resumption) = resumption {
                resumption.block(&sealed)?;
            }
            chain.store.commit(writes)?;
            crash_point("sync/block-stored");
            Ok(())
        });
        made.await?
    }

    /// Notes how far a batch got, and with it the heights.
    async fn report(&self, mut record: BatchRecord, sight: &Sight) -> Result<(), DerivationError> {
        let number = record.header.number;
        let known = reported_finality(&self.chain)?;
        let verified = number.min(sight.status.last_verified);
        let (place, is_verified) = (record.header.clone(), verified == number);
        if is_verified {
            let since = record.committed.map_or(0, |place| place.block);
            record.verified = self.rollup.verified_since(number, since).await?;
        }
        let report = FinalityReport {
            l2: L2Place {
                number: sight.at.number,
                hash: sight.at.hash,
            },
            committed: known.committed.0.max(number),
            verified: known.verified.0.max(verified),
            batches: vec![record],
            reorganised: false,
        };
        let store = Arc::clone(&self.chain.store);
        let resumption = self.resumption.clone();
        let recorded = tokio::task::spawn_blocking(move || {
            if let Some(resumption) = resumption {
                resumption.batch(&place, is_verified)?;
            }
            let (_, writes) = accept(&store, &known, &report)?;
            store.commit(writes)?;
            crash_point("sync/batch-recorded");
            Ok(())
        });
        recorded.await?
    }

    /// A batch that was taken before.
    fn recorded(&self, number: BatchNumber) -> Result<BatchRecord, DerivationError> {
        let record = batch_record(&self.chain, number)?;
        Ok(record.ok_or(FinalityRefusal::UnknownBatch { batch: number })?)
    }
}
