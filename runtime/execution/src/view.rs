//! The state at one root.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alloy::primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy::rlp::Decodable;
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};

use crate::error::StateError;
use crate::meter::{KeyPath, MachineWork};
use crate::source::NodeSource;
use crate::trie::{Lookup, walk};

/// Bytes that a view remembers before it forgets all.
const CACHE_LIMIT: usize = 32 << 20;
/// About what an account or slot takes in the cache, in bytes.
const ENTRY_SIZE: usize = 200;

/// An account as the state trie holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountState {
    /// Number of transactions sent (or contracts created).
    pub nonce: u64,
    /// Balance, in wei.
    pub balance: U256,
    /// Root of its storage trie.
    pub storage_root: B256,
    /// keccak256 of its code.
    pub code_hash: B256,
}

impl Default for AccountState {
    fn default() -> Self {
        Self {
            nonce: 0,
            balance: U256::ZERO,
            storage_root: EMPTY_ROOT_HASH,
            code_hash: KECCAK256_EMPTY,
        }
    }
}

/// The state at one root. Cheap to clone; clones share a cache of what was read.
#[derive(Clone)]
pub struct StateView {
    source: Arc<dyn NodeSource>,
    root: B256,
    cache: Arc<Mutex<Cache>>,
}

#[derive(Default)]
struct Cache {
    accounts: HashMap<Address, (Option<AccountState>, KeyPath)>,
    /// By storage root and slot: right whichever account it is.
    slots: HashMap<(B256, U256), (U256, KeyPath)>,
    codes: HashMap<B256, Bytes>,
    /// Bytes of all codes together.
    code_size: usize,
}

impl StateView {
    /// The state whose root is `root`. Nothing is read yet.
    pub fn new(source: Arc<dyn NodeSource>, root: B256) -> Self {
        Self {
            source,
            root,
            cache: Arc::default(),
        }
    }

    /// The state root.
    pub fn root(&self) -> B256 {
        self.root
    }

    pub(crate) fn source(&self) -> &Arc<dyn NodeSource> {
        &self.source
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = cache.accounts.len() + cache.slots.len() + cache.codes.len();
        if entries * ENTRY_SIZE + cache.code_size > CACHE_LIMIT {
            *cache = Cache::default();
        }
        cache
    }

    /// The account at an address; `None` if there is none.
    ///
    /// # Errors
    /// If the state is incomplete, damaged or cannot be read.
    pub fn account(&self, address: Address) -> Result<Option<AccountState>, StateError> {
        Ok(self.account_and_path(address)?.0)
    }

    fn account_and_path(
        &self,
        address: Address,
    ) -> Result<(Option<AccountState>, KeyPath), StateError> {
        if let Some(known) = self.cache().accounts.get(&address) {
            return Ok(*known);
        }
        let (found, path) = self.look_up(self.root, keccak256(address))?;
        let account = found
            .value
            .map(|rlp| decode_account(&rlp, self.root))
            .transpose()?;
        self.cache().accounts.insert(address, (account, path));
        Ok((account, path))
    }

    /// What proving takes for an account and slots of it that a transaction touched.
    pub(crate) fn tries_work(
        &self,
        address: Address,
        slots: impl Iterator<Item = U256>,
    ) -> Result<MachineWork, StateError> {
        let (account, path) = self.account_and_path(address)?;
        let root = account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
        let mut work = path.cost();
        for slot in slots {
            let (_, path) = self.slot_and_path(root, slot)?;
            work = work.with(path.cost());
        }
        Ok(work)
    }

    /// Follows a hashed key from the root of a trie.
    fn look_up(&self, root: B256, key: B256) -> Result<(Lookup, KeyPath), StateError> {
        let mut path = KeyPath::default();
        let found = walk(&*self.source, root, key, |nibbles, _, _| {
            path.pass(nibbles.len());
        })?;
        if let Some((_, nibbles)) = found.beyond {
            path.pass(nibbles);
        }
        Ok((found, path))
    }

    /// The value of a storage slot; zero if it was never set.
    ///
    /// # Errors
    /// As [`Self::account`].
    pub fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        match self.account(address)? {
            None => Ok(U256::ZERO),
            Some(account) => self.slot(account.storage_root, slot),
        }
    }

    pub(crate) fn slot(&self, storage_root: B256, slot: U256) -> Result<U256, StateError> {
        Ok(self.slot_and_path(storage_root, slot)?.0)
    }

    fn slot_and_path(&self, storage_root: B256, slot: U256) -> Result<(U256, KeyPath), StateError> {
        if storage_root == EMPTY_ROOT_HASH {
            return Ok((U256::ZERO, KeyPath::default()));
        }
        if let Some(known) = self.cache().slots.get(&(storage_root, slot)) {
            return Ok(*known);
        }
        let key = keccak256(slot.to_be_bytes::<32>());
        let (found, path) = self.look_up(storage_root, key)?;
        let value = match found.value {
            None => U256::ZERO,
            Some(rlp) => decode_slot(&rlp, storage_root)?,
        };
        self.cache()
            .slots
            .insert((storage_root, slot), (value, path));
        Ok((value, path))
    }

    /// The bytecode with a hash; empty for the hash of nothing.
    ///
    /// # Errors
    /// As [`Self::account`].
    pub fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        if hash == KECCAK256_EMPTY || hash == B256::ZERO {
            return Ok(Bytes::new());
        }
        if let Some(known) = self.cache().codes.get(&hash) {
            return Ok(known.clone());
        }
        let code = self
            .source
            .code(hash)?
            .ok_or(StateError::MissingCode { hash })?;
        if keccak256(&code) != hash {
            return Err(StateError::Damaged {
                hash,
                reason: "the code has another hash".into(),
            });
        }
        let mut cache = self.cache();
        cache.code_size += code.len();
        cache.codes.insert(hash, code.clone());
        Ok(code)
    }

    /// The bytecode of the account at an address; empty if there is none.
    ///
    /// # Errors
    /// As [`Self::account`].
    pub fn code_of(&self, address: Address) -> Result<Bytes, StateError> {
        match self.account(address)? {
            None => Ok(Bytes::new()),
            Some(account) => self.code(account.code_hash),
        }
    }
}

pub(crate) fn decode_account(mut rlp: &[u8], hash: B256) -> Result<AccountState, StateError> {
    let account = TrieAccount::decode(&mut rlp).map_err(|error| StateError::Damaged {
        hash,
        reason: format!("an account: {error}"),
    })?;
    let TrieAccount {
        nonce,
        balance,
        storage_root,
        code_hash,
        ..
    } = account;
    Ok(AccountState {
        nonce,
        balance,
        storage_root,
        code_hash,
    })
}

pub(crate) fn encode_account(account: &AccountState) -> Vec<u8> {
    let AccountState {
        nonce,
        balance,
        storage_root,
        code_hash,
    } = *account;
    alloy::rlp::encode(TrieAccount {
        nonce,
        balance,
        storage_root,
        code_hash,
    })
}

fn decode_slot(mut rlp: &[u8], hash: B256) -> Result<U256, StateError> {
    U256::decode(&mut rlp).map_err(|error| StateError::Damaged {
        hash,
        reason: format!("a storage slot: {error}"),
    })
}
