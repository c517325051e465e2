//! Runs of blocks: a complete span becomes a run of one block, two neighbouring runs become one.

use alloy::consensus::EMPTY_ROOT_HASH;
use plonky2::field::types::Field;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_data::VerifierCircuitTarget;

use super::arithmetic::Arithmetic;
use super::leaf::BlockValues;
use super::recursion::{self, Child, Cycle, Gates, MergeTargets, Pair, Step, finish, register_key};
use super::span::{ROOTS, Span, SpanMergeTargets, take};
use super::{F, PlonkyProof, VerifierKey};
use crate::statement::hash_limbs;

/// What a run of blocks states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run<T> {
    pub(crate) chain_id: T,
    /// State root before the first block.
    pub(crate) start_root: [T; 8],
    /// State root after the last block.
    pub(crate) end_root: [T; 8],
    /// Numbers of the first and of the last block.
    pub(crate) numbers: [T; 2],
    /// Digest of the hashes that the first block sees.
    pub(crate) start_window: [T; 4],
    /// Digest of the hashes that the block after the last one sees.
    pub(crate) end_window: [T; 4],
    /// The blocks' part of C.
    pub(crate) digest: [T; 4],
    /// The blocks' part of S, evaluated at `point`.
    pub(crate) evaluation: [T; 2],
    /// `point` to the power of the length of that part.
    pub(crate) power: [T; 2],
    /// r.
    pub(crate) point: [T; 2],
}

/// Elements of a run.
pub(crate) const RUN_LEN: usize = 37;

impl<T: Copy> Run<T> {
    pub(crate) fn from_slice(elements: &[T]) -> Self {
        let mut rest = elements;
        Self {
            chain_id: take::<T, 1>(&mut rest)[0],
            start_root: take(&mut rest),
            end_root: take(&mut rest),
            numbers: take(&mut rest),
            start_window: take(&mut rest),
            end_window: take(&mut rest),
            digest: take(&mut rest),
            evaluation: take(&mut rest),
            power: take(&mut rest),
            point: take(&mut rest),
        }
    }

    pub(crate) fn to_vec(self) -> Vec<T> {
        let mut out = vec![self.chain_id];
        out.extend(self.start_root);
        out.extend(self.end_root);
        out.extend(self.numbers);
        out.extend(self.start_window);
        out.extend(self.end_window);
        out.extend(self.digest);
        out.extend(self.evaluation);
        out.extend(self.power);
        out.extend(self.point);
        out
    }
}

/// The elements of S that belong to one block.
pub(crate) fn block_stream<T: Copy>(span: &Span<T>, values: &BlockValues<T>) -> Vec<T> {
    let mut out = values.parent_hash.to_vec();
    out.extend(values.beneficiary);
    // State, transactions and receipts roots, in this order.
    out.extend(span.roots_after);
    out.extend([
        values.number,
        values.gas_limit,
        values.gas_used,
        values.timestamp,
    ]);
    out.extend(values.random);
    out.extend(values.base_fee);
    out.extend(values.beacon_root);
    out.extend(values.block_hash);
    out
}

impl<T: Copy> Run<T> {
    /// The run of one block, evaluated at `point`. Its span must be the whole block: it starts before the first
    /// transaction with the initial machine, ends halted, and used the gas that the header says.
    pub(crate) fn of_block<A: Arithmetic<Value = T>>(
        on: &mut A,
        span: &Span<T>,
        point: [T; 2],
        start: [F; 4],
    ) -> Self {
        let block = BlockValues::from_slice(&span.block);
        let (zero, one) = (on.constant(F::ZERO), on.constant(F::ONE));
        let start = on.constants(start);
        let empty = on.constants(empty_root());
        on.require(
            "the span starts with the initial machine",
            &span.start,
            &start,
        );
        on.require(
            "the span ends with the machine halted",
            &[span.halted],
            &[one],
        );
        on.require(
            "the span starts with the first transaction",
            &[span.transactions[0]],
            &[zero],
        );
        on.require("the span starts with no gas used", &[span.gas[0]], &[zero]);
        on.require(
            "the span uses the gas that the header says",
            &[span.gas[1]],
            &[block.gas_used],
        );
        on.require(
            "no transaction comes before the span",
            &span.roots_before[8..16],
            &empty,
        );
        on.require(
            "no receipt comes before the span",
            &span.roots_before[16..],
            &empty,
        );
        let stream = block_stream(span, &block);
        let root = |roots: [T; ROOTS]| roots[..8].try_into().expect("the state root comes first");
        Self {
            chain_id: block.chain_id,
            start_root: root(span.roots_before),
            end_root: root(span.roots_after),
            numbers: [block.number; 2],
            start_window: block.window_before,
            end_window: block.window_after,
            digest: on.hash(&stream),
            evaluation: on.evaluate(&stream, point),
            power: on.power(point, stream.len()),
            point,
        }
    }

