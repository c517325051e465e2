//! Which batches share the next proof for L2. Pure.
//!
//! One such proof is made at a time. As soon as it is there, all batches that were stated meanwhile share the next one:
//! while little happens each batch has its own at once, and the more there is to prove the more share the price of
//! verifying one. Statements are folded from the left, as the contract does it, a fold taking some seconds: a tree would
//! save time only where more batches become ready at the same moment than [`MAX_BATCHES`], and the contract would have to
//! know its shape.

use std::collections::{BTreeMap, HashMap};

use tern_messages::job::StatementData;
use tern_messages::{BatchNumber, BlockNumber, JobId};
use tern_settlement::posting::MAX_RANGE_BLOCKS;

/// Most batches in a proof: beyond it a transaction gets no cheaper, and the L2 transaction needs much of a block's gas.
pub(super) const MAX_BATCHES: usize = 64;

/// Most blocks in a proof of several batches: half of what one batch may have, so that the fields of [`MAX_BATCHES`]
/// batches fit one L2 transaction as well.
const MAX_BLOCKS: u64 = MAX_RANGE_BLOCKS as u64 / 2;

/// A batch that L2 has no proof of, and that is in none.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    /// The job that proves its statement.
    pub(super) root: JobId,
    pub(super) statement: StatementData,
    pub(super) first_block: BlockNumber,
    pub(super) last_block: BlockNumber,
    /// Its statement is proven.
    pub(super) stated: bool,
}

/// The proof that is being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) last: BatchNumber,
    pub(super) wrap: JobId,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    waiting: BTreeMap<BatchNumber, Waiting>,
    /// Batches by the jobs that prove their statements, as long as these are not done.
    unstated: HashMap<JobId, BatchNumber>,
    under_way: Option<Range>,
}

impl Ranges {
    pub(super) fn add(&mut self, number: BatchNumber, batch: Waiting) {
        if !batch.stated {
            self.unstated.insert(batch.root, number);
        }
        self.waiting.insert(number, batch);
    }

    /// Takes note of a finished job. Says which batch it states, if it does.
    pub(super) fn finished(&mut self, job: &JobId) -> Option<BatchNumber> {
        let number = self.unstated.remove(job)?;
        if let Some(batch) = self.waiting.get_mut(&number) {
            batch.stated = true;
        }
        Some(number)
    }

    /// The proof that is being made.
    pub(super) fn under_way(&self) -> Option<Range> {
        self.under_way
    }

    pub(super) fn begin(&mut self, range: Range) {
        self.under_way = Some(range);
    }

    /// The batches from `first` on that may share a proof now. `last` is given if it was decided before.
    pub(super) fn ready(&self, first: BatchNumber, last: Option<BatchNumber>) -> Vec<&Waiting> {
        let mut ready: Vec<&Waiting> = Vec::new();
        let mut blocks = 0;
        for (number, (found, batch)) in (first.0..).zip(self.waiting.range(first..)) {
            blocks += batch.last_block.0 - batch.first_block.0 + 1;
            let room = ready.len() < MAX_BATCHES && blocks <= MAX_BLOCKS;
            let wanted = last.map_or(room || ready.is_empty(), |last| *found <= last);
            if found.0 != number || !batch.stated || !wanted {
                break;
            }
            ready.push(batch);
        }
        ready
    }

    /// Forgets everything up to a batch; returns what was known of those batches.
    pub(super) fn done(&mut self, last: BatchNumber) -> Vec<Waiting> {
        let after = BatchNumber(last.0.saturating_add(1));
        let rest = self.waiting.split_off(&after);
        let done = std::mem::replace(&mut self.waiting, rest);
        self.unstated.retain(|_, number| *number > last);
        if self.under_way.is_some_and(|range| range.last <= last) {
            self.under_way = None;
        }
        done.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;
    use tern_messages::statement::Point;

    use super::*;

    fn waiting(number: u64, blocks: u64) -> Waiting {
        Waiting {
            root: JobId(B256::with_last_byte(u8::try_from(number).unwrap())),
            statement: StatementData {
                start_window: [0; 4],
                end_window: [0; 4],
                commitment: [0; 4],
                point: Point([0, 0]),
                evaluation: [0, 0],
            },
            first_block: BlockNumber(1),
            last_block: BlockNumber(blocks),
            stated: false,
        }
    }

    fn ranges(sizes: impl IntoIterator<Item = u64>) -> Ranges {
        let mut ranges = Ranges::default();
        for (number, blocks) in (1..).zip(sizes) {
            ranges.add(BatchNumber(number), waiting(number, blocks));
        }
        ranges
    }

    fn state(ranges: &mut Ranges, number: u64) {
        let root = waiting(number, 1).root;
        assert_eq!(ranges.finished(&root), Some(BatchNumber(number)));
        assert_eq!(ranges.finished(&root), None);
    }

    #[test]
    fn batches_share_a_proof_up_to_the_first_that_is_not_stated() {
        let mut ranges = ranges([1; 4]);
        for number in [1, 2, 4] {
            state(&mut ranges, number);
        }
        assert_eq!(ranges.ready(BatchNumber(1), None).len(), 2);
        assert_eq!(ranges.ready(BatchNumber(3), None).len(), 0);
        assert_eq!(ranges.done(BatchNumber(3)).len(), 3);
        assert_eq!(ranges.ready(BatchNumber(4), None).len(), 1);
    }

    #[test]
    fn a_range_has_limits_and_what_was_decided_before_stays() {
        let mut many = ranges(std::iter::repeat_n(1, 100));
        (1..=100).for_each(|number| state(&mut many, number));
        assert_eq!(many.ready(BatchNumber(1), None).len(), MAX_BATCHES);
        assert_eq!(many.ready(BatchNumber(1), Some(BatchNumber(3))).len(), 3);
        let mut large = ranges([200, 100, 28, 1]);
        (1..=4).for_each(|number| state(&mut large, number));
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
            wrap: JobId(B256::ZERO),
        };
        ranges.begin(range);
        ranges.done(BatchNumber(1));
        assert_eq!(ranges.under_way(), Some(range));
        ranges.done(BatchNumber(2));
        assert_eq!(ranges.under_way(), None);
    }
}
