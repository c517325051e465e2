//! Runs jobs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use alloy::primitives::{B256, Bytes};
use evm_arithmetization::all_stark::AllStark;
use plonky2::field::types::Field;
use tern_messages::{Job, JobKind, Proof, TransactionBatch};

use crate::circuits::block::RunCycle;
use crate::circuits::recursion::{Child, Cycle, Gates, Pair, Step};
use crate::circuits::segment::{SegmentCircuits, SegmentError, SegmentInput};
use crate::circuits::span::SpanCycle;
use crate::circuits::tables::TableKeys;
use crate::circuits::wrap::Wrap;
use crate::circuits::{F, PlonkyProof, batch, block, leaf, span, tables};
use crate::error::ProvingError;
use crate::machine::{Machine, catch_panic};
use crate::onchain::{OnchainError, VerifierKey};
use crate::profile::{Profile, TABLE_COUNT};
use crate::verifier::{JobVerifier, Keys, Verified, checked_input, expected, read_children};

/// A step of building circuits or of running a job, for showing progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What begins now, in a few words.
    pub step: String,
    /// Steps finished.
    pub done: u32,
    /// Steps in all.
    pub total: u32,
}

/// Steps of building the circuits above the tables.
const STEPS: u32 = 5;

/// Counts steps.
struct Steps<'a> {
    done: AtomicU32,
    total: u32,
    report: &'a (dyn Fn(Progress) + Sync),
}

impl<'a> Steps<'a> {
    fn new(total: u32, report: &'a (dyn Fn(Progress) + Sync)) -> Self {
        Self {
            done: AtomicU32::new(0),
            total,
            report,
        }
    }

    fn next(&self, step: impl Into<String>) {
        let done = self.done.fetch_add(1, Ordering::Relaxed).min(self.total);
        (self.report)(Progress {
            step: step.into(),
            done,
            total: self.total,
        });
    }
}

/// All circuits of a profile, with everything needed to prove.
pub struct ProvingCircuits {
    pub(crate) segment: SegmentCircuits,
    pub(crate) spans: SpanCycle,
    pub(crate) runs: RunCycle,
    pub(crate) batch: Step<Child>,
    pub(crate) wrap: Wrap,
    verifier: JobVerifier,
}

