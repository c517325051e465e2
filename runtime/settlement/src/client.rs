//! The `Rollup` contract as seen from outside.

use alloy::consensus::Header;
use alloy::eips::BlockId;
use alloy::primitives::{Address, B256};
use alloy::sol_types::SolCall;
use tern_messages::job::StatementData;
use tern_messages::{Batch, BatchNumber, BlockNumber, ChainId, L2Anchor, Proof, WindowDigest};

use crate::bindings::IRollup;
use crate::error::SettlementError;
use crate::l2::L2;
use crate::posting::{self, Call, PreviousBatch};

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
            deployment_block: 0,
        };
        let found = ChainId(client.identify(IRollup::chainIdCall {}).await?);
        client.same("chain id", chain_id, found)?;
        let found = client.identify(IRollup::genesisHashCall {}).await?;
        client.same("genesis block", genesis_hash, found)?;
        client.deployment_block = client.identify(IRollup::deploymentBlockCall {}).await?;
        Ok(client)
    }

    /// The contract's address.
    pub fn address(&self) -> Address {
        self.address
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

    /// The L2 block with this hash, if the contract has recorded it, so that an L3 block may name it in its parent beacon
    /// block root.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn recorded_block(&self, hash: B256) -> Result<Option<L2Anchor>, SettlementError> {
        let call = IRollup::recordedBlockCall { blockHash: hash };
        let found = self.view(call, BlockId::latest()).await?;
        let anchor = L2Anchor {
            number: found.number,
            hash,
            timestamp: found.timestamp,
        };
        Ok(Some(anchor).filter(|anchor| anchor.timestamp != 0))
    }

    /// Whether the contract holds exactly this batch.
    ///
    /// # Errors
    /// If L2 does not answer as it should, or the batch is empty.
    pub async fn holds(&self, batch: &Batch) -> Result<bool, SettlementError> {
        let held = self.batch_hash(batch.header.number).await?;
        Ok(held == Some(self.previous_batch(batch).await?.batch_hash()))
    }

    /// `batch`, which the contract holds, as the one that the next commit follows. For the first commit
    /// use [`Self::genesis`].
    ///
    /// # Errors
    /// If L2 does not answer as it should, or the batch is empty.
    pub async fn previous_batch(&self, batch: &Batch) -> Result<PreviousBatch, SettlementError> {
        let before = BatchNumber(batch.header.number.0.saturating_sub(1));
        let parent = self.batch_hash(before).await?.unwrap_or_default();
        Ok(PreviousBatch::of(batch, parent)?)
    }

    /// Genesis, as what the first batch follows.
    pub fn genesis(&self, header: &Header) -> PreviousBatch {
        PreviousBatch::genesis(header)
    }

    /// The call that commits `batch` after `previous`.
    ///
    /// # Errors
    /// [`SettlementError::Posting`].
    pub fn commit(&self, previous: &PreviousBatch, batch: &Batch) -> Result<Call, SettlementError> {
        Ok(posting::commit_call(self.address, previous, batch)?)
    }

    /// The call that proves consecutive batches; the statement is of all their blocks.
    ///
    /// # Errors
    /// [`SettlementError::Posting`].
    pub fn prove(
        &self,
        batches: &[Batch],
        statement: &StatementData,
        proof: &Proof,
    ) -> Result<Call, SettlementError> {
        Ok(posting::prove_call(
            self.address,
            batches,
            statement,
            proof,
        )?)
    }

    /// The call that records a recent L2 block, whose header L2 is asked for.
    ///
    /// # Errors
    /// If L2 has no such block, or shows a header whose hash is another.
    pub async fn record_block_hash(&self, number: u64) -> Result<Call, SettlementError> {
        let header = self.l2.encoded_header(number).await?;
        let call = IRollup::recordBlockHashCall { header };
        Ok(Call {
            to: Some(self.address),
            data: call.abi_encode().into(),
        })
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
