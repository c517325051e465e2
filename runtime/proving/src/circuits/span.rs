//! Spans: consecutive segments of one block. Their public inputs, and how two neighbours become one.

use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use tern_messages::SpanBoundary;

use super::leaf::{BLOCK_VALUES, LeafTargets};
use super::recursion::{
    Child, Cycle, Gates, Step, connect_all, connect_all_if, constants, finish, register_key,
};
use super::{C, F, PlonkyProof, VerifierKey};

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
}

impl<T: Copy + PartialEq> Span<T> {
    /// The span of two neighbours, or the rule that they break. `start` is the machine's state in which every
    /// batch starts, `one` is 1.
    pub(crate) fn join(
        left: &Self,
        right: &Self,
        boundary: SpanBoundary,
        start: [T; 4],
        one: T,
        zero: T,
    ) -> Result<Self, &'static str> {
        let same = boundary == SpanBoundary::SameBatch;
        let rules = [
            ("both lie in one block", left.block == right.block),
            (
                "both lie in one batch",
                !same || (left.single == one && right.single == one),
            ),
            (
                "both have the batch's roots, counts and gas",
                !same || left.batch() == right.batch(),
            ),
            ("the machine continues", !same || left.end == right.start),
            ("the left batch is complete", same || left.halted == one),
            (
                "the right batch starts from the initial machine",
                same || right.start == start,
            ),
            (
                "roots, count and gas continue",
                same || left.progress_after() == right.progress_before(),
            ),
        ];
        if let Some((rule, _)) = rules.into_iter().find(|(_, holds)| !holds) {
            return Err(rule);
        }
        Ok(Self::outer(left, right, if same { one } else { zero }))
    }

    fn outer(left: &Self, right: &Self, single: T) -> Self {
        Self {
            roots_before: left.roots_before,
            roots_after: right.roots_after,
            transactions: [left.transactions[0], right.transactions[1]],
            gas: [left.gas[0], right.gas[1]],
            start: left.start,
            end: right.end,
            halted: right.halted,
            single,
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

pub(crate) struct SpanMergeTargets {
    same_batch: BoolTarget,
    left: Child,
    right: Child,
    key: plonky2::plonk::circuit_data::VerifierCircuitTarget,
}

/// Leaf and span merge.
pub(crate) type SpanCycle = Cycle<LeafTargets, SpanMergeTargets>;

/// The merge over spans whose base is `base`.
pub(crate) fn build_merge<B>(
    base: &Step<B>,
    gates: &Gates,
    start: [F; 4],
) -> Step<SpanMergeTargets> {
    let mut builder = gates.builder();
    let common = &base.circuit.common;
    // Public inputs come first; they are connected below.
    let public: Vec<Target> = (0..SPAN_LEN)
        .map(|_| builder.add_virtual_public_input())
        .collect();
    let key = register_key(&mut builder);
    let base_key = builder.constant_verifier_data::<C>(base.key());
    let left = Child::add(&mut builder, common, &base_key, &key);
    let right = Child::add(&mut builder, common, &base_key, &key);
    let same_batch = builder.add_virtual_bool_target_safe();

    let l = Span::from_slice(&left.proof.public_inputs);
    let r = Span::from_slice(&right.proof.public_inputs);
    let next_batch = builder.not(same_batch);
    let one = builder.one();
    let start = constants(&mut builder, &start);
    connect_all(&mut builder, &l.block, &r.block);
    connect_all_if(&mut builder, same_batch, &[l.single, r.single], &[one, one]);
    connect_all_if(&mut builder, same_batch, &l.batch(), &r.batch());
    connect_all_if(&mut builder, same_batch, &l.end, &r.start);
    connect_all_if(&mut builder, next_batch, &[l.halted], &[one]);
    connect_all_if(&mut builder, next_batch, &r.start, &start);
    connect_all_if(
        &mut builder,
        next_batch,
        &l.progress_after(),
        &r.progress_before(),
    );
    let outer = Span::outer(&l, &r, same_batch.target);
    connect_all(&mut builder, &public, &outer.to_vec());
    let targets = SpanMergeTargets {
        same_batch,
        left,
        right,
        key,
    };
    finish(builder, gates, common.degree_bits(), targets)
}

/// Two children, each with whether it is a merge.
pub(crate) struct Pair<'a> {
    pub(crate) left: (&'a PlonkyProof, bool),
    pub(crate) right: (&'a PlonkyProof, bool),
}

impl Step<SpanMergeTargets> {
    pub(crate) fn prove(
        &self,
        pair: &Pair<'_>,
        boundary: SpanBoundary,
    ) -> anyhow::Result<PlonkyProof> {
        let mut witness = PartialWitness::new();
        let targets = &self.targets;
        let key: &VerifierKey = self.key();
        witness.set_bool_target(targets.same_batch, boundary == SpanBoundary::SameBatch)?;
        targets.left.set(&mut witness, pair.left.0, pair.left.1)?;
        targets
            .right
            .set(&mut witness, pair.right.0, pair.right.1)?;
        witness.set_verifier_data_target(&targets.key, key)?;
        self.circuit.prove(witness)
    }
}
