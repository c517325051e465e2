//! The parent chain: the few questions that are asked of any EVM chain. Answers are not trusted with more
//! than they can prove; each wait and each answer's length is limited by the [`L2Endpoint`].

use std::future::IntoFuture;
use std::ops::RangeInclusive;

use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, Bytes, TxHash, U256, hex, keccak256};
use alloy::providers::{Provider, RootProvider};
use alloy::rpc::client::RpcClient;
use alloy::rpc::types::{Filter, Log, Transaction, TransactionReceipt, TransactionRequest};
use alloy::sol_types::{SolCall, SolEvent};
use alloy::transports::{TransportError, TransportErrorKind};
use tern_messages::{ChainId, StateProof};

use crate::endpoint::L2Endpoint;
use crate::error::{AnswerLimit, SettlementError};
use crate::posting::Call;
use crate::transport::LimitedHttp;

/// Creation code that returns NUMBER and BLOCKHASH(NUMBER - 1): NUMBER PUSH0 MSTORE, PUSH1 1 NUMBER SUB BLOCKHASH
/// PUSH1 32 MSTORE, PUSH1 64 PUSH0 RETURN.
const OWN_BLOCK: &[u8] = &hex!("435f52600143034060205260405ff3");

/// Blocks that one request for logs covers; public endpoints refuse more than some thousands.
pub(crate) const LOG_RANGE: u64 = 2_000;

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

/// What a log says, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged<T> {
    /// Number of the L2 block that holds it.
    pub l2_block: u64,
    /// What it says.
    pub item: T,
}

impl<T> Logged<T> {
    pub(crate) fn of(log: &Log, item: T) -> Option<Self> {
        let l2_block = log.block_number?;
        Some(Self { l2_block, item })
    }
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

    pub(crate) async fn block_at(
        &self,
        at: BlockNumberOrTag,
    ) -> Result<Option<L2Block>, SettlementError> {
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

    /// Calls a view of a contract that must be there.
    ///
    /// # Errors
    /// If the contract refuses, or what comes back is not the view's return value.
    pub async fn ask_contract<C: SolCall>(
        &self,
        contract: Address,
        call: C,
    ) -> Result<C::Return, SettlementError> {
        let answer = self.view(contract, call, BlockId::latest()).await?;
        answer.ok_or_else(|| self.malformed("a contract's view", "not its return value"))
    }

    /// The logs of a mined transaction that succeeded, with the number of its block; `None` as long as it is not mined.
    ///
    /// # Errors
    /// [`SettlementError::Failed`] if it failed, and if the chain does not answer as it should.
    pub async fn outcome(&self, hash: TxHash) -> Result<Option<Logged<Vec<Log>>>, SettlementError> {
        let Some(receipt) = self.receipt(hash).await? else {
            return Ok(None);
        };
        if !receipt.status() {
            let action = "a transaction";
            return Err(SettlementError::Failed { action, hash });
        }
        let l2_block = receipt
            .block_number
            .ok_or_else(|| self.malformed("a receipt", "without its block"))?;
        let item = receipt.logs().to_vec();
        Ok(Some(Logged { l2_block, item }))
    }

    /// Whether a transaction is mined, whatever came of it.
    ///
    /// # Errors
    /// If the chain does not answer as it should.
    pub async fn is_mined(&self, hash: TxHash) -> Result<bool, SettlementError> {
        Ok(self.receipt(hash).await?.is_some())
    }

    /// What the state after a block says of an account and a slot of it (EIP-1186).
    ///
    /// # Errors
    /// If the chain does not answer as it should.
    pub async fn proof(
        &self,
        account: Address,
        slot: B256,
        block: u64,
    ) -> Result<StateProof, SettlementError> {
        Ok(self.slot(account, slot, block).await?.1)
    }

    /// The same, after the slot's value.
    ///
    /// # Errors
    /// If the chain does not answer as it should.
    pub async fn slot(
        &self,
        account: Address,
        slot: B256,
        block: u64,
    ) -> Result<(U256, StateProof), SettlementError> {
        let question = self.provider.get_proof(account, vec![slot]).number(block);
        let proof = self.ask("a proof of a state", question).await?;
        let value = proof.storage_proof.first().map(|slot| slot.value);
        Ok((value.unwrap_or_default(), proof.into()))
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

    /// The calldata of a transaction, of whatever type: an L2 has some that Ethereum does not know.
    pub(crate) async fn calldata(&self, hash: TxHash) -> Result<Option<Bytes>, SettlementError> {
        #[derive(Debug, serde::Deserialize)]
        struct WithInput {
            input: Bytes,
        }
        let method = "eth_getTransactionByHash".into();
        let question = async { self.provider.raw_request(method, (hash,)).await };
        let found: Option<WithInput> = self.ask("a transaction", question).await?;
        Ok(found.map(|found| found.input))
    }

    pub(crate) async fn logs(&self, filter: &Filter) -> Result<Vec<Log>, SettlementError> {
        self.ask("logs", self.provider.get_logs(filter)).await
    }

    /// A contract's events of one kind whose first indexed field is `first`, in the newest `blocks` blocks.
    ///
    /// # Errors
    /// If the chain does not answer as it should.
    pub async fn newest_events<E: SolEvent>(
        &self,
        contract: Address,
        first: U256,
        blocks: u64,
    ) -> Result<Vec<E>, SettlementError> {
        let head = self.head().await?.number;
        let filter = Filter::new()
            .address(contract)
            .event_signature(E::SIGNATURE_HASH)
            .topic1(first);
        let logs = self
            .all_logs(filter, head.saturating_sub(blocks)..=head)
            .await?;
        let events = logs
            .iter()
            .filter_map(|log| E::decode_log_data(log.data()).ok());
        Ok(events.collect())
    }

    /// All logs within these blocks that the filter admits, in order.
    pub(crate) async fn all_logs(
        &self,
        filter: Filter,
        within: RangeInclusive<u64>,
    ) -> Result<Vec<Log>, SettlementError> {
        let mut found = Vec::new();
        let mut from = *within.start();
        while from <= *within.end() {
            let mut to = from.saturating_add(LOG_RANGE - 1).min(*within.end());
            let logs = loop {
                let filter = filter.clone().from_block(from).to_block(to);
                match self.provider.get_logs(&filter).await {
                    Ok(logs) => break logs,
                    // Whoever fills L2's blocks with events does not keep others from reading them.
                    Err(error) if to > from && is_too_long(&error) => to = from + (to - from) / 2,
                    Err(error) => return Err(self.error("logs", error)),
                }
            };
            found.extend(logs);
            let Some(next) = to.checked_add(1) else { break };
            from = next;
        }
        Ok(found)
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

/// Whether a server does not answer as the answer is longer than it gives, or than is taken from it.
fn is_too_long(error: &TransportError) -> bool {
    match error {
        TransportError::ErrorResp(_) => true,
        TransportError::Transport(TransportErrorKind::Custom(cause)) => matches!(
            cause.downcast_ref::<AnswerLimit>(),
            Some(AnswerLimit::Length { .. })
        ),
        _ => false,
    }
}

pub(crate) fn request(from: Address, call: &Call) -> TransactionRequest {
    let request = TransactionRequest::default()
        .with_from(from)
        .with_value(call.value)
        .with_input(call.data.clone());
    match call.to {
        Some(to) => request.with_to(to),
        None => request.into_create(),
    }
}
