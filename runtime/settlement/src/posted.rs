//! Batches as L2 holds them: read back from the events and the calldata of the commits.

use std::ops::RangeInclusive;

use alloy::primitives::{B256, Bytes, U256};
use alloy::rpc::types::{Filter, Log};
use alloy::sol_types::{SolCall, SolEvent};
use tern_messages::{BatchNumber, L2Transaction};

use crate::bindings::IRollup;
use crate::client::RollupClient;
use crate::compression;
use crate::error::SettlementError;
use crate::l2::LOG_RANGE;

/// A batch as it was posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostedBatch {
    /// The batch's number.
    pub number: BatchNumber,
    /// Hash of its last block, which covers all its blocks.
    pub last_block_hash: B256,
    /// Its blocks.
    pub blocks: Vec<PostedBlock>,
    /// The L2 transaction that posted it.
    pub transaction: L2Transaction,
}

/// A block as it was posted; the rest of its header follows from the blocks before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostedBlock {
    /// State root after the block.
    pub state_root: B256,
    /// Receipts root.
    pub receipts_root: B256,
    /// The L2 block that it names; zero if none. With `messages` it says what the block knows of L2.
    pub l2_block: B256,
    /// How many messages it names.
    pub messages: u64,
    /// Time, in seconds since 1970.
    pub timestamp: u64,
    /// Gas used.
    pub gas_used: u64,
    /// Signed transactions (EIP-2718 bytes), in order.
    pub transactions: Vec<Bytes>,
}

/// An L2 block whose hash the contract has recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedBlock {
    /// Number of the recorded L2 block.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// The time from which on L3 blocks may name it, in seconds since 1970.
    pub timestamp: u64,
}

impl RollupClient {
    /// Reads a committed batch back from L2. It is looked for from the L2 block `since` on, in which the batch before it
    /// was committed: whoever reads all batches reads L2's events once.
    ///
    /// # Errors
    /// [`SettlementError::PostingMissing`] if the contract holds no such batch or L2 does not show it.
    pub async fn posted_batch(
        &self,
        number: BatchNumber,
        since: u64,
    ) -> Result<PostedBatch, SettlementError> {
        let what = "its hash";
        let missing = SettlementError::PostingMissing {
            batch: number,
            what,
        };
        let held = self.batch_hash(number).await?.ok_or(missing)?;
        self.posted_as(number, held, since).await
    }

    /// The same, of the batch that the contract holds, or held before, under this hash.
    ///
    /// # Errors
    /// [`SettlementError::PostingMissing`] if L2 does not show it.
    pub async fn posted_as(
        &self,
        number: BatchNumber,
        hash: B256,
        since: u64,
    ) -> Result<PostedBatch, SettlementError> {
        let missing = |what| SettlementError::PostingMissing {
            batch: number,
            what,
        };
        let filter = self.commits_of(number, hash);
        let log = self
            .log_since(filter, since)
            .await?
            .ok_or_else(|| missing("its event"))?;
        let place = transaction_of(log).ok_or_else(|| missing("its transaction's place"))?;
        let calldata = self
            .l2()
            .calldata(place.hash)
            .await?
            .ok_or_else(|| missing("its transaction"))?;
        decode_commit(&calldata, place).ok_or_else(|| missing("its calldata"))
    }

