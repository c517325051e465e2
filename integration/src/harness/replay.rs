//! L2 transactions of the past, called again with something changed.

use alloy::consensus::Transaction;
use alloy::eips::BlockId;
use alloy::network::{TransactionBuilder, TransactionResponse};
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::{Filter, TransactionRequest};
use anyhow::{Context, Result, bail};

/// A call that was mined once, as `eth_call` can make it again at the block before.
#[derive(Clone, Debug)]
pub struct Replay {
    l2: DynProvider,
    /// Who sent it.
    pub sender: Address,
    /// The contract that was called.
    pub to: Address,
    at: BlockId,
    /// What was sent.
    pub calldata: Bytes,
}

impl Replay {
    /// The transaction in which `contract` emitted `event` for the batch of this number.
    ///
    /// # Errors
    /// If there is none.
    pub async fn of(l2: DynProvider, contract: Address, event: B256, batch: u64) -> Result<Self> {
        let topic = B256::from(U256::from(batch));
        let filter = Filter::new()
            .address(contract)
            .event_signature(event)
            .topic1(topic)
            .from_block(0);
        let logs = l2.get_logs(&filter).await?;
        let log = logs.first().context("the batch has no such event")?;
        let hash = log.transaction_hash.context("a log has a transaction")?;
        let number = log.block_number.context("a log has a block")?;
        let transaction = l2
            .get_transaction_by_hash(hash)
            .await?
            .context("L2 has its transactions")?;
        Ok(Self {
            l2,
            sender: transaction.from(),
            to: contract,
            at: BlockId::number(number - 1),
            calldata: transaction.input().clone(),
        })
    }

    /// A call of `contract` at the newest block.
    pub fn now(l2: DynProvider, sender: Address, contract: Address) -> Self {
        Self {
            l2,
            sender,
            to: contract,
            at: BlockId::latest(),
            calldata: Bytes::new(),
        }
    }

    /// What the call returns, or the data with which it reverts.
    ///
    /// # Errors
    /// If L2 does not answer, or answers with another error.
    pub async fn call(&self, calldata: Bytes) -> Result<Result<Bytes, Bytes>> {
        self.call_as(self.sender, self.to, calldata).await
    }

    /// The same from another account, or of another contract.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn call_as(
        &self,
        from: Address,
        to: Address,
        calldata: Bytes,
    ) -> Result<Result<Bytes, Bytes>> {
        let request = TransactionRequest::default()
            .with_from(from)
            .with_to(to)
            .with_input(calldata);
        match self.l2.call(request).block(self.at).await {
            Ok(output) => Ok(Ok(output)),
            Err(error) => {
                let revert = error
                    .as_error_resp()
                    .and_then(|payload| payload.as_revert_data());
                match revert {
                    Some(data) => Ok(Err(data)),
                    None => bail!("L2 answers neither with a result nor with a revert: {error}"),
                }
            }
        }
    }
}
