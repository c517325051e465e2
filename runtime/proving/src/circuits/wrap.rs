//! From a batch or range to a proof of degree 2^12 whose only public inputs are the four elements of the
//! statement digest: what the final, Keccak-hashed circuit verifies.

use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use super::batch::{BatchTargets, DIGEST, RangeTargets};
use super::recursion::{Child, Cycle, Gates, Step, finish};
use super::{C, Circuit, PlonkyProof, ProofTarget};

/// log2 of the rows of the proof that is handed to the final circuit.
pub(crate) const FINAL_DEGREE_BITS: usize = 12;
/// More layers than these do not shrink further.
const MAX_LAYERS: usize = 3;

/// A chain of circuits, each verifying the one before.
pub(crate) struct Wrap {
    first: Step<Child>,
    rest: Vec<Step<ProofTarget>>,
}

impl Wrap {
    pub(crate) fn build(statements: &Cycle<BatchTargets, RangeTargets>, gates: &Gates) -> Self {
        let mut wrap = Self {
            first: build_first(statements, gates),
            rest: Vec::new(),
        };
        while wrap.last().common.degree_bits() > FINAL_DEGREE_BITS {
            assert!(
                wrap.rest.len() < MAX_LAYERS,
                "the wrap does not shrink to 2^{FINAL_DEGREE_BITS}"
            );
            let next = build_next(wrap.last(), gates);
            wrap.rest.push(next);
        }
        wrap
    }

    /// The circuit whose proof is handed on.
    pub(crate) fn last(&self) -> &Circuit {
        self.rest
            .last()
            .map_or(&self.first.circuit, |step| &step.circuit)
    }

    /// `statement` with whether it is a range.
    pub(crate) fn prove(&self, statement: (&PlonkyProof, bool)) -> anyhow::Result<PlonkyProof> {
        let mut witness = PartialWitness::new();
        self.first
            .targets
            .set(&mut witness, statement.0, statement.1)?;
        let mut proof = self.first.circuit.prove(witness)?;
        for step in &self.rest {
            let mut witness = PartialWitness::new();
            witness.set_proof_with_pis_target(&step.targets, &proof)?;
            proof = step.circuit.prove(witness)?;
        }
        Ok(proof)
    }
}

fn build_first(statements: &Cycle<BatchTargets, RangeTargets>, gates: &Gates) -> Step<Child> {
    let mut builder = gates.builder();
    let batch = builder.constant_verifier_data::<C>(statements.base.key());
    let range = builder.constant_verifier_data::<C>(statements.merge.key());
    let child = Child::add(
        &mut builder,
        &statements.base.circuit.common,
        &batch,
        &range,
    );
    let digest = child.proof.public_inputs[..DIGEST].to_vec();
    builder.register_public_inputs(&digest);
    finish(builder, gates, FINAL_DEGREE_BITS, child)
}

fn build_next(inner: &Circuit, gates: &Gates) -> Step<ProofTarget> {
    let mut builder = gates.builder();
    let proof = builder.add_virtual_proof_with_pis(&inner.common);
    let key = builder.constant_verifier_data::<C>(&inner.verifier_only);
    builder.verify_proof::<C>(&proof, &key, &inner.common);
    builder.register_public_inputs(&proof.public_inputs);
    finish(builder, gates, FINAL_DEGREE_BITS, proof)
}
