//! `tern_`: what only a rollup has.

use alloy::primitives::B256;
use jsonrpsee::core::RpcResult;
use jsonrpsee::proc_macros::rpc;
use jsonrpsee::{Methods, RpcModule};
use serde::Serialize;
use tern_messages::{BatchNumber, BatchRecord, BlockNumber, L2Transaction};
use tern_storage::tables::chain::BATCH_OF_BLOCK;

use super::error::RpcFailure;
use super::numbers::Quantity;
use super::reader::Reader;
use crate::main_node::batch_record;

#[rpc(server, namespace = "tern")]
trait TernApi {
    /// How far the chain is: confirmed, sealed, committed to L2, verified on L2.
    #[method(name = "finality")]
    fn finality(&self) -> RpcResult<FinalityAnswer>;

    /// A batch and how far it got; null if there is none of that number.
    #[method(name = "getBatch", blocking)]
    fn batch(&self, number: Quantity) -> RpcResult<Option<BatchAnswer>>;

    /// The batch that a block belongs to; null while it belongs to none.
    #[method(name = "batchOfBlock", blocking)]
    fn batch_of_block(&self, number: Quantity) -> RpcResult<Option<BatchAnswer>>;
}

/// Block heights, and the batches that the last two end.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FinalityAnswer {
    confirmed: Quantity,
    sealed: Quantity,
    committed: Quantity,
    verified: Quantity,
    committed_batch: Quantity,
    verified_batch: Quantity,
    unproven_blocks: Quantity,
    halted: Option<HaltAnswer>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct HaltAnswer {
    block: Quantity,
    transaction: Option<B256>,
    reason: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BatchAnswer {
    number: Quantity,
    first_block: Quantity,
    last_block: Quantity,
    last_block_hash: B256,
    state_root: B256,
    status: &'static str,
    commit_transaction: Option<L2Answer>,
    prove_transaction: Option<L2Answer>,
}

/// A transaction on L2.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct L2Answer {
    hash: B256,
    block_number: Quantity,
}

impl From<BatchRecord> for BatchAnswer {
    fn from(record: BatchRecord) -> Self {
        let l2 = |transaction: L2Transaction| L2Answer {
            hash: transaction.hash,
            block_number: Quantity(transaction.block),
        };
        let header = record.header;
        Self {
            number: Quantity(header.number.0),
            first_block: Quantity(header.first_block.0),
            last_block: Quantity(header.last_block.0),
            last_block_hash: header.last_block_hash,
            state_root: header.state_root,
            status: match (record.committed, record.verified) {
                (_, Some(_)) => "verified",
                (Some(_), None) => "committed",
                (None, None) => "formed",
            },
            commit_transaction: record.committed.map(l2),
            prove_transaction: record.verified.map(l2),
        }
    }
}

struct Tern(Reader);

impl TernApiServer for Tern {
    fn finality(&self) -> RpcResult<FinalityAnswer> {
        let head = self.0.head();
        Ok(FinalityAnswer {
            confirmed: Quantity(head.confirmed().0),
            sealed: Quantity(head.sealed_number().0),
            committed: Quantity(head.finality.committed.1.0),
            verified: Quantity(head.finality.verified.1.0),
            committed_batch: Quantity(head.finality.committed.0.0),
            verified_batch: Quantity(head.finality.verified.0.0),
            unproven_blocks: Quantity(head.backlog.unproven_blocks),
            halted: head.halted.map(|halt| HaltAnswer {
                block: Quantity(halt.block.0),
                transaction: halt.transaction,
                reason: halt.reason,
            }),
        })
    }

    fn batch(&self, number: Quantity) -> RpcResult<Option<BatchAnswer>> {
        Ok(self.read(BatchNumber(number.0))?)
    }

    fn batch_of_block(&self, number: Quantity) -> RpcResult<Option<BatchAnswer>> {
        let store = &self.0.chain.store;
        let batch = store
            .get(&BATCH_OF_BLOCK, &BlockNumber(number.0))
            .map_err(RpcFailure::from)?;
        match batch {
            None => Ok(None),
            Some(batch) => Ok(self.read(batch)?),
        }
    }
}

impl Tern {
    fn read(&self, number: BatchNumber) -> Result<Option<BatchAnswer>, RpcFailure> {
        Ok(batch_record(&self.0.chain, number)?.map(BatchAnswer::from))
    }
}

pub(super) fn methods(reader: Reader) -> Methods {
    let module: RpcModule<Tern> = Tern(reader).into_rpc();
    module.into()
}
