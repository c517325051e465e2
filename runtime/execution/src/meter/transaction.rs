//! What a transaction takes whatever it executes.

use revm::context::TxEnv;

use super::MachineWork;
use super::costs::{hashed, words};

/// Signature, nonce, fees, receipt, the lists' tries: 34,500 cycles for a transfer to a known account, and 11,000
/// once for each batch.
const TRANSACTION: u64 = 48_000;
/// A byte of a transaction: decoded, hashed twice, put into a trie and encoded again.
const BYTE: u64 = 24;
/// Cells of memory for each of its bytes: as data, as encoding, in the trie, as calldata or code.
const BYTE_CELLS: u64 = 4;
/// Those that outlast it: all but calldata and code. A shorter transaction that comes next leaves the end of its data
/// and of its encoding where they are.
const KEPT_BYTE_CELLS: u64 = 3;
const ADDRESS: u64 = 420;
const SLOT: u64 = 560;
const CREATION: u64 = 8_000;

/// A branch of a trie that is read, hashed, perhaps changed, and hashed again.
const NODE: u64 = 3_000;
/// The leaf at the end of the path, or another branch above a new one.
///
/// The kernel's lists hold a node for each key: it is found in 30 cycles (account) or 40 (slot), made for a key that is
/// absent in 85 or 124, and at the end leads to one walk down the trie, which proves what the node said.
/// Without that proof it was 52 and 61, or 39 and 46 for what is absent.
const KEY: u64 = 2_600;
/// Cells of a branch, of an account, of a slot: in the trie, in the list, in the journal.
const NODE_CELLS: u64 = 40;

/// What a transaction takes before and after its execution.
pub(crate) fn transaction_work(transaction: &TxEnv) -> MachineWork {
    let data = transaction.data.len() as u64;
    let (mut addresses, mut slots) = (0, 0);
    for item in transaction.access_list.iter() {
        addresses += 1;
        slots += item.storage_keys.len() as u64;
    }
    // A legacy or typed envelope without data has some 120 bytes; that much is in the transaction's cost.
    let bytes = data + addresses * 24 + slots * 33;
    let mut cycles = TRANSACTION + bytes * BYTE + addresses * ADDRESS + slots * SLOT;
    if transaction.kind.is_create() {
        cycles += CREATION + hashed(data);
    } else {
        cycles += words(data, 32);
    }
    MachineWork {
        cycles,
        cells: 5_000 + bytes * BYTE_CELLS,
        kept_cells: 1_000 + bytes * KEPT_BYTE_CELLS,
    }
}

/// What an account or slot takes that lies below so many nodes of a trie.
pub(crate) fn key_cost(depth: u8) -> MachineWork {
    let depth = u64::from(depth);
    MachineWork {
        cycles: depth * NODE + KEY,
        cells: (depth + 1) * NODE_CELLS,
        kept_cells: (depth + 1) * NODE_CELLS,
    }
}
