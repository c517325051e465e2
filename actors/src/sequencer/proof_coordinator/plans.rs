//! From what is on disk to jobs for the machine. Reads only; the same disk gives the same plan.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use tern_messages::job::StatementData;
use tern_messages::statement::Point;
use tern_messages::{BatchHeader, BatchNumber, BlockNumber, JobId, JobKind, ProvenRange};
use tern_proving::statement::StatementError;
use tern_proving::{BlockRuns, Plan, PlanError, plan_batch};
use tern_scheduler::Planned;
use tern_storage::tables::sequencer::{BATCHES, PROOFS};
use tern_storage::{StorageError, Store, Table};
use thiserror::Error;

use crate::main_node::{Chain, ChainError};
use crate::sequencer::tables::SIMULATIONS;
use crate::statement;

/// The proofs that L2 gets, by the first of the batches that share one; known by name before they are made.
pub(in crate::sequencer) const FINAL_PROOFS: Table<BatchNumber, FinalProof> =
    Table::new(0x58, "final proofs");

/// Which proof L2 gets for some batches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sequencer) struct FinalProof {
    /// The last batch.
    pub(in crate::sequencer) last: BatchNumber,
    /// The job that yields the proof.
    pub(super) wrap: JobId,
    /// What it states of their blocks.
    pub(super) statement: StatementData,
}

/// Why there is no plan.
#[derive(Debug, Error)]
pub enum PlanFault {
    /// The disk.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The chain on disk.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The runs of a block or batch cannot be planned.
    #[error("batch {batch} cannot be planned: {source}")]
    Plan {
        /// The batch; 0 for a block without one.
        batch: BatchNumber,
        /// Why not.
        source: PlanError,
    },
    /// The blocks of a batch cannot be stated.
    #[error("batch {batch} cannot be stated: {source}")]
    Statement {
        /// The batch.
        batch: BatchNumber,
        /// Why not.
        source: StatementError,
    },
    /// A block of a batch was never simulated.
    #[error("block {block} has no simulation on disk, although it is part of a batch")]
    Missing {
        /// The block.
        block: BlockNumber,
    },
}

/// Jobs that do not depend on the statement that a block becomes part of: all of it but the last steps.
#[derive(Debug)]
pub(crate) struct SpanPlan {
    pub(crate) block: BlockNumber,
    pub(crate) root: JobId,
    pub(crate) jobs: Vec<Planned>,
}

/// What is new on disk.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) spans: Vec<SpanPlan>,
    pub(crate) batches: Vec<BatchHeader>,
}

/// Plans under circuits of one version.
#[derive(Clone, Debug)]
pub(crate) struct Planner {
    pub(crate) chain: Chain,
    pub(crate) version: alloy::primitives::B256,
}

impl Planner {
    /// Everything after these, in order. A batch may be known before its blocks can be planned: then it is left out, and
    /// so are those after it.
    pub(crate) fn news(&self, block: BlockNumber, batch: BatchNumber) -> Result<News, PlanFault> {
        let store = &self.chain.store;
        let mut news = News::default();
        for row in store.range(&BATCHES, BatchNumber(batch.0 + 1)..) {
            let (_, header) = row?;
            if !self.knows(&header)? {
                break;
            }
            news.batches.push(header);
        }
        for row in store.range(&SIMULATIONS, BlockNumber(block.0 + 1)..) {
            let (block, simulated) = row?;
            let plan = self.span(simulated.runs())?;
            let (root, jobs) = (plan.root, self.needed(&plan)?);
            news.spans.push(SpanPlan { block, root, jobs });
        }
        Ok(news)
    }

