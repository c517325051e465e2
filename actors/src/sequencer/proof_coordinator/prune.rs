//! Deletes what L2's verification has made superfluous: job inputs, and every proof but the final one.

use tern_messages::{BatchNumber, BlockNumber, JobId};
use tern_storage::WriteBatch;
use tern_storage::tables::sequencer::{BATCHES, BLOBS, PROOFS};

use super::plans::{FINAL_PROOFS, PlanFault, Planner};
use crate::sequencer::tables::{FAILED, PRUNED, SIMULATIONS};

/// Clears everything up to batch `last`, a durable step for each batch. Blocks on the disk.
pub(crate) fn prune(planner: &Planner, last: BatchNumber) -> Result<(), PlanFault> {
    let store = &planner.chain.store;
    let before = store.get(&PRUNED, &())?.unwrap_or_default();
    for number in before.0 + 1..=last.0 {
        let number = BatchNumber(number);
        let Some(header) = store.get(&BATCHES, &number)? else {
            break;
        };
        if !store.contains(&SIMULATIONS, &header.last_block)? {
            break;
        }
        let (plan, _) = planner.whole_batch(&header)?;
        let folds = folds(planner, number, last)?;
        let mut batch = WriteBatch::new();
        for id in plan.jobs.iter().map(|(id, _)| id).chain(&folds) {
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

/// What stands between the statements of the batches from `first` on and their common proof, if that begins there.
fn folds(
    planner: &Planner,
    first: BatchNumber,
    verified: BatchNumber,
) -> Result<Vec<JobId>, PlanFault> {
    let store = &planner.chain.store;
    let Some(range) = store.get(&FINAL_PROOFS, &first)? else {
        return Ok(Vec::new());
    };
    let mut roots = Vec::new();
    for row in store.range(&BATCHES, first..=range.last.min(verified)) {
        let (plan, _) = planner.whole_batch(&row?.1)?;
        roots.push(plan.root);
    }
    let plan = planner.proof(first, &roots)?;
    let folds = plan.jobs.iter().map(|(id, _)| *id);
    Ok(folds.filter(|id| *id != range.wrap).collect())
}
