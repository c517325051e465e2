//! What a user was promised: every transaction that was sent, and the receipt that was seen for it.

use alloy::consensus::TxEnvelope;
use alloy::eips::{BlockNumberOrTag, Encodable2718};
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, TxHash, U256};
use alloy::providers::Provider;
use alloy::rpc::types::{TransactionReceipt, TransactionRequest};
use anyhow::{Context, Result, ensure};

use super::user::User;

/// What every development account has at genesis.
const FUNDS: u128 = 10_000 * 10u128.pow(18);

/// What a receipt promises. The block's hash is provisional until it is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Promise {
    block: Option<u64>,
    index: Option<u64>,
    succeeded: bool,
    gas_used: u64,
    gas_price: u128,
}

#[derive(Clone, Debug)]
struct Entry {
    transaction: TxEnvelope,
    value: U256,
    promise: Option<Promise>,
}

/// The transfers of one user to one fresh account.
#[derive(Clone, Debug)]
pub struct Ledger {
    to: Address,
    entries: Vec<Entry>,
}

impl Ledger {
    /// Nothing sent yet to `to`, an account that nobody else pays.
    pub fn new(to: Address) -> Self {
        Self {
            to,
            entries: Vec::new(),
        }
    }

    /// How many transactions were confirmed.
    pub fn confirmed(&self) -> usize {
        self.entries
            .iter()
            .filter(|entry| entry.promise.is_some())
            .count()
    }

    /// Sends one more transfer. It is in the ledger even if this fails.
    ///
    /// # Errors
    /// If L3 does not answer or refuses it.
    pub async fn send(&mut self, user: &User) -> Result<()> {
        let value = U256::from(1_000 + self.entries.len());
        let request = TransactionRequest::default()
            .with_to(self.to)
            .with_value(value)
            .with_gas_limit(21_000);
        let transaction = user.sign(request).await?;
        self.entries.push(Entry {
            transaction: transaction.clone(),
            value,
            promise: None,
        });
        let _pending = user
            .provider()
            .send_raw_transaction(&transaction.encoded_2718())
            .await?;
        self.confirm(user, self.entries.len() - 1).await
    }

    /// Whether the last transaction is not confirmed.
    pub fn is_open(&self) -> bool {
        self.entries
            .last()
            .is_some_and(|entry| entry.promise.is_none())
    }

    /// Sends the last transaction again, as wallets do, until it is confirmed.
    ///
    /// # Errors
    /// If L3 does not answer.
    pub async fn insist(&mut self, user: &User) -> Result<()> {
        let Some(last) = self.entries.len().checked_sub(1) else {
            return Ok(());
        };
        if !self.is_open() {
            return Ok(());
        }
        let encoded = self.entries[last].transaction.encoded_2718();
        // Known already, or executed already, if only the answer was lost: its receipt says so.
        let sent = user.provider().send_raw_transaction(&encoded).await;
        self.confirm(user, last).await.map_err(|error| match sent {
            Ok(_) => error,
            Err(refused) => error.context(refused.to_string()),
        })
    }

    /// Checks that every promise is kept; then sends again what was sent in vain, as wallets do.
    ///
    /// # Errors
    /// The first promise that is broken.
    pub async fn is_kept(&mut self, user: &User) -> Result<()> {
        for index in 0..self.entries.len() {
            let Entry {
                transaction,
                promise,
                ..
            } = self.entries[index].clone();
            match promise {
                Some(promised) => {
                    let found = promise_of(&user.receipt(*transaction.tx_hash()).await?);
                    ensure!(
                        found == promised,
                        "{} was {promised:?}, is {found:?}",
                        transaction.tx_hash()
                    );
                }
                None => {
                    let sent = user
                        .provider()
                        .send_raw_transaction(&transaction.encoded_2718())
                        .await;
                    if let Err(error) = sent {
                        ensure!(error.to_string().contains("already known"), "{error}");
                    }
                    self.confirm(user, index).await?;
                }
            }
        }
        Ok(())
    }

    /// Checks that the user has what he did not spend, the other account what it was sent, and the beneficiary the
    /// fees. The user must have sent nothing else, and nobody else anything.
    ///
    /// # Errors
    /// The first balance that is wrong.
    pub async fn balances(&self, user: &User, beneficiary: Address) -> Result<()> {
        let (mut spent, mut received, mut earned) = (U256::ZERO, U256::ZERO, U256::ZERO);
        for entry in &self.entries {
            let promise = entry.promise.context("a transaction is not confirmed")?;
            let base_fee = base_fee(user, promise.block).await?;
            let gas = U256::from(promise.gas_used);
            received += entry.value;
            spent += entry.value + gas * U256::from(promise.gas_price);
            earned += gas * U256::from(promise.gas_price - u128::from(base_fee));
        }
        let funds = U256::from(FUNDS);
        let expected = [
            (user.address(), funds - spent),
            (self.to, received),
            (beneficiary, funds + earned),
        ];
        for (account, expected) in expected {
            let found = user.provider().get_balance(account).pending().await?;
            ensure!(
                found == expected,
                "{account} has {found}, should have {expected}"
            );
        }
        Ok(())
    }

    /// The last block that holds a confirmed transaction.
    pub fn last_block(&self) -> Option<u64> {
        self.entries
            .iter()
            .filter_map(|entry| entry.promise?.block)
            .max()
    }

    /// Hashes of all confirmed transactions.
    pub fn hashes(&self) -> Vec<TxHash> {
        let confirmed = self.entries.iter().filter(|entry| entry.promise.is_some());
        confirmed
            .map(|entry| *entry.transaction.tx_hash())
            .collect()
    }

    async fn confirm(&mut self, user: &User, index: usize) -> Result<()> {
        let receipt = user
            .receipt(*self.entries[index].transaction.tx_hash())
            .await?;
        ensure!(receipt.status(), "the transfer failed");
        self.entries[index].promise = Some(promise_of(&receipt));
        Ok(())
    }
}

fn promise_of(receipt: &TransactionReceipt) -> Promise {
    Promise {
        block: receipt.block_number,
        index: receipt.transaction_index,
        succeeded: receipt.status(),
        gas_used: receipt.gas_used,
        gas_price: receipt.effective_gas_price,
    }
}

async fn base_fee(user: &User, number: Option<u64>) -> Result<u64> {
    let number = number.context("a receipt has a block number")?;
    let sealed = user.provider().get_block_by_number(number.into()).await?;
    let block = match sealed {
        Some(block) => block,
        None => {
            let open = user
                .provider()
                .get_block_by_number(BlockNumberOrTag::Pending)
                .await?;
            open.filter(|open| open.header.number == number)
                .with_context(|| format!("there is no block {number}"))?
        }
    };
    block
        .header
        .base_fee_per_gas
        .context("a block has a base fee")
}
