//! The queue of signed transactions that blocks must hold, as L2 holds it.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use alloy::primitives::{B256, Bytes, keccak256};
use alloy::rpc::types::{Filter, Log};
use alloy::sol_types::{SolCall, SolEvent};
use tern_messages::{Batch, ForcedTransaction};

use crate::bindings::{Facts, IForcedQueue};
use crate::client::RollupClient;
use crate::error::SettlementError;
use crate::l2::Logged;
use crate::posting::{Call, MAX_FORCED};

/// Entries that one commit takes off the queue at most, as the contract has it.
const MOST: u64 = 256;

/// An entry of the queue, as a commit looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForcedEntry {
    /// Hash of its transaction.
    pub transaction: B256,
    /// Whether it was taken off the queue.
    pub discharged: bool,
    /// When it was posted, in seconds since 1970.
    pub posted: u64,
    /// No block with a higher base fee executes it, in wei.
    pub max_fee_per_gas: u128,
}

/// What a commit takes off the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The places of the entries' transactions among those of the batch.
    pub places: Vec<u32>,
    /// The first entry that is left.
    pub next: u64,
}

/// What a commit of `batch` takes off: `entries` are those from `first` on, and what is due is due at `earliest` or at the
/// batch's end, if that is later.
pub fn taken(
    first: u64,
    entries: &[ForcedEntry],
    deadline: u64,
    earliest: u64,
    batch: &Batch,
) -> Taken {
    let Some(last) = batch.blocks.last() else {
        return Taken {
            next: first,
            ..Taken::default()
        };
    };
    let hashes = batch.blocks.iter().flat_map(|block| &block.transactions);
    let places: HashMap<B256, u32> = hashes.map(keccak256).zip(0..).collect();
    let base_fee = u128::from(last.header.base_fee_per_gas.unwrap_or_default());
    let is_passed_over = |entry: &ForcedEntry| {
        entry.posted.saturating_add(deadline) <= last.header.timestamp.max(earliest)
            && entry.max_fee_per_gas < base_fee
    };
    let mut taken = Taken {
        next: first,
        ..Taken::default()
    };
    for entry in entries {
        match places.get(&entry.transaction) {
            _ if entry.discharged => {}
            Some(place) if taken.places.len() < MAX_FORCED => taken.places.push(*place),
            _ if is_passed_over(entry) => {}
            _ => break,
        }
        taken.next += 1;
    }
    taken
}

impl RollupClient {
    /// The entries from `first` on: at most so many as a commit takes off, and as are wanted.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn forced_entries(
        &self,
        first: u64,
        wanted: u64,
    ) -> Result<Vec<ForcedEntry>, SettlementError> {
        let count = self.ask_forced(IForcedQueue::countCall {}).await?;
        let mut entries = Vec::new();
        for index in first..count.min(first.saturating_add(wanted.min(MOST))) {
            let entry = self.ask_forced(IForcedQueue::entryCall { index }).await?;
            entries.push(ForcedEntry {
                transaction: entry.transactionHash,
                discharged: entry.discharged,
                posted: entry.posted.to(),
                max_fee_per_gas: entry.maxFeePerGas,
            });
        }
        Ok(entries)
    }

    /// From when an entry is posted until a block must hold it, in seconds.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn forced_deadline(&self) -> Result<u64, SettlementError> {
        self.ask_forced(IForcedQueue::deadlineCall {}).await
    }

    /// The transactions that were posted in these L2 blocks, in order.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn forced_transactions(
        &self,
        within: RangeInclusive<u64>,
    ) -> Result<Vec<Logged<ForcedTransaction>>, SettlementError> {
        let filter = Filter::new()
            .address(self.forced_queue)
            .event_signature(IForcedQueue::TransactionPosted::SIGNATURE_HASH);
        let logs = self.l2().all_logs(filter, within).await?;
        logs.iter()
            .map(|log| self.posted_transaction(log))
            .collect()
    }

    /// The call that takes an entry off the queue that the verified state does not execute; `account_proof` is that of the
    /// sender, as `eth_getProof` gives it.
    pub fn discharge(&self, entry: &ForcedTransaction, account_proof: Vec<Bytes>) -> Call {
        let call = IForcedQueue::dischargeCall {
            index: entry.index,
            facts: Facts {
                sender: entry.sender,
                to: entry.to,
                nonce: entry.nonce,
                gasLimit: entry.gas_limit,
                intrinsicGas: entry.intrinsic_gas,
                maxFeePerGas: entry.max_fee_per_gas,
                cost: entry.cost,
            },
            accountProof: account_proof,
        };
        Call::of(self.forced_queue, &call)
    }

    fn posted_transaction(&self, log: &Log) -> Result<Logged<ForcedTransaction>, SettlementError> {
        let malformed = |what: &str| self.l2().malformed("logs", what);
        let event = IForcedQueue::TransactionPosted::decode_log(&log.inner)
            .map_err(|error| malformed(&error.to_string()))?;
        let Facts {
            sender,
            to,
            nonce,
            gasLimit: gas_limit,
            intrinsicGas: intrinsic_gas,
            maxFeePerGas: max_fee_per_gas,
            cost,
        } = event.facts;
        let item = ForcedTransaction {
            index: event.index,
            raw: event.transaction.clone(),
            sender,
            to,
            nonce,
            gas_limit,
            intrinsic_gas,
            max_fee_per_gas,
            cost,
        };
        Logged::of(log, item).ok_or_else(|| malformed("a log without its block"))
    }

    async fn ask_forced<C: SolCall>(&self, call: C) -> Result<C::Return, SettlementError> {
        self.ask(self.forced_queue, "a view of the ForcedQueue", call)
            .await
    }
}
