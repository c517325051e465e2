//! The proof that the L2 contract verifies: final circuit, its encoding, and everything the contract is made of.
//!
//! ```text
//! inner proof (degree 2^12, 4 public inputs) --WrapCircuit--> plonky2 proof over Keccak
//!     --encode_calldata--> bytes --L2--> Plonky2Verifier.verify(bytes, statement)
//!                                 --here--> verify_native(key, bytes, statement)
//! ```
//!
//! The contract `Plonky2Verifier` (runtime/settlement/contracts/src/verifier) knows one circuit *structure*:
//! gates, selectors, FRI parameters, sizes. It is the file `structure.bin` here, and the Solidity constants are
//! generated from it ([`solidity_constants`]). Every [`WrapCircuit`] has this structure, whatever circuit it
//! verifies, or cannot be built; what differs is its [`VerifierKey`], which is given to the contract when it is
//! deployed. So the contract's code is the same for every chain and profile.
//!
//! Security: 100 bits (plonky2's conjectured soundness: rate bits × queries + grinding), whatever the
//! profile of the proofs below.

mod calldata;
mod circuit;
mod config;
mod error;
mod key;
mod native;
mod poseidon_table;
mod solidity;
mod structure;

pub use calldata::{PROOF_LEN, decode_calldata, encode_calldata};
pub use circuit::WrapCircuit;
pub use config::{OnchainConfig, OnchainProof, wrap_config};
pub use error::OnchainError;
pub use key::VerifierKey;
pub use native::verify_native;
pub use poseidon_table::{SOLIDITY_POSEIDON_PATH, solidity_poseidon_table};
pub use solidity::{SOLIDITY_CONSTANTS_PATH, solidity_constants};
pub use structure::{Structure, structure, structure_bytes};

#[cfg(test)]
mod tests;
