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
