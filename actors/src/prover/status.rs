//! What the prover does now, for whoever asks.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tern_messages::{JobId, JobKind, JobProgress, ProverStatus};
use tracing::info;

/// Progress is logged no more often than this.
const LOG_EVERY: Duration = Duration::from_secs(5);

/// A board that loop and proving thread write to.
#[derive(Debug, Default)]
pub(super) struct Board {
    content: Mutex<Content>,
}

#[derive(Debug, Default)]
struct Content {
    activity: String,
    job: Option<(JobId, JobKind)>,
    progress: JobProgress,
    since: Option<Instant>,
    logged: Option<Instant>,
    finished: BTreeMap<JobKind, (u64, Duration)>,
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something else begins.
    pub(super) fn begin(&self, activity: &str, job: Option<(JobId, JobKind)>) {
        let mut content = self.lock();
        content.activity = activity.to_owned();
        content.job = job;
        content.progress = JobProgress::default();
        content.since = Some(Instant::now());
        content.logged = None;
    }

    /// A step of it begins.
    pub(super) fn step(&self, progress: JobProgress) {
        let mut content = self.lock();
        let due = content
            .logged
            .is_none_or(|then| then.elapsed() >= LOG_EVERY);
        if due {
            content.logged = Some(Instant::now());
            let JobProgress { step, done, total } = &progress;
            let job = content.job.map(|(id, kind)| format!("{kind:?} {id}"));
            info!(target: "tern::prover", job = job.unwrap_or_default(), %step, done, total, "{}", content.activity);
        }
        content.progress = progress;
    }

    /// How far it is.
    pub(super) fn progress(&self) -> JobProgress {
        self.lock().progress.clone()
    }

    /// A job was finished.
    pub(super) fn finished(&self, kind: JobKind, took: Duration) {
        let mut content = self.lock();
        let (count, total) = content.finished.entry(kind).or_default();
        *count += 1;
        *total += took;
    }

    pub(super) fn status(&self) -> ProverStatus {
        let content = self.lock();
        let mean = |(&kind, &(count, total)): (&JobKind, &(u64, Duration))| {
            let divisor = u32::try_from(count).unwrap_or(u32::MAX).max(1);
            (kind, count, total / divisor)
        };
        ProverStatus {
            activity: content.activity.clone(),
            job: content.job,
            progress: content.progress.clone(),
            seconds: content.since.map_or(0, |since| since.elapsed().as_secs()),
            finished: content.finished.iter().map(mean).collect(),
        }
    }
}
