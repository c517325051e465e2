//! What the bridge asks of L2.

use std::fmt::Debug;
use std::future::Future;
use std::ops::RangeInclusive;

use alloy::consensus::Header;
use alloy::eips::BlockId;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::signers::local::PrivateKeySigner;
use tern_cluster_config::SecretUrl;
use tern_messages::{
    Batch, BatchNumber, ChainId, ForcedTransaction, L2Transaction, Proof, ProvenBlock, ProvenRange,
    QueuedMessage, WindowDigest,
};
use tern_settlement::{
    Challenged, Depth, DisputeTerms, DisputesClient, ExpectedRollup, FollowPolicy, ForcedEntry,
    InboxProof, L2, L2Block, L2Endpoint, Logged, Mined, PreviousBatch, Proposal, Queue,
    RecordedBlock, RollupClient, RollupStatus, SettlementError, Standing, TransactionSender,
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
    /// With `head` as the newest L2 block: the newest that is so deep, or that of the contract's creation.
    fn settled(&self, head: L2Block, depth: Depth) -> impl Future<Output = Answer<L2Block>> + Send;
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
        messages: InboxProof,
    ) -> impl Future<Output = Answer<Mined>> + Send;
    /// Whether anyone may commit, with a proof.
    fn is_open(&self) -> impl Future<Output = Answer<bool>> + Send;
    /// Commits a batch after `previous` (genesis if there is none) and proves it, by one call.
    fn commit_and_prove(
        &self,
        genesis: &Header,
        previous: Option<&Batch>,
        batch: &Batch,
        proven: &ProvenRange,
        messages: InboxProof,
    ) -> impl Future<Output = Answer<Mined>> + Send;
    /// On which terms batches are final without a proof, if they are.
    fn dispute_terms(&self) -> Option<DisputeTerms>;
    /// How proposals and challenges stand.
    fn standing(&self) -> impl Future<Output = Answer<Standing>> + Send;
    /// The proposal of a batch, if it is proposed.
    fn proposal(
        &self,
        number: BatchNumber,
    ) -> impl Future<Output = Answer<Option<Proposal>>> + Send;
    /// How many messages the state after a proposed batch is known to have processed; 0 if it is not proposed.
    fn known_messages(&self, number: BatchNumber) -> impl Future<Output = Answer<u64>> + Send;
    /// Adds to the stake behind proposals.
    fn add_stake(&self, amount: U256) -> impl Future<Output = Answer<Mined>> + Send;
    /// Proposes a batch, with the windows after its blocks.
    fn propose(
        &self,
        batch: &Batch,
        windows: &[WindowDigest],
        messages: InboxProof,
    ) -> impl Future<Output = Answer<Mined>> + Send;
    /// Proves a block of `batch` by itself, which follows `previous` (genesis if there is none).
    fn answer_challenge(
        &self,
        genesis: &Header,
        previous: Option<&Batch>,
        batch: &Batch,
        windows: &[WindowDigest],
        proven: &ProvenBlock,
    ) -> impl Future<Output = Answer<Mined>> + Send;
    /// Has a challenge decided.
    fn settle_challenge(
        &self,
        challenged: Challenged,
    ) -> impl Future<Output = Answer<Mined>> + Send;
    /// Makes a batch final that nobody challenged with success.
    fn finalize(&self, batch: &Batch) -> impl Future<Output = Answer<Mined>> + Send;
    /// Messages that were sent within these L2 blocks, where `before` is the queue until then.
    fn messages(
        &self,
        within: RangeInclusive<u64>,
        before: Queue,
    ) -> impl Future<Output = Answer<Vec<Logged<QueuedMessage>>>> + Send;
    /// Transactions that were posted within these L2 blocks.
    fn forced_transactions(
        &self,
        within: RangeInclusive<u64>,
    ) -> impl Future<Output = Answer<Vec<Logged<ForcedTransaction>>>> + Send;
    /// How far the verified state is, as the contract knows it.
    fn processed(&self) -> impl Future<Output = Answer<Processed>> + Send;
    /// The posted transactions from `first` on.
    fn forced_entries(
        &self,
        first: u64,
        wanted: u64,
    ) -> impl Future<Output = Answer<Vec<ForcedEntry>>> + Send;
    /// From when a transaction is posted until a block must hold it, in seconds.
    fn forced_deadline(&self) -> impl Future<Output = Answer<u64>> + Send;
    /// Takes a posted transaction off its queue, by its sender's account in the verified state.
    fn discharge(
        &self,
        transaction: &ForcedTransaction,
        account: Vec<Bytes>,
    ) -> impl Future<Output = Answer<Mined>> + Send;
    /// Has the contract record the hash of a recent L2 block, and waits until that is confirmed.
    fn record(&self, number: u64) -> impl Future<Output = Answer<Mined>> + Send;
}

