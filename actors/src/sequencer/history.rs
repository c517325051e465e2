//! What blocks taken back mean for the parts of a sequencer that work at the same time.
//!
//! Each part remembers blocks and batches between its steps. When the replica drops what the main node has taken back, it
//! does so while no part writes, and all that was remembered is void: the next step of each part fails, and its supervisor
//! starts it again from what is on disk.

use std::sync::{Arc, PoisonError, RwLock};

use tern_cluster::Fault;
use tern_storage::{Store, WriteBatch};
use thiserror::Error;

use super::fault;

/// How often blocks were dropped since the process started. Shared by the parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct History(Arc<RwLock<u64>>);

/// The state of the history at which a part has read the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen(u64);

#[derive(Debug, Error)]
#[error("the main node took blocks back; starting again from what is left")]
struct Changed;

impl History {
    /// To be asked before the disk is read.
    pub(crate) fn now(&self) -> Seen {
        Seen(*self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether what was read then still counts.
    ///
    /// # Errors
    /// If it does not.
    pub(crate) fn check(&self, seen: Seen) -> Result<(), Fault> {
        match self.now() == seen {
            true => Ok(()),
            false => Err(Fault::Passing(Changed.into())),
        }
    }

    /// Writes what follows from what was read then. Blocks on the disk.
    ///
    /// # Errors
    /// If that does not count any more, or the disk refuses; nothing was written.
    pub(crate) fn commit(&self, seen: Seen, store: &Store, batch: WriteBatch) -> Result<(), Fault> {
        let now = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if Seen(*now) != seen {
            return Err(Fault::Passing(Changed.into()));
        }
        store.commit(batch).map_err(fault::disk)
    }

    /// Changes the disk while nobody else writes; `change` says whether what was read before is void. Blocks on the disk.
    ///
    /// # Errors
    /// As `change` says.
    pub(crate) fn rewrite(
        &self,
        change: impl FnOnce() -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        let mut now = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let outcome = change();
        // After a failure nobody knows what is on the disk.
        if *outcome.as_ref().unwrap_or(&true) {
            *now += 1;
        }
        outcome.map(drop)
    }
}
