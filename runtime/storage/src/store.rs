//! The store of one process and role.

use std::collections::HashSet;
use std::fs::{self, File};
use std::ops::{Bound, RangeBounds};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use alloy::primitives::{B256, hex};
use serde::{Serialize, de::DeserializeOwned};
use tern_messages::decode;

use crate::batch::WriteBatch;
use crate::crash::crash_point;
use crate::error::StorageError;
use crate::files::{Files, INLINE_MAX};
use crate::group::Group;
use crate::identity::ChainIdentity;
use crate::promise::Promise;
use crate::table::{Key, Table};

/// Memory that sled may use for its page cache, in bytes.
const CACHE: u64 = 64 << 20;

/// sled's key of the number of the last commit. No table has the number 0.
const LAST_COMMIT: &[u8] = &[0];

/// First byte of a value in sled: what follows is the encoded value.
const INLINE: u8 = 0;
/// First byte of a value in sled: what follows is the name of the value's file.
const IN_FILE: u8 = 1;

/// The store of one process and role. Share it with [`std::sync::Arc`]; all methods take `&self`.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    database: sled::Db,
    /// sled's data file, synchronised by us: on Linux sled itself stops at `sync_file_range`, which leaves
    /// file length and the disk's cache alone.
    log: File,
    files: Files,
    group: Group,
    promise: Promise,
}

impl Store {
    /// Opens the data directory, or makes a new one of it if it is empty or absent.
    ///
    /// # Errors
    /// If it belongs to another chain or role, is in use, is damaged, or cannot be read or written; the
    /// error says which and what to do.
    pub fn open(directory: &Path, identity: &ChainIdentity) -> Result<Self, StorageError> {
        let io = |action| {
            move |source| StorageError::Io {
                action,
                path: directory.to_owned(),
                source,
            }
        };
        fs::create_dir_all(directory).map_err(io("creating"))?;
        identity.claim(directory)?;
        let tree = directory.join("sled");
        let config = sled::Config::new()
            .path(&tree)
            .cache_capacity(CACHE)
            .flush_every_ms(None);
        let database = match catch_unwind(AssertUnwindSafe(|| config.open())) {
            Ok(Ok(database)) => database,
            Ok(Err(error)) => return Err(opening(directory, error)),
            Err(panic) => {
                return Err(StorageError::Damaged {
                    path: tree,
                    reason: panic_text(&*panic),
                });
            }
        };
        let log = File::open(tree.join("db")).map_err(io("opening the log in"))?;
        crate::files::sync_directory(&tree)?;
        crate::files::sync_directory(directory)?;
        let files = Files::open(directory.join("files"))?;
        let last = last_commit(&database).map_err(|error| opening(directory, error))?;
        let promise = Promise::open(directory, last)?;
        let group = Group::after(last);
        let directory = directory.to_owned();
        let store = Self {
            directory,
            database,
            log,
            files,
            group,
            promise,
        };
        store.sweep()?;
        Ok(store)
    }

    /// Where the data is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Writes a batch. When this returns `Ok`, all of it is on disk; after a crash, or on `Err`, all of it
    /// or nothing is. Calls from many threads share one fsync.
    ///
    /// # Errors
    /// If the disk refuses, now or in an earlier commit: then nothing more is written until the store is
    /// reopened.
    pub fn commit(&self, batch: WriteBatch) -> Result<(), StorageError> {
        self.group.check()?;
        if batch.is_empty() {
            return Ok(());
        }
        let mut writes = sled::Batch::default();
        for write in batch.writes {
            match write.value {
                None => writes.remove(write.key),
                Some(value) if value.len() > INLINE_MAX => {
                    // A failure here leaves nothing half written: the batch was not applied.
                    let name = self.files.write(write.table, &value)?;
                    writes.insert(write.key, tagged(IN_FILE, name.as_slice()));
                }
                Some(value) => writes.insert(write.key, tagged(INLINE, &value)),
            }
        }
        self.group.commit(
            |number| {
                writes.insert(LAST_COMMIT, number.to_be_bytes().as_slice());
                self.guarded("writing to", || self.database.apply_batch(writes))
            },
            |number| {
                crash_point("store/applied");
                self.guarded("flushing", || self.database.flush())?;
                crash_point("store/flushed");
                self.log.sync_data().map_err(|source| StorageError::Io {
                    action: "synchronising the log in",
                    path: self.directory.clone(),
                    source,
                })?;
                self.promise.raise(number)
            },
        )
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// If it cannot be read or decoded.
    pub fn get<K: Key, V: Serialize + DeserializeOwned>(
        &self,
        table: &Table<K, V>,
        key: &K,
    ) -> Result<Option<V>, StorageError> {
        let key = table.key(key);
        match self.guarded("reading", || self.database.get(&key))? {
            None => Ok(None),
            Some(value) => self.value(table, &key, &value).map(Some),
        }
    }

    /// Whether `key` has a value.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn contains<K: Key, V: Serialize + DeserializeOwned>(
        &self,
        table: &Table<K, V>,
        key: &K,
    ) -> Result<bool, StorageError> {
        let key = table.key(key);
        self.guarded("reading", || self.database.contains_key(&key))
    }

