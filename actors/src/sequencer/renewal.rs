//! Another version of the program may have other circuits. How blocks are cut for the prover and what was proven is then
//! worth nothing, but for what L2 has verified: it is simulated and proven anew.

use alloy::primitives::B256;
use tern_messages::{BatchNumber, BlockNumber};
use tern_storage::tables::sequencer::BATCHES;
use tern_storage::{StorageError, Store, WriteBatch};
use tracing::warn;

use super::proof_coordinator::FINAL_PROOFS;
use super::tables::{CIRCUITS, PROVEN, PRUNED, SIMULATIONS};

/// Forgets what was planned and proven for other circuits than these. Before any part of the sequencer starts; blocks on
/// the disk.
///
/// # Errors
/// If the disk refuses.
pub(crate) fn renew(store: &Store, circuits: B256) -> Result<(), StorageError> {
    let before = store.get(&CIRCUITS, &())?;
    if before == Some(circuits) {
        return Ok(());
    }
    let pruned = store.get(&PRUNED, &())?.unwrap_or_default();
    let verified = store.get(&BATCHES, &pruned)?;
    let verified = verified.map_or(BlockNumber(0), |header| header.last_block);
    let after = store.range(&SIMULATIONS, BlockNumber(verified.0.saturating_add(1))..);
    let blocks: Vec<BlockNumber> = after
        .map(|row| Ok(row?.0))
        .collect::<Result<_, StorageError>>()?;
    let mut batch = WriteBatch::new();
    for number in &blocks {
        batch.delete(&SIMULATIONS, number);
    }
    for row in store.range(&FINAL_PROOFS, BatchNumber(pruned.0.saturating_add(1))..) {
        batch.delete(&FINAL_PROOFS, &row?.0);
    }
    batch.put(&PROVEN, &(), &pruned);
    batch.put(&CIRCUITS, &(), &circuits);
    store.commit(batch)?;
    if !blocks.is_empty() {
        warn!(target: "tern::sequencer", blocks = blocks.len(), after = %verified, ?before, now = %circuits,
            "the circuits are others; blocks that are not verified are simulated and proven anew");
    }
    Ok(())
}
