//! The number of the last acknowledged commit, outside sled.
//!
//! sled reads its log up to the first damage and silently takes the rest for never written. This file says
//! how far the log must reach. It is written after each fsync of the log and not synchronised itself: it may
//! lag behind after a power cut, it never runs ahead.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::StorageError;

const FILE: &str = "acknowledged";

#[derive(Debug)]
pub(crate) struct Promise {
    path: PathBuf,
    file: File,
}

impl Promise {
    /// Compares what was promised with the last commit that the database knows.
    pub(crate) fn open(directory: &Path, last: u64) -> Result<Self, StorageError> {
        let path = directory.join(FILE);
        // A file cut short by a power loss promises nothing.
        let found = fs::read(&path)
            .ok()
            .and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
        let promised = found.map_or(0, u64::from_be_bytes);
        if promised > last {
            return Err(StorageError::Damaged {
                path: directory.to_owned(),
                reason: format!(
                    "commit {promised} was acknowledged, but the database ends with commit {last}"
                ),
            });
        }
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        match file {
            Ok(file) => Ok(Self { path, file }),
            Err(source) => Err(StorageError::Io {
                action: "opening",
                path,
                source,
            }),
        }
    }

    /// Remembers that commits up to `number` are durable. Calls come one after the other.
    pub(crate) fn raise(&self, number: u64) -> Result<(), StorageError> {
        self.file
            .write_all_at(&number.to_be_bytes(), 0)
            .map_err(|source| StorageError::Io {
                action: "writing",
                path: self.path.clone(),
                source,
            })
    }
}
