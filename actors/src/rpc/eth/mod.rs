//! `eth_`: what Ethereum wallets, libraries and explorers ask for.

mod blocks;
mod fees;
mod logs;
mod send;
mod state;

use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::rpc::types::{
    Block, EIP1186AccountProofResponse, FeeHistory, Filter, Log, Transaction, TransactionReceipt,
    TransactionRequest,
};
use alloy::serde::JsonStorageKey;
use jsonrpsee::core::{RpcResult, async_trait};
use jsonrpsee::proc_macros::rpc;
use jsonrpsee::{Methods, RpcModule};
use serde_json::Value;
use tern_cluster::Address as ActorAddress;
use tern_cluster_config::RpcConfig;

use super::error::RpcFailure;
use super::numbers::Quantity;
use super::reader::Reader;
use crate::main_node::MainNodeMessage;

#[rpc(server, namespace = "eth")]
pub(super) trait EthApi {
    /// The chain id.
    #[method(name = "chainId")]
    fn chain_id(&self) -> RpcResult<Quantity>;

    /// Number of the last sealed block.
    #[method(name = "blockNumber")]
    fn block_number(&self) -> RpcResult<Quantity>;

    /// A node that makes the blocks never lags behind them.
    #[method(name = "syncing")]
    fn syncing(&self) -> RpcResult<bool>;

    /// This node holds no keys.
    #[method(name = "accounts")]
    fn accounts(&self) -> RpcResult<Vec<Address>>;

    /// Balance in wei.
    #[method(name = "getBalance", blocking)]
    fn balance(&self, address: Address, block: Option<BlockId>) -> RpcResult<U256>;

    /// Next nonce. At `pending`, transactions that wait are counted, too.
    #[method(name = "getTransactionCount", blocking)]
    fn transaction_count(&self, address: Address, block: Option<BlockId>) -> RpcResult<Quantity>;

    /// Bytecode.
    #[method(name = "getCode", blocking)]
    fn code(&self, address: Address, block: Option<BlockId>) -> RpcResult<Bytes>;

    /// A storage slot.
    #[method(name = "getStorageAt", blocking)]
    fn storage_at(
        &self,
        address: Address,
        slot: JsonStorageKey,
        block: Option<BlockId>,
    ) -> RpcResult<B256>;

    /// Proof of an account and slots under the state root of a sealed block (EIP-1186).
    #[method(name = "getProof", blocking)]
    fn proof(
        &self,
        address: Address,
        slots: Vec<JsonStorageKey>,
        block: Option<BlockId>,
    ) -> RpcResult<EIP1186AccountProofResponse>;

    /// Executes a call without leaving a trace.
    #[method(name = "call", blocking)]
    fn call(
        &self,
        request: TransactionRequest,
        block: Option<BlockId>,
        state_overrides: Option<Value>,
        block_overrides: Option<Value>,
    ) -> RpcResult<Bytes>;

    /// The least gas limit with which a transaction succeeds.
    #[method(name = "estimateGas", blocking)]
    fn estimate_gas(
        &self,
        request: TransactionRequest,
        block: Option<BlockId>,
        state_overrides: Option<Value>,
        block_overrides: Option<Value>,
    ) -> RpcResult<Quantity>;

    /// A price at which a legacy transaction is accepted for a while.
    #[method(name = "gasPrice")]
    fn gas_price(&self) -> RpcResult<U256>;

    /// Transactions are taken as they come: no priority need be bought.
    #[method(name = "maxPriorityFeePerGas")]
    fn max_priority_fee_per_gas(&self) -> RpcResult<U256>;

    /// Fees of recent sealed blocks.
    #[method(name = "feeHistory", blocking)]
    fn fee_history(
        &self,
        count: Quantity,
        newest: BlockNumberOrTag,
        percentiles: Option<Vec<f64>>,
    ) -> RpcResult<FeeHistory>;

    /// Takes a signed transaction; returns its hash once it is executed and durable, or waits in the pool.
    #[method(name = "sendRawTransaction")]
    async fn send_raw_transaction(&self, raw: Bytes) -> RpcResult<B256>;

    /// Takes a signed transaction and returns its receipt (EIP-7966). The time limit is in milliseconds.
    #[method(name = "sendRawTransactionSync")]
    async fn send_raw_transaction_sync(
        &self,
        raw: Bytes,
        timeout: Option<Quantity>,
    ) -> RpcResult<TransactionReceipt>;

    /// A transaction, confirmed or waiting.
    #[method(name = "getTransactionByHash", blocking)]
    fn transaction_by_hash(&self, hash: B256) -> RpcResult<Option<Transaction>>;

    /// The receipt of a confirmed transaction; its block may be open.
    #[method(name = "getTransactionReceipt", blocking)]
    fn transaction_receipt(&self, hash: B256) -> RpcResult<Option<TransactionReceipt>>;

    /// A block by number or tag.
    #[method(name = "getBlockByNumber", blocking)]
    fn block_by_number(
        &self,
        block: BlockNumberOrTag,
        full: Option<bool>,
    ) -> RpcResult<Option<Block>>;

    /// A block by hash, or by the provisional hash that it had while it was open.
    #[method(name = "getBlockByHash", blocking)]
    fn block_by_hash(&self, hash: B256, full: Option<bool>) -> RpcResult<Option<Block>>;

