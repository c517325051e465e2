//! What the bridge asks of L2.

use std::fmt::Debug;
use std::future::Future;
use std::ops::RangeInclusive;

use alloy::consensus::Header;
use alloy::eips::BlockId;
use alloy::primitives::{Address, B256};
use alloy::signers::local::PrivateKeySigner;
use tern_cluster_config::SecretUrl;
use tern_messages::{Batch, BatchNumber, ChainId, L2Transaction, Proof, ProvenRange};
use tern_settlement::{
    ExpectedRollup, FollowPolicy, L2, L2Block, L2Endpoint, Mined, RecordedBlock, RollupClient,
    RollupStatus, SettlementError, TransactionSender,
};
use tokio::sync::Mutex;
use tracing::warn;

use super::attestors::Attestors;

/// Result of a question to L2.
pub type Answer<T> = Result<T, SettlementError>;

/// The chain's contract on L2, and the operator's account.
pub trait Settlement: Send + Sync + Debug + 'static {
    /// The newest L2 block.
    fn head(&self) -> impl Future<Output = Answer<L2Block>> + Send;
    /// The L2 block of a number on the canonical chain.
    fn block(&self, number: u64) -> impl Future<Output = Answer<Option<L2Block>>> + Send;
    /// What the contract said after an L2 block.
    fn status_at(&self, number: u64) -> impl Future<Output = Answer<RollupStatus>> + Send;
    /// Whether the contract holds exactly this batch.
    fn holds(&self, batch: &Batch) -> impl Future<Output = Answer<bool>> + Send;
    /// The transaction that committed a batch, as far as L2 shows it.
    fn committed_in(
        &self,
        number: BatchNumber,
    ) -> impl Future<Output = Answer<Option<L2Transaction>>> + Send;
    /// Hash of the last block of the batch that the contract holds under this number, as far as L2 shows it.
    fn committed_block(
        &self,
        number: BatchNumber,
    ) -> impl Future<Output = Answer<Option<B256>>> + Send;
    /// The transaction that proved a batch, as far as L2 shows it.
    fn verified_in(
        &self,
        number: BatchNumber,
    ) -> impl Future<Output = Answer<Option<L2Transaction>>> + Send;
    /// L2 block in which the contract was created.
    fn deployment_block(&self) -> u64;
    /// L2 blocks whose hashes the contract recorded within these L2 blocks.
    fn recorded(
        &self,
        within: RangeInclusive<u64>,
    ) -> impl Future<Output = Answer<Vec<RecordedBlock>>> + Send;
    /// Commits a batch after `previous` (genesis if there is none), and waits until it is confirmed.
    fn commit(
        &self,
        genesis: &Header,
        previous: Option<&Batch>,
        batch: &Batch,
    ) -> impl Future<Output = Answer<Mined>> + Send;
    /// Reads again which proofs the contract asks for, if its verifier was replaced.
    ///
    /// The error is [`SettlementError::OtherCircuit`] while it takes none that this program makes.
    fn look_at_verifier(&self) -> impl Future<Output = Answer<()>> + Send;
    /// The proof that the contract takes: with the signatures of watchers, if it asks for them.
    ///
    /// The error is [`SettlementError::NotAttested`] while there are too few.
    fn complete(&self, proven: &ProvenRange) -> impl Future<Output = Answer<Proof>> + Send;
    /// Proves consecutive batches, and waits until that is confirmed.
    fn prove(
        &self,
        batches: &[Batch],
        proven: &ProvenRange,
    ) -> impl Future<Output = Answer<Mined>> + Send;
    /// Has the contract record the hash of a recent L2 block, and waits until that is confirmed.
    fn record(&self, number: u64) -> impl Future<Output = Answer<Mined>> + Send;
}

/// Makes connections.
pub trait Connector: Clone + Send + Sync + Debug + 'static {
    /// What a connection offers.
    type Settlement: Settlement;

    /// Connects, and checks that the other side is the expected one.
    fn connect(&self) -> impl Future<Output = Answer<Self::Settlement>> + Send;
}

/// Connects to a real L2.
#[derive(Clone)]
pub struct L2Connector {
    /// Where L2 is.
    pub endpoint: L2Endpoint,
    /// Its chain id.
    pub chain_id: ChainId,
    /// The contract that must be there.
    pub rollup: ExpectedRollup,
    /// Digest of the circuit whose proofs this program makes.
    pub circuit: B256,
    /// The operator's key.
    pub operator: PrivateKeySigner,
    /// How transactions are followed.
    pub policy: FollowPolicy,
    /// RPC servers of the watchers that are asked to sign.
    pub watchers: Vec<SecretUrl>,
}

