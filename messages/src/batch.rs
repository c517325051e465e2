//! Consecutive blocks that are committed to L2 together.

use alloy::primitives::B256;
use serde::{Deserialize, Serialize};

use crate::block::SealedBlock;
use crate::units::{BatchNumber, BlockNumber};

/// A batch's place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchHeader {
    /// The batch's number; the first is 1.
    pub number: BatchNumber,
    /// Number of its first block.
    pub first_block: BlockNumber,
    /// Number of its last block.
    pub last_block: BlockNumber,
    /// Hash of its last block.
    pub last_block_hash: B256,
    /// State root after its last block.
    pub state_root: B256,
}

/// A batch with its blocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The batch's place.
    pub header: BatchHeader,
    /// Its blocks, in order, without gaps.
    pub blocks: Vec<SealedBlock>,
}
