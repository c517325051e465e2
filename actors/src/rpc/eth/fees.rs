//! What transactions cost, and what they cost lately.

use alloy::eips::BlockNumberOrTag;
use alloy::primitives::U256;
use alloy::rpc::types::FeeHistory;
use tern_execution::next_base_fee;
use tern_messages::{BlockNumber, Receipt};
use tern_storage::tables::chain::StoredHeader;

use crate::main_node::Head;
use crate::rpc::error::RpcFailure;
use crate::rpc::reader::Reader;

/// Most blocks in one history, as in go-ethereum.
const MAX_BLOCKS: u64 = 1024;
/// Most percentiles in one history, as in go-ethereum.
const MAX_PERCENTILES: usize = 100;
/// The price of blob gas while there are no blobs, in wei (EIP-4844).
const BLOB_BASE_FEE: u128 = 1;

/// The base fee of the open block, or of the next one, with room for one increase (an eighth).
pub(super) fn gas_price(head: &Head) -> U256 {
    let base_fee = match &head.open {
        Some(open) => open.environment.base_fee,
        None => next_base_fee(&head.sealed.header),
    };
    let price = u128::from(base_fee);
    U256::from(price + price.div_ceil(8))
}

/// Fees of up to `count` sealed blocks, the last of them `newest`.
pub(super) fn history(
    reader: &Reader,
    count: u64,
    newest: BlockNumberOrTag,
    percentiles: Option<&[f64]>,
) -> Result<FeeHistory, RpcFailure> {
    check_percentiles(percentiles.unwrap_or_default())?;
    let sealed = reader.head().sealed_number().0;
    let last = match newest {
        BlockNumberOrTag::Pending => sealed,
        other => reader.sealed_number(other)?,
    };
    if last > sealed {
        return Err(RpcFailure::Parameter(format!(
            "request beyond head block: requested {last}, head {sealed}"
        )));
    }
    let count = count.min(MAX_BLOCKS).min(last + 1);
    if count == 0 {
        return Ok(FeeHistory::default());
    }
    let oldest = last + 1 - count;
    let mut answer = FeeHistory {
        oldest_block: oldest,
        ..FeeHistory::default()
    };
    let mut rewards = Vec::new();
    for number in oldest..=last {
        let stored = reader.chain.expect_header(BlockNumber(number))?;
        let header = &stored.header;
        answer
            .base_fee_per_gas
            .push(u128::from(header.base_fee_per_gas.unwrap_or_default()));
        answer
            .gas_used_ratio
            .push(ratio(header.gas_used, header.gas_limit));
        answer.base_fee_per_blob_gas.push(BLOB_BASE_FEE);
        answer.blob_gas_used_ratio.push(0.0);
        if let Some(percentiles) = percentiles {
            let receipts = reader.receipts(BlockNumber(number))?;
            rewards.push(tips(&stored, &receipts, percentiles));
        }
        if number == last {
            answer
                .base_fee_per_gas
                .push(u128::from(next_base_fee(header)));
            answer.base_fee_per_blob_gas.push(BLOB_BASE_FEE);
        }
    }
    answer.reward = percentiles.map(|_| rewards);
    Ok(answer)
}

fn check_percentiles(percentiles: &[f64]) -> Result<(), RpcFailure> {
    let count = percentiles.len();
    if count > MAX_PERCENTILES {
        return Err(RpcFailure::Parameter(format!(
            "{count} percentiles; at most {MAX_PERCENTILES} are computed"
        )));
    }
    let in_range = percentiles
        .iter()
        .all(|value| (0.0..=100.0).contains(value));
    let ascending = percentiles.windows(2).all(|pair| pair[0] <= pair[1]);
    if in_range && ascending {
        Ok(())
    } else {
        Err(RpcFailure::Parameter(
            "reward percentiles must be between 0 and 100 and ascend".to_owned(),
        ))
    }
}

/// The tips at percentiles of the block's gas.
fn tips(stored: &StoredHeader, receipts: &[Receipt], percentiles: &[f64]) -> Vec<u128> {
    let base_fee = u128::from(stored.header.base_fee_per_gas.unwrap_or_default());
    let mut paid: Vec<(u128, u64)> = receipts
        .iter()
        .map(|receipt| {
            (
                receipt.effective_gas_price.saturating_sub(base_fee),
                receipt.gas_used,
            )
        })
        .collect();
    paid.sort_unstable();
    let total = stored.header.gas_used;
    percentiles
        .iter()
        .map(|percentile| {
            let mut gas = 0;
            let reached = paid.iter().find(|(_, used)| {
                gas += used;
                ratio(gas, total) * 100.0 >= *percentile
            });
            reached.or(paid.last()).map_or(0, |(tip, _)| *tip)
        })
        .collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a ratio for display; gas is far below 2^53"
)]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}
