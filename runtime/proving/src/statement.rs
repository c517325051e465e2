//! What a batch proof states: S, its commitment C, the point r, the evaluation y, and the digest of all.
//!
//! The layout is that of [`tern_messages::statement`]. The circuits compute the same from proven values; the
//! L2 contract computes S, r and y from what was committed. Here it is done from headers, for the coordinator
//! (which must know r before the first `Block` job) and for tests.

mod commitment;
mod stream;

use alloy::consensus::Header;
use alloy::primitives::B256;
use tern_messages::ChainId;
use tern_messages::job::StatementData;
use tern_messages::statement::{FieldElement, Point, StatementDigest, WindowDigest};
use thiserror::Error;

pub use commitment::{derive_point, evaluate, left_count, stream_hash, window_digest};
pub(crate) use stream::check_header;
pub use stream::{address_limbs, block_elements, hash_limbs};

/// Hashes that a block sees through `BLOCKHASH`.
pub const WINDOW_LEN: usize = 256;

/// Why there is no statement of the given blocks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StatementError {
    /// A batch has at least one block.
    #[error("a batch needs at least one block")]
    Empty,
    /// The window has another length than [`WINDOW_LEN`].
    #[error("a window has {WINDOW_LEN} hashes, not {found}")]
    Window {
        /// Hashes given.
        found: usize,
    },
    /// The blocks do not follow one another.
    #[error("block {number} does not follow the block before it")]
    Gap {
        /// Number of the block that does not follow.
        number: u64,
    },
    /// A number does not fit its limbs.
    #[error("{field} of block {number} is {value}; at most {max} can be stated")]
    OutOfRange {
        /// Number of the block.
        number: u64,
        /// Name of the field.
        field: &'static str,
        /// The value found.
        value: u64,
        /// The largest that fits.
        max: u64,
    },
    /// A field that is a constant of the chain has another value, or is absent.
    #[error("{field} of block {number} is not the constant that every block has")]
    NotConstant {
        /// Number of the block.
        number: u64,
        /// Name of the field.
        field: &'static str,
    },
}

/// The blocks of a batch and what they start from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchStatement {
    chain_id: ChainId,
    start_state_root: B256,
    window: Vec<B256>,
    blocks: Vec<(Header, B256)>,
}

impl BatchStatement {
    /// The statement of consecutive blocks: `window` are the 256 hashes that the first one sees, oldest first,
    /// zero where there was no block.
    ///
    /// # Errors
    /// If the blocks do not follow one another, or hold values that S cannot express.
    pub fn new(
        chain_id: ChainId,
        start_state_root: B256,
        window: Vec<B256>,
        headers: Vec<Header>,
    ) -> Result<Self, StatementError> {
        if window.len() != WINDOW_LEN {
            return Err(StatementError::Window {
                found: window.len(),
            });
        }
        let first = headers.first().ok_or(StatementError::Empty)?.number;
        stream::check_u32(first, "chain id", chain_id.0)?;
        let mut parent = window[WINDOW_LEN - 1];
        let mut blocks = Vec::with_capacity(headers.len());
        for (offset, header) in (0u64..).zip(headers) {
            stream::check_header(&header)?;
            if header.parent_hash != parent || first.checked_add(offset) != Some(header.number) {
                return Err(StatementError::Gap {
                    number: header.number,
                });
            }
            parent = header.hash_slow();
            blocks.push((header, parent));
        }
        Ok(Self {
            chain_id,
            start_state_root,
            window,
            blocks,
        })
    }

    /// S.
    pub fn stream(&self) -> Vec<FieldElement> {
        let mut s = vec![self.chain_id.0];
        s.extend(hash_limbs(self.start_state_root));
        s.extend(self.start_window());
        for (header, hash) in &self.blocks {
            s.extend(block_elements(header, *hash));
        }
        s.extend(self.end_window());
        s.push(self.blocks.len() as u64);
        s
    }

    /// Digest of the window that the first block sees.
    pub fn start_window(&self) -> WindowDigest {
        window_digest(&self.window)
    }

    /// Digest of the window that the block after the last one sees.
    pub fn end_window(&self) -> WindowDigest {
        let hashes: Vec<B256> = self
            .window
            .iter()
            .copied()
            .chain(self.blocks.iter().map(|(_, hash)| *hash))
            .collect();
        window_digest(&hashes[hashes.len() - WINDOW_LEN..])
    }

    /// C: binds S before r is known.
    pub fn commitment(&self) -> [FieldElement; 4] {
        let blocks: Vec<_> = self
            .blocks
            .iter()
            .map(|(header, hash)| block_elements(header, *hash))
            .collect();
        commitment::commit(
            self.chain_id.0,
            hash_limbs(self.start_state_root),
            self.start_window(),
            &blocks,
            self.end_window(),
        )
    }

    /// r.
    pub fn point(&self) -> Point {
        derive_point(self.commitment(), &self.stream())
    }

    /// Everything that `proveBatches` is told about the batch.
    pub fn data(&self) -> StatementData {
        let (commitment, stream) = (self.commitment(), self.stream());
        let point = derive_point(commitment, &stream);
        StatementData {
            start_window: self.start_window(),
            end_window: self.end_window(),
            commitment,
            point,
            evaluation: evaluate(&stream, point),
        }
    }

    /// The public inputs of the batch's proof.
    pub fn digest(&self) -> StatementDigest {
        digest_of(&self.data())
    }
}

/// Poseidon digest of C, r and y.
pub fn digest_of(data: &StatementData) -> StatementDigest {
    let elements = [&data.commitment[..], &data.point.0, &data.evaluation].concat();
    StatementDigest(commitment::hash(&elements))
}