/// How far the verified state is in the queues of L2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Processed {
    /// Messages that were sent.
    pub sent: u64,
    /// Messages that are known to be processed.
    pub messages: u64,
    /// Posted transactions that blocks hold, or that were passed over.
    pub forced: u64,
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
        let disputes = rollup.disputes().await?;
        Ok(OnL2 {
            disputes,
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
    disputes: Option<DisputesClient>,
}

impl OnL2 {
    fn disputes(&self) -> Answer<&DisputesClient> {
        self.disputes.as_ref().ok_or(SettlementError::NoDisputes {
            rollup: self.rollup.address(),
        })
    }

    /// What the batch after `previous` follows.
    async fn previous(&self, genesis: &Header, previous: Option<&Batch>) -> Answer<PreviousBatch> {
        match previous {
            Some(previous) => self.rollup.previous_batch(previous).await,
            None => Ok(self.rollup.genesis(genesis)),
        }
    }
}

impl Settlement for OnL2 {
    async fn head(&self) -> Answer<L2Block> {
        self.rollup.l2().head().await
    }

    async fn settled(&self, head: L2Block, depth: Depth) -> Answer<L2Block> {
        let first = self.rollup.deployment_block();
        self.rollup.l2().settled_below(head, depth, first).await
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
        let previous = self.previous(genesis, previous).await?;
        let call = self.rollup.commit(&previous, batch).await?;
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

    async fn prove(
        &self,
        batches: &[Batch],
        proven: &ProvenRange,
        messages: InboxProof,
    ) -> Answer<Mined> {
        let (statement, proof) = (&proven.statement, &proven.proof);
        let call = self
            .rollup
            .prove(batches, statement, proof, messages)
            .await?;
        self.sender.send("proveBatches", &call).await
    }

    async fn is_open(&self) -> Answer<bool> {
        self.rollup.is_open().await
    }

    async fn commit_and_prove(
        &self,
        genesis: &Header,
        previous: Option<&Batch>,
        batch: &Batch,
        proven: &ProvenRange,
        messages: InboxProof,
    ) -> Answer<Mined> {
        let previous = self.previous(genesis, previous).await?;
        let (statement, proof) = (&proven.statement, &proven.proof);
        let call = self
            .rollup
            .commit_and_prove(&previous, batch, statement, proof, messages)
            .await?;
        self.sender.send("commitAndProve", &call).await
    }

    fn dispute_terms(&self) -> Option<DisputeTerms> {
        self.disputes.as_ref().map(|disputes| *disputes.terms())
    }

    async fn standing(&self) -> Answer<Standing> {
        self.disputes()?.standing(self.sender.account()).await
    }

    async fn proposal(&self, number: BatchNumber) -> Answer<Option<Proposal>> {
        self.disputes()?.proposal(number).await
    }

    async fn known_messages(&self, number: BatchNumber) -> Answer<u64> {
        self.disputes()?.known_messages(number).await
    }

    async fn add_stake(&self, amount: U256) -> Answer<Mined> {
        let call = self.disputes()?.add_stake(amount);
        self.sender.send("addStake", &call).await
    }

    async fn propose(
        &self,
        batch: &Batch,
        windows: &[WindowDigest],
        messages: InboxProof,
    ) -> Answer<Mined> {
        let call = self.disputes()?.propose(batch, windows, messages).await?;
        self.sender.send("propose", &call).await
    }

    async fn answer_challenge(
        &self,
        genesis: &Header,
        previous: Option<&Batch>,
        batch: &Batch,
        windows: &[WindowDigest],
        proven: &ProvenBlock,
    ) -> Answer<Mined> {
        let disputes = self.disputes()?;
        let previous = self.previous(genesis, previous).await?;
        let call = disputes.answer(&previous, batch, windows, proven).await?;
        self.sender.send("answer", &call).await
    }

    async fn settle_challenge(&self, challenged: Challenged) -> Answer<Mined> {
        let call = self.disputes()?.settle(challenged);
        self.sender.send("settle", &call).await
    }

    async fn finalize(&self, batch: &Batch) -> Answer<Mined> {
        let call = self.disputes()?.finalize(batch).await?;
        self.sender.send("finalize", &call).await
    }

    async fn messages(
        &self,
        within: RangeInclusive<u64>,
        before: Queue,
    ) -> Answer<Vec<Logged<QueuedMessage>>> {
        self.rollup.messages(within, before).await
    }

    async fn forced_transactions(
        &self,
        within: RangeInclusive<u64>,
    ) -> Answer<Vec<Logged<ForcedTransaction>>> {
        self.rollup.forced_transactions(within).await
    }

    async fn processed(&self) -> Answer<Processed> {
        Ok(Processed {
            sent: self.rollup.message_count().await?,
            messages: self.rollup.processed_messages().await?,
            forced: self.rollup.verified_forced().await?,
        })
    }

    async fn forced_entries(&self, first: u64, wanted: u64) -> Answer<Vec<ForcedEntry>> {
        self.rollup.forced_entries(first, wanted).await
    }

    async fn forced_deadline(&self) -> Answer<u64> {
        self.rollup.forced_deadline().await
    }

    async fn discharge(
        &self,
        transaction: &ForcedTransaction,
        account: Vec<Bytes>,
    ) -> Answer<Mined> {
        let call = self.rollup.discharge(transaction, account);
        self.sender.send("discharge", &call).await
    }

    async fn record(&self, number: u64) -> Answer<Mined> {
        let call = self.rollup.record_block_hash(number).await?;
        self.sender.send("recordBlockHash", &call).await
    }
}
