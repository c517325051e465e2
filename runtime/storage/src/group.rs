//! Group commit: one fsync serves every commit that was applied before it began.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::StorageError;

#[derive(Debug, Default)]
struct Progress {
    /// Commits applied to memory so far.
    applied: u64,
    /// Commits known to be on disk.
    durable: u64,
    /// Whether some thread is synchronising now.
    syncing: bool,
    /// The first failure; nothing is acknowledged after it.
    failed: Option<String>,
}

/// Lets the first waiting thread synchronise for all that wait with it.
#[derive(Debug, Default)]
pub(crate) struct Group {
    progress: Mutex<Progress>,
    advanced: Condvar,
}

impl Group {
    fn lock(&self) -> MutexGuard<'_, Progress> {
        // Every section leaves the counters consistent, so a panic elsewhere spoils nothing.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// # Errors
    /// [`StorageError::Poisoned`] after a failed write.
    pub(crate) fn check(&self) -> Result<(), StorageError> {
        match &self.lock().failed {
            None => Ok(()),
            Some(first) => Err(StorageError::Poisoned {
                first: first.clone(),
            }),
        }
    }

    /// Remembers a failed write; returns it.
    pub(crate) fn fail(&self, error: StorageError) -> StorageError {
        self.lock().failed.get_or_insert_with(|| error.to_string());
        self.advanced.notify_all();
        error
    }

    /// Called after a commit was applied: returns once it is durable. `sync` makes everything applied
    /// before it durable.
    pub(crate) fn wait_durable(
        &self,
        sync: impl Fn() -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        let mut progress = self.lock();
        progress.applied += 1;
        let mine = progress.applied;
        loop {
            if let Some(first) = &progress.failed {
                return Err(StorageError::Poisoned {
                    first: first.clone(),
                });
            }
            if progress.durable >= mine {
                return Ok(());
            }
            if progress.syncing {
                progress = self
                    .advanced
                    .wait(progress)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            progress.syncing = true;
            let covered = progress.applied;
            drop(progress);
            let result = sync();
            progress = self.lock();
            progress.syncing = false;
            match result {
                Ok(()) => progress.durable = progress.durable.max(covered),
                Err(error) => {
                    progress.failed.get_or_insert_with(|| error.to_string());
                    self.advanced.notify_all();
                    return Err(error);
                }
            }
            self.advanced.notify_all();
        }
    }
}
