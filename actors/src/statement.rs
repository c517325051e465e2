//! What blocks of a chain on disk state: for the sequencer, which has it proven, and for watchers, who sign it.

use tern_messages::{BlockNumber, WindowDigest};
use tern_proving::BatchStatement;
use tern_proving::statement::{StatementError, window_digest};

use crate::main_node::{Chain, ChainError};

/// The statement of the blocks `first` to `last`, which are not genesis. Reads the disk.
///
/// # Errors
/// If a block is missing or cannot be read; within, if S cannot express them.
pub(crate) fn of_blocks(
    chain: &Chain,
    first: BlockNumber,
    last: BlockNumber,
) -> Result<Result<BatchStatement, StatementError>, ChainError> {
    let before = BlockNumber(first.0.saturating_sub(1));
    let start = chain.expect_header(before)?.header.state_root;
    let window = chain.window_before(first)?.to_vec();
    let headers = (first.0..=last.0).map(BlockNumber);
    let headers = headers.map(|number| Ok(chain.expect_header(number)?.header));
    let headers = headers.collect::<Result<_, ChainError>>()?;
    let chain_id = chain.spec.chain_id();
    Ok(BatchStatement::new(chain_id, start, window, headers))
}

/// Digests of the 256 newest block hashes after each of the blocks `first` to `last`. Reads the disk.
///
/// # Errors
/// If a block is missing or cannot be read.
pub(crate) fn windows_after(
    chain: &Chain,
    first: BlockNumber,
    last: BlockNumber,
) -> Result<Vec<WindowDigest>, ChainError> {
    let after = (first.0..=last.0).map(|number| BlockNumber(number.saturating_add(1)));
    let digest = |block| Ok(window_digest(&chain.window_before(block)?.to_vec()));
    after.map(digest).collect()
}