impl Connector for L2Connector {
    type Settlement = OnL2;

    async fn connect(&self) -> Answer<OnL2> {
        let l2 = L2::connect_to(self.endpoint.clone(), self.chain_id).await?;
        let rollup = RollupClient::connect(l2.clone(), self.rollup).await?;
        let sender = TransactionSender::new(l2, self.operator.clone(), self.policy);
        let verifier = rollup.verifier().await?;
        let required = rollup.required_proofs(verifier).await?;
        let attestors = Attestors::new(required, &self.watchers)?;
        Ok(OnL2 {
            rollup,
            sender,
            circuit: self.circuit,
            watchers: self.watchers.clone(),
            asked: Mutex::new((verifier, attestors)),
        })
    }
}

impl Debug for L2Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("L2Connector")
            .field("endpoint", &self.endpoint)
            .field("rollup", &self.rollup.address)
            .field("operator", &self.operator.address())
            .finish_non_exhaustive()
    }
}

/// A real L2.
#[derive(Debug)]
pub struct OnL2 {
    rollup: RollupClient,
    sender: TransactionSender,
    circuit: B256,
    watchers: Vec<SecretUrl>,
    /// The contract's verifier at the last look, and who is asked for signatures.
    asked: Mutex<(Address, Attestors)>,
}

impl Settlement for OnL2 {
    async fn head(&self) -> Answer<L2Block> {
        self.rollup.l2().head().await
    }

    async fn block(&self, number: u64) -> Answer<Option<L2Block>> {
        self.rollup.l2().block(number).await
    }

    async fn status_at(&self, number: u64) -> Answer<RollupStatus> {
        self.rollup.status_at(BlockId::number(number)).await
    }

    async fn holds(&self, batch: &Batch) -> Answer<bool> {
        self.rollup.holds(batch).await
    }

    async fn committed_block(&self, number: BatchNumber) -> Answer<Option<B256>> {
        self.rollup.committed_block(number).await
    }

    async fn committed_in(&self, number: BatchNumber) -> Answer<Option<L2Transaction>> {
        self.rollup.committed_in(number).await
    }

    async fn verified_in(&self, number: BatchNumber) -> Answer<Option<L2Transaction>> {
        self.rollup.verified_in(number).await
    }

    fn deployment_block(&self) -> u64 {
        self.rollup.deployment_block()
    }

    async fn recorded(&self, within: RangeInclusive<u64>) -> Answer<Vec<RecordedBlock>> {
        self.rollup.recorded_blocks(within).await
    }

    async fn commit(
        &self,
        genesis: &Header,
        previous: Option<&Batch>,
        batch: &Batch,
    ) -> Answer<Mined> {
        let previous = match previous {
            Some(previous) => self.rollup.previous_batch(previous).await?,
            None => self.rollup.genesis(genesis),
        };
        let call = self.rollup.commit(&previous, batch)?;
        self.sender.send("commitBatch", &call).await
    }

    async fn look_at_verifier(&self) -> Answer<()> {
        let verifier = self.rollup.verifier().await?;
        let mut asked = self.asked.lock().await;
        if asked.0 != verifier {
            let required = self.rollup.required_proofs(verifier).await?;
            let attestors = Attestors::new(required, &self.watchers)?;
            warn!(target: "tern::bridge", before = %asked.0, now = %verifier, "the contract's verifier was replaced");
            *asked = (verifier, attestors);
        }
        asked.1.required().expect_circuit(self.circuit)
    }

    async fn complete(&self, proven: &ProvenRange) -> Answer<Proof> {
        self.asked.lock().await.1.complete(proven).await
    }

    async fn prove(&self, batches: &[Batch], proven: &ProvenRange) -> Answer<Mined> {
        let call = self
            .rollup
            .prove(batches, &proven.statement, &proven.proof)?;
        self.sender.send("proveBatches", &call).await
    }

    async fn record(&self, number: u64) -> Answer<Mined> {
        let call = self.rollup.record_block_hash(number).await?;
        self.sender.send("recordBlockHash", &call).await
    }
}
