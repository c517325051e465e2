//! How long jobs of each kind usually take, to tell stragglers.

use std::collections::BTreeMap;
use std::time::Duration;

use tern_messages::JobKind;

/// Fewer finished jobs than this say nothing yet.
const SAMPLES_NEEDED: u32 = 3;

/// Exponential averages: the last eight jobs or so count.
#[derive(Debug, Default)]
pub(super) struct Durations {
    kinds: BTreeMap<JobKind, (u32, Duration)>,
}

impl Durations {
    /// Counts a finished job.
    pub(super) fn record(&mut self, kind: JobKind, took: Duration) {
        let (count, mean) = self.kinds.entry(kind).or_insert((0, took));
        *count = count.saturating_add(1);
        *mean = (*mean * 7 + took) / 8;
    }

    /// What a job of this kind usually takes, once enough of them have finished.
    pub(super) fn usual(&self, kind: JobKind) -> Option<Duration> {
        self.kinds
            .get(&kind)
            .filter(|(count, _)| *count >= SAMPLES_NEEDED)
            .map(|(_, mean)| *mean)
    }
}
