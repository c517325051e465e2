//! General state tests: one transaction on a given state, with the state root and logs that Cancun gives.

use std::collections::BTreeMap;
use std::path::Path;

use alloy::consensus::{SignableTransaction, TxEnvelope};
use alloy::eips::eip2718::{Decodable2718, Encodable2718};
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use anyhow::{Context, Result};
use serde::Deserialize;
use tern_execution::{BlockEnvironment, ExecutionError, GenesisAccount, GenesisState, HashWindow};
use tern_messages::{ChainId, Gas};

use super::{name_of, quantity, read};

/// The chain that the vectors are made for.
pub const CHAIN: ChainId = ChainId(1);

/// One case: a test of the vectors with one choice of its transaction's data, gas and value.
#[derive(Clone, Debug)]
pub struct StateCase {
    /// Path of the test and indexes of the choice.
    pub name: String,
    /// State before.
    pub state: GenesisState,
    /// What the block sees.
    pub environment: BlockEnvironment,
    /// Hashes of the blocks before.
    pub hashes: HashWindow,
    /// The signed transaction (EIP-2718 bytes).
    pub raw: Bytes,
    /// Who signs it.
    pub signer: PrivateKeySigner,
    /// What comes of it.
    pub expected: Expected,
}

/// What the vectors say about a case.
#[derive(Clone, Debug)]
pub struct Expected {
    /// State root after it.
    pub state_root: B256,
    /// keccak256 of the RLP of its logs.
    pub logs_hash: B256,
    /// Why it is refused, if it is: names separated by `|`, each of which is right.
    pub exception: Option<String>,
}

/// Reads the cases of one file below `folder`.
///
/// # Errors
/// If it cannot be read or has another form.
pub fn cases(folder: &Path, file: &Path) -> Result<Vec<StateCase>> {
    let tests: BTreeMap<String, Test> = read(file)?;
    let mut cases = Vec::new();
    for (name, test) in &tests {
        let path = name_of(folder, file);
        let path = match path.rsplit('/').next() {
            Some(stem) if stem == name => path,
            _ => format!("{path}/{name}"),
        };
        let signer: PrivateKeySigner = test.transaction.secret_key.parse().context("secretKey")?;
        let (environment, hashes) = test.env.environment();
        for post in test.post.get("Cancun").into_iter().flatten() {
            let Indexes { data, gas, value } = post.indexes;
            cases.push(StateCase {
                name: format!("{path}/d{data}g{gas}v{value}"),
                state: test.state(),
                environment,
                hashes: hashes.clone(),
                raw: post.txbytes.clone(),
                signer: signer.clone(),
                expected: Expected {
                    state_root: post.hash,
                    logs_hash: post.logs,
                    exception: post.exception.clone(),
                },
            });
        }
    }
    Ok(cases)
}

impl StateCase {
    /// The transaction with replay protection (EIP-155).
    ///
    /// Most vectors are signed without chain id, which Tern refuses; they are signed again with it, by the
    /// key that the vectors give. Nothing else about them changes, the sender included.
    ///
    /// # Errors
    /// If signing fails.
    pub fn protected(&self) -> Result<Bytes> {
        match TxEnvelope::decode_2718_exact(&self.raw) {
            Ok(TxEnvelope::Legacy(signed)) if signed.tx().chain_id.is_none() => {
                let mut transaction = signed.strip_signature();
                transaction.chain_id = Some(CHAIN.0);
                self.sign(transaction)
            }
            _ => Ok(self.raw.clone()),
        }
    }

    /// Signs a transaction with the case's key.
    ///
    /// # Errors
    /// If signing fails.
    pub fn sign<T>(&self, transaction: T) -> Result<Bytes>
    where
        T: SignableTransaction<alloy::primitives::Signature>,
        TxEnvelope: From<alloy::consensus::Signed<T>>,
    {
        let signature = self.signer.sign_hash_sync(&transaction.signature_hash())?;
        let signed = TxEnvelope::from(transaction.into_signed(signature));
        Ok(signed.encoded_2718().into())
    }
}

