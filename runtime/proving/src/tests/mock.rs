//! Circuits that have the shape of a genuine one and prove anything.

use plonky2::field::types::Field;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_data::VerifierCircuitTarget;

use crate::circuits::recursion::{Gates, Step, finish, register_key};
use crate::circuits::{F, PlonkyProof, VerifierKey};
use crate::machine::catch_panic;

pub(super) struct MockTargets {
    public: Vec<Target>,
    key: VerifierCircuitTarget,
}

/// A circuit with free public inputs, followed by the verifier data of a cycle.
pub(super) fn mock(gates: &Gates, len: usize, degree_bits: usize) -> Step<MockTargets> {
    let mut builder = gates.builder();
    let public = (0..len)
        .map(|_| builder.add_virtual_public_input())
        .collect();
    let key = register_key(&mut builder);
    finish(builder, gates, degree_bits, MockTargets { public, key })
}

/// A circuit with free public inputs, and nothing else.
pub(super) fn free(gates: &Gates, len: usize, degree_bits: usize) -> Step<Vec<Target>> {
    let mut builder = gates.builder();
    let public: Vec<Target> = (0..len)
        .map(|_| builder.add_virtual_public_input())
        .collect();
    finish(builder, gates, degree_bits, public)
}

impl Step<Vec<Target>> {
    pub(super) fn prove(&self, public: &[F]) -> PlonkyProof {
        let mut witness = PartialWitness::new();
        witness.set_target_arr(&self.targets, public).unwrap();
        self.circuit.prove(witness).unwrap()
    }
}

impl Step<MockTargets> {
    pub(super) fn prove(&self, public: &[F], key: &VerifierKey) -> PlonkyProof {
        let mut witness = PartialWitness::new();
        witness
            .set_target_arr(&self.targets.public, public)
            .unwrap();
        witness
            .set_verifier_data_target(&self.targets.key, key)
            .unwrap();
        self.circuit.prove(witness).unwrap()
    }
}

/// Whether proving fails: by an error, by a panic of the prover, or with a proof that does not verify.
pub(super) fn is_refused<T>(
    step: &Step<T>,
    prove: impl FnOnce() -> anyhow::Result<PlonkyProof>,
) -> bool {
    match catch_panic(prove) {
        Ok(Ok(proof)) => step.circuit.verify(proof).is_err(),
        Ok(Err(_)) | Err(_) => true,
    }
}

/// Elements that differ from one another: `seed`, `seed + 1`, …
pub(super) fn elements<const N: usize>(seed: u64) -> [F; N] {
    core::array::from_fn(|i| F::from_canonical_u64(seed + i as u64))
}
