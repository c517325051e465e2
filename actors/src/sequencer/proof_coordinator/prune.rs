//! Deletes what L2's verification has made superfluous: job inputs, and every proof but the final one.

use tern_messages::{BatchNumber, BlockNumber};
use tern_storage::WriteBatch;
use tern_storage::tables::sequencer::{BATCHES, BLOBS, PROOFS};

use super::plans::{PlanFault, Planner};
use crate::sequencer::tables::{FAILED, PRUNED};

/// Clears everything up to batch `last`, a durable step for each batch. Blocks on the disk.
pub(crate) fn prune(planner: &Planner, last: BatchNumber) -> Result<(), PlanFault> {
    let store = &planner.chain.store;
    let before = store.get(&PRUNED, &())?.unwrap_or_default();
    for number in before.0 + 1..=last.0 {
        let number = BatchNumber(number);
        let Some(header) = store.get(&BATCHES, &number)? else {
            break;
        };
        let (plan, _) = planner.whole_batch(&header)?;
        let mut batch = WriteBatch::new();
        for (id, _) in plan.jobs.iter().filter(|(id, _)| *id != plan.root) {
            batch.delete(&PROOFS, id);
            for row in store.range(&FAILED, (*id, alloy::primitives::B256::ZERO)..) {
                let ((job, worker), _) = row?;
                if job != *id {
                    break;
                }
                batch.delete(&FAILED, &(job, worker));
            }
        }
        for block in header.first_block.0..=header.last_block.0 {
            for run in planner.runs(BlockNumber(block))?.runs {
                batch.delete(&BLOBS, &run.input);
            }
        }
        batch.put(&PRUNED, &(), &number);
        store.commit(batch)?;
    }
    Ok(())
}