impl Expected {
    /// Whether a refusal (or its absence) is what the vectors say.
    pub fn allows(&self, refused: Option<&ExecutionError>) -> bool {
        match (&self.exception, refused) {
            (None, None) => true,
            (Some(names), Some(error)) => names
                .split('|')
                .any(|name| matches(name.trim_start_matches("TransactionException."), error)),
            _ => false,
        }
    }
}

/// Whether a refusal is what the vectors call `name`.
fn matches(name: &str, error: &ExecutionError) -> bool {
    use ExecutionError as Error;
    match error {
        // A price beyond 128 bits does not decode, so that its product is not computed.
        Error::Malformed { .. } => {
            matches!(
                name,
                "RLP_INVALID_VALUE" | "GASLIMIT_PRICE_PRODUCT_OVERFLOW"
            )
        }
        // Blob transactions are refused whatever is wrong with them.
        Error::TypeNotSupported { .. } => name.starts_with("TYPE_3_TX_"),
        Error::NonceMax { .. } => name == "NONCE_IS_MAX",
        Error::SenderIsContract { .. } => name == "SENDER_NOT_EOA",
        Error::FeeCapTooLow { .. } => name == "INSUFFICIENT_MAX_FEE_PER_GAS",
        Error::TipAboveFeeCap { .. } => name == "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS",
        Error::InsufficientFunds { .. } => name == "INSUFFICIENT_ACCOUNT_FUNDS",
        Error::CostOverflow { .. } => name == "GASLIMIT_PRICE_PRODUCT_OVERFLOW",
        Error::IntrinsicGas { .. } => name == "INTRINSIC_GAS_TOO_LOW",
        Error::ExceedsBlockGasLimit { .. } => name == "GAS_ALLOWANCE_EXCEEDED",
        Error::InitCodeSize { .. } => name == "INITCODE_SIZE_EXCEEDED",
        _ => false,
    }
}

#[derive(Deserialize)]
struct Test {
    env: Env,
    pre: BTreeMap<Address, Account>,
    post: BTreeMap<String, Vec<Post>>,
    transaction: Template,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Env {
    current_coinbase: Address,
    #[serde(deserialize_with = "quantity::u64")]
    current_number: u64,
    #[serde(deserialize_with = "quantity::u64")]
    current_timestamp: u64,
    #[serde(deserialize_with = "quantity::u64")]
    current_gas_limit: u64,
    #[serde(deserialize_with = "quantity::u64")]
    current_base_fee: u64,
    current_random: U256,
}

#[derive(Deserialize)]
struct Account {
    balance: U256,
    #[serde(deserialize_with = "quantity::u64")]
    nonce: u64,
    code: Bytes,
    storage: BTreeMap<U256, U256>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Template {
    secret_key: String,
}

#[derive(Deserialize)]
struct Post {
    hash: B256,
    logs: B256,
    indexes: Indexes,
    txbytes: Bytes,
    #[serde(rename = "expectException")]
    exception: Option<String>,
}

#[derive(Deserialize)]
struct Indexes {
    data: usize,
    gas: usize,
    value: usize,
}

impl Env {
    fn environment(&self) -> (BlockEnvironment, HashWindow) {
        // The vectors' convention: the hash of block n is that of n in decimal.
        let first = self.current_number.saturating_sub(256);
        let hashes = (first..self.current_number).map(|number| keccak256(number.to_string()));
        let hashes = HashWindow::new(hashes);
        let environment = BlockEnvironment {
            chain_id: CHAIN,
            number: self.current_number,
            timestamp: self.current_timestamp,
            parent_hash: hashes.parent(),
            beneficiary: self.current_coinbase,
            gas_limit: Gas(self.current_gas_limit),
            base_fee: self.current_base_fee,
            prev_randao: self.current_random.into(),
            parent_beacon_block_root: B256::ZERO,
        };
        (environment, hashes)
    }
}

impl Test {
    fn state(&self) -> GenesisState {
        let accounts = self.pre.iter().map(|(address, account)| {
            let storage = account.storage.iter();
            let account = GenesisAccount {
                balance: account.balance,
                nonce: account.nonce,
                code: account.code.clone(),
                storage: storage
                    .map(|(slot, value)| ((*slot).into(), (*value).into()))
                    .collect(),
            };
            (*address, account)
        });
        GenesisState {
            accounts: accounts.collect(),
        }
    }
}
