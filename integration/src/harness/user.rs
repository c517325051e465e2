//! Somebody with a wallet.

use std::time::{Duration, Instant};

use alloy::consensus::TxEnvelope;
use alloy::network::{EthereumWallet, NetworkTransactionBuilder, TransactionBuilder};
use alloy::primitives::{Address, Bytes, TxHash, U256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::rpc::types::{TransactionReceipt, TransactionRequest};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tern_cluster_config::development_key;

/// A development account on L3 and a connection.
#[derive(Clone, Debug)]
pub struct User {
    provider: DynProvider,
    wallet: EthereumWallet,
    address: Address,
    chain_id: u64,
}

impl User {
    /// The `index`-th development account, talking to `url`.
    ///
    /// # Errors
    /// If nobody answers.
    pub async fn new(url: &str, index: u32) -> Result<Self> {
        let key = development_key(index);
        let address = key.address();
        let provider = ProviderBuilder::new().connect_http(url.parse()?).erased();
        let chain_id = provider
            .get_chain_id()
            .await
            .context("L3 does not answer")?;
        Ok(Self {
            provider,
            wallet: key.into(),
            address,
            chain_id,
        })
    }

    /// The account.
    pub fn address(&self) -> Address {
        self.address
    }

    /// The connection.
    pub fn provider(&self) -> &DynProvider {
        &self.provider
    }

    /// Signs `request` as a wallet does: it asks for nonce, fees and, unless the request says, gas.
    ///
    /// # Errors
    /// If L3 does not answer, or estimates that the call reverts.
    pub async fn sign(&self, request: TransactionRequest) -> Result<TxEnvelope> {
        let request = request.with_from(self.address).with_chain_id(self.chain_id);
        let nonce = self
            .provider
            .get_transaction_count(self.address)
            .pending()
            .await?;
        let fees = self.provider.estimate_eip1559_fees().await?;
        let gas = match request.gas {
            Some(gas) => gas,
            None => {
                self.provider
                    .estimate_gas(request.clone())
                    .pending()
                    .await?
            }
        };
        let most = request.max_fee_per_gas.unwrap_or(fees.max_fee_per_gas);
        let tip = request.max_priority_fee_per_gas;
        let request = request
            .with_nonce(nonce)
            .with_gas_limit(gas)
            .with_max_fee_per_gas(most)
            .with_max_priority_fee_per_gas(tip.unwrap_or(fees.max_priority_fee_per_gas));
        Ok(request.build(&self.wallet).await?)
    }

    /// Sends `request` and reads its receipt; also how long these two took.
    ///
    /// # Errors
    /// If it is refused, or has no receipt at once.
    pub async fn send(
        &self,
        request: TransactionRequest,
    ) -> Result<(TransactionReceipt, Duration)> {
        let signed = self.sign(request).await?;
        let start = Instant::now();
        let hash = *self.provider.send_tx_envelope(signed).await?.tx_hash();
        let receipt = self.receipt(hash).await?;
        Ok((receipt, start.elapsed()))
    }

    /// The receipt of a transaction that was accepted: L3 has it at once.
    ///
    /// # Errors
    /// If it is not there.
    pub async fn receipt(&self, hash: TxHash) -> Result<TransactionReceipt> {
        let receipt = self.provider.get_transaction_receipt(hash).await?;
        receipt.with_context(|| format!("{hash} was accepted and has no receipt"))
    }

    /// Sends one wei-denominated transfer that must succeed.
    ///
    /// # Errors
    /// If it does not.
    pub async fn transfer(&self, to: Address, value: U256) -> Result<TransactionReceipt> {
        let request = TransactionRequest::default().with_to(to).with_value(value);
        let (receipt, _) = self.send(request).await?;
        ensure!(receipt.status(), "the transfer failed");
        Ok(receipt)
    }

    /// Creates a contract that must be there afterwards.
    ///
    /// # Errors
    /// If it is not.
    pub async fn create(&self, code: Bytes) -> Result<Address> {
        let (receipt, _) = self
            .send(TransactionRequest::default().with_deploy_code(code))
            .await?;
        ensure!(receipt.status(), "the creation failed");
        receipt
            .contract_address
            .context("a creation has an address")
    }

    /// What `tern_finality` says.
    ///
    /// # Errors
    /// If L3 does not answer.
    pub async fn finality(&self) -> Result<Value> {
        Ok(self
            .provider
            .raw_request("tern_finality".into(), ())
            .await?)
    }
}
