//! Why the store could not do what it was asked.

use std::io;
use std::path::PathBuf;

use tern_messages::CodecError;
use thiserror::Error;

/// Why the store could not do what it was asked.
#[derive(Debug, Error)]
pub enum StorageError {
    /// Another process works on the same directory.
    #[error(
        "the data directory {} is in use by another process; stop that process, or choose another \
         directory with --data-dir", directory.display()
    )]
    InUse {
        /// The directory.
        directory: PathBuf,
    },
    /// The directory belongs to another chain or role, or was written by another version.
    #[error(
        "the data directory {} belongs to another {field}: it has {found}, this process expects \
         {expected}; choose another directory with --data-dir", directory.display()
    )]
    Foreign {
        /// The directory.
        directory: PathBuf,
        /// What differs: `chain id`, `genesis hash`, `role` or `format version`.
        field: &'static str,
        /// What the directory says.
        found: String,
        /// What this process was configured with.
        expected: String,
    },
    /// The directory holds something, but no data of this program.
    #[error(
        "{} is not empty and holds no Tern data (no identity.json); choose another directory with \
         --data-dir", directory.display()
    )]
    NotADataDirectory {
        /// The directory.
        directory: PathBuf,
    },
    /// The files cannot be read as what they should be.
    #[error("the data in {} is damaged: {reason}; restore a backup or start with an empty directory",
        path.display())]
    Damaged {
        /// The file or directory.
        path: PathBuf,
        /// What was wrong.
        reason: String,
    },
    /// A value was read and is not one of its table.
    #[error("table `{table}`, key 0x{key}: {source}")]
    Value {
        /// Name of the table.
        table: &'static str,
        /// The key, in hexadecimal.
        key: String,
        /// What was wrong.
        source: CodecError,
    },
    /// A key was read and is not one of its table.
    #[error("table `{table}`: 0x{key} is not a key of this table")]
    Key {
        /// Name of the table.
        table: &'static str,
        /// The key, in hexadecimal.
        key: String,
    },
    /// A value kept in a file of its own is gone or altered.
    #[error("table `{table}`, key 0x{key}: the value's file {} {problem}", path.display())]
    LargeValue {
        /// Name of the table.
        table: &'static str,
        /// The key, in hexadecimal.
        key: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The operating system refused a read or a write.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// Its answer.
        source: io::Error,
    },
    /// The database refused an operation.
    #[error("{action} the database in {}: {reason}", directory.display())]
    Database {
        /// What was attempted.
        action: &'static str,
        /// The data directory.
        directory: PathBuf,
        /// Its answer.
        reason: String,
    },
    /// An earlier write failed, so nothing more is written until the process restarts.
    #[error("an earlier write failed ({first}); the store accepts no writes until it is reopened")]
    Poisoned {
        /// The first failure.
        first: String,
    },
}

impl StorageError {
    /// Whether opening the store again, with nothing changed by hand, can help: the disk may have space
    /// again, or the other process may have ended.
    pub fn reopening_can_help(&self) -> bool {
        matches!(
            self,
            Self::InUse { .. } | Self::Io { .. } | Self::Database { .. } | Self::Poisoned { .. }
        )
    }
}
