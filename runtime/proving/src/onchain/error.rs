//! What can go wrong between an inner proof and the contract.

use thiserror::Error;

/// Why a final proof could not be made, read or accepted.
#[derive(Debug, Error)]
pub enum OnchainError {
    /// The circuit to wrap is not of the form that the final circuit takes.
    #[error(
        "cannot wrap a circuit of degree 2^{degree_bits} with {public_inputs} public inputs: it must be 2^12 with 4"
    )]
    UnsupportedInner {
        /// log2 of its degree.
        degree_bits: usize,
        /// Number of its public inputs.
        public_inputs: usize,
    },
    /// The final circuit would not be the one that the contract was generated from.
    #[error(
        "the final circuit differs from the structure that the L2 verifier was generated from ({difference}); \
         regenerate structure and contract constants, and deploy a new verifier"
    )]
    StructureDiffers {
        /// The first part that differs.
        difference: &'static str,
    },
    /// plonky2 failed to prove.
    #[error("the final proof could not be made: {reason}")]
    Proving {
        /// plonky2's message.
        reason: String,
    },
    /// The proof is not as long as every proof is.
    #[error("a proof has {expected} bytes, this one has {actual}")]
    WrongLength {
        /// Length of every proof.
        expected: usize,
        /// Length found.
        actual: usize,
    },
    /// A number is not the canonical form of a field element.
    #[error("the number {value} at {place} is not below the field's order")]
    NonCanonical {
        /// Byte offset in the proof, or position in the statement.
        place: Place,
        /// The number.
        value: u64,
    },
    /// A well-formed proof that does not hold.
    #[error("the proof does not prove the statement: {reason}")]
    Rejected {
        /// plonky2's message.
        reason: String,
    },
}

/// Where a number stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Byte offset in the encoded proof.
    Proof(usize),
    /// Index in the statement.
    Statement(usize),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Proof(offset) => write!(f, "byte {offset} of the proof"),
            Self::Statement(index) => write!(f, "position {index} of the statement"),
        }
    }
}
