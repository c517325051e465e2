//! What L2 says about batches: checked against what is known, then stored.

use tern_messages::{
    BatchHeader, BatchNumber, BatchRecord, BlockNumber, FinalityHeights, FinalityRefusal,
    FinalityReport, L2Anchor,
};
use tern_storage::tables::chain::{BATCH_OF_BLOCK, HEADERS, HEADS, Heads};
use tern_storage::{StorageError, Store, WriteBatch};

use super::chain::Chain;
use super::tables::{ANCHOR, BATCH_RECORDS, FINALITY, REWINDS, StoredFinality};

/// Checks a report. Returns the new heights, and what makes them durable.
pub(crate) fn accept(
    store: &Store,
    known: &FinalityHeights,
    report: &FinalityReport,
) -> Result<(FinalityHeights, WriteBatch), FinalityRefusal> {
    let mut batch = WriteBatch::new();
    let (committed, verified) = (report.committed, report.verified);
    let falls = committed < known.committed.0 || verified < known.verified.0;
    if verified > committed || (falls && !report.reorganised) {
        return Err(FinalityRefusal::Inconsistent {
            committed,
            verified,
        });
    }
    for record in &report.batches {
        check_blocks(store, record)?;
        put_record(store, record, &mut batch).map_err(storage)?;
    }
    let heights = FinalityHeights {
        committed: (committed, last_block(store, report, committed)?),
        verified: (verified, last_block(store, report, verified)?),
    };
    let heads = store.get(&HEADS, &()).map_err(storage)?.unwrap_or_default();
    let heads = Heads {
        committed: heights.committed.1,
        verified: heights.verified.1,
        ..heads
    };
    batch.put(&HEADS, &(), &heads).put(
        &FINALITY,
        &(),
        &StoredFinality {
            heights,
            l2: report.l2,
        },
    );
    Ok((heights, batch))
}

/// A batch must end with a block that this node holds.
fn check_blocks(store: &Store, record: &BatchRecord) -> Result<(), FinalityRefusal> {
    let header = &record.header;
    if header.first_block > header.last_block || header.number.0 == 0 {
        let number = header.number;
        return Err(FinalityRefusal::Inconsistent {
            committed: number,
            verified: number,
        });
    }
    let stored = store.get(&HEADERS, &header.last_block).map_err(storage)?;
    match stored {
        Some(stored) if stored.hash == header.last_block_hash => Ok(()),
        _ if was_taken_back(store, header).map_err(storage)? => Err(FinalityRefusal::TakenBack {
            batch: header.number,
            block: header.last_block,
        }),
        other => Err(FinalityRefusal::ForeignBlock {
            batch: header.number,
            block: header.last_block,
            reported: header.last_block_hash,
            stored: other.map(|stored| stored.hash),
        }),
    }
}

fn was_taken_back(store: &Store, header: &BatchHeader) -> Result<bool, StorageError> {
    for row in store.range(&REWINDS, ..) {
        if row?.1.removes(header.last_block, header.last_block_hash) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn put_record(
    store: &Store,
    record: &BatchRecord,
    batch: &mut WriteBatch,
) -> Result<(), StorageError> {
    let number = record.header.number;
    let previous = store.get(&BATCH_RECORDS, &number)?;
    let blocks = |record: &BatchRecord| record.header.first_block.0..=record.header.last_block.0;
    match &previous {
        Some(previous) if previous.header == record.header => {}
        _ => {
            for block in previous.iter().flat_map(blocks) {
                batch.delete(&BATCH_OF_BLOCK, &BlockNumber(block));
            }
            for block in blocks(record) {
                batch.put(&BATCH_OF_BLOCK, &BlockNumber(block), &number);
            }
        }
    }
    batch.put(&BATCH_RECORDS, &number, record);
    Ok(())
}

fn last_block(
    store: &Store,
    report: &FinalityReport,
    number: BatchNumber,
) -> Result<BlockNumber, FinalityRefusal> {
    if number.0 == 0 {
        return Ok(BlockNumber(0));
    }
    if let Some(record) = report
        .batches
        .iter()
        .find(|record| record.header.number == number)
    {
        return Ok(record.header.last_block);
    }
    let stored = store.get(&BATCH_RECORDS, &number).map_err(storage)?;
    stored
        .map(|record| record.header.last_block)
        .ok_or(FinalityRefusal::UnknownBatch { batch: number })
}

fn storage(error: StorageError) -> FinalityRefusal {
    FinalityRefusal::Storage {
        reason: error.to_string(),
    }
}

/// The heights as last reported.
///
/// # Errors
/// If they cannot be read.
pub(crate) fn reported_finality(chain: &Chain) -> Result<FinalityHeights, StorageError> {
    let stored = chain.store.get(&FINALITY, &())?;
    Ok(stored.map(|stored| stored.heights).unwrap_or_default())
}

/// Notes the L2 block that the newest L3 block refers to.
pub(crate) fn put_anchor(batch: &mut WriteBatch, anchor: &L2Anchor) {
    batch.put(&ANCHOR, &(), anchor);
}

/// A batch as it was last reported.
///
/// # Errors
/// If it cannot be read.
pub fn batch_record(
    chain: &Chain,
    number: BatchNumber,
) -> Result<Option<BatchRecord>, StorageError> {
    chain.store.get(&BATCH_RECORDS, &number)
}
