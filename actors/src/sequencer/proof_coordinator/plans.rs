//! From what is on disk to jobs for the machine. Reads only; the same disk gives the same plan.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use tern_execution::HashWindow;
use tern_messages::job::StatementData;
use tern_messages::statement::Point;
use tern_messages::{BatchHeader, BatchNumber, BlockNumber, JobId, JobKind, ProvenRange};
use tern_proving::statement::StatementError;
use tern_proving::{BatchStatement, BlockRuns, Plan, PlanError, plan_batch, plan_proof};
use tern_scheduler::Planned;
use tern_storage::tables::chain::HEADERS;
use tern_storage::tables::sequencer::{BATCHES, PROOFS};
use tern_storage::{StorageError, Store, Table};
use thiserror::Error;

use crate::main_node::{Chain, ChainError};
use crate::sequencer::tables::SIMULATIONS;

/// The proofs that L2 gets, by the first of the batches that share one; known by name before they are made.
pub(super) const FINAL_PROOFS: Table<BatchNumber, FinalProof> = Table::new(0x57, "final proofs");

/// Which proof L2 gets for some batches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FinalProof {
    /// The last batch.
    pub(super) last: BatchNumber,
    /// The job that yields the proof.
    pub(super) wrap: JobId,
    /// What it states of each batch.
    pub(super) statements: Vec<StatementData>,
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

/// Jobs that are known before the block's batch is: those that do not depend on its point.
#[derive(Debug)]
pub(crate) struct SpanPlan {
    pub(crate) block: BlockNumber,
    pub(crate) root: JobId,
    pub(crate) jobs: Vec<Planned>,
}

/// All jobs of a batch, up to its statement.
#[derive(Debug)]
pub(crate) struct BatchPlan {
    pub(crate) header: BatchHeader,
    pub(crate) root: JobId,
    pub(crate) statement: StatementData,
    pub(crate) jobs: Vec<Planned>,
}

/// What is new on disk.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) spans: Vec<SpanPlan>,
    pub(crate) batches: Vec<BatchPlan>,
}

/// Plans under circuits of one version.
#[derive(Clone, Debug)]
pub(crate) struct Planner {
    pub(crate) chain: Chain,
    pub(crate) version: alloy::primitives::B256,
}

impl Planner {
    /// Everything after these, in order. Blocks that are part of a batch come with the batch. A batch may be known before
    /// its blocks are: then nothing after it is planned either.
    pub(crate) fn news(&self, block: BlockNumber, batch: BatchNumber) -> Result<News, PlanFault> {
        let store = &self.chain.store;
        let mut news = News::default();
        let mut covered = block;
        for row in store.range(&BATCHES, BatchNumber(batch.0 + 1)..) {
            let (_, header) = row?;
            if !store.contains(&SIMULATIONS, &header.last_block)? {
                return Ok(news);
            }
            covered = covered.max(header.last_block);
            news.batches.push(self.batch(header)?);
        }
        for row in store.range(&SIMULATIONS, BlockNumber(covered.0 + 1)..) {
            let (number, simulated) = row?;
            news.spans.push(self.span(number, simulated.runs())?);
        }
        Ok(news)
    }

    fn span(&self, block: BlockNumber, runs: BlockRuns) -> Result<SpanPlan, PlanFault> {
        // The point is not known yet; the jobs below the block's do not depend on it.
        let plan =
            plan_batch(self.version, &[runs], Point([0, 0])).map_err(|source| PlanFault::Plan {
                batch: BatchNumber(0),
                source,
            })?;
        let below = |kind| matches!(kind, JobKind::Segment | JobKind::MergeSpans);
        let jobs: Vec<_> = plan
            .jobs
            .into_iter()
            .filter(|(_, job)| below(job.kind()))
            .collect();
        let (root, _) = *jobs.last().expect("a planned block has a segment");
        let jobs = self.needed(&Plan { jobs, root })?;
        Ok(SpanPlan { block, root, jobs })
    }

    /// All jobs of a batch that are not superfluous.
    pub(crate) fn batch(&self, header: BatchHeader) -> Result<BatchPlan, PlanFault> {
        let (plan, statement) = self.whole_batch(&header)?;
        let jobs = self.needed(&plan)?;
        Ok(BatchPlan {
            header,
            root: plan.root,
            statement,
            jobs,
        })
    }

    /// All jobs of a batch, whether their proofs are there or not.
    pub(crate) fn whole_batch(
        &self,
        header: &BatchHeader,
    ) -> Result<(Plan, StatementData), PlanFault> {
        let batch = header.number;
        let mut runs = Vec::new();
        for number in header.first_block.0..=header.last_block.0 {
            let block = BlockNumber(number);
            runs.push(self.runs(block)?);
        }
        let statement = self.statement(header)?;
        let plan = plan_batch(self.version, &runs, statement.point)
            .map_err(|source| PlanFault::Plan { batch, source })?;
        Ok((plan, statement))
    }

    /// The jobs that make one proof for L2 of the statements of consecutive batches.
    pub(crate) fn proof(&self, first: BatchNumber, roots: &[JobId]) -> Result<Plan, PlanFault> {
        let batch = first;
        plan_proof(self.version, roots).map_err(|source| PlanFault::Plan { batch, source })
    }

    /// How a block is proven.
    pub(crate) fn runs(&self, block: BlockNumber) -> Result<BlockRuns, PlanFault> {
        let simulated = self.chain.store.get(&SIMULATIONS, &block)?;
        Ok(simulated.ok_or(PlanFault::Missing { block })?.runs())
    }

    fn statement(&self, header: &BatchHeader) -> Result<StatementData, PlanFault> {
        let (first, batch) = (header.first_block, header.number);
        let window: HashWindow = self.chain.window_before(first)?;
        let before = self.chain.expect_header(BlockNumber(first.0 - 1))?;
        let mut headers = Vec::new();
        for row in self.chain.store.range(&HEADERS, first..=header.last_block) {
            headers.push(row?.1.header);
        }
        let chain_id = self.chain.spec.chain_id();
        let root = before.header.state_root;
        let statement = BatchStatement::new(chain_id, root, window.to_vec(), headers)
            .map_err(|source| PlanFault::Statement { batch, source })?;
        Ok(statement.data())
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

/// The final proof of the batches from `first` on, if it is there.
pub(super) fn proven_range(
    store: &Store,
    first: BatchNumber,
) -> Result<Option<ProvenRange>, StorageError> {
    let Some(last) = store.get(&FINAL_PROOFS, &first)? else {
        return Ok(None);
    };
    let proof = store.get(&PROOFS, &last.wrap)?;
    Ok(proof.map(|proof| ProvenRange {
        first,
        statements: last.statements,
        proof,
    }))
}
