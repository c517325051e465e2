//! Generates the constants that the contract needs for the constraints of Poseidon's gate.

use std::fmt::Write;

use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::hash::poseidon::{ALL_ROUND_CONSTANTS, Poseidon};

use super::solidity::HEADER;

/// Where the Poseidon gate's constants are kept, relative to this crate's manifest.
pub const SOLIDITY_POSEIDON_PATH: &str = "../settlement/contracts/src/verifier/PoseidonTable.sol";

/// The Solidity source of the constants that the Poseidon gate's constraints need: `PoseidonTable.sol`.
///
/// In order: constants of rounds 0 to 3 and 26 to 29; constants and matrix from the S-boxes of round 3 to the state of the
/// partial rounds (plonky2's initial matrix times the MDS matrix); constants after the partial S-boxes; and
/// for each partial round the vectors v and w, entry by entry.
pub fn solidity_poseidon_table() -> String {
    let constants = |round: usize| {
        ALL_ROUND_CONSTANTS[12 * round..12 * round + 12]
            .iter()
            .copied()
    };
    let mut table: Vec<u64> = (0..4).chain(26..30).flat_map(constants).collect();
    let element = F::from_canonical_u64;
    let entry = |column: usize, row: usize| match (column, row) {
        (0, 0) => F::ONE,
        (0, _) | (_, 0) => F::ZERO,
        _ => element(F::FAST_PARTIAL_ROUND_INITIAL_MATRIX[row - 1][column - 1]),
    };
    let mds = |row: usize, column: usize| {
        let diagonal = if row == column {
            F::MDS_MATRIX_DIAG[row]
        } else {
            0
        };
        element(F::MDS_MATRIX_CIRC[(12 + column - row) % 12] + diagonal)
    };
    for i in 0..12 {
        let sum: F = (0..12)
            .map(|k| entry(i, k) * element(F::FAST_PARTIAL_FIRST_ROUND_CONSTANT[k]))
            .sum();
        table.push(sum.to_canonical_u64());
    }
    for i in 0..12 {
        for j in 0..12 {
            let sum: F = (0..12).map(|k| entry(i, k) * mds(k, j)).sum();
            table.push(sum.to_canonical_u64());
        }
    }
    table.extend(F::FAST_PARTIAL_ROUND_CONSTANTS);
    for (v, w) in F::FAST_PARTIAL_ROUND_VS
        .iter()
        .zip(&F::FAST_PARTIAL_ROUND_W_HATS)
    {
        table.extend(v.iter().zip(w).flat_map(|(&v, &w)| [v, w]));
    }
    let mut out = String::from(HEADER);
    out.push_str("\n// Constants of Poseidon for the constraints of its gate; the order is described there.\n");
    out.push_str("bytes constant POSEIDON_TABLE =\n");
    for chunk in table.chunks(4) {
        let bytes: Vec<u8> = chunk.iter().flat_map(|x| x.to_be_bytes()).collect();
        let _ = writeln!(out, "    hex\"{}\"", hex::encode(bytes));
    }
    out.truncate(out.trim_end().len());
    out.push_str(";\n");
    out
}
