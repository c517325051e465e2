//! From a batch or range to a proof of degree 2^12 whose only public inputs are the four elements of the
//! statement digest, and from there through the final, Keccak-hashed circuit to the bytes that the L2 contract
//! verifies.

use std::sync::{Arc, Mutex, PoisonError};

use alloy::primitives::Bytes;

use plonky2::fri::FriConfig;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use super::batch::{BatchTargets, DIGEST, RangeTargets};
use super::recursion::{Child, Cycle, Gates, Step, finish};
use super::{C, Circuit, PlonkyProof, ProofTarget};
use crate::onchain::{OnchainError, VerifierKey, WrapCircuit, encode_calldata};

/// log2 of the rows of the proof that is handed to the final circuit.
pub(crate) const FINAL_DEGREE_BITS: usize = 12;
/// More layers than these do not shrink further.
const MAX_LAYERS: usize = 3;

/// A chain of circuits, each verifying the one before.
pub(crate) struct Wrap {
    first: Step<Child>,
    rest: Vec<Step<ProofTarget>>,
    /// The final circuit, built when first needed: it takes seconds and half a gigabyte.
    last: Mutex<Option<Arc<WrapCircuit>>>,
}

impl Wrap {
    /// The first layer has `first_fri` in place of the usual parameters: fewer queries at a higher rate, so
    /// that verifying it takes less than 2^12 rows.
    pub(crate) fn build(
        statements: &Cycle<BatchTargets, RangeTargets>,
        gates: &Gates,
        first_fri: FriConfig,
    ) -> Self {
        let first = build_first(statements, &gates.with_fri(first_fri));
        let mut rest = vec![build_next(&first.circuit, gates)];
        while let Some(last) = rest.last().map(|step: &Step<ProofTarget>| &step.circuit)
            && last.common.degree_bits() > FINAL_DEGREE_BITS
        {
            assert!(
                rest.len() < MAX_LAYERS,
                "the wrap does not shrink to 2^{FINAL_DEGREE_BITS}"
            );
            rest.push(build_next(last, gates));
        }
        Self {
            first,
            rest,
            last: Mutex::default(),
        }
    }

    /// The circuit whose proof the final circuit verifies.
    pub(crate) fn shrunk(&self) -> &Circuit {
        self.rest
            .last()
            .map_or(&self.first.circuit, |step| &step.circuit)
    }

    /// The final circuit.
    pub(crate) fn last(&self) -> Result<Arc<WrapCircuit>, OnchainError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(circuit) => Ok(circuit.clone()),
            None => {
                let circuit = Arc::new(WrapCircuit::new(&self.shrunk().verifier_data())?);
                Ok(last.insert(circuit).clone())
            }
        }
    }

    /// Proves `statement` for the contract with `key`.
    pub(crate) fn prove(
        &self,
        statement: (&PlonkyProof, bool),
        key: &VerifierKey,
    ) -> anyhow::Result<Bytes> {
        let shrunk = self.shrink(statement)?;
        let last = self.last()?;
        anyhow::ensure!(
            last.verifier_key() == *key,
            "the committed verifier data are out of date"
        );
        Ok(encode_calldata(&last.prove(&shrunk)?))
    }

    /// `statement` with whether it is a range.
    pub(crate) fn shrink(&self, statement: (&PlonkyProof, bool)) -> anyhow::Result<PlonkyProof> {
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
    finish(builder, gates, 0, child)
}

fn build_next(inner: &Circuit, gates: &Gates) -> Step<ProofTarget> {
    let mut builder = gates.builder();
    let proof = builder.add_virtual_proof_with_pis(&inner.common);
    let key = builder.constant_verifier_data::<C>(&inner.verifier_only);
    builder.verify_proof::<C>(&proof, &key, &inner.common);
    builder.register_public_inputs(&proof.public_inputs);
    finish(builder, gates, FINAL_DEGREE_BITS, proof)
}
