//! Large values: one file each, named by table and content.
//!
//! sled rewrites whole tree nodes; values of hundreds of kilobytes make that slow and its file large. Such
//! values are written beside it, before the batch that refers to them, and never changed. A file without
//! reference (its commit never happened, or its key was deleted) is removed when the store is opened.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use alloy::primitives::{B256, hex, keccak256};

use crate::error::StorageError;

/// Values longer than this go to files, in bytes. A contract's code (24 KiB) stays inside.
pub(crate) const INLINE_MAX: usize = 32 << 10;

/// The files of a store.
#[derive(Debug)]
pub(crate) struct Files {
    root: PathBuf,
    drafts: AtomicU64,
}

impl Files {
    pub(crate) fn open(root: PathBuf) -> Result<Self, StorageError> {
        fs::create_dir_all(&root).map_err(at("creating", &root))?;
        Ok(Self {
            root,
            drafts: AtomicU64::new(0),
        })
    }

    fn folder(&self, table: u8) -> PathBuf {
        self.root.join(format!("{table:02x}"))
    }

    pub(crate) fn path(&self, table: u8, name: B256) -> PathBuf {
        self.folder(table).join(hex::encode(name))
    }

    /// Writes `bytes`, durable when this returns. Does nothing if they are there.
    pub(crate) fn write(&self, table: u8, bytes: &[u8]) -> Result<B256, StorageError> {
        let name = keccak256(bytes);
        let path = self.path(table, name);
        if path.exists() {
            return Ok(name);
        }
        let folder = self.folder(table);
        if !folder.exists() {
            fs::create_dir_all(&folder).map_err(at("creating", &folder))?;
            sync_directory(&self.root)?;
        }
        let number = self.drafts.fetch_add(1, Ordering::Relaxed);
        let draft = folder.join(format!("{}.{number}.new", hex::encode(name)));
        let written = File::create(&draft)
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&draft, &path));
        if let Err(source) = written {
            // Best effort: the sweep at the next start removes it otherwise.
            let _ = fs::remove_file(&draft);
            return Err(StorageError::Io {
                action: "writing",
                path,
                source,
            });
        }
        sync_directory(&folder)?;
        Ok(name)
    }

    /// Reads a file and checks it against its name. `None` if it is absent, `Err` names what is wrong.
    pub(crate) fn read(&self, table: u8, name: B256) -> Result<Vec<u8>, &'static str> {
        match fs::read(self.path(table, name)) {
            Ok(bytes) if keccak256(&bytes) == name => Ok(bytes),
            Ok(_) => Err("was altered"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err("is missing"),
            Err(_) => Err("cannot be read"),
        }
    }

    /// The tables that have files.
    pub(crate) fn tables(&self) -> Result<Vec<u8>, StorageError> {
        let entries = fs::read_dir(&self.root).map_err(at("listing", &self.root))?;
        let mut tables = Vec::new();
        for entry in entries {
            let name = entry.map_err(at("listing", &self.root))?.file_name();
            tables.extend(
                name.to_str()
                    .and_then(|name| u8::from_str_radix(name, 16).ok()),
            );
        }
        Ok(tables)
    }

    /// Removes a table's files that are not in `referenced`; says how many.
    pub(crate) fn sweep(
        &self,
        table: u8,
        referenced: &HashSet<B256>,
    ) -> Result<usize, StorageError> {
        let folder = self.folder(table);
        let mut removed = 0;
        for entry in fs::read_dir(&folder).map_err(at("listing", &folder))? {
            let path = entry.map_err(at("listing", &folder))?.path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            let keep = name
                .parse()
                .is_ok_and(|name: B256| referenced.contains(&name));
            if !keep {
                fs::remove_file(&path).map_err(at("removing", &path))?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

fn at(action: &'static str, path: &Path) -> impl Fn(io::Error) -> StorageError {
    move |source| StorageError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

/// Makes creations and renames inside `directory` durable.
pub(crate) fn sync_directory(directory: &Path) -> Result<(), StorageError> {
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(at("synchronising", directory))
}
