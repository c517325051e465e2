//! Dropping what the main node has taken back.

use tern_cluster::Fault;
use tern_messages::{BatchHeader, BatchNumber, BlockNumber, Rewind};
use tern_storage::tables::chain::{HEADS, Heads, remove_block};
use tern_storage::tables::sequencer::{BATCHES, BLOBS, BLOCK_INPUTS};
use tern_storage::{StorageError, Store, WriteBatch, crash_point};
use thiserror::Error;
use tracing::{info, warn};

use super::fault;
use super::proof_coordinator::FINAL_PROOFS;
use super::tables::{FOLLOWED, PROVEN, PRUNED, SIMULATIONS, TAKEN_BACK};
use crate::main_node::{Chain, ChainError};

/// The main node has taken back what is final.
#[derive(Debug, Error)]
#[error(
    "the main node has taken back the blocks after {kept}, but L2 has verified batch {batch}, which ends with block \
     {block}: its directory belongs to another history; make it again from L2 (tern sync)"
)]
struct Verified {
    kept: BlockNumber,
    batch: BatchNumber,
    block: BlockNumber,
}

/// The rewinds that this directory has followed.
pub(super) fn followed(store: &Store) -> Result<Vec<Rewind>, StorageError> {
    let rows = store.range(&FOLLOWED, ..);
    rows.map(|row| row.map(|(_, rewind)| rewind)).collect()
}

/// Drops what `rewind` takes back, if it is here, in one durable step; says whether it was. Blocks on the disk.
pub(super) fn follow(chain: &Chain, rewind: &Rewind) -> Result<bool, Fault> {
    let store = &chain.store;
    let mut batch = WriteBatch::new();
    batch.put(&FOLLOWED, &rewind.number, rewind);
    let first = BlockNumber(rewind.kept.0.saturating_add(1));
    let here = chain.header(first).map_err(fault::chain)?;
    let affected = here.filter(|here| rewind.removes(first, here.hash));
    if affected.is_none() {
        info!(target: "tern::sequencer", kept = %rewind.kept, last = %rewind.last(),
            "the main node took blocks back that are not here");
        store.commit(batch).map_err(fault::disk)?;
        return Ok(false);
    }
    let last = chain.heads().map_err(fault::chain)?.sealed;
    drop_blocks(chain, rewind.kept, &mut batch).map_err(fault::chain)?;
    let batches = drop_batches(store, rewind.kept, &mut batch)?;
    crash_point("sequencer/rewinding");
    store.commit(batch).map_err(fault::disk)?;
    crash_point("sequencer/rewound");
    warn!(target: "tern::sequencer", kept = %rewind.kept, %last, batches,
        "ALARM: the main node took blocks back; they are dropped here, too");
    Ok(true)
}

fn drop_blocks(chain: &Chain, kept: BlockNumber, batch: &mut WriteBatch) -> Result<(), ChainError> {
    let store = &chain.store;
    let first = BlockNumber(kept.0.saturating_add(1));
    for found in chain.blocks(first, chain.heads()?.sealed) {
        let found = found?;
        let number = found.number();
        remove_block(batch, &found);
        for input in store.get(&BLOCK_INPUTS, &number)?.unwrap_or_default() {
            batch.delete(&BLOBS, &input);
        }
        batch
            .delete(&BLOCK_INPUTS, &number)
            .delete(&SIMULATIONS, &number);
    }
    let heads = Heads {
        sealed: kept,
        ..Heads::default()
    };
    batch.put(&HEADS, &(), &heads);
    Ok(())
}

/// Drops the batches that have a block after `kept`, and the proofs that L2 was to get for them; says how many batches.
fn drop_batches(store: &Store, kept: BlockNumber, batch: &mut WriteBatch) -> Result<usize, Fault> {
    let pruned = store.get(&PRUNED, &()).map_err(fault::disk)?;
    let pruned = pruned.unwrap_or_default();
    let mut dropped: Vec<BatchHeader> = Vec::new();
    for row in store.range(&BATCHES, ..).rev() {
        let (number, header) = row.map_err(fault::disk)?;
        if header.last_block <= kept {
            break;
        }
        if number <= pruned {
            return Err(Fault::Disagreement(
                Verified {
                    kept,
                    batch: number,
                    block: header.last_block,
                }
                .into(),
            ));
        }
        batch
            .delete(&BATCHES, &number)
            .put(&TAKEN_BACK, &header.last_block_hash, &header);
        dropped.push(header);
    }
    let Some(first) = dropped.last().map(|header| header.number) else {
        return Ok(0);
    };
    // A proof that some of them share with batches that stay is worth nothing.
    let mut proven = BatchNumber(first.0.saturating_sub(1));
    for row in store.range(&FINAL_PROOFS, ..) {
        let (number, shared) = row.map_err(fault::disk)?;
        if shared.last >= first {
            batch.delete(&FINAL_PROOFS, &number);
            proven = proven.min(BatchNumber(number.0.saturating_sub(1)));
        }
    }
    if let Some(before) = store.get(&PROVEN, &()).map_err(fault::disk)? {
        batch.put(&PROVEN, &(), &before.min(proven));
    }
    Ok(dropped.len())
}
