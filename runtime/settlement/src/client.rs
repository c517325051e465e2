//! The `Rollup` contract as seen from outside.

use alloy::consensus::Header;
use alloy::eips::BlockId;
use alloy::primitives::{Address, B256};
use alloy::sol_types::SolCall;
use tern_messages::job::StatementData;
use tern_messages::{
    Anchor, Batch, BatchNumber, BlockNumber, ChainId, L2Anchor, Proof, WindowDigest,
};

use crate::bindings::IRollup;
use crate::error::SettlementError;
use crate::forced::{Taken, taken};
use crate::l2::L2;
use crate::posted::PostedBlock;
use crate::posting::{self, Call, InboxProof, PreviousBatch};

/// What a node knows of the chain that the contract must be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedRollup {
    /// The contract.
    pub address: Address,
    /// Chain id of the L3 chain.
    pub chain_id: ChainId,
    /// Hash of its block 0.
    pub genesis_hash: B256,
}

/// Where the chain stands on L2, all read at one L2 block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollupStatus {
    /// The last committed batch; 0 at genesis.
    pub last_committed: BatchNumber,
    /// The last verified batch; 0 at genesis.
    pub last_verified: BatchNumber,
    /// The last verified block.
    pub verified_block: BlockNumber,
    /// Its hash.
    pub verified_block_hash: B256,
    /// Its state root.
    pub verified_state_root: B256,
    /// Its time, in seconds since 1970.
    pub verified_timestamp: u64,
    /// Digest of the 256 block hashes that the block after it sees.
    pub verified_window: WindowDigest,
}

/// The `Rollup` contract of one L3 chain.
#[derive(Clone, Debug)]
pub struct RollupClient {
    l2: L2,
    address: Address,
    pub(crate) inbox: Address,
    pub(crate) forced_queue: Address,
    /// Zero if proofs alone make batches final.
    pub(crate) disputes: Address,
    deployment_block: u64,
}

impl RollupClient {
    /// Connects to the contract and checks that it is this chain's.
    ///
    /// # Errors
    /// [`SettlementError::NoContract`], [`SettlementError::NotARollup`], [`SettlementError::WrongRollup`], and
    /// if L2 does not answer.
    pub async fn connect(l2: L2, expected: ExpectedRollup) -> Result<Self, SettlementError> {
        let ExpectedRollup {
            address,
            chain_id,
            genesis_hash,
        } = expected;
        if l2.code(address).await?.is_empty() {
            return Err(SettlementError::NoContract {
                address,
                chain: l2.chain_id(),
            });
        }
        let mut client = Self {
            l2,
            address,
            inbox: Address::ZERO,
            forced_queue: Address::ZERO,
            disputes: Address::ZERO,
            deployment_block: 0,
        };
        let found = ChainId(client.identify(IRollup::chainIdCall {}).await?);
        client.same("chain id", chain_id, found)?;
        let found = client.identify(IRollup::genesisHashCall {}).await?;
        client.same("genesis block", genesis_hash, found)?;
        client.inbox = client.identify(IRollup::inboxCall {}).await?;
        client.forced_queue = client.identify(IRollup::forcedQueueCall {}).await?;
        client.disputes = client.identify(IRollup::disputesCall {}).await?;
        client.deployment_block = client.identify(IRollup::deploymentBlockCall {}).await?;
        Ok(client)
    }

    /// The contract's address.
    pub fn address(&self) -> Address {
        self.address
    }

    /// The queue of messages to the chain.
    pub fn inbox(&self) -> Address {
        self.inbox
    }

    /// The queue of transactions that blocks must hold.
    pub fn forced_queue(&self) -> Address {
        self.forced_queue
    }

    /// The chain that the contract is on.
    pub fn l2(&self) -> &L2 {
        &self.l2
    }

    /// L2 block in which the contract was created.
    pub fn deployment_block(&self) -> u64 {
        self.deployment_block
    }