    /// The run of two neighbours.
    pub(crate) fn join<A: Arithmetic<Value = T>>(on: &mut A, left: &Self, right: &Self) -> Self {
        let one = on.constant(F::ONE);
        let next_number = on.add(left.numbers[1], one);
        on.require(
            "both belong to one chain",
            &[left.chain_id],
            &[right.chain_id],
        );
        on.require("both are evaluated at one point", &left.point, &right.point);
        on.require(
            "the state root continues",
            &left.end_root,
            &right.start_root,
        );
        on.require(
            "the window continues",
            &left.end_window,
            &right.start_window,
        );
        on.require("the numbers continue", &[next_number], &[right.numbers[0]]);
        let zero = on.constant(F::ZERO);
        Self {
            chain_id: left.chain_id,
            start_root: left.start_root,
            end_root: right.end_root,
            numbers: [left.numbers[0], right.numbers[1]],
            start_window: left.start_window,
            end_window: right.end_window,
            digest: on.hash(&[left.digest, right.digest].concat()),
            evaluation: on.mul_add(left.power, right.evaluation, left.evaluation),
            power: on.mul_add(left.power, right.power, [zero; 2]),
            point: left.point,
        }
    }
}

pub(crate) fn empty_root() -> [F; 8] {
    hash_limbs(EMPTY_ROOT_HASH).map(F::from_canonical_u64)
}

pub(crate) struct BlockTargets {
    span: Child,
    point: [Target; 2],
    key: VerifierCircuitTarget,
}

/// The prover of a block merge has no choice.
pub(crate) type RunMergeTargets = MergeTargets<()>;

/// Block and block merge.
pub(crate) type RunCycle = Cycle<BlockTargets, RunMergeTargets>;

/// The cycle over complete spans.
pub(crate) fn build_cycle<B>(
    spans: &Cycle<B, SpanMergeTargets>,
    gates: &Gates,
    start: [F; 4],
) -> RunCycle {
    Cycle::build(
        |degree_bits| build_block(spans, gates, start, degree_bits),
        |base| build_merge(base, gates),
    )
}

fn build_block<B>(
    spans: &Cycle<B, SpanMergeTargets>,
    gates: &Gates,
    start: [F; 4],
    min_degree_bits: usize,
) -> Step<BlockTargets> {
    let mut builder = gates.builder();
    let child = Child::of(&mut builder, spans);
    let span = Span::from_slice(&child.proof.public_inputs);
    let point: [Target; 2] = builder.add_virtual_target_arr();
    let run = Run::of_block(&mut builder, &span, point, start);
    builder.register_public_inputs(&run.to_vec());
    let key = register_key(&mut builder);
    finish(
        builder,
        gates,
        min_degree_bits,
        BlockTargets {
            span: child,
            point,
            key,
        },
    )
}

/// The merge over runs whose base is `base`.
pub(crate) fn build_merge<B>(base: &Step<B>, gates: &Gates) -> Step<RunMergeTargets> {
    recursion::build_merge(base, gates, RUN_LEN, |builder, left, right| {
        let [left, right] = [left, right].map(Run::from_slice);
        (Run::join(builder, &left, &right).to_vec(), ())
    })
}

impl Step<BlockTargets> {
    /// `span` with whether it is a merge; `merge` is the verifier data of the block merge.
    pub(crate) fn prove(
        &self,
        span: (&PlonkyProof, bool),
        point: [F; 2],
        merge: &VerifierKey,
    ) -> anyhow::Result<PlonkyProof> {
        let mut witness = PartialWitness::new();
        let targets = &self.targets;
        targets.span.set(&mut witness, span)?;
        witness.set_target_arr(&targets.point, &point)?;
        witness.set_verifier_data_target(&targets.key, merge)?;
        self.circuit.prove(witness)
    }
}

impl Step<RunMergeTargets> {
    pub(crate) fn prove(&self, pair: &Pair<'_>) -> anyhow::Result<PlonkyProof> {
        self.circuit.prove(self.witness(pair)?)
    }
}
