//! Taking sealed blocks back: the way out when one of them cannot be proven.
//!
//! ```text
//! tern rewind ─▶ one durable write: blocks, open block and halt go; their transactions, the refusals
//!                and a record of the rewind, which sequencers ask for, stay
//!            ─▶ the transactions are executed again, in order: now, or when the node starts
//! ```
//!
//! Every state is still on disk, since trie nodes are never deleted: the state after an earlier block needs no work.

use alloy::primitives::{Address, B256, Bytes, keccak256};
use tern_execution::{ExecutionError, SignedTransaction};
use tern_messages::{BatchNumber, BlockNumber, FinalityHeights, HaltReport, Rewind, SealedBlock};
use tern_storage::tables::chain::{BATCH_OF_BLOCK, HEADS, Heads, block};
use tern_storage::tables::open_block::{ENVIRONMENT, TRANSACTIONS as OPEN_TRANSACTIONS};
use tern_storage::{StorageError, WriteBatch, crash_point};
use thiserror::Error;
use tracing::warn;

use super::chain::{Chain, ChainError};
use super::finality::reported_finality;
use super::open_block::unix_time;
use super::tables::{
    BATCH_RECORDS, FINALITY, HALT, REFUSED, REFUSED_SENDERS, RETURNED, REWINDS, StoredFinality,
};

/// What an operator wants taken back.
#[derive(Clone, Debug, Default)]
pub struct RewindRequest {
    /// The last block that stays; the one before the block that halted the chain, unless it is given.
    pub to: Option<BlockNumber>,
    /// Transactions that are refused from now on, beside the one that halted the chain.
    pub refuse: Vec<B256>,
    /// Whether their senders are refused, too.
    pub refuse_senders: bool,
    /// The last block that L2 says it has verified.
    pub verified: BlockNumber,
}

/// What was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewound {
    /// The last block that stays.
    pub kept: BlockNumber,
    /// Hashes of the sealed blocks after it.
    pub removed: Vec<B256>,
    /// Batches on L2 that must be replaced there: the first and the last.
    pub replaced: Option<(BatchNumber, BatchNumber)>,
    /// The transactions that are refused, with their senders.
    pub refused: Vec<(B256, Address)>,
    /// How many transactions are executed again.
    pub returned: usize,
}

/// Why nothing was taken back.
#[derive(Debug, Error)]
pub enum RewindError {
    /// It is not clear what to take back.
    #[error("the chain is not halted; say with --to which block is to be the last")]
    NotHalted,
    /// There is no such block.
    #[error("block {to} does not exist; the last one is {sealed}")]
    Ahead {
        /// As asked for.
        to: BlockNumber,
        /// The last sealed block.
        sealed: BlockNumber,
    },
    /// The block that halted the chain would stay.
    #[error(
        "block {block} halted the chain and would stay; go back to the block before it, or further"
    )]
    StaysHalted {
        /// The block.
        block: BlockNumber,
    },
    /// What L2 has verified is final.
    #[error(
        "L2 has verified the blocks up to {verified}; they are final, and none of them can be taken back"
    )]
    Verified {
        /// The last verified block.
        verified: BlockNumber,
    },
    /// Executed again, the blocks would be the same.
    #[error(
        "nobody knows which transaction of block {block} is at fault; name those to leave out with --refuse, from: {}",
        transactions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    )]
    Unnamed {
        /// The block that halted the chain.
        block: BlockNumber,
        /// Its transactions.
        transactions: Vec<B256>,
    },
    /// A transaction that is to be refused is not among those that are taken back.
    #[error("transaction {transaction} is in none of the blocks after {kept}")]
    Elsewhere {
        /// Its hash.
        transaction: B256,
        /// The last block that stays.
        kept: BlockNumber,
    },
    /// A stored transaction cannot be read.
    #[error("a stored transaction: {0}")]
    Transaction(#[from] ExecutionError),
    /// The chain on disk.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl From<StorageError> for RewindError {
    fn from(error: StorageError) -> Self {
        Self::Chain(error.into())
    }
}

/// Takes blocks back, in one durable step: after a crash all of it has happened or nothing. Blocks on the disk.
///
/// # Errors
/// [`RewindError`]; then nothing was changed.
pub fn rewind(chain: &Chain, request: &RewindRequest) -> Result<Rewound, RewindError> {
    let store = &chain.store;
    let halt = store.get(&HALT, &())?;
    let kept = last_to_stay(chain, request, halt.as_ref())?;
    let mut batch = WriteBatch::new();
    let committed = reported_finality(chain)?.committed.0;
    let (blocks, left) = take_back(chain, kept, &mut batch)?;
    let returned = returned(chain, &blocks, &mut batch)?;
    let refused = refuse(chain, request, halt.as_ref(), kept, &returned, &mut batch)?;
    let mut again = 0;
    for raw in returned {
        if !refused.iter().any(|(hash, _)| *hash == keccak256(&raw)) {
            batch.put(&RETURNED, &again, &raw);
            again += 1;
        }
    }
    batch.delete(&HALT, &());
    let removed: Vec<B256> = blocks.iter().map(|block| block.hash).collect();
    if !removed.is_empty() {
        let number = store.last(&REWINDS)?.map_or(1, |(last, _)| last + 1);
        let rewind = Rewind {
            number,
            kept,
            removed: removed.clone(),
            at: unix_time(),
        };
        batch.put(&REWINDS, &number, &rewind);
    }
    crash_point("rewind/applying");
    store.commit(batch)?;
    crash_point("rewind/applied");
    let replaced = (left < committed).then_some((BatchNumber(left.0 + 1), committed));
    warn!(target: "tern::main_node", %kept, removed = removed.len(), returned = again, ?replaced,
        "ALARM: blocks were taken back; what was confirmed in them is executed again");
    for (transaction, sender) in &refused {
        warn!(target: "tern::main_node", %transaction, %sender, senders_too = request.refuse_senders,
            "a confirmed transaction was taken back and is refused");
    }
    Ok(Rewound {
        kept,
        removed,
        replaced,
        refused,
        returned: usize::try_from(again).unwrap_or(usize::MAX),
    })
}

