//! Batch statements: a run of blocks becomes (C, r, y), digested; statements are folded from the left.

use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Field;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_data::VerifierCircuitTarget;

use super::block::{Run, RunMergeTargets, evaluate, native_hash};
use super::recursion::{Child, Cycle, Gates, Step, connect_all, finish, hash, register_key};
use super::span::Pair;
use super::{C, F, PlonkyProof, VerifierKey};

/// Elements of a statement digest.
pub(crate) const DIGEST: usize = 4;

pub(crate) struct BatchTargets {
    run: Child,
    key: VerifierCircuitTarget,
}

pub(crate) struct RangeTargets {
    left: Child,
    right: Child,
    key: VerifierCircuitTarget,
}

/// Batch and range.
pub(crate) type StatementCycle = Cycle<BatchTargets, RangeTargets>;

/// The cycle over runs of blocks.
pub(crate) fn build_cycle<B>(runs: &Cycle<B, RunMergeTargets>, gates: &Gates) -> StatementCycle {
    Cycle::build(
        |degree_bits| build_batch(runs, gates, degree_bits),
        |base| build_range(base, gates),
    )
}

fn build_batch<B>(
    runs: &Cycle<B, RunMergeTargets>,
    gates: &Gates,
    min_degree_bits: usize,
) -> Step<BatchTargets> {
    let mut builder = gates.builder();
    let [block, merge] = [runs.base.key(), runs.merge.key()]
        .map(|key: &VerifierKey| builder.constant_verifier_data::<C>(key));
    let child = Child::add(&mut builder, &runs.base.circuit.common, &block, &merge);
    let run = Run::from_slice(&child.proof.public_inputs);
    // Numbers are consecutive, so the count follows from the ends.
    let distance = builder.sub(run.numbers[1], run.numbers[0]);
    let count = builder.add_const(distance, F::ONE);
    let commitment = hash(&mut builder, committed(&run, count));

    let point = ExtensionTarget(run.point);
    let (head, head_power) = evaluate(&mut builder, &prefix(&run), point);
    let (tail, _) = evaluate(&mut builder, &suffix(&run, count), point);
    let tail = builder.mul_add_extension(
        ExtensionTarget(run.power),
        tail,
        ExtensionTarget(run.evaluation),
    );
    let evaluation = builder.mul_add_extension(head_power, tail, head);

    let digest = hash(
        &mut builder,
        [&commitment[..], &run.point, &evaluation.0].concat(),
    );
    builder.register_public_inputs(&digest);
    let key = register_key(&mut builder);
    finish(
        builder,
        gates,
        min_degree_bits,
        BatchTargets { run: child, key },
    )
}

/// S before the first block.
fn prefix<T: Copy>(run: &Run<T>) -> Vec<T> {
    [&[run.chain_id][..], &run.start_root, &run.start_window].concat()
}

/// S after the last block.
fn suffix<T: Copy>(run: &Run<T>, count: T) -> Vec<T> {
    [&run.end_window[..], &[count]].concat()
}

/// The preimage of C.
fn committed<T: Copy>(run: &Run<T>, count: T) -> Vec<T> {
    [prefix(run), run.digest.to_vec(), suffix(run, count)].concat()
}

fn build_range(base: &Step<BatchTargets>, gates: &Gates) -> Step<RangeTargets> {
    let mut builder = gates.builder();
    let common = &base.circuit.common;
    let public: [Target; DIGEST] = builder.add_virtual_public_input_arr();
    let key = register_key(&mut builder);
    let base_key = builder.constant_verifier_data::<C>(base.key());
    let left = Child::add(&mut builder, common, &base_key, &key);
    let right = Child::add_base(&mut builder, common, &base_key, &key);
    let digests = [&left, &right]
        .map(|child| &child.proof.public_inputs[..DIGEST])
        .concat();
    let digest = hash(&mut builder, digests);
    connect_all(&mut builder, &public, &digest);
    finish(
        builder,
        gates,
        common.degree_bits(),
        RangeTargets { left, right, key },
    )
}

impl Step<BatchTargets> {
    /// `run` with whether it is a merge; `range` is the verifier data of the range circuit.
    pub(crate) fn prove(
        &self,
        run: (&PlonkyProof, bool),
        range: &VerifierKey,
    ) -> anyhow::Result<PlonkyProof> {
        let mut witness = PartialWitness::new();
        self.targets.run.set(&mut witness, run.0, run.1)?;
        witness.set_verifier_data_target(&self.targets.key, range)?;
        self.circuit.prove(witness)
    }
}

impl Step<RangeTargets> {
    pub(crate) fn prove(&self, pair: &Pair<'_>) -> anyhow::Result<PlonkyProof> {
        let mut witness = PartialWitness::new();
        let targets = &self.targets;
        targets.left.set(&mut witness, pair.left.0, pair.left.1)?;
        targets.right.set_base(&mut witness, pair.right.0)?;
        witness.set_verifier_data_target(&targets.key, self.key())?;
        self.circuit.prove(witness)
    }
}

/// The statement digest of a run of blocks.
pub(crate) fn digest_of_run(run: &Run<F>) -> [F; DIGEST] {
    let ext = QuadraticExtension;
    let r = ext(run.point);
    let count = run.numbers[1] - run.numbers[0] + F::ONE;
    let eval = |elements: Vec<F>| {
        elements
            .iter()
            .rev()
            .fold(QuadraticExtension::<F>::ZERO, |value, &element| {
                value * r + QuadraticExtension::from(element)
            })
    };
    let head_power = r.exp_u64(prefix(run).len() as u64);
    let blocks = ext(run.evaluation) + ext(run.power) * eval(suffix(run, count));
    let evaluation = eval(prefix(run)) + head_power * blocks;
    let commitment = native_hash(&committed(run, count));
    native_hash(&[&commitment[..], &run.point, &evaluation.0].concat())
}
