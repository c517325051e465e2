//! Taking transactions.

use std::time::Duration;

use alloy::primitives::{B256, Bytes, keccak256};
use alloy::rpc::types::TransactionReceipt;
use tern_messages::{Confirmation, Place, Rejection};

use super::Eth;
use super::blocks::receipt;
use crate::main_node::MainNodeMessage;
use crate::rpc::error::RpcFailure;
use crate::rpc::numbers::Quantity;
use crate::rpc::reader::Reader;

/// Time that the answer needs on its way, taken off what a caller may wait.
const MARGIN: Duration = Duration::from_secs(1);

/// Returns once the transaction is executed and durable, or waits in the pool.
pub(super) async fn send(eth: &Eth, raw: Bytes) -> Result<B256, RpcFailure> {
    Ok(submit(eth, raw).await?.transaction)
}

/// Returns the receipt once the transaction is executed and durable.
pub(super) async fn send_sync(
    eth: &Eth,
    raw: Bytes,
    timeout: Option<Quantity>,
) -> Result<TransactionReceipt, RpcFailure> {
    let longest = patience(eth);
    let limit = timeout.map_or(longest, |asked| Duration::from_millis(asked.0).min(longest));
    let hash = keccak256(&raw);
    match submit(eth, raw).await {
        // Sent again: its receipt is as good.
        Ok(_) | Err(RpcFailure::Rejected(Rejection::AlreadyKnown)) => {}
        Err(other) => return Err(other),
    }
    match tokio::time::timeout(limit, wait_for_receipt(&eth.reader, hash)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(RpcFailure::NotYet {
            transaction: hash,
            waited: limit,
        }),
    }
}

async fn submit(eth: &Eth, raw: Bytes) -> Result<Confirmation, RpcFailure> {
    let ask = |reply| MainNodeMessage::SubmitTransaction(raw, reply);
    let confirmation = eth.node.call(ask, patience(eth)).await??;
    if let Place::Executed { block, index, .. } = &confirmation.place {
        tracing::debug!(
            target: "tern::rpc",
            transaction = %confirmation.transaction,
            %block,
            index,
            "confirmed"
        );
    }
    Ok(confirmation)
}

fn patience(eth: &Eth) -> Duration {
    let limit = eth.config.request_timeout;
    limit
        .checked_sub(MARGIN)
        .filter(|rest| !rest.is_zero())
        .unwrap_or(limit)
}

async fn wait_for_receipt(reader: &Reader, hash: B256) -> Result<TransactionReceipt, RpcFailure> {
    let mut changes = reader.changes();
    loop {
        changes.mark_unchanged();
        let look = reader.clone();
        let found = tokio::task::spawn_blocking(move || receipt(&look, hash)).await;
        let found = found.map_err(|error| RpcFailure::Internal(error.to_string()))?;
        if let Some(receipt) = found? {
            return Ok(receipt);
        }
        if changes.changed().await.is_err() {
            let reason = "the main node has stopped".to_owned();
            return Err(Rejection::Unavailable { reason }.into());
        }
    }
}
