//! The parent chain: the few questions that are asked of any EVM chain. Answers are not trusted with more
//! than they can prove; each wait and each answer's length is limited by the [`L2Endpoint`].

use std::future::IntoFuture;

use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, Bytes, TxHash, U256, hex, keccak256};
use alloy::providers::{Provider, RootProvider};
use alloy::rpc::client::RpcClient;
use alloy::rpc::types::{Filter, Log, Transaction, TransactionReceipt, TransactionRequest};
use alloy::sol_types::SolCall;
use alloy::transports::TransportError;
use tern_messages::ChainId;

use crate::endpoint::L2Endpoint;
use crate::error::SettlementError;
use crate::posting::Call;
use crate::transport::LimitedHttp;

/// Creation code that returns NUMBER and BLOCKHASH(NUMBER - 1): NUMBER PUSH0 MSTORE, PUSH1 1 NUMBER SUB BLOCKHASH
/// PUSH1 32 MSTORE, PUSH1 64 PUSH0 RETURN.
const OWN_BLOCK: &[u8] = &hex!("435f52600143034060205260405ff3");

/// A connection to L2.
#[derive(Clone, Debug)]
pub struct L2 {
    provider: RootProvider,
    endpoint: L2Endpoint,
    chain_id: ChainId,
}

/// A block of L2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct L2Block {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// Hash of the block before it.
    pub parent_hash: B256,
    /// Its time, in seconds since 1970.
    pub timestamp: u64,
    /// Its base fee in wei.
    pub base_fee: u64,
}

impl L2Block {
    /// With this block as the head: number of the newest one that is held by `confirmations` blocks, its own included,
    /// but `first` at least.
    pub fn settled_number(&self, confirmations: u64, first: u64) -> u64 {
        let depth = confirmations.saturating_sub(1);
        self.number.saturating_sub(depth).max(first)
    }
}

impl L2 {
    /// Connects and asks for the chain id.
    ///
    /// # Errors
    /// [`SettlementError::Unreachable`] and others that asking can bring.
    pub async fn connect(endpoint: L2Endpoint) -> Result<Self, SettlementError> {
        let transport = LimitedHttp::new(endpoint.clone())?;
        let provider = RootProvider::new(RpcClient::new(transport, false));
        let mut l2 = Self {
            provider,
            endpoint,
            chain_id: ChainId(0),
        };
        l2.chain_id = ChainId(l2.ask("its chain id", l2.provider.get_chain_id()).await?);
        Ok(l2)
    }

    /// Connects to the chain that is expected there.
    ///
    /// # Errors
    /// [`SettlementError::WrongChain`], and as [`Self::connect`].
    pub async fn connect_to(
        endpoint: L2Endpoint,
        expected: ChainId,
    ) -> Result<Self, SettlementError> {
        let l2 = Self::connect(endpoint).await?;
        if l2.chain_id == expected {
            return Ok(l2);
        }
        let endpoint = l2.endpoint.to_string();
        Err(SettlementError::WrongChain {
            endpoint,
            expected,
            found: l2.chain_id,
        })
    }

    /// L2's chain id.
    pub fn chain_id(&self) -> ChainId {
        self.chain_id
    }

    /// Where L2 is reached.
    pub fn endpoint(&self) -> &L2Endpoint {
        &self.endpoint
    }

