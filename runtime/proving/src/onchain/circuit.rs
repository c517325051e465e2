//! The final circuit: verifies one inner proof and repeats its public inputs.

use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::gates::gate::GateRef;
use plonky2::gates::noop::NoopGate;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CircuitData, VerifierCircuitData};
use plonky2::plonk::config::PoseidonGoldilocksConfig;
use plonky2::plonk::proof::{ProofWithPublicInputs, ProofWithPublicInputsTarget};

use super::config::{D, OnchainConfig, OnchainProof, wrap_config};
use super::error::OnchainError;
use super::key::VerifierKey;
use super::structure::{self, Structure};

/// log2 of the degree of the circuits that can be wrapped, and of the final circuit.
const DEGREE_BITS: usize = 12;
/// Public inputs of the circuits that can be wrapped.
const PUBLIC_INPUTS: usize = 4;

/// Verifies one inner proof against constant verifier data; its public inputs are the inner proof's.
#[derive(Debug)]
pub struct WrapCircuit {
    data: CircuitData<GoldilocksField, OnchainConfig, D>,
    inner: ProofWithPublicInputsTarget<D>,
}

impl WrapCircuit {
    /// Builds the circuit that wraps proofs of `inner` (5 to 10 seconds, 1.5 GB while building).
    ///
    /// # Errors
    /// `UnsupportedInner` unless `inner` has degree 2^12 and 4 public inputs; `StructureDiffers` when the result
    /// is not the circuit that the contract can verify.
    pub fn new(
        inner: &VerifierCircuitData<GoldilocksField, PoseidonGoldilocksConfig, D>,
    ) -> Result<Self, OnchainError> {
        // All gates of the structure, so that circuits that use fewer of them have the same selectors.
        let circuit = Self::build(inner, &structure::structure().gates)?;
        structure::check(&circuit.data.common)?;
        Ok(circuit)
    }

    /// As [`Self::new`], without the comparison, which is how the structure is made in the first place.
    pub(super) fn build(
        inner: &VerifierCircuitData<GoldilocksField, PoseidonGoldilocksConfig, D>,
        gates: &[GateRef<GoldilocksField, D>],
    ) -> Result<Self, OnchainError> {
        let degree_bits = inner.common.degree_bits();
        let public_inputs = inner.common.num_public_inputs;
        if degree_bits != DEGREE_BITS || public_inputs != PUBLIC_INPUTS {
            return Err(OnchainError::UnsupportedInner {
                degree_bits,
                public_inputs,
            });
        }
        let mut builder = CircuitBuilder::<GoldilocksField, D>::new(wrap_config());
        let proof = builder.add_virtual_proof_with_pis(&inner.common);
        let verifier_data = builder.constant_verifier_data(&inner.verifier_only);
        builder.verify_proof::<PoseidonGoldilocksConfig>(&proof, &verifier_data, &inner.common);
        builder.register_public_inputs(&proof.public_inputs);
        for gate in gates {
            builder.add_gate_to_gate_set(gate.clone());
        }
        // Inner circuits with fewer queries need fewer rows; the degree stays.
        while builder.num_gates() <= 1 << (DEGREE_BITS - 1) {
            builder.add_gate(NoopGate, vec![]);
        }
        Ok(Self {
            data: builder.build::<OnchainConfig>(),
            inner: proof,
        })
    }

    #[cfg(test)]
    pub(crate) fn circuit(&self) -> &CircuitData<GoldilocksField, OnchainConfig, D> {
        &self.data
    }

    /// What the contract needs to know of this circuit.
    pub fn verifier_key(&self) -> VerifierKey {
        VerifierKey::of(&self.data.verifier_only)
    }

    /// Wraps a proof (about 10 seconds on 2 cores, peak 3.5 GB).
    ///
    /// # Errors
    /// `Proving` when `proof` is not a proof of the inner circuit.
    pub fn prove(
        &self,
        proof: &ProofWithPublicInputs<GoldilocksField, PoseidonGoldilocksConfig, D>,
    ) -> Result<OnchainProof, OnchainError> {
        let failed = |error: anyhow::Error| OnchainError::Proving {
            reason: error.to_string(),
        };
        let mut witness = PartialWitness::new();
        witness
            .set_proof_with_pis_target(&self.inner, proof)
            .map_err(failed)?;
        self.data.prove(witness).map_err(failed)
    }

    /// The circuit's common data, which equals the contract's structure.
    pub fn structure(&self) -> &Structure {
        &self.data.common
    }
}
