//! What the transactions so far have changed, on top of a [`StateView`].

use std::collections::HashMap;

use alloy::primitives::{Address, B256, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use revm::state::{Account, Bytecode, EvmState};

use crate::error::StateError;
use crate::source::Overlay;
use crate::trie::update;
use crate::view::{AccountState, StateView, encode_account};

/// Changed accounts and new codes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    pub(crate) accounts: HashMap<Address, AccountChange>,
    pub(crate) codes: HashMap<B256, Bytecode>,
}

/// A changed account.
#[derive(Clone, Debug, Default)]
pub(crate) struct AccountChange {
    /// The account now; `None` if it does not exist.
    pub(crate) now: Option<Basics>,
    /// Whether the storage that the view has was wiped.
    pub(crate) wiped: bool,
    /// Slots written.
    pub(crate) storage: HashMap<U256, U256>,
}

/// An account without its storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Basics {
    pub(crate) nonce: u64,
    pub(crate) balance: U256,
    pub(crate) code_hash: B256,
}

impl From<AccountState> for Basics {
    fn from(account: AccountState) -> Self {
        let AccountState {
            nonce,
            balance,
            code_hash,
            ..
        } = account;
        Self {
            nonce,
            balance,
            code_hash,
        }
    }
}

impl Changes {
    /// The account as it is now.
    pub(crate) fn account(
        &self,
        view: &StateView,
        address: Address,
    ) -> Result<Option<Basics>, StateError> {
        match self.accounts.get(&address) {
            Some(change) => Ok(change.now),
            None => Ok(view.account(address)?.map(Basics::from)),
        }
    }

    /// Whether the account has storage and neither nonce nor code.
    pub(crate) fn has_only_storage(
        &self,
        view: &StateView,
        address: Address,
    ) -> Result<bool, StateError> {
        let change = self.accounts.get(&address);
        if change.is_some_and(|change| change.wiped) {
            return Ok(false);
        }
        let before = view.account(address)?;
        Ok(before.is_some_and(|before| before.storage_root != EMPTY_ROOT_HASH))
    }

    /// The slot as it is now.
    pub(crate) fn storage(
        &self,
        view: &StateView,
        address: Address,
        slot: U256,
    ) -> Result<U256, StateError> {
        match self.accounts.get(&address) {
            None => view.storage(address, slot),
            Some(change) => match change.storage.get(&slot) {
                Some(value) => Ok(*value),
                None if change.wiped || change.now.is_none() => Ok(U256::ZERO),
                None => view.storage(address, slot),
            },
        }
    }

    /// The code as it is now.
    pub(crate) fn code(&self, view: &StateView, hash: B256) -> Result<Bytecode, StateError> {
        match self.codes.get(&hash) {
            Some(code) => Ok(code.clone()),
            // Not `new_raw`: it would read 0xef0100… as a delegation, which Cancun does not have.
            None => Ok(Bytecode::new_legacy(view.code(hash)?)),
        }
    }

    /// Takes over what one transaction did.
    pub(crate) fn apply(&mut self, state: EvmState) {
        for (address, account) in state {
            if account.is_touched() {
                self.apply_account(address, account);
            }
        }
    }

    fn apply_account(&mut self, address: Address, account: Account) {
        let change = self.accounts.entry(address).or_default();
        // EIP-161: touched and empty is gone. EIP-6780: so is destroyed and created in one transaction.
        if account.is_selfdestructed() || account.info.is_empty() {
            *change = AccountChange {
                now: None,
                wiped: true,
                storage: HashMap::new(),
            };
            return;
        }
        if account.is_created() {
            change.wiped = true;
            change.storage.clear();
        }
        let info = account.info;
        if let Some(code) = info.code
            && info.code_hash != KECCAK256_EMPTY
        {
            self.codes.entry(info.code_hash).or_insert(code);
        }
        change.now = Some(Basics {
            nonce: info.nonce,
            balance: info.balance,
            code_hash: info.code_hash,
        });
        let written = account
            .storage
            .into_iter()
            .filter(|(_, slot)| slot.is_changed());
        change
            .storage
            .extend(written.map(|(slot, value)| (slot, value.present_value())));
    }

    /// Writes the changes into the tries at the view's root. New nodes and codes go to `overlay`.
    /// Returns the new state root.
    pub(crate) fn into_tries(
        self,
        view: &StateView,
        overlay: &Overlay,
    ) -> Result<B256, StateError> {
        let mut leaves = Vec::new();
        for (address, change) in self.accounts {
            let before = view.account(address)?;
            let after = match change.now {
                None => None,
                Some(now) => {
                    let root = match before {
                        Some(before) if !change.wiped => before.storage_root,
                        _ => EMPTY_ROOT_HASH,
                    };
                    let storage_root = update(overlay, root, slots(&change.storage))?;
                    if let Some(code) = self.codes.get(&now.code_hash)
                        && before.is_none_or(|before| before.code_hash != now.code_hash)
                    {
                        overlay
                            .fresh
                            .insert_code(now.code_hash, code.original_bytes());
                    }
                    Some(AccountState {
                        nonce: now.nonce,
                        balance: now.balance,
                        storage_root,
                        code_hash: now.code_hash,
                    })
                }
            };
            if before != after {
                leaves.push((keccak256(address), after.as_ref().map(encode_account)));
            }
        }
        update(overlay, view.root(), leaves)
    }
}

/// Trie keys and values of slots; zero is absence.
fn slots(storage: &HashMap<U256, U256>) -> Vec<(B256, Option<Vec<u8>>)> {
    storage
        .iter()
        .map(|(slot, value)| {
            let key = keccak256(slot.to_be_bytes::<32>());
            (key, (!value.is_zero()).then(|| alloy::rlp::encode(value)))
        })
        .collect()
}
