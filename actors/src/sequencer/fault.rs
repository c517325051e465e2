//! Which failures of the sequencer a restart can cure.

use tern_cluster::Fault;
use tern_storage::StorageError;

use crate::main_node::ChainError;

/// A failure of the disk.
pub(crate) fn disk(error: StorageError) -> Fault {
    if error.reopening_can_help() {
        Fault::Passing(error.into())
    } else {
        Fault::Lasting(error.into())
    }
}

/// A failure of the chain on disk.
pub(crate) fn chain(error: ChainError) -> Fault {
    match error {
        ChainError::Storage(error) => disk(error),
        other => Fault::Lasting(other.into()),
    }
}
