//! Spans: consecutive segments of one block. Their public inputs, and how two neighbours become one.

use plonky2::field::types::Field;
use plonky2::iop::target::BoolTarget;
use plonky2::iop::witness::WitnessWrite;
use tern_messages::SpanBoundary;

use super::arithmetic::Arithmetic;
use super::leaf::{BLOCK_VALUES, LeafTargets};
use super::recursion::{self, Cycle, Gates, MergeTargets, Pair, Step};
use super::{F, PlonkyProof};

/// What a span states. `T` is a target in a circuit, a field element outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span<T> {
    /// State, transactions and receipts roots before the first transaction batch of the span.
    pub(crate) roots_before: [T; ROOTS],
    /// The same after the last one.
    pub(crate) roots_after: [T; ROOTS],
    /// Number of transactions before the first batch and after the last one.
    pub(crate) transactions: [T; 2],
    /// Gas used before the first batch and after the last one.
    pub(crate) gas: [T; 2],
    /// Digest of the machine's registers and memory before the first segment.
    pub(crate) start: [T; 4],
    /// The same after the last segment.
    pub(crate) end: [T; 4],
    /// Whether the machine has halted after the last segment: its batch is complete.
    pub(crate) halted: T,
    /// Whether all segments belong to one batch.
    pub(crate) single: T,
    /// The values that are the same in the whole block.
    pub(crate) block: [T; BLOCK_VALUES],
}

/// Limbs of three roots.
pub(crate) const ROOTS: usize = 24;
/// Elements of a span.
pub(crate) const SPAN_LEN: usize = 2 * ROOTS + 2 + 2 + 4 + 4 + 1 + 1 + BLOCK_VALUES;

impl<T: Copy> Span<T> {
    /// Reads the first [`SPAN_LEN`] elements.
    ///
    /// # Panics
    /// If there are fewer.
    pub(crate) fn from_slice(elements: &[T]) -> Self {
        let mut rest = elements;
        Self {
            roots_before: take(&mut rest),
            roots_after: take(&mut rest),
            transactions: take(&mut rest),
            gas: take(&mut rest),
            start: take(&mut rest),
            end: take(&mut rest),
            halted: take::<T, 1>(&mut rest)[0],
            single: take::<T, 1>(&mut rest)[0],
            block: take(&mut rest),
        }
    }

    pub(crate) fn to_vec(self) -> Vec<T> {
        let mut out = Vec::with_capacity(SPAN_LEN);
        out.extend(self.roots_before);
        out.extend(self.roots_after);
        out.extend(self.transactions);
        out.extend(self.gas);
        out.extend(self.start);
        out.extend(self.end);
        out.extend([self.halted, self.single]);
        out.extend(self.block);
        out
    }

    /// Roots, counts and gas before and after the batch: what all segments of one batch share.
    fn batch(&self) -> Vec<T> {
        [
            &self.roots_before[..],
            &self.roots_after,
            &self.transactions,
            &self.gas,
        ]
        .concat()
    }

    /// What the next batch starts from.
    fn progress_after(&self) -> Vec<T> {
        [&self.roots_after[..], &[self.transactions[1], self.gas[1]]].concat()
    }

    fn progress_before(&self) -> Vec<T> {
        [&self.roots_before[..], &[self.transactions[0], self.gas[0]]].concat()
    }

    /// The span of two neighbours. `same_batch` is 1 if they meet within a batch, 0 otherwise; `start` is the
    /// machine's state in which every batch starts.
    pub(crate) fn join<A: Arithmetic<Value = T>>(
        on: &mut A,
        left: &Self,
        right: &Self,
        same_batch: T,
        start: [F; 4],
    ) -> Self {
        let one = on.constant(F::ONE);
        let next_batch = on.sub(one, same_batch);
        let start = on.constants(start);
        on.require("both lie in one block", &left.block, &right.block);
        on.require_if(
            same_batch,
            "both lie in one batch",
            &[left.single, right.single],
            &[one, one],
        );
        on.require_if(
            same_batch,
            "both have the batch's roots, counts and gas",
            &left.batch(),
            &right.batch(),
        );
        on.require_if(same_batch, "the machine continues", &left.end, &right.start);
        on.require_if(
            next_batch,
            "the left batch is complete",
            &[left.halted],
            &[one],
        );
        on.require_if(
            next_batch,
            "the right batch starts from the initial machine",
            &right.start,
            &start,
        );
        on.require_if(
            next_batch,
            "roots, count and gas continue",
            &left.progress_after(),
            &right.progress_before(),
        );
        Self {
            roots_before: left.roots_before,
            roots_after: right.roots_after,
            transactions: [left.transactions[0], right.transactions[1]],
            gas: [left.gas[0], right.gas[1]],
            start: left.start,
            end: right.end,
            halted: right.halted,
            single: same_batch,
            block: left.block,
        }
    }
}

/// Splits the first `N` elements off.
pub(crate) fn take<T: Copy, const N: usize>(rest: &mut &[T]) -> [T; N] {
    let (head, tail) = rest.split_first_chunk().expect("the length was checked");
    *rest = tail;
    *head
}

/// The prover chooses whether the children lie in one batch.
pub(crate) type SpanMergeTargets = MergeTargets<BoolTarget>;

/// Leaf and span merge.
pub(crate) type SpanCycle = Cycle<LeafTargets, SpanMergeTargets>;

/// The merge over spans whose base is `base`.
pub(crate) fn build_merge<B>(
    base: &Step<B>,
    gates: &Gates,
    start: [F; 4],
) -> Step<SpanMergeTargets> {
    recursion::build_merge(base, gates, SPAN_LEN, |builder, left, right| {
        let same_batch = builder.add_virtual_bool_target_safe();
        let [left, right] = [left, right].map(Span::from_slice);
        let span = Span::join(builder, &left, &right, same_batch.target, start);
        (span.to_vec(), same_batch)
    })
}

impl Step<SpanMergeTargets> {
    pub(crate) fn prove(
        &self,
        pair: &Pair<'_>,
        boundary: SpanBoundary,
    ) -> anyhow::Result<PlonkyProof> {
        let mut witness = self.witness(pair)?;
        witness.set_bool_target(self.targets.choice, boundary == SpanBoundary::SameBatch)?;
        self.circuit.prove(witness)
    }
}
