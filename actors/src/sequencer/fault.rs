//! Which failures of the sequencer a restart can cure.

use tern_cluster::Fault;
use tern_storage::StorageError;

use crate::main_node::ChainError;

/// A failure of the disk. The process opened the store, which writes nothing after a failed write: only a new start of
/// the process opens it again, so that an actor's restart cannot help.
pub(crate) fn disk(error: StorageError) -> Fault {
    Fault::Lasting(error.into())
}

/// A failure of the chain on disk.
pub(crate) fn chain(error: ChainError) -> Fault {
    match error {
        ChainError::Storage(error) => disk(error),
        other => Fault::Lasting(other.into()),
    }
}
