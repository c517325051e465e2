//! Runs of blocks: a complete span becomes a run of one block, two neighbouring runs become one.

use alloy::consensus::EMPTY_ROOT_HASH;
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Field;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_data::VerifierCircuitTarget;

use super::leaf::BlockValues;
use super::recursion::{
    Child, Cycle, Gates, Step, connect_all, constants, finish, hash, register_key,
};
use super::span::{Pair, Span, SpanMergeTargets, take};
use super::{Builder, C, F, PlonkyProof, VerifierKey};
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

/// Σ elements\[i\] · point^i and point^len.
pub(crate) fn evaluate(
    builder: &mut Builder,
    elements: &[Target],
    point: ExtensionTarget<2>,
) -> (ExtensionTarget<2>, ExtensionTarget<2>) {
    let mut value = builder.zero_extension();
    for &element in elements.iter().rev() {
        let element = builder.convert_to_ext(element);
        value = builder.mul_add_extension(value, point, element);
    }
    let power = builder.exp_u64_extension(point, elements.len() as u64);
    (value, power)
}

pub(crate) struct BlockTargets {
    span: Child,
    point: [Target; 2],
    key: VerifierCircuitTarget,
}

pub(crate) struct RunMergeTargets {
    left: Child,
    right: Child,
    key: VerifierCircuitTarget,
}

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
    let [leaf, merge] = [spans.base.key(), spans.merge.key()]
        .map(|key: &VerifierKey| builder.constant_verifier_data::<C>(key));
    let child = Child::add(&mut builder, &spans.base.circuit.common, &leaf, &merge);
    let span = Span::from_slice(&child.proof.public_inputs);
    let block = BlockValues::from_slice(&span.block);
    require_complete(&mut builder, &span, &block, start);

    let point: [Target; 2] = builder.add_virtual_target_arr();
    let stream = block_stream(&span, &block);
    let digest = hash(&mut builder, stream.clone());
    let (evaluation, power) = evaluate(&mut builder, &stream, ExtensionTarget(point));
    let root = |roots: [Target; 24]| roots[..8].try_into().expect("the state root comes first");
    let run = Run {
        chain_id: block.chain_id,
        start_root: root(span.roots_before),
        end_root: root(span.roots_after),
        numbers: [block.number; 2],
        start_window: block.window_before,
        end_window: block.window_after,
        digest,
        evaluation: evaluation.0,
        power: power.0,
        point,
    };
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

/// The span is a whole block: it starts before the first transaction with the initial machine, ends halted,
/// and used the gas that the header says.
fn require_complete(
    builder: &mut Builder,
    span: &Span<Target>,
    block: &BlockValues<Target>,
    start: [F; 4],
) {
    let start = constants(builder, &start);
    connect_all(builder, &span.start, &start);
    builder.assert_one(span.halted);
    builder.assert_zero(span.transactions[0]);
    builder.assert_zero(span.gas[0]);
    builder.connect(span.gas[1], block.gas_used);
    let empty = constants(builder, &empty_root());
    connect_all(builder, &span.roots_before[8..16], &empty);
    connect_all(builder, &span.roots_before[16..], &empty);
}

pub(crate) fn empty_root() -> [F; 8] {
    hash_limbs(EMPTY_ROOT_HASH).map(F::from_canonical_u64)
}

/// The merge over runs whose base is `base`.
pub(crate) fn build_merge<B>(base: &Step<B>, gates: &Gates) -> Step<RunMergeTargets> {
    let mut builder = gates.builder();
    let common = &base.circuit.common;
    let public: Vec<Target> = (0..RUN_LEN)
        .map(|_| builder.add_virtual_public_input())
        .collect();
    let key = register_key(&mut builder);
    let base_key = builder.constant_verifier_data::<C>(base.key());
    let left = Child::add(&mut builder, common, &base_key, &key);
    let right = Child::add(&mut builder, common, &base_key, &key);

    let l = Run::from_slice(&left.proof.public_inputs);
    let r = Run::from_slice(&right.proof.public_inputs);
    builder.connect(l.chain_id, r.chain_id);
    connect_all(&mut builder, &l.point, &r.point);
    connect_all(&mut builder, &l.end_root, &r.start_root);
    connect_all(&mut builder, &l.end_window, &r.start_window);
    let next_number = builder.add_const(l.numbers[1], F::ONE);
    builder.connect(next_number, r.numbers[0]);

    let [l_power, r_power] = [l.power, r.power].map(ExtensionTarget);
    let (l_value, r_value) = (ExtensionTarget(l.evaluation), ExtensionTarget(r.evaluation));
    let run = Run {
        chain_id: l.chain_id,
        start_root: l.start_root,
        end_root: r.end_root,
        numbers: [l.numbers[0], r.numbers[1]],
        start_window: l.start_window,
        end_window: r.end_window,
        digest: hash(&mut builder, [l.digest, r.digest].concat()),
        evaluation: builder.mul_add_extension(l_power, r_value, l_value).0,
        power: builder.mul_extension(l_power, r_power).0,
        point: l.point,
    };
    connect_all(&mut builder, &public, &run.to_vec());
    finish(
        builder,
        gates,
        common.degree_bits(),
        RunMergeTargets { left, right, key },
    )
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
        targets.span.set(&mut witness, span.0, span.1)?;
        witness.set_target_arr(&targets.point, &point)?;
        witness.set_verifier_data_target(&targets.key, merge)?;
        self.circuit.prove(witness)
    }
}