    /// The jobs of a block that do not depend on its statement.
    pub(crate) fn span(&self, runs: BlockRuns) -> Result<Plan, PlanFault> {
        let plan =
            plan_batch(self.version, &[runs], Point([0, 0])).map_err(|source| PlanFault::Plan {
                batch: BatchNumber(0),
                source,
            })?;
        let jobs: Vec<_> = plan
            .jobs
            .into_iter()
            .filter(|(_, job)| is_of_span(job.kind()))
            .collect();
        let (root, _) = *jobs.last().expect("a planned block has a segment");
        Ok(Plan { jobs, root })
    }

    /// All jobs that make one proof for L2 of the blocks of consecutive batches, and what it states of them.
    pub(crate) fn proof(
        &self,
        first: &BatchHeader,
        last: &BatchHeader,
    ) -> Result<(Plan, StatementData), PlanFault> {
        let batch = first.number;
        let mut runs = Vec::new();
        for number in first.first_block.0..=last.last_block.0 {
            runs.push(self.runs(BlockNumber(number))?);
        }
        let (first, last) = (first.first_block, last.last_block);
        self.stated(&runs, batch, first, last)
    }

    /// The same, of one block by itself, if it is known how it is proven.
    pub(super) fn alone(
        &self,
        block: BlockNumber,
    ) -> Result<Option<(Plan, StatementData)>, PlanFault> {
        let Some(simulated) = self.chain.store.get(&SIMULATIONS, &block)? else {
            return Ok(None);
        };
        let runs = [simulated.runs()];
        self.stated(&runs, BatchNumber(0), block, block).map(Some)
    }

    fn stated(
        &self,
        runs: &[BlockRuns],
        batch: BatchNumber,
        first: BlockNumber,
        last: BlockNumber,
    ) -> Result<(Plan, StatementData), PlanFault> {
        let stated = statement::of_blocks(&self.chain, first, last)?;
        let stated = stated.map_err(|source| PlanFault::Statement { batch, source })?;
        let statement = stated.data();
        let plan = plan_batch(self.version, runs, statement.point);
        let plan = plan.map_err(|source| PlanFault::Plan { batch, source })?;
        Ok((plan, statement))
    }

    /// How a block is proven.
    pub(crate) fn runs(&self, block: BlockNumber) -> Result<BlockRuns, PlanFault> {
        let simulated = self.chain.store.get(&SIMULATIONS, &block)?;
        Ok(simulated.ok_or(PlanFault::Missing { block })?.runs())
    }

    /// Whether it is known how the blocks of a batch are proven: blocks are simulated in order.
    pub(super) fn knows(&self, batch: &BatchHeader) -> Result<bool, StorageError> {
        self.chain.store.contains(&SIMULATIONS, &batch.last_block)
    }

    /// The jobs without those whose proofs nobody waits for any more.
    pub(crate) fn needed(&self, plan: &Plan) -> Result<Vec<Planned>, StorageError> {
        let mut wanted = HashSet::from([plan.root]);
        let mut jobs = Vec::new();
        for (id, job) in plan.jobs.iter().rev() {
            if !wanted.contains(id) || jobs.iter().any(|planned: &Planned| planned.id == *id) {
                continue;
            }
            let done = self.chain.store.contains(&PROOFS, id)?;
            if !done {
                wanted.extend(job.children());
            }
            jobs.push(Planned {
                id: *id,
                job: job.clone(),
                done,
            });
        }
        jobs.reverse();
        Ok(jobs)
    }
}

/// Whether jobs of this kind do not depend on the statement.
pub(super) fn is_of_span(kind: JobKind) -> bool {
    matches!(kind, JobKind::Segment | JobKind::MergeSpans)
}

/// The final proof of the batches from `first` on, if it is there.
pub(super) fn proven_range(
    store: &Store,
    first: BatchNumber,
) -> Result<Option<ProvenRange>, StorageError> {
    let Some(found) = store.get(&FINAL_PROOFS, &first)? else {
        return Ok(None);
    };
    let proof = store.get(&PROOFS, &found.wrap)?;
    Ok(proof.map(|proof| ProvenRange {
        first,
        last: found.last,
        statement: found.statement,
        proof,
    }))
}