    /// The rows whose keys lie in `range`, in order of their keys (or backwards, with `.rev()`).
    ///
    /// Each item is an error if its row cannot be read or decoded.
    pub fn range<'a, K: Key + 'a, V: Serialize + DeserializeOwned + 'a>(
        &'a self,
        table: &'a Table<K, V>,
        range: impl RangeBounds<K>,
    ) -> impl DoubleEndedIterator<Item = Result<(K, V), StorageError>> + 'a {
        let start = match range.start_bound() {
            Bound::Included(key) => Bound::Included(table.key(key)),
            Bound::Excluded(key) => Bound::Excluded(table.key(key)),
            Bound::Unbounded => Bound::Included(vec![table.id]),
        };
        let end = match range.end_bound() {
            Bound::Included(key) => Bound::Included(table.key(key)),
            Bound::Excluded(key) => Bound::Excluded(table.key(key)),
            Bound::Unbounded => table
                .id
                .checked_add(1)
                .map_or(Bound::Unbounded, |id| Bound::Excluded(vec![id])),
        };
        self.database.range((start, end)).map(move |row| {
            let (key, value) = row.map_err(|error| self.refused("reading", &error))?;
            let parsed = key
                .get(1..)
                .and_then(K::read)
                .ok_or_else(|| StorageError::Key {
                    table: table.name,
                    key: hex::encode(key.get(1..).unwrap_or_default()),
                })?;
            Ok((parsed, self.value(table, &key, &value)?))
        })
    }

    /// The row with the greatest key.
    ///
    /// # Errors
    /// If it cannot be read or decoded.
    pub fn last<K: Key, V: Serialize + DeserializeOwned>(
        &self,
        table: &Table<K, V>,
    ) -> Result<Option<(K, V)>, StorageError> {
        self.range(table, ..).next_back().transpose()
    }

    /// The row with the least key.
    ///
    /// # Errors
    /// If it cannot be read or decoded.
    pub fn first<K: Key, V: Serialize + DeserializeOwned>(
        &self,
        table: &Table<K, V>,
    ) -> Result<Option<(K, V)>, StorageError> {
        self.range(table, ..).next().transpose()
    }

    fn value<K: Key, V: Serialize + DeserializeOwned>(
        &self,
        table: &Table<K, V>,
        key: &[u8],
        stored: &[u8],
    ) -> Result<V, StorageError> {
        let hex_key = || hex::encode(key.get(1..).unwrap_or_default());
        let malformed = |source| StorageError::Value {
            table: table.name,
            key: hex_key(),
            source,
        };
        match stored.split_first() {
            Some((&INLINE, value)) => decode(value).map_err(malformed),
            Some((&IN_FILE, name)) => {
                let name = B256::try_from(name)
                    .map_err(|_| malformed(tern_messages::CodecError::Empty))?;
                let bytes = self.files.read(table.id, name).map_err(|problem| {
                    let path = self.files.path(table.id, name);
                    StorageError::LargeValue {
                        table: table.name,
                        key: hex_key(),
                        path,
                        problem,
                    }
                })?;
                decode(&bytes).map_err(malformed)
            }
            Some((&found, _)) => Err(malformed(tern_messages::CodecError::Version { found })),
            None => Err(malformed(tern_messages::CodecError::Empty)),
        }
    }

    /// Removes files that nothing refers to.
    fn sweep(&self) -> Result<(), StorageError> {
        for table in self.files.tables()? {
            let mut referenced = HashSet::new();
            for row in self.database.scan_prefix([table]) {
                let (_, value) = row.map_err(|error| self.refused("reading", &error))?;
                if let Some((&IN_FILE, name)) = value.split_first() {
                    referenced.extend(B256::try_from(name));
                }
            }
            let removed = self.files.sweep(table, &referenced)?;
            if removed > 0 {
                tracing::debug!(
                    table,
                    removed,
                    "removed files of commits that never happened"
                );
            }
        }
        Ok(())
    }

    /// Runs a database operation; errors and panics of sled become errors of ours.
    fn guarded<T>(
        &self,
        action: &'static str,
        operation: impl FnOnce() -> sled::Result<T>,
    ) -> Result<T, StorageError> {
        match catch_unwind(AssertUnwindSafe(operation)) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.refused(action, &error)),
            Err(panic) => Err(StorageError::Database {
                action,
                directory: self.directory.clone(),
                reason: panic_text(&*panic),
            }),
        }
    }

    fn refused(&self, action: &'static str, error: &sled::Error) -> StorageError {
        let directory = self.directory.clone();
        match error {
            sled::Error::Corruption { .. } | sled::Error::ReportableBug(_) => {
                StorageError::Damaged {
                    path: directory,
                    reason: error.to_string(),
                }
            }
            _ => StorageError::Database {
                action,
                directory,
                reason: error.to_string(),
            },
        }
    }
}

fn last_commit(database: &sled::Db) -> sled::Result<u64> {
    let stored = database.get(LAST_COMMIT)?;
    let bytes = stored.and_then(|bytes| <[u8; 8]>::try_from(bytes.as_ref()).ok());
    Ok(bytes.map_or(0, u64::from_be_bytes))
}

fn tagged(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 1);
    out.push(tag);
    out.extend_from_slice(bytes);
    out
}

fn opening(directory: &Path, error: sled::Error) -> StorageError {
    let directory = directory.to_owned();
    match error {
        sled::Error::Io(source) if source.to_string().contains("could not acquire lock") => {
            StorageError::InUse { directory }
        }
        sled::Error::Io(source) => StorageError::Io {
            action: "opening the database in",
            path: directory,
            source,
        },
        other => StorageError::Damaged {
            path: directory,
            reason: other.to_string(),
        },
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("the database stopped unexpectedly")
        .to_owned()
}
