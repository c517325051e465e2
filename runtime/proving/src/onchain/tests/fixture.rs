//! A real proof, its statement and key; and how they are made.

use std::fs;
use std::path::PathBuf;

use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::gates::noop::NoopGate;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData};
use plonky2::plonk::config::PoseidonGoldilocksConfig;
use plonky2::plonk::proof::ProofWithPublicInputs;
use tern_messages::StatementDigest;

use crate::onchain::config::D;
use crate::onchain::{OnchainProof, VerifierKey, encode_calldata};

type InnerData = CircuitData<F, PoseidonGoldilocksConfig, D>;
type InnerProof = ProofWithPublicInputs<F, PoseidonGoldilocksConfig, D>;

/// A proof as the contract takes it.
pub(super) struct Fixture {
    pub(super) key: VerifierKey,
    pub(super) statement: StatementDigest,
    pub(super) proof: Vec<u8>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../settlement/contracts/test/vectors")
}

impl Fixture {
    pub(super) fn read() -> Self {
        let text = |name: &str| fs::read_to_string(folder().join(name)).unwrap();
        Self {
            key: serde_json::from_str(&text("key.json")).unwrap(),
            statement: serde_json::from_str(&text("statement.json")).unwrap(),
            proof: fs::read(folder().join("proof.bin")).unwrap(),
        }
    }

    pub(super) fn of(key: VerifierKey, proof: &OnchainProof) -> Self {
        let statement: Vec<u64> = proof
            .public_inputs
            .iter()
            .map(|x| x.to_canonical_u64())
            .collect();
        Self {
            key,
            statement: StatementDigest(statement.try_into().unwrap()),
            proof: encode_calldata(proof).to_vec(),
        }
    }

    pub(super) fn write(&self) {
        fs::write(
            folder().join("key.json"),
            serde_json::to_string_pretty(&self.key).unwrap() + "\n",
        )
        .unwrap();
        fs::write(
            folder().join("statement.json"),
            serde_json::to_string(&self.statement).unwrap() + "\n",
        )
        .unwrap();
        fs::write(folder().join("proof.bin"), &self.proof).unwrap();
    }
}

/// A recursive proof of degree 2^12 with four public inputs: the hash of `seed`, a constant of the circuit, and of
/// seven numbers of the prover's choice.
pub(super) fn inner(seed: u64) -> (InnerData, InnerProof) {
    let mut builder = CircuitBuilder::<F, D>::new(CircuitConfig::standard_recursion_config());
    let preimage = builder.add_virtual_targets(8);
    let constant = builder.constant(F::from_canonical_u64(seed));
    builder.connect(preimage[0], constant);
    let digest = builder.hash_n_to_hash_no_pad::<PoseidonHash>(preimage.clone());
    builder.register_public_inputs(&digest.elements);
    while builder.num_gates() < 4000 {
        builder.add_gate(NoopGate, vec![]);
    }
    let leaf = builder.build::<PoseidonGoldilocksConfig>();
    let mut witness = PartialWitness::new();
    for (target, value) in preimage.iter().zip(seed..) {
        witness
            .set_target(*target, F::from_canonical_u64(value))
            .unwrap();
    }
    let proof = leaf.prove(witness).unwrap();

    let mut builder = CircuitBuilder::<F, D>::new(CircuitConfig::standard_recursion_config());
    let target = builder.add_virtual_proof_with_pis(&leaf.common);
    let key = builder.constant_verifier_data(&leaf.verifier_only);
    builder.verify_proof::<PoseidonGoldilocksConfig>(&target, &key, &leaf.common);
    builder.register_public_inputs(&target.public_inputs);
    let data = builder.build::<PoseidonGoldilocksConfig>();
    let mut witness = PartialWitness::new();
    witness.set_proof_with_pis_target(&target, &proof).unwrap();
    let proof = data.prove(witness).unwrap();
    (data, proof)
}
