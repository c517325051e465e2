//! revm's view of the state.

use std::collections::HashSet;

use alloy::primitives::{Address, B256, KECCAK256_EMPTY, U256};
use revm::Database;
use revm::state::{AccountInfo, Bytecode};

use crate::changes::Changes;
use crate::error::StateError;
use crate::view::StateView;
use crate::window::HashWindow;

/// A state with changes on top, as seen from inside a block.
pub(crate) struct BlockState<'a> {
    pub(crate) view: &'a StateView,
    pub(crate) changes: &'a Changes,
    pub(crate) hashes: &'a HashWindow,
    /// Number of the block.
    pub(crate) number: u64,
    /// Accounts met that have storage and neither nonce nor code; see [`crate::collision`].
    pub(crate) only_storage: HashSet<Address>,
}

impl Database for BlockState<'_> {
    type Error = StateError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        let account = self.changes.account(self.view, address)?;
        if let Some(account) = &account
            && account.nonce == 0
            && account.code_hash == KECCAK256_EMPTY
            && self.changes.has_only_storage(self.view, address)?
        {
            self.only_storage.insert(address);
        }
        Ok(account.map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            ..AccountInfo::default().without_code()
        }))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, StateError> {
        self.changes.code(self.view, hash)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.changes.storage(self.view, address, slot)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StateError> {
        Ok(self.hashes.hash_of(number, self.number))
    }
}