    /// Logs that match a filter.
    #[method(name = "getLogs", blocking)]
    fn logs(&self, filter: Filter) -> RpcResult<Vec<Log>>;
}

/// The methods, over the chain's readers and the main node.
#[derive(Clone)]
pub(super) struct Eth {
    reader: Reader,
    node: ActorAddress<MainNodeMessage>,
    config: RpcConfig,
}

impl Eth {
    pub(super) fn new(
        reader: Reader,
        node: ActorAddress<MainNodeMessage>,
        config: RpcConfig,
    ) -> Self {
        Self {
            reader,
            node,
            config,
        }
    }

    pub(super) fn methods(self) -> Methods {
        let module: RpcModule<Self> = self.into_rpc();
        module.into()
    }
}

#[async_trait]
impl EthApiServer for Eth {
    fn chain_id(&self) -> RpcResult<Quantity> {
        Ok(Quantity(self.reader.chain.spec.chain_id().0))
    }

    fn block_number(&self) -> RpcResult<Quantity> {
        Ok(Quantity(self.reader.head().sealed_number().0))
    }

    fn syncing(&self) -> RpcResult<bool> {
        Ok(false)
    }

    fn accounts(&self) -> RpcResult<Vec<Address>> {
        Ok(Vec::new())
    }

    fn balance(&self, address: Address, block: Option<BlockId>) -> RpcResult<U256> {
        Ok(state::balance(self, address, block)?)
    }

    fn transaction_count(&self, address: Address, block: Option<BlockId>) -> RpcResult<Quantity> {
        Ok(Quantity(state::nonce(self, address, block)?))
    }

    fn code(&self, address: Address, block: Option<BlockId>) -> RpcResult<Bytes> {
        Ok(state::code(self, address, block)?)
    }

    fn storage_at(
        &self,
        address: Address,
        slot: JsonStorageKey,
        block: Option<BlockId>,
    ) -> RpcResult<B256> {
        Ok(state::storage(self, address, slot, block)?)
    }

    fn proof(
        &self,
        address: Address,
        slots: Vec<JsonStorageKey>,
        block: Option<BlockId>,
    ) -> RpcResult<EIP1186AccountProofResponse> {
        Ok(state::proof(self, address, &slots, block)?)
    }

    fn call(
        &self,
        request: TransactionRequest,
        block: Option<BlockId>,
        state_overrides: Option<Value>,
        block_overrides: Option<Value>,
    ) -> RpcResult<Bytes> {
        no_overrides([state_overrides, block_overrides])?;
        Ok(state::call(self, &request, block)?)
    }

    fn estimate_gas(
        &self,
        request: TransactionRequest,
        block: Option<BlockId>,
        state_overrides: Option<Value>,
        block_overrides: Option<Value>,
    ) -> RpcResult<Quantity> {
        no_overrides([state_overrides, block_overrides])?;
        Ok(Quantity(state::estimate(self, &request, block)?))
    }

    fn gas_price(&self) -> RpcResult<U256> {
        Ok(fees::gas_price(&self.reader.head()))
    }

    fn max_priority_fee_per_gas(&self) -> RpcResult<U256> {
        Ok(U256::ZERO)
    }

    fn fee_history(
        &self,
        count: Quantity,
        newest: BlockNumberOrTag,
        percentiles: Option<Vec<f64>>,
    ) -> RpcResult<FeeHistory> {
        Ok(fees::history(
            &self.reader,
            count.0,
            newest,
            percentiles.as_deref(),
        )?)
    }

    async fn send_raw_transaction(&self, raw: Bytes) -> RpcResult<B256> {
        Ok(send::send(self, raw).await?)
    }

    async fn send_raw_transaction_sync(
        &self,
        raw: Bytes,
        timeout: Option<Quantity>,
    ) -> RpcResult<TransactionReceipt> {
        Ok(send::send_sync(self, raw, timeout).await?)
    }

    fn transaction_by_hash(&self, hash: B256) -> RpcResult<Option<Transaction>> {
        Ok(blocks::transaction(&self.reader, hash)?)
    }

    fn transaction_receipt(&self, hash: B256) -> RpcResult<Option<TransactionReceipt>> {
        Ok(blocks::receipt(&self.reader, hash)?)
    }

    fn block_by_number(
        &self,
        block: BlockNumberOrTag,
        full: Option<bool>,
    ) -> RpcResult<Option<Block>> {
        Ok(blocks::block(
            &self.reader,
            block.into(),
            full.unwrap_or_default(),
        )?)
    }

    fn block_by_hash(&self, hash: B256, full: Option<bool>) -> RpcResult<Option<Block>> {
        Ok(blocks::block(
            &self.reader,
            hash.into(),
            full.unwrap_or_default(),
        )?)
    }

    fn logs(&self, filter: Filter) -> RpcResult<Vec<Log>> {
        Ok(logs::find(&self.reader, &filter, self.config.logs)?)
    }
}

/// Overrides that are ignored would make the answer wrong: they are refused.
fn no_overrides(given: [Option<Value>; 2]) -> Result<(), RpcFailure> {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    if given.iter().flatten().all(empty) {
        Ok(())
    } else {
        Err(RpcFailure::Parameter(
            "state and block overrides are not supported".to_owned(),
        ))
    }
}