    /// Where the chain stands at the newest L2 block.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn status(&self) -> Result<RollupStatus, SettlementError> {
        self.status_at(BlockId::latest()).await
    }

    /// Where the chain stood at an L2 block; L2 may have forgotten old states.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn status_at(&self, at: BlockId) -> Result<RollupStatus, SettlementError> {
        let status = self.view(IRollup::statusCall {}, at).await?;
        Ok(RollupStatus {
            last_committed: BatchNumber(status.lastCommittedBatch),
            last_verified: BatchNumber(status.lastVerifiedBatch),
            verified_block: BlockNumber(status.verifiedBlockNumber),
            verified_block_hash: status.verifiedBlockHash,
            verified_state_root: status.verifiedStateRoot,
            verified_timestamp: status.verifiedTimestamp,
            verified_window: status.verifiedHashWindow,
        })
    }

    /// The account that may commit.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn operator(&self) -> Result<Address, SettlementError> {
        self.view(IRollup::operatorCall {}, BlockId::latest()).await
    }

    /// The hash under which the contract keeps a batch, if one stands there.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn batch_hash(&self, number: BatchNumber) -> Result<Option<B256>, SettlementError> {
        let call = IRollup::batchHashCall { number: number.0 };
        let hash = self.view(call, BlockId::latest()).await?;
        Ok(Some(hash).filter(|hash| !hash.is_zero()))
    }

    /// What a posted block knows of L2, and the L2 block that it names if it names one.
    ///
    /// # Errors
    /// If L2 does not answer as it should, or knows less than the block.
    pub async fn anchor_of(
        &self,
        posted: &PostedBlock,
    ) -> Result<(Anchor, Option<L2Anchor>), SettlementError> {
        if posted.l2_block.is_zero() {
            return Ok((Anchor::default(), None));
        }
        let call = IRollup::recordedBlockCall {
            blockHash: posted.l2_block,
        };
        let found = self.view(call, BlockId::latest()).await?;
        let queue = self.queue_of(posted.messages).await?;
        let (Some(queue), true) = (queue, found.timestamp != 0) else {
            return Err(self.l2.malformed("what a block names", "nothing"));
        };
        let l2_anchor = L2Anchor {
            number: found.number,
            hash: posted.l2_block,
            timestamp: found.timestamp,
        };
        Ok((queue.anchor(posted.l2_block), Some(l2_anchor)))
    }

    /// Whether the contract holds exactly this batch.
    ///
    /// # Errors
    /// If L2 does not answer as it should, or the batch is empty.
    pub async fn holds(&self, batch: &Batch) -> Result<bool, SettlementError> {
        match self.batch_hash(batch.header.number).await? {
            None => Ok(false),
            Some(held) => Ok(held == self.previous_batch(batch).await?.batch_hash()),
        }
    }

    /// `batch`, which the contract holds, as the one that the next commit follows. For the first commit
    /// use [`Self::genesis`].
    ///
    /// # Errors
    /// If L2 does not answer as it should, or the batch is empty.
    pub async fn previous_batch(&self, batch: &Batch) -> Result<PreviousBatch, SettlementError> {
        let before = BatchNumber(batch.header.number.0.saturating_sub(1));
        let parent = self.batch_hash(before).await?.unwrap_or_default();
        let forced = self.forced_after(batch.header.number).await?;
        Ok(PreviousBatch::of(batch, parent, forced)?)
    }

    /// Genesis, as what the first batch follows.
    pub fn genesis(&self, header: &Header) -> PreviousBatch {
        PreviousBatch::genesis(header)
    }

    /// The call that commits `batch` after `previous`, and shows those of its transactions that the forced queue has next.
    ///
    /// # Errors
    /// [`SettlementError::Posting`], and if L2 does not answer as it should.
    pub async fn commit(
        &self,
        previous: &PreviousBatch,
        batch: &Batch,
    ) -> Result<Call, SettlementError> {
        let taken = self.taken(previous.forced, batch).await?;
        let address = self.address;
        Ok(posting::commit_call(
            address,
            previous,
            batch,
            &taken.places,
        )?)
    }

    /// The call that commits `batch` after `previous` and proves it: for anyone, while the chain is open.
    ///
    /// # Errors
    /// [`SettlementError::Posting`], and if L2 does not answer as it should.
    pub async fn commit_and_prove(
        &self,
        previous: &PreviousBatch,
        batch: &Batch,
        statement: &StatementData,
        proof: &Proof,
        messages: InboxProof,
    ) -> Result<Call, SettlementError> {
        let taken = self.taken(previous.forced, batch).await?;
        let address = self.address;
        let commit = posting::commit_call(address, previous, batch, &taken.places)?;
        let (batches, forced) = (std::slice::from_ref(batch), [taken.next]);
        let prove = posting::prove_call(address, batches, &forced, statement, proof, messages)?;
        Ok(posting::both(address, &commit, &prove)?)
    }

    /// Whether anyone may commit and prove.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn is_open(&self) -> Result<bool, SettlementError> {
        self.view(IRollup::isOpenCall {}, BlockId::latest()).await
    }

    /// What a commit of `batch` takes off the forced queue, of which `first` is the first entry.
    async fn taken(&self, first: u64, batch: &Batch) -> Result<Taken, SettlementError> {
        let entries = self.forced_entries(first, u64::MAX).await?;
        if entries.is_empty() {
            return Ok(taken(first, &entries, 0, 0, batch));
        }
        let deadlines = self
            .view(IRollup::deadlinesCall {}, BlockId::latest())
            .await?;
        let now = self.l2().head().await?.timestamp;
        let (deadline, earliest) = (
            self.forced_deadline().await?,
            now.saturating_sub(deadlines.liveness),
        );
        Ok(taken(first, &entries, deadline, earliest, batch))
    }

    /// How many messages the verified state has processed, as far as the contract was shown.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn processed_messages(&self) -> Result<u64, SettlementError> {
        self.view(IRollup::processedMessagesCall {}, BlockId::latest())
            .await
    }

    /// The first entry of the forced queue that the verified state leaves.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn verified_forced(&self) -> Result<u64, SettlementError> {
        self.view(IRollup::verifiedForcedCall {}, BlockId::latest())
            .await
    }

    /// The call that proves consecutive batches, which the contract holds; the statement is of all their blocks.
    ///
    /// # Errors
    /// [`SettlementError::Posting`], and if L2 does not answer as it should.
    pub async fn prove(
        &self,
        batches: &[Batch],
        statement: &StatementData,
        proof: &Proof,
        messages: InboxProof,
    ) -> Result<Call, SettlementError> {
        let mut forced = Vec::with_capacity(batches.len());
        for batch in batches {
            forced.push(self.forced_after(batch.header.number).await?);
        }
        let address = self.address;
        Ok(posting::prove_call(
            address, batches, &forced, statement, proof, messages,
        )?)
    }

    /// The call that records a recent L2 block, whose header L2 is asked for.
    ///
    /// # Errors
    /// If L2 has no such block, or shows a header whose hash is another.
    pub async fn record_block_hash(&self, number: u64) -> Result<Call, SettlementError> {
        let header = self.l2.encoded_header(number).await?;
        let call = IRollup::recordBlockHashCall { header };
        Ok(Call::of(self.address, &call))
    }

    pub(crate) async fn view<C: SolCall>(
        &self,
        call: C,
        at: BlockId,
    ) -> Result<C::Return, SettlementError> {
        let answer = self.l2.view(self.address, call, at).await?;
        answer.ok_or_else(|| {
            self.l2
                .malformed("a view of the Rollup", "not its return value")
        })
    }

    /// As `view`, for the first questions: whoever does not answer them is no `Rollup`.
    async fn identify<C: SolCall>(&self, call: C) -> Result<C::Return, SettlementError> {
        let address = self.address;
        match self.l2.view(address, call, BlockId::latest()).await {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) | Err(SettlementError::Reverted { .. }) => {
                Err(SettlementError::NotARollup { address })
            }
            Err(SettlementError::Refused { message, .. }) if is_halt(&message) => {
                Err(SettlementError::NotARollup { address })
            }
            Err(error) => Err(error),
        }
    }

    fn same<T: PartialEq + ToString>(
        &self,
        what: &'static str,
        expected: T,
        found: T,
    ) -> Result<(), SettlementError> {
        if expected == found {
            return Ok(());
        }
        let (expected, found) = (expected.to_string(), found.to_string());
        Err(SettlementError::WrongRollup {
            address: self.address,
            what,
            expected,
            found,
        })
    }
}

/// Whether a node's words say that the called code stopped without a revert, as code that is no `Rollup` does.
fn is_halt(message: &str) -> bool {
    let message = message.to_lowercase();
    ["evm error", "out of gas", "opcode", "invalid jump", "stack"]
        .iter()
        .any(|words| message.contains(words))
}
