//! The state and block that a chain begins with.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy::consensus::Header;
use alloy::eips::eip4788::{BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CODE};
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use revm::primitives::eip170::MAX_CODE_SIZE;
use revm::state::Bytecode;
use serde::{Deserialize, Serialize};
use tern_messages::{Anchor, Gas, SealedBlock};
use thiserror::Error;

use crate::changes::{AccountChange, Basics, Changes};
use crate::environment::{BlockEnvironment, ChainRules};
use crate::error::StateError;
use crate::header::{Contents, header};
use crate::source::{HashedBytes, MemoryNodes, Overlay};
use crate::view::StateView;

/// An account that exists from the beginning. The fields are those of an Ethereum genesis file's `alloc`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GenesisAccount {
    /// Balance, in wei.
    pub balance: U256,
    /// Nonce.
    pub nonce: u64,
    /// Bytecode; empty for an account without code.
    pub code: Bytes,
    /// Storage slots; zero values are left out of the trie.
    pub storage: BTreeMap<B256, B256>,
}

impl GenesisAccount {
    fn check(&self, address: Address) -> Result<(), GenesisError> {
        let storage = self.storage.values().any(|value| *value != B256::ZERO);
        if self.nonce == 0 && self.code.is_empty() {
            if storage {
                return Err(GenesisError::OnlyStorage { address });
            }
            if self.balance.is_zero() {
                return Err(GenesisError::Empty { address });
            }
        }
        if self.code.len() > MAX_CODE_SIZE {
            return Err(GenesisError::CodeSize {
                address,
                size: self.code.len(),
            });
        }
        Ok(())
    }
}

/// Why a genesis was refused.
#[derive(Debug, Error)]
pub enum GenesisError {
    /// Storage without nonce and code: EVMs disagree about creations at such an address (EIP-7610).
    #[error(
        "genesis account {address} has storage but neither nonce nor code; give it one of them"
    )]
    OnlyStorage {
        /// The account.
        address: Address,
    },
    /// An empty account, which EIP-161 forbids.
    #[error(
        "genesis account {address} is empty; give it a balance, a nonce or code, or leave it out"
    )]
    Empty {
        /// The account.
        address: Address,
    },
    /// Code that could not have been deployed (EIP-170).
    #[error(
        "genesis account {address} has {size} bytes of code; at most {MAX_CODE_SIZE} are allowed"
    )]
    CodeSize {
        /// The account.
        address: Address,
        /// Length of its code, in bytes.
        size: usize,
    },
    /// The state could not be built.
    #[error(transparent)]
    State(#[from] StateError),
}

/// The accounts that a chain begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GenesisState {
    /// By address.
    pub accounts: BTreeMap<Address, GenesisAccount>,
}

/// A chain's beginning: the genesis block, and its state as nodes and codes to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenesisOutcome {
    /// The block, number 0, without transactions.
    pub block: SealedBlock,
    /// Every trie node of the state, by hash.
    pub nodes: Vec<(B256, Bytes)>,
    /// Every code, by hash.
    pub codes: Vec<(B256, Bytes)>,
}

impl GenesisState {
    /// Adds the EIP-4788 beacon-roots contract, with the code that Ethereum has. An account already given
    /// at its address stays.
    #[must_use]
    pub fn with_beacon_roots(mut self) -> Self {
        self.accounts
            .entry(BEACON_ROOTS_ADDRESS)
            .or_insert_with(|| GenesisAccount {
                nonce: 1,
                code: BEACON_ROOTS_CODE.clone(),
                ..GenesisAccount::default()
            });
        self
    }

    /// The state root, with the nodes and codes that it stands for.
    ///
    /// # Errors
    /// Only if the trie library fails: nothing is read.
    pub fn build(&self) -> Result<(B256, HashedBytes, HashedBytes), StateError> {
        let overlay = Overlay::new(Arc::new(MemoryNodes::new()));
        let view = StateView::new(overlay.base.clone(), EMPTY_ROOT_HASH);
        let mut changes = Changes::default();
        for (address, account) in &self.accounts {
            let code_hash = keccak256(&account.code);
            if !account.code.is_empty() {
                changes
                    .codes
                    .insert(code_hash, Bytecode::new_legacy(account.code.clone()));
            }
            let slots = account.storage.iter();
            let change = AccountChange {
                now: Some(Basics {
                    nonce: account.nonce,
                    balance: account.balance,
                    code_hash,
                }),
                wiped: true,
                storage: slots
                    .map(|(slot, value)| ((*slot).into(), (*value).into()))
                    .collect(),
            };
            changes.accounts.insert(*address, change);
        }
        let root = changes.into_tries(&view, &overlay)?;
        let (nodes, codes) = overlay.fresh.sorted();
        Ok((root, nodes, codes))
    }

    /// The genesis block of a chain: this state under a standard header with number 0 and no parent.
    ///
    /// # Errors
    /// [`GenesisError`] if an account is one that no chain can run with.
    pub fn block(
        &self,
        rules: &ChainRules,
        timestamp: u64,
        gas_limit: Gas,
        base_fee: u64,
    ) -> Result<GenesisOutcome, GenesisError> {
        for (address, account) in &self.accounts {
            account.check(*address)?;
        }
        let (state_root, nodes, codes) = self.build()?;
        let environment = BlockEnvironment {
            chain_id: rules.chain_id,
            number: 0,
            timestamp,
            parent_hash: B256::ZERO,
            beneficiary: Address::ZERO,
            gas_limit,
            base_fee,
            prev_randao: B256::ZERO,
            parent_beacon_block_root: B256::ZERO,
        };
        let contents = Contents {
            state_root,
            transactions: &[],
            receipts: &[],
            gas_used: 0,
        };
        let header: Header = header(rules, &environment, &contents);
        let hash = header.hash_slow();
        let block = SealedBlock {
            header,
            hash,
            anchor: Anchor::default(),
            transactions: vec![],
            receipts: vec![],
        };
        Ok(GenesisOutcome {
            block,
            nodes,
            codes,
        })
    }
}
