//! Stored values in the forms that Ethereum clients expect.

use alloy::consensus::transaction::Recovered;
use alloy::consensus::{
    BlockHeader, Header as ConsensusHeader, Sealed, Transaction as _, TxEnvelope,
};
use alloy::primitives::{B64, Bloom, U256};
use alloy::rpc::types::{
    Block, BlockTransactions, Header, Log, Transaction, TransactionReceipt, Withdrawals,
};
use tern_messages::Receipt;
use tern_storage::tables::chain::StoredHeader;

use super::error::RpcFailure;
use super::reader::{BlockFacts, Found, Located, Reader, decode, recovered};
use crate::main_node::OpenView;

/// A receipt.
pub(super) fn receipt(located: Located) -> TransactionReceipt {
    let Located {
        transaction,
        receipt,
        index,
        logs_before,
        block,
    } = located;
    let mut log_index = logs_before;
    let hash = receipt.transaction_hash;
    TransactionReceipt {
        inner: receipt.envelope.map_logs(|inner| {
            let log = log(inner, block, hash, index, log_index);
            log_index += 1;
            log
        }),
        transaction_hash: hash,
        transaction_index: Some(index),
        block_hash: Some(block.hash),
        block_number: Some(block.number),
        gas_used: receipt.gas_used,
        effective_gas_price: receipt.effective_gas_price,
        blob_gas_used: None,
        blob_gas_price: None,
        from: receipt.from,
        to: transaction.to(),
        contract_address: receipt.contract_address,
    }
}

/// A log with its place.
pub(super) fn log(
    inner: alloy::primitives::Log,
    block: BlockFacts,
    transaction: alloy::primitives::B256,
    index: u64,
    log_index: u64,
) -> Log {
    Log {
        inner,
        block_hash: Some(block.hash),
        block_number: Some(block.number),
        block_timestamp: Some(block.timestamp),
        transaction_hash: Some(transaction),
        transaction_index: Some(index),
        log_index: Some(log_index),
        removed: false,
    }
}

/// All logs of a block, with their places.
pub(super) fn logs<'a>(
    receipts: impl Iterator<Item = &'a Receipt> + 'a,
    block: BlockFacts,
) -> impl Iterator<Item = Log> + 'a {
    let places = (0u64..).zip(receipts).flat_map(|(index, receipt)| {
        let hash = receipt.transaction_hash;
        receipt
            .envelope
            .logs()
            .iter()
            .map(move |inner| (index, hash, inner))
    });
    (0u64..)
        .zip(places)
        .map(move |(log_index, (index, hash, inner))| {
            log(inner.clone(), block, hash, index, log_index)
        })
}

/// A transaction, with its place if it has one.
pub(super) fn transaction(
    inner: Recovered<TxEnvelope>,
    place: Option<(BlockFacts, u64)>,
) -> Transaction {
    let base_fee = place.map(|(block, _)| block.base_fee);
    Transaction {
        effective_gas_price: Some(inner.effective_gas_price(base_fee)),
        inner,
        block_hash: place.map(|(block, _)| block.hash),
        block_number: place.map(|(block, _)| block.number),
        transaction_index: place.map(|(_, index)| index),
        block_timestamp: place.map(|(block, _)| block.timestamp),
    }
}

/// A block, with whole transactions or with their hashes.
pub(super) fn block(reader: &Reader, found: &Found, full: bool) -> Result<Block, RpcFailure> {
    let (header, facts) = match found {
        Found::Open(open) => (open_header(open), BlockFacts::of_open(open)),
        Found::Sealed(stored) => (stored.header.clone(), BlockFacts::of(stored)),
    };
    let (transactions, body_size) = match found {
        Found::Open(open) => open_transactions(open, full),
        Found::Sealed(stored) => sealed_transactions(reader, stored, full)?,
    };
    let size = U256::from(header.size() + body_size);
    Ok(Block {
        header: rpc_header(header, facts, Some(size)),
        uncles: vec![],
        transactions,
        withdrawals: Some(Withdrawals::default()),
    })
}

/// A header alone, as subscriptions send it.
pub(super) fn head(stored: &StoredHeader) -> Header {
    rpc_header(stored.header.clone(), BlockFacts::of(stored), None)
}

fn rpc_header(header: ConsensusHeader, facts: BlockFacts, size: Option<U256>) -> Header {
    // Some wallets insist on the total difficulty, which has been constant since the merge.
    Header::from_consensus(
        Sealed::new_unchecked(header, facts.hash),
        Some(U256::ZERO),
        size,
    )
}

fn sealed_transactions(
    reader: &Reader,
    stored: &StoredHeader,
    full: bool,
) -> Result<(BlockTransactions<Transaction>, usize), RpcFailure> {
    let facts = BlockFacts::of(stored);
    let (bodies, receipts) = reader.contents(stored.header.number().into())?;
    let size = bodies.iter().map(|raw| raw.len()).sum();
    let transactions = if full {
        let whole = (0..)
            .zip(bodies.iter().zip(&receipts))
            .map(|(index, (raw, receipt))| {
                Ok(transaction(decode(raw, receipt)?, Some((facts, index))))
            });
        BlockTransactions::Full(whole.collect::<Result<_, RpcFailure>>()?)
    } else {
        BlockTransactions::Hashes(
            receipts
                .iter()
                .map(|receipt| receipt.transaction_hash)
                .collect(),
        )
    };
    Ok((transactions, size))
}

fn open_transactions(open: &OpenView, full: bool) -> (BlockTransactions<Transaction>, usize) {
    let facts = BlockFacts::of_open(open);
    let executed = &open.transactions;
    let size = executed
        .iter()
        .map(|executed| executed.transaction.raw().len())
        .sum();
    let transactions = if full {
        let whole = executed
            .iter()
            .map(|executed| transaction(recovered(executed), Some((facts, executed.index))));
        BlockTransactions::Full(whole.collect())
    } else {
        let hashes = executed
            .iter()
            .map(|executed| executed.receipt.transaction_hash);
        BlockTransactions::Hashes(hashes.collect())
    };
    (transactions, size)
}

/// The open block's header as far as it is known. Its roots are not, before it is sealed.
fn open_header(open: &OpenView) -> ConsensusHeader {
    let environment = &open.environment;
    let last = open.transactions.last();
    let bloom = open
        .transactions
        .iter()
        .fold(Bloom::ZERO, |bloom, executed| {
            bloom | *executed.receipt.envelope.logs_bloom()
        });
    ConsensusHeader {
        parent_hash: environment.parent_hash,
        beneficiary: environment.beneficiary,
        logs_bloom: bloom,
        number: environment.number,
        gas_limit: environment.gas_limit.0,
        gas_used: last.map_or(0, |executed| {
            executed.receipt.envelope.cumulative_gas_used()
        }),
        timestamp: environment.timestamp,
        mix_hash: environment.prev_randao,
        nonce: B64::ZERO,
        base_fee_per_gas: Some(environment.base_fee),
        withdrawals_root: Some(alloy::consensus::constants::EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(environment.parent_beacon_block_root),
        ..ConsensusHeader::default()
    }
}