    /// The L2 transaction that committed the batch which the contract holds under this number, if it holds one
    /// and L2 still shows the event.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn committed_in(
        &self,
        number: BatchNumber,
    ) -> Result<Option<L2Transaction>, SettlementError> {
        Ok(self.commit_event(number).await?.and_then(transaction_of))
    }

    /// The event of the batch which the contract holds under this number.
    async fn commit_event(&self, number: BatchNumber) -> Result<Option<Log>, SettlementError> {
        let Some(held) = self.batch_hash(number).await? else {
            return Ok(None);
        };
        self.newest_log(self.commits_of(number, held)).await
    }

    /// What it says.
    async fn committed(
        &self,
        number: BatchNumber,
    ) -> Result<Option<IRollup::BatchCommitted>, SettlementError> {
        let Some(log) = self.commit_event(number).await? else {
            return Ok(None);
        };
        let event = IRollup::BatchCommitted::decode_log(&log.inner)
            .map_err(|error| self.l2().malformed("logs", &error.to_string()))?;
        Ok(Some(event.data))
    }

    fn commits_of(&self, number: BatchNumber, held: B256) -> Filter {
        Filter::new()
            .address(self.address())
            .event_signature(IRollup::BatchCommitted::SIGNATURE_HASH)
            .topic1(U256::from(number.0))
            .topic2(held)
    }

    /// Hash of the last block of the batch which the contract holds under this number, if it holds one and L2 still
    /// shows the event.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn committed_block(
        &self,
        number: BatchNumber,
    ) -> Result<Option<B256>, SettlementError> {
        let event = self.committed(number).await?;
        Ok(event.map(|event| event.lastBlockHash))
    }

    /// The first entry of the forced queue that a batch leaves which the contract holds.
    ///
    /// # Errors
    /// [`SettlementError::PostingMissing`] if the contract holds no such batch or L2 does not show its event.
    pub(crate) async fn forced_after(&self, number: BatchNumber) -> Result<u64, SettlementError> {
        let missing = SettlementError::PostingMissing {
            batch: number,
            what: "its event",
        };
        Ok(self.committed(number).await?.ok_or(missing)?.forced)
    }

    /// The L2 transaction that proved a batch, if it is proven and L2 still shows the event.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn verified_in(
        &self,
        number: BatchNumber,
    ) -> Result<Option<L2Transaction>, SettlementError> {
        let log = self.newest_log(self.proofs_of(number)).await?;
        Ok(log.and_then(transaction_of))
    }

    /// The same, looked for from the L2 block `since` on, in which the batch was committed.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn verified_since(
        &self,
        number: BatchNumber,
        since: u64,
    ) -> Result<Option<L2Transaction>, SettlementError> {
        let log = self.log_since(self.proofs_of(number), since).await?;
        Ok(log.and_then(transaction_of))
    }

    fn proofs_of(&self, number: BatchNumber) -> Filter {
        Filter::new()
            .address(self.address())
            .event_signature(IRollup::BatchVerified::SIGNATURE_HASH)
            .topic1(U256::from(number.0))
    }

    /// The L2 block hashes that were recorded in these L2 blocks, in order.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn recorded_blocks(
        &self,
        within: RangeInclusive<u64>,
    ) -> Result<Vec<RecordedBlock>, SettlementError> {
        let filter = Filter::new()
            .address(self.address())
            .event_signature(IRollup::BlockHashRecorded::SIGNATURE_HASH);
        let mut found = Vec::new();
        for log in self.l2().all_logs(filter, within).await? {
            let event = IRollup::BlockHashRecorded::decode_log(&log.inner)
                .map_err(|error| self.l2().malformed("logs", &error.to_string()))?;
            found.push(RecordedBlock {
                number: event.number,
                hash: event.blockHash,
                timestamp: event.timestamp,
            });
        }
        Ok(found)
    }

    /// The first log from L2 block `since` on that the filter admits; where there is none, the newest before.
    async fn log_since(&self, filter: Filter, since: u64) -> Result<Option<Log>, SettlementError> {
        let head = self.l2().head().await?.number;
        let mut from = since.max(self.deployment_block());
        while from <= head {
            let to = from.saturating_add(LOG_RANGE - 1).min(head);
            let logs = self
                .l2()
                .logs(&filter.clone().from_block(from).to_block(to))
                .await?;
            if let Some(log) = logs.into_iter().find(|log| !log.removed) {
                return Ok(Some(log));
            }
            from = to + 1;
        }
        self.newest_log(filter).await
    }

    /// The newest log that the filter admits, searched from the head back to the contract's creation.
    pub(crate) async fn newest_log(&self, filter: Filter) -> Result<Option<Log>, SettlementError> {
        let mut to = self.l2().head().await?.number;
        loop {
            let from = to
                .saturating_sub(LOG_RANGE - 1)
                .max(self.deployment_block());
            let logs = self
                .l2()
                .logs(&filter.clone().from_block(from).to_block(to))
                .await?;
            if let Some(log) = logs.into_iter().rfind(|log| !log.removed) {
                return Ok(Some(log));
            }
            if from <= self.deployment_block() {
                return Ok(None);
            }
            to = from - 1;
        }
    }
}

fn transaction_of(log: Log) -> Option<L2Transaction> {
    let (hash, block) = log.transaction_hash.zip(log.block_number)?;
    Some(L2Transaction { hash, block })
}

/// Reads the calldata of `commitBatch` or `commitAndProve`.
pub fn decode_commit(calldata: &[u8], transaction: L2Transaction) -> Option<PostedBatch> {
    let call = match IRollup::commitAndProveCall::abi_decode(calldata) {
        Ok(both) => IRollup::commitBatchCall::abi_decode_raw(&both.commit).ok()?,
        Err(_) => IRollup::commitBatchCall::abi_decode(calldata).ok()?,
    };
    let stream = compression::decompress(&call.transactions)?;
    let mut rest = &stream[..];
    let mut blocks = Vec::with_capacity(call.blocks.len());
    for block in call.blocks {
        let mut transactions = Vec::new();
        for _ in 0..block.transactions {
            let (transaction, behind) = first_of(rest)?;
            transactions.push(Bytes::copy_from_slice(transaction));
            rest = behind;
        }
        blocks.push(PostedBlock {
            state_root: block.stateRoot,
            receipts_root: block.receiptsRoot,
            l2_block: block.anchor.blockHash,
            messages: block.anchor.messages,
            timestamp: block.timestamp,
            gas_used: block.gasUsed,
            transactions,
        });
    }
    if !rest.is_empty() {
        return None;
    }
    Some(PostedBatch {
        number: BatchNumber(call.number),
        last_block_hash: call.lastBlockHash,
        blocks,
        transaction,
    })
}

/// The first transaction of a stream in which each follows its length in three bytes, and what is behind it.
fn first_of(stream: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[a, b, c], rest) = stream.split_first_chunk::<3>()?;
    let len = usize::try_from(u32::from_be_bytes([0, a, b, c])).ok()?;
    rest.split_at_checked(len).filter(|_| len > 0)
}