impl Step<RunMergeTargets> {
    pub(crate) fn prove(&self, pair: &Pair<'_>) -> anyhow::Result<PlonkyProof> {
        let mut witness = PartialWitness::new();
        let targets = &self.targets;
        targets.left.set(&mut witness, pair.left.0, pair.left.1)?;
        targets
            .right
            .set(&mut witness, pair.right.0, pair.right.1)?;
        witness.set_verifier_data_target(&targets.key, self.key())?;
        self.circuit.prove(witness)
    }
}

impl Run<F> {
    /// The run of one block, or the rule that its span breaks.
    pub(crate) fn of_block(
        span: &Span<F>,
        point: [F; 2],
        start: [F; 4],
    ) -> Result<Self, &'static str> {
        let block = BlockValues::from_slice(&span.block);
        let rules = [
            (
                "the span starts with the initial machine",
                span.start == start,
            ),
            (
                "the span ends with the machine halted",
                span.halted == F::ONE,
            ),
            (
                "the span starts with the first transaction",
                span.transactions[0] == F::ZERO,
            ),
            ("the span starts with no gas used", span.gas[0] == F::ZERO),
            (
                "the span uses the gas that the header says",
                span.gas[1] == block.gas_used,
            ),
            (
                "no transaction comes before the span",
                span.roots_before[8..16] == empty_root(),
            ),
            (
                "no receipt comes before the span",
                span.roots_before[16..] == empty_root(),
            ),
        ];
        if let Some((rule, _)) = rules.into_iter().find(|(_, holds)| !holds) {
            return Err(rule);
        }
        let stream = block_stream(span, &block);
        let r = QuadraticExtension(point);
        let value = stream
            .iter()
            .rev()
            .fold(QuadraticExtension::<F>::ZERO, |value, &element| {
                value * r + QuadraticExtension::from(element)
            });
        let root = |roots: [F; 24]| roots[..8].try_into().expect("the state root comes first");
        Ok(Self {
            chain_id: block.chain_id,
            start_root: root(span.roots_before),
            end_root: root(span.roots_after),
            numbers: [block.number; 2],
            start_window: block.window_before,
            end_window: block.window_after,
            digest: native_hash(&stream),
            evaluation: value.0,
            power: r.exp_u64(stream.len() as u64).0,
            point,
        })
    }

    /// The run of two neighbours, or the rule that they break.
    pub(crate) fn join(left: &Self, right: &Self) -> Result<Self, &'static str> {
        let rules = [
            ("both belong to one chain", left.chain_id == right.chain_id),
            ("both are evaluated at one point", left.point == right.point),
            (
                "the state root continues",
                left.end_root == right.start_root,
            ),
            (
                "the window continues",
                left.end_window == right.start_window,
            ),
            (
                "the numbers continue",
                left.numbers[1] + F::ONE == right.numbers[0],
            ),
        ];
        if let Some((rule, _)) = rules.into_iter().find(|(_, holds)| !holds) {
            return Err(rule);
        }
        let ext = QuadraticExtension;
        let power = ext(left.power);
        Ok(Self {
            chain_id: left.chain_id,
            start_root: left.start_root,
            end_root: right.end_root,
            numbers: [left.numbers[0], right.numbers[1]],
            start_window: left.start_window,
            end_window: right.end_window,
            digest: native_hash(&[left.digest, right.digest].concat()),
            evaluation: (ext(left.evaluation) + power * ext(right.evaluation)).0,
            power: (power * ext(right.power)).0,
            point: left.point,
        })
    }
}

pub(crate) fn native_hash(elements: &[F]) -> [F; 4] {
    use plonky2::plonk::config::Hasher;
    plonky2::hash::poseidon::PoseidonHash::hash_no_pad(elements).elements
}
