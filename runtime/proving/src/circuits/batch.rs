//! Batch statements: a run of blocks becomes (C, r, y), digested.

use plonky2::field::types::Field;
use plonky2::iop::witness::PartialWitness;

use super::arithmetic::Arithmetic;
use super::block::{Run, RunMergeTargets};
use super::recursion::{Child, Cycle, Gates, Step, finish};
use super::{F, PlonkyProof};

/// Elements of a statement digest.
pub(crate) const DIGEST: usize = 4;

/// The circuit over runs of blocks. Its public inputs are the statement digest alone.
pub(crate) fn build<B>(runs: &Cycle<B, RunMergeTargets>, gates: &Gates) -> Step<Child> {
    let mut builder = gates.builder();
    let child = Child::of(&mut builder, runs);
    let run = Run::from_slice(&child.proof.public_inputs);
    let digest = statement(&mut builder, &run);
    builder.register_public_inputs(&digest);
    finish(builder, gates, 0, child)
}

/// The statement digest of a run of blocks.
pub(crate) fn statement<A: Arithmetic>(on: &mut A, run: &Run<A::Value>) -> [A::Value; DIGEST] {
    // Numbers are consecutive, so the count follows from the ends.
    let one = on.constant(F::ONE);
    let distance = on.sub(run.numbers[1], run.numbers[0]);
    let count = on.add(distance, one);
    // S before the first block, and after the last one.
    let prefix = [&[run.chain_id][..], &run.start_root, &run.start_window].concat();
    let suffix = [&run.end_window[..], &[count]].concat();
    let commitment = on.hash(&[&prefix[..], &run.digest, &suffix].concat());

    let head = on.evaluate(&prefix, run.point);
    let tail = on.evaluate(&suffix, run.point);
    let tail = on.mul_add(run.power, tail, run.evaluation);
    let head_power = on.power(run.point, prefix.len());
    let evaluation = on.mul_add(head_power, tail, head);
    on.hash(&[&commitment[..], &run.point, &evaluation].concat())
}

impl Step<Child> {
    /// `run` with whether it is a merge.
    pub(crate) fn prove(&self, run: (&PlonkyProof, bool)) -> anyhow::Result<PlonkyProof> {
        let mut witness = PartialWitness::new();
        self.targets.set(&mut witness, run)?;
        self.circuit.prove(witness)
    }
}
