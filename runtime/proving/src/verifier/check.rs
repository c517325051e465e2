//! What the public inputs of a job's proof must be.

use alloy::primitives::B256;
use plonky2::field::types::{Field, PrimeField64};
use tern_messages::{BlobId, Job, Proof, SpanBoundary, StatementDigest, TransactionBatch, encode};

use super::{JobVerifier, Kind, Verified};
use crate::circuits::arithmetic::Native;
use crate::circuits::block::Run;
use crate::circuits::leaf::BlockValues;
use crate::circuits::span::Span;
use crate::circuits::{F, batch};
use crate::error::{InputError, ProvingError, Unprovable};
use crate::inputs::list_roots;
use crate::statement::{address_limbs, hash_limbs, window_digest};

/// What is known of a proof's public inputs before it is read: all of them but for the cycle's verifier data,
/// except that of a leaf the machine's state is known at the start of a run only.
pub(crate) struct Expected {
    elements: Vec<F>,
    is_later_segment: bool,
}

impl Expected {
    /// Of a `Wrap` job: the statement.
    pub(super) fn statement(&self) -> StatementDigest {
        StatementDigest(core::array::from_fn(|i| {
            self.elements[i].to_canonical_u64()
        }))
    }
}

/// Whether the job's proof is made by its cycle's merge circuit.
pub(super) fn is_merge(job: &Job) -> bool {
    matches!(job, Job::MergeSpans { .. } | Job::MergeBlocks { .. })
}

/// The input of a segment job, checked against the name that the job gives it.
pub(crate) fn checked_input(
    expected: BlobId,
    input: Option<&TransactionBatch>,
) -> Result<&TransactionBatch, ProvingError> {
    input
        .filter(|input| BlobId::of(&encode(input)) == expected)
        .ok_or(ProvingError::WrongInput { expected })
}

/// The children of a job, read and verified.
pub(crate) fn read_children(
    verifier: &JobVerifier,
    job: &Job,
    children: &[Proof],
) -> Result<Vec<Verified>, ProvingError> {
    let expected = job.children().len();
    if children.len() != expected {
        return Err(ProvingError::WrongChildCount {
            expected,
            found: children.len(),
        });
    }
    let kind = match job {
        Job::Segment { .. } => return Ok(Vec::new()),
        Job::MergeSpans { .. } | Job::Block { .. } => Kind::Span,
        Job::MergeBlocks { .. } | Job::Batch { .. } => Kind::Run,
        Job::Wrap { .. } => Kind::Statement,
    };
    let read = |(index, proof)| {
        let invalid = |reason| ProvingError::InvalidChild {
            job: job.kind(),
            index,
            reason,
        };
        verifier.read(kind, proof).map_err(invalid)
    };
    children.iter().enumerate().map(read).collect()
}

/// What the proof of `job` must state, where children are its verified children.
pub(crate) fn expected(
    verifier: &JobVerifier,
    job: &Job,
    input: Option<&TransactionBatch>,
    children: &[Verified],
) -> Result<Expected, ProvingError> {
    let mismatch = |rule| ProvingError::Mismatch {
        job: job.kind(),
        rule,
    };
    let mut is_later_segment = false;
    let elements = match (job, children) {
        (
            Job::Segment {
                input: id, index, ..
            },
            _,
        ) => {
            is_later_segment = *index > 0;
            leaf_span(checked_input(*id, input)?, verifier.start)
                .map_err(Unprovable::Input)?
                .to_vec()
        }
        (Job::MergeSpans { boundary, .. }, [left, right]) => {
            let same_batch = F::from_bool(*boundary == SpanBoundary::SameBatch);
            let (left, right) = (left.span(), right.span());
            Native::evaluate(|on| Span::join(on, &left, &right, same_batch, verifier.start))
                .map_err(mismatch)?
                .to_vec()
        }
        (Job::Block { point, .. }, [span]) => {
            let point = point.0.map(F::from_noncanonical_u64);
            Native::evaluate(|on| Run::of_block(on, &span.span(), point, verifier.start))
                .map_err(mismatch)?
                .to_vec()
        }
        (Job::MergeBlocks { .. }, [left, right]) => {
            Native::evaluate(|on| Run::join(on, &left.run(), &right.run()))
                .map_err(mismatch)?
                .to_vec()
        }
        (Job::Batch { .. }, [run]) => Native::evaluate(|on| batch::statement(on, &run.run()))
            .map_err(mismatch)?
            .to_vec(),
        (Job::Wrap { .. }, [batch]) => batch.proof.public_inputs.clone(),
        (_, found) => {
            let (expected, found) = (job.children().len(), found.len());
            return Err(ProvingError::WrongChildCount { expected, found });
        }
    };
    Ok(Expected {
        elements,
        is_later_segment,
    })
}

