//! From the runs of a batch's blocks to the graph of jobs that proves it.
//!
//! The graph is a function of its arguments alone, so that planning again after a restart names the same
//! jobs. Within a block, the segments of each transaction batch are merged, then the transaction batches;
//! then blocks are merged in the tree that C has ([`left_count`]).

use alloy::primitives::B256;
use tern_messages::{BlobId, Job, JobId, Point, SpanBoundary};

use crate::error::PlanError;
use crate::limits::MAX_BATCH_BLOCKS;
use crate::statement::left_count;

/// How one block is proven: its transaction batches in order, each with the number of segments of its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRuns {
    /// One entry for each transaction batch.
    pub runs: Vec<Run>,
}

/// The run of one transaction batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The encoded transaction batch.
    pub input: BlobId,
    /// Segments of its run.
    pub segments: u32,
    /// log2 of the segments' length in machine cycles.
    pub max_cycles_log: u8,
}

/// A graph of jobs: every job comes after its children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The jobs with their names, children first, without duplicates.
    pub jobs: Vec<(JobId, Job)>,
    /// The job that all others serve.
    pub root: JobId,
}

struct Planner {
    version: B256,
    jobs: Vec<(JobId, Job)>,
}

impl Planner {
    fn add(&mut self, job: Job) -> JobId {
        let id = job.id(self.version);
        self.jobs.push((id, job));
        id
    }

    fn tree(&mut self, leaves: &[JobId], merge: &impl Fn(JobId, JobId) -> Job) -> JobId {
        match leaves {
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(left_count(leaves.len()));
                let (left, right) = (self.tree(left, merge), self.tree(right, merge));
                self.add(merge(left, right))
            }
        }
    }

    fn run(&mut self, run: &Run) -> JobId {
        let Run {
            input,
            segments,
            max_cycles_log,
        } = *run;
        let leaves: Vec<JobId> = (0..segments)
            .map(|index| {
                self.add(Job::Segment {
                    input,
                    index,
                    max_cycles_log,
                })
            })
            .collect();
        let merge = |left, right| Job::MergeSpans {
            left,
            right,
            boundary: SpanBoundary::SameBatch,
        };
        self.tree(&leaves, &merge)
    }

    fn block(&mut self, block: &BlockRuns, point: Point) -> JobId {
        let runs: Vec<JobId> = block.runs.iter().map(|run| self.run(run)).collect();
        let merge = |left, right| Job::MergeSpans {
            left,
            right,
            boundary: SpanBoundary::NextBatch,
        };
        let span = self.tree(&runs, &merge);
        self.add(Job::Block { span, point })
    }
}

/// The jobs of one batch, up to the proof for L2.
///
/// # Errors
/// If there is no block, a block without a run, a run without segments, or more than
/// [`MAX_BATCH_BLOCKS`] blocks.
pub fn plan_batch(version: B256, blocks: &[BlockRuns], point: Point) -> Result<Plan, PlanError> {
    if blocks.is_empty() {
        return Err(PlanError::Empty { what: "the batch" });
    }
    if blocks.len() > MAX_BATCH_BLOCKS {
        return Err(PlanError::TooManyBlocks {
            count: blocks.len(),
            max: MAX_BATCH_BLOCKS,
        });
    }
    if blocks.iter().any(|block| block.runs.is_empty()) {
        return Err(PlanError::Empty { what: "a block" });
    }
    if blocks
        .iter()
        .flat_map(|block| &block.runs)
        .any(|run| run.segments == 0)
    {
        return Err(PlanError::Empty { what: "a run" });
    }
    let mut planner = Planner {
        version,
        jobs: Vec::new(),
    };
    let leaves: Vec<JobId> = blocks
        .iter()
        .map(|block| planner.block(block, point))
        .collect();
    let blocks = planner.tree(&leaves, &|left, right| Job::MergeBlocks { left, right });
    let statement = planner.add(Job::Batch { blocks });
    let root = planner.add(Job::Wrap { statement });
    Ok(Plan {
        jobs: planner.jobs,
        root,
    })
}
