//! What a proof states, as the stream S of field elements that circuit and contract both evaluate.
//!
//! S is of consecutive blocks, and knows no batches: all batches that share a proof share one S, and the contract cuts
//! their blocks apart when it compares them with what was committed.
//!
//! Elements are of the Goldilocks field (p = 2^64 − 2^32 + 1). A 256-bit value is eight 32-bit limbs, the
//! least significant first (the value read as a big-endian integer); an address is five; a `u64` fee is two.
//!
//! ```text
//! S = chain id (1) ‖ start state root (8) ‖ start window digest (4)
//!     ‖ per block: parent hash 8, beneficiary 5, state root 8, transactions root 8, receipts root 8,
//!                  number 1, gas limit 1, gas used 1, timestamp 1, random 8, base fee 2,
//!                  parent beacon block root 8, block hash 8                              (67 each)
//!     ‖ end window digest (4) ‖ number of blocks (1)
//! ```
//!
//! Ommers, difficulty, bloom (all ones), extra data, nonce, withdrawals and blob fields are constants: the
//! circuit constrains those that the EVM can see, and the block hash covers all of them.
//!
//! * Window digest: Poseidon `hash_no_pad` of the 2,048 limbs of the 256 block hashes, oldest first.
//! * `C`: each block's 67 elements hashed with `hash_no_pad`; blocks merged pairwise with `two_to_one` in the
//!   coordinator's tree; then `hash_no_pad(chain id, start root, start window, blocks, end window, count)`.
//!   The tree's shape is free: C only has to bind S before r is known.
//! * `r = (r0, r1)`, in F_p\[X\]/(X² − 7): h = keccak256(C as 4 big-endian u64 ‖ keccak256(S as big-endian
//!   u64 each)); r0 = (h >> 192) mod p, r1 = ((h >> 128) mod 2^64) mod p.
//! * `y = Σ S[i] · r^i`, i from 0.
//! * Statement digest d: `hash_no_pad(C0..C3, r0, r1, y0, y1)`: one permutation; the proof's four public inputs.
//!
//! Soundness: C fixes S' (collision resistance) before r is drawn from C and from the contract's S. If
//! S' ≠ S then S'(r) = S(r) holds with probability at most |S| / p², about |S| / 2^128.

use serde::{Deserialize, Serialize};

/// A canonical element of the Goldilocks field: less than 2^64 − 2^32 + 1.
pub type FieldElement = u64;

/// Poseidon digest of the 256 block hashes that a block sees.
pub type WindowDigest = [FieldElement; 4];

/// d: Poseidon digest of C, r and y. What a proof has as its public inputs, watchers sign, and the contract computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StatementDigest(pub [FieldElement; 4]);

/// Elements of S before the first block.
pub const PREFIX_LEN: usize = 13;
/// Elements of S for each block.
pub const BLOCK_LEN: usize = 67;
/// Elements of S after the last block.
pub const SUFFIX_LEN: usize = 5;

/// Where S is evaluated: an element of the quadratic extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Point(pub [FieldElement; 2]);
