//! From a batch statement to a proof of degree 2^12, and from there through the final, Keccak-hashed circuit to the
//! bytes that the L2 contract verifies. The only public inputs of all are the four elements of the statement digest.

use std::sync::{Arc, Mutex, PoisonError};

use alloy::primitives::Bytes;

use plonky2::fri::FriConfig;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use super::recursion::{Gates, Step, finish};
use super::{C, Circuit, PlonkyProof, ProofTarget};
use crate::onchain::{OnchainError, VerifierKey, WrapCircuit, encode_calldata};

/// log2 of the rows of the proof that is handed to the final circuit.
pub(crate) const FINAL_DEGREE_BITS: usize = 12;
/// More layers than these do not shrink further.
const MAX_LAYERS: usize = 4;

/// A chain of circuits, each verifying the one before.
pub(crate) struct Wrap {
    layers: Vec<Step<ProofTarget>>,
    /// The final circuit, built when first needed: it takes seconds and half a gigabyte.
    last: Mutex<Option<Arc<WrapCircuit>>>,
}

impl Wrap {
    /// The first layer, over `batch`, has `first_fri` in place of the usual parameters: fewer queries at a higher
    /// rate, so that verifying it takes less than 2^12 rows.
    pub(crate) fn build(batch: &Circuit, gates: &Gates, first_fri: FriConfig) -> Self {
        let mut layers = vec![build_layer(batch, &gates.with_fri(first_fri))];
        while layers.len() < 2 || shrunk(&layers).common.degree_bits() > FINAL_DEGREE_BITS {
            assert!(
                layers.len() < MAX_LAYERS,
                "the wrap does not shrink to 2^{FINAL_DEGREE_BITS}"
            );
            layers.push(build_layer(shrunk(&layers), gates));
        }
        Self {
            layers,
            last: Mutex::default(),
        }
    }

    /// The circuit whose proof the final circuit verifies.
    pub(crate) fn shrunk(&self) -> &Circuit {
        shrunk(&self.layers)
    }

    /// The circuits in front of the final one, in order.
    #[cfg(test)]
    pub(crate) fn layers(&self) -> impl Iterator<Item = &Circuit> {
        self.layers.iter().map(|layer| &layer.circuit)
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

    /// Proves the statement of `batch` for the contract with `key`.
    pub(crate) fn prove(&self, batch: &PlonkyProof, key: &VerifierKey) -> anyhow::Result<Bytes> {
        let shrunk = self.shrink(batch)?;
        let last = self.last()?;
        anyhow::ensure!(
            last.verifier_key() == *key,
            "the committed verifier data are out of date"
        );
        Ok(encode_calldata(&last.prove(&shrunk)?))
    }

    pub(crate) fn shrink(&self, batch: &PlonkyProof) -> anyhow::Result<PlonkyProof> {
        let mut proof = batch.clone();
        for layer in &self.layers {
            let mut witness = PartialWitness::new();
            witness.set_proof_with_pis_target(&layer.targets, &proof)?;
            proof = layer.circuit.prove(witness)?;
        }
        Ok(proof)
    }
}

fn shrunk(layers: &[Step<ProofTarget>]) -> &Circuit {
    &layers.last().expect("there is a first layer").circuit
}

fn build_layer(inner: &Circuit, gates: &Gates) -> Step<ProofTarget> {
    let mut builder = gates.builder();
    let proof = builder.add_virtual_proof_with_pis(&inner.common);
    let key = builder.constant_verifier_data::<C>(&inner.verifier_only);
    builder.verify_proof::<C>(&proof, &key, &inner.common);
    builder.register_public_inputs(&proof.public_inputs);
    finish(builder, gates, FINAL_DEGREE_BITS, proof)
}