    /// The newest block.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn head(&self) -> Result<L2Block, SettlementError> {
        let head = self.block_at(BlockNumberOrTag::Latest).await?;
        head.ok_or_else(|| self.malformed("its newest block", "there is none"))
    }

    /// The block of this number on the canonical chain, if there is one.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn block(&self, number: u64) -> Result<Option<L2Block>, SettlementError> {
        let block = self.block_at(number.into()).await?;
        if let Some(block) = block.filter(|block| block.number != number) {
            let reason = format!("asked for block {number}, got block {}", block.number);
            return Err(self.malformed("a block", &reason));
        }
        Ok(block)
    }

    /// The balance of `account`, in wei.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn balance(&self, account: Address) -> Result<U256, SettlementError> {
        self.ask("a balance", self.provider.get_balance(account))
            .await
    }

    /// The bytecode at `address`; empty where there is no contract.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn code(&self, address: Address) -> Result<Bytes, SettlementError> {
        self.ask("a contract's code", self.provider.get_code_at(address))
            .await
    }

    /// Checks that the EVM there knows the blocks of its own chain, as the contracts need it: on chains like Arbitrum
    /// `block.number` is L1's.
    ///
    /// # Errors
    /// [`SettlementError::UnsupportedL2`], and if L2 does not answer.
    pub async fn expect_own_blocks(&self) -> Result<(), SettlementError> {
        let head = self.head().await?;
        // Before the first block there is none to compare with.
        if head.number == 0 {
            return Ok(());
        }
        let request = TransactionRequest::default()
            .with_input(Bytes::from_static(OWN_BLOCK))
            .into_create();
        let call = self.provider.call(request).block(head.number.into());
        let seen = self.ask("what its EVM knows of its blocks", call).await?;
        let [number, parent] = match seen.as_chunks::<32>() {
            ([number, parent], []) => [B256::from(*number), B256::from(*parent)],
            _ => return Err(self.malformed("what its EVM knows of its blocks", "not two words")),
        };
        // A call may be executed in the block itself or in the one after it.
        let own = [(0, head.parent_hash), (1, head.hash)];
        let own = own.map(|(ahead, hash)| (B256::from(U256::from(head.number + ahead)), hash));
        if own.contains(&(number, parent)) {
            return Ok(());
        }
        Err(SettlementError::UnsupportedL2 {
            endpoint: self.endpoint.to_string(),
            head: head.number,
            number: U256::from_be_bytes(number.0),
        })
    }

    /// The RLP of a block's header.
    pub(crate) async fn encoded_header(&self, number: u64) -> Result<Bytes, SettlementError> {
        let action = "a block's header";
        let block = self
            .ask(action, self.provider.get_block_by_number(number.into()))
            .await?
            .ok_or_else(|| self.malformed(action, "there is no such block"))?;
        let encoded = alloy::rlp::encode(&block.header.inner);
        if keccak256(&encoded) != block.header.hash {
            return Err(self.malformed(action, "it does not have the hash that it is shown with"));
        }
        Ok(encoded.into())
    }

    async fn block_at(&self, at: BlockNumberOrTag) -> Result<Option<L2Block>, SettlementError> {
        let block = self
            .ask("a block", self.provider.get_block_by_number(at))
            .await?;
        Ok(block.map(|block| L2Block {
            number: block.header.number,
            hash: block.header.hash,
            parent_hash: block.header.parent_hash,
            timestamp: block.header.timestamp,
            base_fee: block.header.base_fee_per_gas.unwrap_or_default(),
        }))
    }

    /// Calls a view; `None` if what comes back is not its return value.
    pub(crate) async fn view<C: SolCall>(
        &self,
        to: Address,
        call: C,
        at: BlockId,
    ) -> Result<Option<C::Return>, SettlementError> {
        let request = TransactionRequest::default()
            .with_to(to)
            .with_input(call.abi_encode());
        let data = self
            .ask("a contract's view", self.provider.call(request).block(at))
            .await?;
        Ok(C::abi_decode_returns(&data).ok())
    }

    /// Gas that the call would use in the next block: the larger of two estimates. The one after what waits in L2's
    /// pool may find there the same call, sent before a crash, and its work done; the one in the newest block lacks
    /// what only the next block has, such as that block's own hash.
    pub(crate) async fn estimate_gas(
        &self,
        from: Address,
        call: &Call,
        action: &'static str,
    ) -> Result<u64, SettlementError> {
        let estimate = |block| self.provider.estimate_gas(request(from, call)).block(block);
        let pending = self.ask(action, estimate(BlockId::pending())).await;
        let latest = self.ask(action, estimate(BlockId::latest())).await;
        match (pending, latest) {
            (Ok(pending), Ok(latest)) => Ok(pending.max(latest)),
            (Err(_), Ok(gas)) => Ok(gas),
            (pending, Err(_)) => pending,
        }
    }

    pub(crate) async fn mined_nonce(&self, account: Address) -> Result<u64, SettlementError> {
        self.ask(
            "an account's nonce",
            self.provider.get_transaction_count(account),
        )
        .await
    }

    pub(crate) async fn priority_fee(&self) -> Result<u128, SettlementError> {
        self.ask(
            "the priority fee",
            self.provider.get_max_priority_fee_per_gas(),
        )
        .await
    }

    pub(crate) async fn send_raw(&self, raw: &[u8]) -> Result<(), TransportError> {
        self.provider.send_raw_transaction(raw).await.map(drop)
    }

    pub(crate) async fn receipt(
        &self,
        hash: TxHash,
    ) -> Result<Option<TransactionReceipt>, SettlementError> {
        let receipt = self
            .ask("a receipt", self.provider.get_transaction_receipt(hash))
            .await?;
        Ok(receipt.filter(|receipt| receipt.transaction_hash == hash))
    }

    pub(crate) async fn transaction(
        &self,
        hash: TxHash,
    ) -> Result<Option<Transaction>, SettlementError> {
        self.ask("a transaction", self.provider.get_transaction_by_hash(hash))
            .await
    }

    pub(crate) async fn logs(&self, filter: &Filter) -> Result<Vec<Log>, SettlementError> {
        self.ask("logs", self.provider.get_logs(filter)).await
    }

    pub(crate) fn error(&self, action: &'static str, error: TransportError) -> SettlementError {
        SettlementError::from_rpc(&self.endpoint, action, error)
    }

    async fn ask<T>(
        &self,
        action: &'static str,
        question: impl IntoFuture<Output = Result<T, TransportError>>,
    ) -> Result<T, SettlementError> {
        question.await.map_err(|error| self.error(action, error))
    }

    pub(crate) fn malformed(&self, action: &'static str, reason: &str) -> SettlementError {
        let endpoint = self.endpoint.to_string();
        SettlementError::Malformed {
            endpoint,
            action,
            reason: reason.into(),
        }
    }
}

pub(crate) fn request(from: Address, call: &Call) -> TransactionRequest {
    let request = TransactionRequest::default()
        .with_from(from)
        .with_input(call.data.clone());
    match call.to {
        Some(to) => request.with_to(to),
        None => request.into_create(),
    }
}