impl ProvingCircuits {
    /// Builds the circuits: half a minute and 1 GB of memory under `secure`. Those of the machine's tables are
    /// built when a segment first needs them, a few seconds each.
    ///
    /// # Errors
    /// If the committed verifier data cannot be read or are of other circuits: a defect of the build.
    pub fn build(
        profile: Profile,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Self, ProvingError> {
        let committed = JobVerifier::for_profile(profile)?;
        let Keys {
            tables, contract, ..
        } = committed.keys;
        let circuits = Self::over(profile, tables, &Steps::new(STEPS, progress), |_| {
            Ok(contract)
        })?;
        if circuits.circuits_version() != committed.version {
            let reason = "the committed data are of other circuits".to_owned();
            return Err(ProvingError::VerifierData { reason });
        }
        Ok(circuits)
    }

    /// Builds everything, trusting no committed verifier data: to compute them anew. Takes minutes under
    /// `secure`.
    ///
    /// # Errors
    /// If the contract cannot verify proofs of these circuits: a defect of the build.
    pub fn build_from_scratch(
        profile: Profile,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Self, ProvingError> {
        let tables: usize = profile.table_sizes().iter().map(|sizes| sizes.len()).sum();
        let steps = Steps::new(tables as u32 + STEPS, progress);
        let keys = tables::compute_keys(&AllStark::default(), profile, &|step| steps.next(step));
        Self::over(profile, keys, &steps, |wrap| {
            Ok(wrap.last()?.verifier_key())
        })
    }

    fn over(
        profile: Profile,
        tables: TableKeys,
        steps: &Steps<'_>,
        contract_key: impl FnOnce(&Wrap) -> Result<VerifierKey, OnchainError>,
    ) -> Result<Self, ProvingError> {
        steps.next("segment circuit");
        let segment = SegmentCircuits::build(profile, tables);
        let start = leaf::start_state(&profile.recursion_config().stark_config);
        let gates = Gates::of(segment.circuit());
        steps.next("span circuits");
        let spans = Cycle::build(
            |degree_bits| leaf::build(segment.circuit(), &gates, degree_bits),
            |base| span::build_merge(base, &gates, start),
        );
        steps.next("block circuits");
        let runs = block::build_cycle(&spans, &gates, start);
        steps.next("batch circuit");
        let batch = batch::build(&runs, &gates);
        steps.next("wrap circuits");
        let wrap = Wrap::build(&batch.circuit, &gates, profile.first_wrap_fri());
        let keys = Keys {
            span: (&spans).into(),
            run: (&runs).into(),
            batch: batch.circuit.verifier_data(),
            shrunk: wrap.shrunk().verifier_data(),
            contract: contract_key(&wrap).map_err(|error| ProvingError::VerifierData {
                reason: error.to_string(),
            })?,
            tables: segment.table_keys().clone(),
        };
        let verifier = JobVerifier::new(profile, start, keys);
        Ok(Self {
            segment,
            spans,
            runs,
            batch,
            wrap,
            verifier,
        })
    }

    /// Names these circuits: jobs and proofs of other circuits have other names.
    pub fn circuits_version(&self) -> B256 {
        self.verifier.circuits_version()
    }

    /// What checks the proofs.
    pub fn verifier(&self) -> &JobVerifier {
        &self.verifier
    }

    /// Runs `job`. `input` is what a `Segment` job names; `children` are the proofs of [`Job::children`], in
    /// order.
    ///
    /// Blocks the calling thread until the proof is there, an error is found, or `abort` is raised, which is
    /// looked at between steps of at most some seconds.
    ///
    /// # Errors
    /// See [`ProvingError`].
    pub fn prove(
        &self,
        job: &Job,
        input: Option<&TransactionBatch>,
        children: &[Proof],
        abort: Arc<AtomicBool>,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Proof, ProvingError> {
        let children = read_children(&self.verifier, job, children)?;
        // Says which rule is broken, where the circuit could only fail.
        expected(&self.verifier, job, input, &children)?;
        if abort.load(Ordering::Relaxed) {
            return Err(ProvingError::Aborted);
        }
        let kind = job.kind();
        let run = || match job {
            Job::Segment {
                input: id,
                index,
                max_cycles_log,
            } => {
                let input = checked_input(*id, input)?;
                let steps = Steps::new(2 * TABLE_COUNT as u32 + 4, progress);
                let proof = self.prove_segment(input, *index, *max_cycles_log, &abort, &steps)?;
                Ok(proof.to_bytes().into())
            }
            _ => {
                let steps = Steps::new(1, progress);
                steps.next(format!("{kind:?}"));
                self.recurse(job, &children)
                    .map_err(|error| failed(kind, error))
            }
        };
        let bytes =
            catch_panic(run).map_err(|message| ProvingError::Failed { job: kind, message })??;
        Ok(Proof { bytes })
    }

    fn prove_segment(
        &self,
        batch: &TransactionBatch,
        index: u32,
        max_cycles_log: u8,
        abort: &Arc<AtomicBool>,
        steps: &Steps<'_>,
    ) -> Result<PlonkyProof, ProvingError> {
        steps.next("kernel");
        let mut machine = Machine::load(batch, max_cycles_log)?;
        let mut count = 0;
        let (inputs, data) = loop {
            if abort.load(Ordering::Relaxed) {
                return Err(ProvingError::Aborted);
            }
            match machine.next_segment()? {
                Some(segment) if count == index as usize => break segment,
                Some(_) => count += 1,
                None => return Err(ProvingError::NoSuchSegment { index, count }),
            }
        };
        let segment = SegmentInput {
            inputs,
            data,
            block: machine.block(),
            index: count,
        };
        drop(machine);
        let proof = self
            .segment
            .prove(segment, abort, &|step| steps.next(step))
            .map_err(|error| match error {
                SegmentError::Aborted => ProvingError::Aborted,
                SegmentError::Unprovable(reason) => ProvingError::Unprovable(reason),
                SegmentError::Failed(message) => ProvingError::Failed {
                    job: JobKind::Segment,
                    message,
                },
            })?;
        steps.next("leaf");
        let leaf = self.spans.base.prove(&proof, self.spans.merge.key());
        leaf.map_err(|error| failed(JobKind::Segment, error))
    }

    fn recurse(&self, job: &Job, children: &[Verified]) -> anyhow::Result<Bytes> {
        let pair = || Pair {
            left: children[0].child(),
            right: children[1].child(),
        };
        let proof = match job {
            Job::Segment { .. } => unreachable!("a segment has no children"),
            Job::MergeSpans { boundary, .. } => self.spans.merge.prove(&pair(), *boundary),
            Job::Block { point, .. } => {
                let point = point.0.map(F::from_noncanonical_u64);
                self.runs
                    .base
                    .prove(children[0].child(), point, self.runs.merge.key())
            }
            Job::MergeBlocks { .. } => self.runs.merge.prove(&pair()),
            Job::Batch { .. } => self.batch.prove(children[0].child()),
            Job::Wrap { .. } => {
                return self
                    .wrap
                    .prove(&children[0].proof, &self.verifier.keys.contract);
            }
        }?;
        Ok(proof.to_bytes().into())
    }
}

fn failed(job: JobKind, error: anyhow::Error) -> ProvingError {
    ProvingError::Failed {
        job,
        message: error.to_string(),
    }
}
