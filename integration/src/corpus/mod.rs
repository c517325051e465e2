//! Transactions and contracts that together use everything the EVM has at Cancun, in blocks of one theme each.
//!
//! ```text
//! contracts, precompiles --> scenarios --> script (nonces, fees, signatures) --> Corpus: genesis and blocks
//!                                                                                   |
//!                            chain: Tern's execution, replay and witnesses <--------+--> an anvil
//! ```

pub mod assembly;
pub mod chain;
pub mod contracts;
mod precompiles;
mod scenarios;
mod script;

use alloy::primitives::{Address, B256, Bytes, U256};
use tern_execution::{GenesisAccount, GenesisState};
use tern_messages::ChainId;

pub use script::{Send, signer};

/// The chain that the corpus is signed for.
pub const CHAIN: ChainId = ChainId(33050);

/// Everything: the accounts that the chain begins with, and blocks to execute in order.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// Accounts at the beginning.
    pub genesis: GenesisState,
    /// The blocks.
    pub blocks: Vec<Block>,
}

/// The transactions of one block.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// What they are about.
    pub name: &'static str,
    /// The signed transactions.
    pub transactions: Vec<Transaction>,
}

impl Block {
    /// The transactions as bytes.
    pub fn raw(&self) -> Vec<Bytes> {
        let transactions = self.transactions.iter();
        transactions.map(|one| one.raw.clone()).collect()
    }
}

/// A transaction of the corpus.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// EIP-2718 bytes.
    pub raw: Bytes,
    /// Whether its execution is to succeed.
    pub succeeds: bool,
}

impl Corpus {
    /// The corpus. Always the same.
    pub fn new() -> Self {
        Self {
            genesis: genesis(),
            blocks: scenarios::all(),
        }
    }
}

impl Default for Corpus {
    fn default() -> Self {
        Self::new()
    }
}

/// The senders with a thousand ether each, and every contract.
pub fn genesis() -> GenesisState {
    let mut genesis = GenesisState::default();
    for index in 0..script::SENDERS {
        let account = GenesisAccount {
            balance: U256::from(10).pow(U256::from(21)),
            ..GenesisAccount::default()
        };
        genesis.accounts.insert(signer(index).address(), account);
    }
    for (address, code) in contracts::all() {
        let account = GenesisAccount {
            balance: U256::from(1_000_000),
            nonce: 1,
            code,
            storage: initial_storage(address),
        };
        genesis.accounts.insert(address, account);
    }
    genesis
}

fn initial_storage(address: Address) -> std::collections::BTreeMap<B256, B256> {
    let slots = match address {
        contracts::REFUNDS | contracts::PLAYGROUND => 0..4,
        _ => 0..0,
    };
    slots
        .map(|slot| (U256::from(slot).into(), U256::from(1).into()))
        .collect()
}
