//! A main node for tests: a chain in a temporary directory, and transactions for it.

use std::path::Path;
use std::time::Duration;

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::primitives::{Address, Bytes, TxKind, U256};
use alloy::signers::SignerSync;
use tern_cluster::Process;
use tern_cluster_config::{Devnet, PoolConfig, Profile, SealingPolicy, development_key};
use tern_messages::{Confirmation, Place, Receipt, Rejection};
use tokio::sync::watch;

use super::{Chain, ChainSpec, Head, MainNodeHandle, MainNodeMessage};

/// Longest wait for anything.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// Blocks stay open until they are full.
pub(crate) fn patient() -> SealingPolicy {
    SealingPolicy {
        min_interval: Duration::from_secs(600),
        max_interval: Duration::from_secs(600),
        ..SealingPolicy::default()
    }
}

/// Blocks are sealed soon after their first transaction.
pub(crate) fn hasty() -> SealingPolicy {
    SealingPolicy {
        min_interval: Duration::from_millis(20),
        ..SealingPolicy::default()
    }
}

pub(crate) fn rollup(sealing: SealingPolicy) -> ChainSpec {
    let chain = Devnet::l3(31_337, Profile::InsecureTest);
    ChainSpec::rollup(&chain, sealing, PoolConfig::default())
}

/// A running main node.
pub(crate) struct Node {
    pub(crate) process: Process,
    pub(crate) handle: MainNodeHandle,
}

impl Node {
    pub(crate) async fn start(directory: &Path, spec: ChainSpec) -> Self {
        let handle = MainNodeHandle::new(Chain::open(directory, spec).unwrap()).unwrap();
        let process = Process::start().await.unwrap();
        process.add(handle.child(0)).await.unwrap();
        Self { process, handle }
    }

    /// Stops it in order, and waits until the data directory is free.
    pub(crate) async fn stop(self) {
        let report = self.process.stop(LIMIT).await;
        assert_eq!(report.killed, Vec::<&str>::new());
    }

    pub(crate) async fn submit(&self, raw: Bytes) -> Result<Confirmation, Rejection> {
        let ask = |reply| MainNodeMessage::SubmitTransaction(raw, reply);
        self.handle.address.call(ask, LIMIT).await.unwrap()
    }

    /// Submits a transaction that is executed at once.
    pub(crate) async fn execute(&self, raw: Bytes) -> Receipt {
        match self.submit(raw).await.unwrap().place {
            Place::Executed { receipt, .. } => *receipt,
            Place::Queued => panic!("the transaction waits"),
        }
    }

    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        build: impl FnOnce(ractor::RpcReplyPort<T>) -> MainNodeMessage,
    ) -> T {
        self.handle.address.call(build, LIMIT).await.unwrap()
    }

    pub(crate) fn tell(&self, message: MainNodeMessage) {
        self.handle.address.cast(message).unwrap();
    }

    /// Waits until the published head is as wanted.
    pub(crate) async fn until(&self, wanted: impl FnMut(&Head) -> bool) -> Head {
        wait_for(&mut self.handle.head(), wanted).await
    }

    /// Waits until a block is sealed.
    pub(crate) async fn sealed(&self, number: u64) -> Head {
        self.until(|head| head.sealed_number().0 >= number).await
    }
}

pub(crate) async fn wait_for(
    head: &mut watch::Receiver<Head>,
    wanted: impl FnMut(&Head) -> bool,
) -> Head {
    let changed = tokio::time::timeout(LIMIT, head.wait_for(wanted)).await;
    changed.expect("in time").unwrap().clone()
}

/// A transaction of a development account.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) account: u32,
    pub(crate) body: TxEip1559,
}

impl Draft {
    /// A transfer of 1 wei on the rollup.
    pub(crate) fn new(account: u32, nonce: u64) -> Self {
        Self {
            account,
            body: TxEip1559 {
                chain_id: Devnet::L3_CHAIN_ID.0,
                nonce,
                gas_limit: 21_000,
                max_fee_per_gas: 2_000_000_000,
                max_priority_fee_per_gas: 1,
                to: TxKind::Call(Address::repeat_byte(0xaa)),
                value: U256::from(1),
                ..TxEip1559::default()
            },
        }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut TxEip1559)) -> Self {
        change(&mut self.body);
        self
    }

    pub(crate) fn sign(self) -> Bytes {
        let key = development_key(self.account);
        let signature = key.sign_hash_sync(&self.body.signature_hash()).unwrap();
        TxEnvelope::from(self.body.into_signed(signature))
            .encoded_2718()
            .into()
    }
}

pub(crate) fn transfer(account: u32, nonce: u64) -> Bytes {
    Draft::new(account, nonce).sign()
}
