//! Blocks, transactions and receipts.

use alloy::consensus::transaction::Recovered;
use alloy::eips::BlockId;
use alloy::primitives::B256;
use alloy::rpc::types::{Block, Transaction, TransactionReceipt};

use crate::rpc::convert;
use crate::rpc::error::RpcFailure;
use crate::rpc::reader::Reader;

pub(super) fn block(reader: &Reader, id: BlockId, full: bool) -> Result<Option<Block>, RpcFailure> {
    match reader.find(id)? {
        None => Ok(None),
        Some(found) => Ok(Some(convert::block(reader, &found, full)?)),
    }
}

pub(super) fn receipt(
    reader: &Reader,
    hash: B256,
) -> Result<Option<TransactionReceipt>, RpcFailure> {
    Ok(reader.locate(hash)?.map(convert::receipt))
}

pub(super) fn transaction(reader: &Reader, hash: B256) -> Result<Option<Transaction>, RpcFailure> {
    // A transaction may leave the pool for the block at any moment, so the pool is looked at first.
    let head = reader.head();
    let waiting = head.waiting.iter().find(|waiting| waiting.hash() == hash);
    if let Some(located) = reader.locate(hash)? {
        let place = (located.block, located.index);
        return Ok(Some(convert::transaction(located.transaction, Some(place))));
    }
    Ok(waiting.map(|waiting| {
        let inner = Recovered::new_unchecked(waiting.envelope().clone(), waiting.sender());
        convert::transaction(inner, None)
    }))
}
