//! Which batches share the next proof for L2. Pure.
//!
//! One such proof is made at a time. As soon as it is there, all batches whose blocks were proven meanwhile share the
//! next one: while little happens each batch has its own at once, and the more there is to prove the more share the price
//! of verifying one. They share one statement as well, of all their blocks: L2 checks it once, and cuts the blocks into
//! batches. The jobs that depend on the statement (a few seconds for each block, in a tree that many provers share) begin
//! when it is decided; those that do not, nearly all of the work, never wait for it.

use std::collections::{BTreeMap, HashMap};

use tern_messages::{BatchHeader, BatchNumber, BlockNumber, JobId};
use tern_settlement::posting::MAX_RANGE_BLOCKS;

/// The proof that is being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) last: BatchNumber,
    pub(super) wrap: JobId,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Ranges {
    /// Most batches that share a proof.
    most: usize,
    /// Batches that L2 has no proof of, and that are in none.
    waiting: BTreeMap<BatchNumber, BatchHeader>,
    /// What proves each block but for its statement.
    spans: BTreeMap<BlockNumber, JobId>,
    /// Those that are not done.
    unproven: HashMap<JobId, BlockNumber>,
    under_way: Option<Range>,
}

impl Ranges {
    /// At most so many batches share a proof.
    pub(super) fn of_at_most(most: usize) -> Self {
        Self {
            most,
            waiting: BTreeMap::new(),
            spans: BTreeMap::new(),
            unproven: HashMap::new(),
            under_way: None,
        }
    }

    pub(super) fn add_block(&mut self, number: BlockNumber, span: JobId, proven: bool) {
        self.spans.insert(number, span);
        if !proven {
            self.unproven.insert(span, number);
        }
    }

    pub(super) fn add_batch(&mut self, header: BatchHeader) {
        self.waiting.insert(header.number, header);
    }

    /// Takes note of a finished job. Says which block is proven by it, if one is.
    pub(super) fn finished(&mut self, job: &JobId) -> Option<BlockNumber> {
        self.unproven.remove(job)
    }

    /// The proof that is being made.
    pub(super) fn under_way(&self) -> Option<Range> {
        self.under_way
    }

    pub(super) fn begin(&mut self, range: Range) {
        self.under_way = Some(range);
    }

    /// The batches from `first` on that may share a proof now. `last` is given if it was decided before.
    pub(super) fn ready(&self, first: BatchNumber, last: Option<BatchNumber>) -> Vec<&BatchHeader> {
        let mut ready: Vec<&BatchHeader> = Vec::new();
        let mut blocks = 0;
        for (number, (found, batch)) in (first.0..).zip(self.waiting.range(first..)) {
            blocks += batch.last_block.0 - batch.first_block.0 + 1;
            let room =
                (blocks <= MAX_RANGE_BLOCKS as u64 && ready.len() < self.most) || ready.is_empty();
            let wanted = last.map_or(room, |last| *found <= last);
            if found.0 != number || !wanted || !self.is_proven(batch) {
                break;
            }
            ready.push(batch);
        }
        ready
    }

    fn is_proven(&self, batch: &BatchHeader) -> bool {
        let blocks = batch.first_block.0..=batch.last_block.0;
        blocks.map(BlockNumber).all(|block| {
            let span = self.spans.get(&block);
            span.is_some_and(|span| !self.unproven.contains_key(span))
        })
    }

    /// Forgets everything up to a batch. Returns its last block, if it was waiting, and the jobs that nobody needs any
    /// more.
    pub(super) fn done(&mut self, last: BatchNumber) -> (Option<BlockNumber>, Vec<JobId>) {
        let rest = self
            .waiting
            .split_off(&BatchNumber(last.0.saturating_add(1)));
        let done = std::mem::replace(&mut self.waiting, rest);
        let mut jobs = Vec::new();
        if let Some(range) = self.under_way.take_if(|range| range.last <= last) {
            jobs.push(range.wrap);
        }
        let last_block = done.into_values().last().map(|batch| batch.last_block);
        if let Some(block) = last_block {
            let rest = self
                .spans
                .split_off(&BlockNumber(block.0.saturating_add(1)));
            jobs.extend(std::mem::replace(&mut self.spans, rest).into_values());
            self.unproven.retain(|_, number| *number > block);
        }
        (last_block, jobs)
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;

    use super::*;

    fn span(block: u64) -> JobId {
        JobId(B256::from(alloy::primitives::U256::from(block)))
    }

    /// Batches of so many blocks, none of which is proven.
    fn ranges(sizes: impl IntoIterator<Item = u64>) -> Ranges {
        let mut ranges = Ranges::of_at_most(usize::MAX);
        let mut first = 1;
        for (number, blocks) in (1..).zip(sizes) {
            let last = first + blocks - 1;
            for block in first..=last {
                ranges.add_block(BlockNumber(block), span(block), false);
            }
            ranges.add_batch(BatchHeader {
                number: BatchNumber(number),
                first_block: BlockNumber(first),
                last_block: BlockNumber(last),
                last_block_hash: B256::ZERO,
                state_root: B256::ZERO,
            });
            first = last + 1;
        }
        ranges
    }

    fn prove(ranges: &mut Ranges, blocks: impl IntoIterator<Item = u64>) {
        for block in blocks {
            assert_eq!(ranges.finished(&span(block)), Some(BlockNumber(block)));
            assert_eq!(ranges.finished(&span(block)), None);
        }
    }

    #[test]
    fn batches_share_a_proof_up_to_the_first_of_which_a_block_is_not_proven() {
        let mut ranges = ranges([2; 4]);
        prove(&mut ranges, [1, 2, 3, 4, 5, 7, 8]);
        assert_eq!(ranges.ready(BatchNumber(1), None).len(), 2);
        assert_eq!(ranges.ready(BatchNumber(3), None).len(), 0);
        let (last, jobs) = ranges.done(BatchNumber(3));
        assert_eq!((last, jobs.len()), (Some(BlockNumber(6)), 6));
        assert_eq!(ranges.ready(BatchNumber(4), None).len(), 1);
    }

    #[test]
    fn a_range_has_a_limit_and_what_was_decided_before_stays() {
        let mut many = ranges(std::iter::repeat_n(1, 300));
        prove(&mut many, 1..=300);
        assert_eq!(many.ready(BatchNumber(1), None).len(), MAX_RANGE_BLOCKS);
        assert_eq!(many.ready(BatchNumber(1), Some(BatchNumber(3))).len(), 3);
        let mut large = ranges([300, 200, 24, 1]);
        prove(&mut large, 1..=525);
        assert_eq!(
            large.ready(BatchNumber(1), None).len(),
            1,
            "one always fits"
        );
        assert_eq!(large.ready(BatchNumber(2), None).len(), 2);
    }

    #[test]
    fn a_range_is_under_way_until_its_last_batch_is_done() {
        let mut ranges = ranges([1; 3]);
        let range = Range {
            last: BatchNumber(2),
            wrap: span(100),
        };
        ranges.begin(range);
        assert!(!ranges.done(BatchNumber(1)).1.contains(&range.wrap));
        assert_eq!(ranges.under_way(), Some(range));
        assert!(ranges.done(BatchNumber(2)).1.contains(&range.wrap));
        assert_eq!(ranges.under_way(), None);
    }
}
