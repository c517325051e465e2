//! Cells of the kernel's memory, beside the bytes of code, memory and data and the words of the stacks.
//!
//! The kernel's journal is what a revert is made from: an entry is a pointer, its kind, and up to four words. Reverting
//! shortens the list of pointers only, so that every entry of a transaction keeps its cells.

/// Cells of a context beside its code, memory, data and stack: 25 of metadata, 33 zeros behind the code, and what the
/// kernel lays upon the stack for an instruction.
pub(super) const CONTEXT_CELLS: u64 = 150;
/// A call: a transfer in the journal (5 cells), two checkpoints, and one of the context.
pub(super) const CALL_CELLS: u64 = 8;
/// A transfer that may make an account: in the journal (4), in the trie's data (4), in the list of accounts (4).
pub(super) const CREDIT_CELLS: u64 = 12;
/// An address in the list of touched ones (1), and in the journal (3).
pub(super) const TOUCHED_CELLS: u64 = 4;
/// A creation: nonces (2 × 4), transfer (5), account (12), code (4), access (5) and a checkpoint, in the journal and
/// in the lists; with room for the encoding of an address.
pub(super) const CREATION_CELLS: u64 = 60;
/// SELFDESTRUCT: in the journal (5), in its list (1), and an account that it may make.
pub(super) const DESTRUCTION_CELLS: u64 = 20;
/// SSTORE: the change (5) and two refunds (3 each) in the journal, a node of the list of slots (5).
pub(super) const STORE_CELLS: u64 = 16;
/// A key of the transient storage: address, slot, value.
pub(super) const TRANSIENT_CELLS: u64 = 3;
/// TSTORE in the journal.
pub(super) const TRANSIENT_STORE_CELLS: u64 = 5;
/// A slot (4 + 4 cells) or an address (2 + 3) in the access list and the journal. The first of each is in the cost of
/// its key; the kernel appends it again when it is loaded again after a revert.
pub(super) const RELOADED_CELLS: u64 = 10;
/// Loading a slot costs 2,100 gas, an address 2,600 (EIP-2929).
pub(super) const GAS_OF_RELOADED_CELL: u64 = 2_100 / RELOADED_CELLS;
