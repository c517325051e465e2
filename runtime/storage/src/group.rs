//! Group commit: one fsync serves every commit that was applied before it began.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::StorageError;

#[derive(Debug)]
struct Progress {
    /// Number of the last commit applied to memory.
    applied: u64,
    /// Number of the last commit known to be on disk.
    durable: u64,
    /// Whether some thread is synchronising now.
    syncing: bool,
    /// The first failure; nothing is acknowledged after it.
    failed: Option<String>,
}

/// Numbers commits, and lets the first waiting thread synchronise for all that wait with it.
#[derive(Debug)]
pub(crate) struct Group {
    progress: Mutex<Progress>,
    advanced: Condvar,
}

impl Group {
    /// Continues after the commit with this number.
    pub(crate) fn after(last: u64) -> Self {
        let progress = Progress {
            applied: last,
            durable: last,
            syncing: false,
            failed: None,
        };
        Self {
            progress: Mutex::new(progress),
            advanced: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        // Every section leaves the counters consistent, so a panic elsewhere spoils nothing.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// # Errors
    /// [`StorageError::Poisoned`] after a failed write.
    pub(crate) fn check(&self) -> Result<(), StorageError> {
        self.lock().check()
    }

    /// Applies a commit and returns once it is durable. `apply` gets the commit's number, and runs alone;
    /// `sync` makes everything durable that was applied before it, up to the number that it gets.
    pub(crate) fn commit(
        &self,
        apply: impl FnOnce(u64) -> Result<(), StorageError>,
        sync: impl Fn(u64) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        let mut progress = self.lock();
        progress.check()?;
        let mine = progress.applied + 1;
        if let Err(error) = apply(mine) {
            return Err(self.fail(&mut progress, error));
        }
        progress.applied = mine;
        while progress.durable < mine {
            progress.check()?;
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
            let result = sync(covered);
            progress = self.lock();
            progress.syncing = false;
            if let Err(error) = result {
                return Err(self.fail(&mut progress, error));
            }
            progress.durable = covered;
            self.advanced.notify_all();
        }
        Ok(())
    }

    fn fail(&self, progress: &mut Progress, error: StorageError) -> StorageError {
        progress.failed.get_or_insert_with(|| error.to_string());
        self.advanced.notify_all();
        error
    }
}

impl Progress {
    fn check(&self) -> Result<(), StorageError> {
        match &self.failed {
            None => Ok(()),
            Some(first) => Err(StorageError::Poisoned {
                first: first.clone(),
            }),
        }
    }
}
