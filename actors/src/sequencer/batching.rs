//! When consecutive blocks become a batch. Pure.

use std::time::{Duration, SystemTime};

use tern_settlement::posting::{MAX_BATCH_BYTES, MAX_BYTES_WITH_PROOF, MAX_RANGE_BLOCKS};

/// Limits of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchingPolicy {
    /// Most blocks.
    pub max_blocks: usize,
    /// Most bytes of L2 calldata. A single block may need more, and is then alone.
    pub max_bytes: usize,
    /// Most segments to prove.
    pub max_segments: u64,
    /// A block waits at most so long, counted from its timestamp.
    pub max_age: Duration,
}

impl Default for BatchingPolicy {
    fn default() -> Self {
        Self {
            max_blocks: 32.min(MAX_RANGE_BLOCKS),
            max_bytes: MAX_BATCH_BYTES,
            max_segments: 256,
            max_age: Duration::from_secs(20),
        }
    }
}

impl BatchingPolicy {
    /// For batches that are committed and proven by one transaction, which has the proof beside them.
    pub fn with_proof() -> Self {
        Self {
            max_bytes: usize::try_from(MAX_BYTES_WITH_PROOF).unwrap_or(MAX_BATCH_BYTES),
            ..Self::default()
        }
    }
}

/// A block that is in no batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Bytes of L2 calldata.
    pub(crate) bytes: usize,
    /// Segments to prove.
    pub(crate) segments: u64,
    /// When it was sealed.
    pub(crate) sealed_at: SystemTime,
}

impl BatchingPolicy {
    /// How many of the blocks, from the first, become a batch now. `urgent`: do not wait for the age.
    pub(crate) fn due(&self, blocks: &[Candidate], now: SystemTime, urgent: bool) -> Option<usize> {
        let first = blocks.first()?;
        let (mut bytes, mut segments, mut count) = (0usize, 0u64, 0usize);
        for block in blocks.iter().take(self.max_blocks) {
            bytes = bytes.saturating_add(block.bytes);
            segments = segments.saturating_add(block.segments);
            if count > 0 && (bytes > self.max_bytes || segments > self.max_segments) {
                break;
            }
            count += 1;
        }
        let full = count < blocks.len() || count == self.max_blocks;
        let is_old = match now.duration_since(first.sealed_at) {
            Ok(age) => age >= self.max_age,
            // The clock of L2, or of the main node, is another one: it is not waited for.
            Err(ahead) => ahead.duration() >= self.max_age,
        };
        (full || urgent || is_old).then_some(count.max(1))
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use proptest::prelude::*;

    use super::*;

    const POLICY: BatchingPolicy = BatchingPolicy {
        max_blocks: 3,
        max_bytes: 100,
        max_segments: 10,
        max_age: Duration::from_secs(30),
    };

    fn block(bytes: usize, segments: u64) -> Candidate {
        Candidate {
            bytes,
            segments,
            sealed_at: UNIX_EPOCH,
        }
    }

    fn due(blocks: &[Candidate], seconds: u64) -> Option<usize> {
        POLICY.due(blocks, UNIX_EPOCH + Duration::from_secs(seconds), false)
    }

    #[test]
    fn a_young_batch_with_room_waits() {
        assert_eq!(due(&[block(10, 1)], 29), None);
        assert_eq!(due(&[], 1000), None);
    }

    #[test]
    fn an_old_batch_is_closed_with_what_it_has() {
        assert_eq!(due(&[block(10, 1), block(10, 1)], 30), Some(2));
    }

    #[test]
    fn a_block_of_a_clock_that_is_far_ahead_is_not_waited_for() {
        let ahead = |seconds| Candidate {
            sealed_at: UNIX_EPOCH + Duration::from_secs(seconds),
            ..block(10, 1)
        };
        assert_eq!(due(&[ahead(29)], 0), None);
        assert_eq!(due(&[ahead(1_000_000)], 0), Some(1));
    }

    #[test]
    fn proving_that_waits_for_the_batch_closes_it() {
        let young = UNIX_EPOCH + Duration::from_secs(1);
        assert_eq!(POLICY.due(&[block(10, 1)], young, true), Some(1));
        assert_eq!(POLICY.due(&[], young, true), None);
    }

    #[test]
    fn each_limit_closes_a_batch_before_the_block_that_exceeds_it() {
        assert_eq!(due(&[block(60, 1), block(60, 1)], 0), Some(1));
        assert_eq!(due(&[block(1, 6), block(1, 6)], 0), Some(1));
        assert_eq!(due(&[block(1, 1); 4], 0), Some(3));
        assert_eq!(due(&[block(1, 1); 3], 0), Some(3));
    }

    #[test]
    fn a_block_above_the_limits_is_alone_in_its_batch() {
        assert_eq!(due(&[block(500, 50), block(1, 1)], 0), Some(1));
        assert_eq!(due(&[block(500, 50)], 30), Some(1));
    }

    proptest! {
        #[test]
        fn every_batch_keeps_the_limits_or_is_a_single_block(
            sizes in prop::collection::vec((0..150usize, 0..15u64), 0..8),
            seconds in 0..60u64,
        ) {
            let blocks: Vec<_> = sizes.iter().map(|&(b, s)| block(b, s)).collect();
            if let Some(count) = due(&blocks, seconds) {
                let taken = &blocks[..count];
                prop_assert!((1..=3).contains(&count));
                let fits = taken.iter().map(|b| b.bytes).sum::<usize>() <= 100
                    && taken.iter().map(|b| b.segments).sum::<u64>() <= 10;
                prop_assert!(fits || count == 1);
            } else {
                prop_assert!(seconds < 30 || blocks.is_empty());
            }
        }
    }
}
