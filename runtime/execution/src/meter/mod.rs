//! What proving a transaction will take at most, found while it is executed.
//!
//! The prover runs an EVM kernel on a machine whose cycles have little to do with gas: a SHA-256 of 64 bytes is 12
//! gas and 28,000 cycles, the thousandth TSTORE 100 gas and 53,000 cycles. What cannot be proven in reasonable time
//! must never be confirmed, so execution is metered in the machine's terms and ends when a limit is passed.
//!
//! ```text
//! transaction ── transaction.rs: signature, bytes, access list, receipt ──┐
//! every step  ── costs.rs: by instruction, words ─────────────────────────┤
//!             ── searches.rs: lists, when they are used and undone ───────┤
//!             ── cells.rs: what the kernel's lists and contexts keep ─────┤
//! every jump  ── paths.rs: proofs of jump destinations ───────────────────┼─> Meter ─> MachineWork
//! every call  ── precompiles.rs: by input ────────────────────────────────┤
//! afterwards  ── keys.rs: trie paths of what was touched ─────────────────┘
//! every batch ── neighbours.rs: earlier transactions and receipts that are shown to it
//! ```
//!
//! The unit is the machine cycle: a row of its longest table. What fills another table faster counts for as many
//! cycles as fit a segment beside it (a Keccak permutation for 192). Figures were measured with `tern-proving`'s
//! example `calibrate` and rounded up; tests compare the sum with what the machine does.

mod cells;
mod costs;
mod inspector;
mod keys;
mod lists;
mod neighbours;
mod paths;
mod precompiles;
mod searches;
mod transaction;

use std::fmt;

use thiserror::Error;

pub(crate) use inspector::Meter;
pub(crate) use keys::KeyPath;
pub(crate) use transaction::transaction_work;

/// What the proof of one transaction may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachineLimits {
    /// Machine cycles.
    pub cycles: u64,
    /// Cells of the machine's memory in use at one time, of the 2^19 that fit its tables; the kernel takes
    /// [`Self::KERNEL_CELLS`], earlier transactions, those that are shown and those of the batch, up to
    /// [`Self::KEPT_CELLS`].
    pub cells: u64,
}

/// What the proof of a transaction takes at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MachineWork {
    /// Machine cycles.
    pub cycles: u64,
    /// Cells of memory in use at one time.
    pub cells: u64,
    /// Cells of memory that stay in use until the end of the transaction batch.
    pub kept_cells: u64,
}

/// A resource of the prover's machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineResource {
    /// Machine cycles.
    Cycles,
    /// Cells of memory.
    Memory,
    /// Bytes hashed at once.
    Hash,
}

/// More of a resource than the limit allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "it takes {needs} {resource} or more, at most {limit} are allowed; split it into smaller transactions"
)]
pub struct Excess {
    /// Of what it takes too much.
    pub resource: MachineResource,
    /// How much it takes at least.
    pub needs: u64,
    /// How much a transaction may take.
    pub limit: u64,
}

impl MachineLimits {
    /// No limits: for measuring.
    pub const NONE: Self = Self {
        cycles: u64::MAX,
        cells: u64::MAX,
    };

    /// Cells that the kernel takes at most by itself: its code, its tables, what it knows of the block, and what it hashes
    /// tries in after the transactions: 513 cells for each level of a trie.
    pub const KERNEL_CELLS: u64 = 80_000;

    /// Cells that are left to a batch.
    pub(crate) const BATCH_CELLS: u64 = (1 << 19) - Self::KERNEL_CELLS;

    /// Cells that the transactions of a batch may keep together, with those that are shown to it, unless there is only
    /// one. What is shown to one, what the block has added to its tries, and what it takes must fit in this and its own
    /// limit.
    pub const KEPT_CELLS: u64 = 100_000;

    /// Most bytes that one instruction may hash: a segment's Keccak table holds 2^15 rows, 24 for each 136 bytes.
    pub const HASH_BYTES: u64 = 170_000;

    /// 64 segments of 2^18 cycles: a minute of simulation. The largest creation takes 1.3 million cycles, a Groth16
    /// verification 2.4 million.
    pub const DEFAULT: Self = Self {
        cycles: 1 << 24,
        cells: 330_000,
    };
}

// A transaction within its limit has a batch to itself at worst, with all that may be shown to it.
const _: () = assert!(
    MachineLimits::DEFAULT.cells + MachineLimits::KEPT_CELLS <= MachineLimits::BATCH_CELLS,
    "a transaction within the limits must fit a batch"
);

impl Default for MachineLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl MachineWork {
    /// Both after each other, in one transaction batch.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self {
            cycles: self.cycles.saturating_add(next.cycles),
            cells: self.cells.max(self.kept_cells.saturating_add(next.cells)),
            kept_cells: self.kept_cells.saturating_add(next.kept_cells),
        }
    }

    /// Both together.
    #[must_use]
    pub(crate) fn with(self, other: Self) -> Self {
        Self {
            cycles: self.cycles.saturating_add(other.cycles),
            cells: self.cells.saturating_add(other.cells),
            kept_cells: self.kept_cells.saturating_add(other.kept_cells),
        }
    }

    pub(crate) fn check(&self, limits: &MachineLimits) -> Result<(), Excess> {
        let pairs = [
            (MachineResource::Cycles, self.cycles, limits.cycles),
            (MachineResource::Memory, self.cells, limits.cells),
        ];
        match pairs.into_iter().find(|(_, needs, limit)| needs > limit) {
            None => Ok(()),
            Some((resource, needs, limit)) => Err(Excess {
                resource,
                needs,
                limit,
            }),
        }
    }
}

impl fmt::Display for MachineResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cycles => "machine cycles",
            Self::Memory => "cells of machine memory",
            Self::Hash => "bytes hashed at once",
        })
    }
}
