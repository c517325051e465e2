//! Deletes what L2's verification has made superfluous: job inputs, and every proof but the final one.

use tern_messages::{BatchHeader, BatchNumber, BlockNumber, JobId};
use tern_storage::WriteBatch;
use tern_storage::tables::sequencer::{BATCHES, BLOBS, PROOFS};

use super::plans::{FINAL_PROOFS, PlanFault, Planner, is_of_span};
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
        if !planner.knows(&header)? {
            break;
        }
        let mut superfluous = last_steps(planner, &header)?;
        let mut batch = WriteBatch::new();
        for block in header.first_block.0..=header.last_block.0 {
            let runs = planner.runs(BlockNumber(block))?;
            for run in &runs.runs {
                batch.delete(&BLOBS, &run.input);
            }
            superfluous.extend(planner.span(runs)?.jobs.into_iter().map(|(id, _)| id));
        }
        for id in &superfluous {
            batch.delete(&PROOFS, id);
            for row in store.range(&FAILED, (*id, alloy::primitives::B256::ZERO)..) {
                let ((job, worker), _) = row?;
                if job != *id {
                    break;
                }
                batch.delete(&FAILED, &(job, worker));
            }
        }
        batch.put(&PRUNED, &(), &number);
        store.commit(batch)?;
    }
    Ok(())
}

/// What stands between the blocks of the batches that share a proof and this proof, if `first` is the first of them.
fn last_steps(planner: &Planner, first: &BatchHeader) -> Result<Vec<JobId>, PlanFault> {
    let store = &planner.chain.store;
    let Some(range) = store.get(&FINAL_PROOFS, &first.number)? else {
        return Ok(Vec::new());
    };
    let Some(last) = store.get(&BATCHES, &range.last)? else {
        return Ok(Vec::new());
    };
    let (plan, _) = planner.proof(first, &last)?;
    let jobs = plan.jobs.into_iter();
    let steps = jobs.filter(|(id, job)| !is_of_span(job.kind()) && *id != range.wrap);
    Ok(steps.map(|(id, _)| id).collect())
}
