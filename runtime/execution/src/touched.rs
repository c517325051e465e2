//! What the transactions of a batch have looked at and removed.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use alloy::primitives::{Address, B256, Bytes, U256};

/// Everything that was read, written or removed since the beginning of a transaction batch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    pub(crate) accounts: BTreeMap<Address, TouchedAccount>,
    /// Codes that were read or created, by hash.
    pub(crate) codes: BTreeMap<B256, Bytes>,
}

/// What was looked at in one account.
#[derive(Clone, Debug, Default)]
pub(crate) struct TouchedAccount {
    pub(crate) slots: BTreeSet<U256>,
    /// Slots that held zero at the end of some transaction.
    pub(crate) cleared: HashSet<U256>,
    /// Whether the account was absent at the end of some transaction.
    pub(crate) absent: bool,
}

impl Touched {
    pub(crate) fn account(&mut self, address: Address) -> &mut TouchedAccount {
        self.accounts.entry(address).or_default()
    }

    pub(crate) fn slot(&mut self, address: Address, slot: U256) {
        self.account(address).slots.insert(slot);
    }
}
