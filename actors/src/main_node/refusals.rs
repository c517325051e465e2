//! What an operator has refused since it cannot be proven, until it is allowed again.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use tern_messages::Rejection;
use tern_storage::{StorageError, Store, WriteBatch};

use super::chain::Chain;
use super::tables::{REFUSED, REFUSED_SENDERS};

/// Refused transactions and senders, each with the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// By hash.
    pub transactions: BTreeMap<B256, String>,
    /// By address.
    pub senders: BTreeMap<Address, String>,
}

impl Refusals {
    /// Everything that is refused.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn on_disk(store: &Store) -> Result<Self, StorageError> {
        Ok(Self {
            transactions: store.range(&REFUSED, ..).collect::<Result<_, _>>()?,
            senders: store
                .range(&REFUSED_SENDERS, ..)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Whether a transaction may be executed.
    pub(super) fn check(&self, transaction: B256, sender: Address) -> Result<(), Rejection> {
        if let Some(reason) = self.transactions.get(&transaction) {
            let reason = reason.clone();
            return Err(Rejection::Refused {
                transaction,
                reason,
            });
        }
        match self.senders.get(&sender) {
            None => Ok(()),
            Some(reason) => Err(Rejection::SenderRefused {
                sender,
                reason: reason.clone(),
            }),
        }
    }
}

/// Lifts the refusals of these transactions and senders; those that are not refused are none's loss. Blocks on the disk.
///
/// # Errors
/// If the disk refuses.
pub fn allow(
    chain: &Chain,
    transactions: &[B256],
    senders: &[Address],
) -> Result<(), StorageError> {
    let mut batch = WriteBatch::new();
    for transaction in transactions {
        batch.delete(&REFUSED, transaction);
    }
    for sender in senders {
        batch.delete(&REFUSED_SENDERS, sender);
    }
    chain.store.commit(batch)
}
