//! A kernel that lacks a check: what the check is there for.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::sync::{Arc, Mutex, PoisonError};

use ethereum_types::U256;
use evm_arithmetization::generation::stand_in;

thread_local! {
    static KERNEL: RefCell<Option<Arc<Vec<U256>>>> = const { RefCell::new(None) };
}

/// Kernels by the pieces that are replaced in them.
type Kernels = BTreeMap<Vec<(String, String)>, Arc<Vec<U256>>>;

/// The cells of the kernel that lies of this thread are told to.
pub fn kernel() -> Arc<Vec<U256>> {
    let other = KERNEL.with_borrow(Clone::clone);
    other.unwrap_or_else(|| Arc::new(stand_in::kernel().to_vec()))
}

/// What a test says that fails when pieces of the kernel's source are replaced by others ([`stand_in::kernel_with`]),
/// or `None` if it does not fail.
pub fn failure_with(pieces: &[(&str, &str)], test: fn()) -> Option<String> {
    KERNEL.set(Some(assembled(pieces)));
    let outcome = catch_unwind(test);
    KERNEL.set(None);
    let panic = outcome.err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.unwrap_or_else(|| "it panicked".to_owned()))
}

/// The kernel with these pieces, which is assembled once.
fn assembled(pieces: &[(&str, &str)]) -> Arc<Vec<U256>> {
    static KERNELS: Mutex<Kernels> = Mutex::new(BTreeMap::new());
    let owned = |&(piece, other): &(&str, &str)| (piece.to_owned(), other.to_owned());
    let mut kernels = KERNELS.lock().unwrap_or_else(PoisonError::into_inner);
    let kernel = kernels.entry(pieces.iter().map(owned).collect());
    let kernel = kernel.or_insert_with(|| Arc::new(stand_in::kernel_with(pieces)));
    kernel.clone()
}
