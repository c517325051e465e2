//! What distinguishes one final circuit from another.

use plonky2::hash::hash_types::BytesHash;
use plonky2::hash::merkle_tree::MerkleCap;
use plonky2::plonk::circuit_data::VerifierOnlyCircuitData;
use serde::{Deserialize, Serialize};

use alloy::primitives::{B256, Bytes};
use alloy::sol_types::SolValue;

use super::config::{D, OnchainConfig};

/// Digests in the cap of a Merkle tree: 2^cap_height.
pub(super) const CAP_LEN: usize = 16;

/// Identifies the circuit whose proofs a verifier accepts: the constructor's arguments of `Plonky2Verifier`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifierKey {
    /// Binds structure, constants and wiring; absorbed first by every proof's transcript.
    pub circuit_digest: B256,
    /// Cap of the Merkle tree of the constant and permutation polynomials.
    pub constants_sigmas_cap: [B256; CAP_LEN],
}

impl VerifierKey {
    /// The key of a circuit of the on-chain structure.
    pub(super) fn of(data: &VerifierOnlyCircuitData<OnchainConfig, D>) -> Self {
        let mut cap = [B256::ZERO; CAP_LEN];
        for (word, digest) in cap.iter_mut().zip(&data.constants_sigmas_cap.0) {
            *word = B256::from(digest.0);
        }
        Self {
            circuit_digest: B256::from(data.circuit_digest.0),
            constants_sigmas_cap: cap,
        }
    }

    /// The constructor's arguments of `Plonky2Verifier`, ABI-encoded: what follows its creation code.
    pub fn constructor_arguments(&self) -> Bytes {
        (self.circuit_digest, self.constants_sigmas_cap)
            .abi_encode_params()
            .into()
    }

    /// The key as plonky2's verifier takes it.
    pub(super) fn verifier_only(&self) -> VerifierOnlyCircuitData<OnchainConfig, D> {
        VerifierOnlyCircuitData {
            constants_sigmas_cap: MerkleCap(
                self.constants_sigmas_cap
                    .iter()
                    .map(|word| BytesHash(word.0))
                    .collect(),
            ),
            circuit_digest: BytesHash(self.circuit_digest.0),
        }
    }
}
