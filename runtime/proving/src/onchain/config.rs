//! The final circuit's configuration, chosen for what verification costs on chain.

use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::fri::FriConfig;
use plonky2::fri::reduction_strategies::FriReductionStrategy;
use plonky2::hash::keccak::KeccakHash;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::plonk::circuit_data::CircuitConfig;
use plonky2::plonk::config::GenericConfig;
use plonky2::plonk::proof::ProofWithPublicInputs;

/// Degree of the field extension in which challenges are drawn.
pub(super) const D: usize = 2;

/// Digest of a Merkle tree or circuit: all of Keccak-256, one EVM word.
pub(super) const DIGEST_LEN: usize = 32;

/// Keccak-256 for Merkle trees and challenges, Poseidon for the hash of the public inputs.
///
/// plonky2's own `KeccakGoldilocksConfig` truncates digests to 25 bytes; these fill an EVM word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnchainConfig;

impl GenericConfig<D> for OnchainConfig {
    type F = GoldilocksField;
    type FE = QuadraticExtension<GoldilocksField>;
    type Hasher = KeccakHash<DIGEST_LEN>;
    type InnerHasher = PoseidonHash;
}

/// A proof of the final circuit, as plonky2 holds it.
pub type OnchainProof = ProofWithPublicInputs<GoldilocksField, OnchainConfig, D>;

/// Parameters of the final circuit. Measured on 2 cores, in bytes of calldata and prover time:
///
/// * 80 routed wires (plonky2's standard): 59,000 bytes. 64: 56,816 bytes, as 24 columns fall away and 365 rows
///   are added, which still fit 2^12. Fewer than 60 bring a further gate and selector, and 48 need 2^13 rows.
/// * Rate 2^-8 with 10 queries and 22 bits of grinding: 9 s, 3.5 GB. Rate 2^-9 with 9 queries would save 9 % of
///   the bytes for twice the time and memory; rate 2^-6 with 14 queries costs 30 % more bytes.
/// * Reductions by 2^4 and 2^3 with a final polynomial of 32 coefficients are the smallest of all pairs.
/// * Caps of 2^4 digests: one level more costs 2,560 bytes of caps and saves 1,920 of paths.
pub fn wrap_config() -> CircuitConfig {
    CircuitConfig {
        num_wires: 135,
        num_routed_wires: 64,
        num_constants: 2,
        use_base_arithmetic_gate: true,
        security_bits: 100,
        num_challenges: 2,
        zero_knowledge: false,
        max_quotient_degree_factor: 8,
        permutation_pow_bits: 16,
        fri_config: FriConfig {
            rate_bits: 8,
            cap_height: 4,
            proof_of_work_bits: 22,
            reduction_strategy: FriReductionStrategy::Fixed(vec![4, 3]),
            num_query_rounds: 10,
        },
    }
}