/// Adds to `batch` that block `kept` is the last one. Returns the blocks after it, and the last batch that stays of those
/// that are committed.
pub(crate) fn take_back(
    chain: &Chain,
    kept: BlockNumber,
    batch: &mut WriteBatch,
) -> Result<(Vec<SealedBlock>, BatchNumber), ChainError> {
    let store = &chain.store;
    let mut blocks = Vec::new();
    let first = BlockNumber(kept.0.saturating_add(1));
    for found in chain.blocks(first, chain.heads()?.sealed) {
        let found = found?;
        chain.remove_sealed(batch, &found);
        blocks.push(found);
    }
    let mut last = (BatchNumber(0), BlockNumber(0));
    for row in store.range(&BATCH_RECORDS, ..).rev() {
        let (number, record) = row?;
        let header = record.header;
        if header.last_block <= kept {
            last = (number, header.last_block);
            break;
        }
        batch.delete(&BATCH_RECORDS, &number);
        for block in header.first_block.0..=header.last_block.0 {
            batch.delete(&BATCH_OF_BLOCK, &BlockNumber(block));
        }
    }
    let known = store.get(&FINALITY, &())?;
    let before = known.map(|known| known.heights).unwrap_or_default();
    let heights = FinalityHeights {
        committed: before.committed.min(last),
        ..before
    };
    if let Some(known) = known {
        batch.put(&FINALITY, &(), &StoredFinality { heights, ..known });
    }
    let heads = Heads {
        sealed: kept,
        committed: heights.committed.1,
        verified: heights.verified.1,
    };
    batch.put(&HEADS, &(), &heads);
    Ok((blocks, heights.committed.0))
}

fn last_to_stay(
    chain: &Chain,
    request: &RewindRequest,
    halt: Option<&HaltReport>,
) -> Result<BlockNumber, RewindError> {
    let sealed = chain.heads()?.sealed;
    let before = halt.map(|halt| BlockNumber(halt.block.0.saturating_sub(1)));
    // The last time it was interrupted.
    let unfinished = chain.store.first(&RETURNED)?.map(|_| sealed);
    let to = request.to.or(before).or(unfinished);
    let to = to.ok_or(RewindError::NotHalted)?;
    if to > sealed {
        return Err(RewindError::Ahead { to, sealed });
    }
    if let Some(halt) = halt.filter(|halt| halt.block <= to) {
        let block = halt.block;
        return Err(RewindError::StaysHalted { block });
    }
    let verified = request.verified.max(reported_finality(chain)?.verified.1);
    if to < verified {
        return Err(RewindError::Verified { verified });
    }
    Ok(to)
}

/// The transactions of these blocks, of the open block, and those that an earlier rewind has left, in order. Adds to
/// `batch` that the latter two go.
fn returned(
    chain: &Chain,
    blocks: &[SealedBlock],
    batch: &mut WriteBatch,
) -> Result<Vec<Bytes>, StorageError> {
    let sealed = blocks.iter().flat_map(|block| &block.transactions);
    let mut returned: Vec<Bytes> = sealed.cloned().collect();
    batch.delete(&ENVIRONMENT, &());
    for table in [&OPEN_TRANSACTIONS, &RETURNED] {
        for row in chain.store.range(table, ..) {
            let (index, raw) = row?;
            batch.delete(table, &index);
            returned.push(raw);
        }
    }
    Ok(returned)
}

/// Adds to `batch` what is refused from now on; returns it with the senders.
fn refuse(
    chain: &Chain,
    request: &RewindRequest,
    halt: Option<&HaltReport>,
    kept: BlockNumber,
    returned: &[Bytes],
    batch: &mut WriteBatch,
) -> Result<Vec<(B256, Address)>, RewindError> {
    let mut hashes = request.refuse.clone();
    hashes.extend(halt.and_then(|halt| halt.transaction));
    hashes.sort_unstable();
    hashes.dedup();
    if let (Some(halt), true) = (halt, hashes.is_empty()) {
        let found = block(&chain.store, halt.block)?;
        let receipts = found.iter().flat_map(|block| &block.receipts);
        return Err(RewindError::Unnamed {
            block: halt.block,
            transactions: receipts.map(|receipt| receipt.transaction_hash).collect(),
        });
    }
    let reason = match halt {
        Some(halt) => format!("it was taken back: {}", halt.reason),
        None => "it was taken back by an operator".to_owned(),
    };
    let mut refused = Vec::with_capacity(hashes.len());
    for hash in hashes {
        let Some(raw) = returned.iter().find(|raw| keccak256(raw) == hash) else {
            // Said again, after an interruption.
            if chain.store.contains(&REFUSED, &hash)? {
                continue;
            }
            return Err(RewindError::Elsewhere {
                transaction: hash,
                kept,
            });
        };
        let sender = SignedTransaction::decode(raw.clone(), chain.spec.chain_id())?.sender();
        batch.put(&REFUSED, &hash, &reason);
        if request.refuse_senders {
            let reason = format!("{reason} (transaction {hash})");
            batch.put(&REFUSED_SENDERS, &sender, &reason);
        }
        refused.push((hash, sender));
    }
    Ok(refused)
}