/// Compares what a proof states with what it must state.
pub(super) fn compare(job: &Job, expected: &Expected, found: &[F]) -> Result<(), ProvingError> {
    let wrong = |field| ProvingError::WrongStatement {
        job: job.kind(),
        field,
    };
    let found = &found[..expected.elements.len()];
    if !matches!(job, Job::Segment { .. }) {
        return if found == expected.elements {
            Ok(())
        } else {
            Err(wrong("result of its children"))
        };
    }
    let (found, expected_span) = (
        Span::from_slice(found),
        Span::from_slice(&expected.elements),
    );
    let fields = [
        ("roots", found.roots_before == expected_span.roots_before),
        ("roots", found.roots_after == expected_span.roots_after),
        (
            "number of transactions",
            found.transactions == expected_span.transactions,
        ),
        ("gas used", found.gas == expected_span.gas),
        ("block", found.block == expected_span.block),
        (
            "segment",
            expected.is_later_segment || found.start == expected_span.start,
        ),
    ];
    match fields.into_iter().find(|(_, equal)| !equal) {
        Some((field, _)) => Err(wrong(field)),
        None => Ok(()),
    }
}

/// The span of any segment of the batch's run. `end` and `halted` are not known: they are zero here.
fn leaf_span(batch: &TransactionBatch, start: [F; 4]) -> Result<Span<F>, InputError> {
    let lists = list_roots(batch)?;
    let roots = |state: B256, side: usize| {
        let roots = [state, lists.transactions[side], lists.receipts[side]];
        let limbs = roots.map(hash_limbs).concat();
        core::array::from_fn(|i| F::from_canonical_u64(limbs[i]))
    };
    let count = |value: u64| F::from_canonical_u64(value);
    Ok(Span {
        roots_before: roots(batch.state_root_before, 0),
        roots_after: roots(batch.state_root_after, 1),
        transactions: [batch.first_transaction, batch.transactions.len() as u64].map(count),
        gas: [batch.gas_used_before, batch.gas_used_after].map(count),
        start,
        end: [F::ZERO; 4],
        halted: F::ZERO,
        single: F::ONE,
        block: block_values(batch).to_array(),
    })
}

fn block_values(batch: &TransactionBatch) -> BlockValues<F> {
    let header = &batch.header;
    let number = F::from_canonical_u64;
    let hash = |hash: B256| hash_limbs(hash).map(number);
    let block_hash = header.hash_slow();
    let after = [&batch.previous_hashes[1..], &[block_hash]].concat();
    let base_fee = header.base_fee_per_gas.unwrap_or_default();
    BlockValues {
        chain_id: number(batch.chain_id.0),
        parent_hash: hash(header.parent_hash),
        beneficiary: address_limbs(header.beneficiary).map(number),
        number: number(header.number),
        gas_limit: number(header.gas_limit),
        gas_used: number(header.gas_used),
        timestamp: number(header.timestamp),
        random: hash(header.mix_hash),
        base_fee: [base_fee & 0xffff_ffff, base_fee >> 32].map(number),
        beacon_root: hash(header.parent_beacon_block_root.unwrap_or_default()),
        block_hash: hash(block_hash),
        window_before: window_digest(&batch.previous_hashes).map(number),
        window_after: window_digest(&after).map(number),
    }
}
