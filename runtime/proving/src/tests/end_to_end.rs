//! Blocks proven from their segments to the wrap.

use std::collections::HashMap;
use std::sync::OnceLock;

use tern_messages::{BlobId, ChainId, Job, JobId, Proof, TransactionBatch, encode};

use super::circuits;
use super::fixture::{Block, CHAIN_ID, Chain};
use crate::onchain::verify_native;
use crate::plan::Plan;
use crate::statement::BatchStatement;
use crate::{BlockRuns, ProvingError, Run, plan_batch};

/// What was planned and proven.
pub(super) struct Proven {
    pub(super) jobs: Vec<(JobId, Job)>,
    pub(super) inputs: HashMap<BlobId, TransactionBatch>,
    pub(super) proofs: HashMap<JobId, Proof>,
    /// What each wrap proves.
    pub(super) statements: Vec<(JobId, BatchStatement)>,
}

impl Proven {
    pub(super) fn input(&self, job: &Job) -> Option<&TransactionBatch> {
        match job {
            Job::Segment { input, .. } => self.inputs.get(input),
            _ => None,
        }
    }

    pub(super) fn children(&self, job: &Job) -> Vec<Proof> {
        job.children()
            .iter()
            .map(|child| self.proofs[child].clone())
            .collect()
    }

    fn run(&mut self, plan: &Plan) {
        for (id, job) in &plan.jobs {
            let (input, children) = (self.input(job).cloned(), self.children(job));
            let prove =
                || circuits().prove(job, input.as_ref(), &children, Default::default(), &|_| {});
            let proof = prove().unwrap();
            circuits()
                .verifier()
                .verify(job, &proof, input.as_ref(), &children)
                .unwrap();
            self.proofs.insert(*id, proof);
            self.jobs.push((*id, job.clone()));
        }
    }

    /// Proves one batch after another, each given by its blocks, those by transfers in each transaction batch
    /// and the length of segments.
    fn of(batches: &[&[(&[usize], u8)]]) -> Self {
        let mut proven = Self {
            jobs: Vec::new(),
            inputs: HashMap::new(),
            proofs: HashMap::new(),
            statements: Vec::new(),
        };
        let version = circuits().circuits_version();
        let mut chain = Chain::new();
        for blocks in batches {
            let (window, state_root) = (chain.window(), chain.state_root());
            let (mut headers, mut runs) = (Vec::new(), Vec::new());
            for (transfers, max_cycles_log) in *blocks {
                let block = chain.block(transfers);
                runs.push(proven.runs(&block, *max_cycles_log));
                headers.push(block.header);
            }
            let statement =
                BatchStatement::new(ChainId(CHAIN_ID), state_root, window, headers).unwrap();
            let plan = plan_batch(version, &runs, statement.point()).unwrap();
            proven.run(&plan);
            proven.statements.push((plan.root, statement));
        }
        proven
    }

    fn runs(&mut self, block: &Block, max_cycles_log: u8) -> BlockRuns {
        let config = circuits()
            .verifier()
            .profile()
            .recursion_config()
            .stark_config;
        let runs = block.batches.iter().map(|batch| {
            let simulation = crate::simulate::measure(batch, &config, max_cycles_log).unwrap();
            let input = BlobId::of(&encode(batch));
            self.inputs.insert(input, batch.clone());
            Run {
                input,
                segments: simulation.segment_count(),
                max_cycles_log,
            }
        });
        BlockRuns {
            runs: runs.collect(),
        }
    }
}

/// Two batches: the first has a block of two transaction batches, the first of them with two segments,
/// and a block of one segment; the second batch has one block.
pub(super) fn proven() -> &'static Proven {
    static PROVEN: OnceLock<Proven> = OnceLock::new();
    PROVEN.get_or_init(|| Proven::of(&[&[(&[1, 1], 16), (&[1], 18)], &[(&[2], 18)]]))
}

#[test]
fn the_proof_states_what_was_computed_natively() {
    let proven = proven();
    let key = circuits().verifier().contract_key();
    for (wrap, _) in &proven.statements {
        for (other, statement) in &proven.statements {
            let accepted = verify_native(key, &proven.proofs[wrap].bytes, &statement.digest());
            assert_eq!(accepted.is_ok(), wrap == other);
        }
    }
}

#[test]
fn every_kind_of_job_was_run() {
    let mut kinds: Vec<_> = proven().jobs.iter().map(|(_, job)| job.kind()).collect();
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds.len(), 6, "{kinds:?}");
}

#[test]
fn a_proof_of_another_job_is_refused() {
    let proven = proven();
    let verifier = circuits().verifier();
    for (id, job) in &proven.jobs {
        for (other, other_job) in &proven.jobs {
            let (input, children) = (proven.input(job), proven.children(job));
            let result = verifier.verify(job, &proven.proofs[other], input, &children);
            // The second segment of a run cannot be told from others of the same run before it is merged.
            let same_run = |job: &Job| match job {
                Job::Segment { input, index, .. } if *index > 0 => Some(*input),
                _ => None,
            };
            let indistinguishable = match (same_run(job), other_job) {
                (Some(run), Job::Segment { input, .. }) => run == *input,
                _ => false,
            };
            assert_eq!(
                result.is_ok(),
                id == other || indistinguishable,
                "{job:?} {other_job:?}"
            );
        }
    }
}

#[test]
fn children_that_do_not_fit_name_the_broken_rule() {
    let proven = proven();
    let merge = proven
        .jobs
        .iter()
        .find(|(_, job)| matches!(job, Job::MergeSpans { .. }));
    let (_, job) = merge.unwrap();
    let mut children = proven.children(job);
    children.swap(0, 1);
    let result = circuits().prove(job, None, &children, Default::default(), &|_| {});
    assert!(
        matches!(result, Err(ProvingError::Mismatch { .. })),
        "{result:?}"
    );
    let result = circuits().prove(job, None, &children[..1], Default::default(), &|_| {});
    assert!(matches!(
        result,
        Err(ProvingError::WrongChildCount {
            expected: 2,
            found: 1
        })
    ));
}

#[test]
fn a_raised_flag_aborts() {
    let proven = proven();
    let (_, job) = &proven.jobs[0];
    let abort = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let result = circuits().prove(job, proven.input(job), &[], abort, &|_| {});
    assert!(matches!(result, Err(ProvingError::Aborted)));
    let result = circuits().prove(job, None, &[], Default::default(), &|_| {});
    assert!(matches!(result, Err(ProvingError::WrongInput { .. })));
}

#[test]
fn a_segment_beyond_the_run_does_not_exist() {
    let proven = proven();
    let (_, job) = &proven.jobs[0];
    let Job::Segment {
        input,
        max_cycles_log,
        ..
    } = *job
    else {
        panic!("segments come first")
    };
    let beyond = Job::Segment {
        input,
        index: 9,
        max_cycles_log,
    };
    let result = circuits().prove(&beyond, proven.input(job), &[], Default::default(), &|_| {});
    assert!(
        matches!(result, Err(ProvingError::NoSuchSegment { index: 9, .. })),
        "{result:?}"
    );
}
