//! The authority's memory of what it issued.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::certificate::Serial;
use super::error::IdentityError;
use super::files::{self, Audience, failed};
use super::role::{Name, Role};

/// Version of the file. Raised when a field changes its meaning.
const FORMAT: u32 = 1;

/// All certificates ever issued.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ledger {
    format: u32,
    /// The cluster whose authority this is.
    pub(super) cluster: Name,
    /// Number of the newest revocation list.
    pub(super) list_number: u64,
    /// In the order of issue.
    pub(super) issued: Vec<Entry>,
}

/// One certificate.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) serial: Serial,
    pub(super) name: Name,
    pub(super) roles: BTreeSet<Role>,
    pub(super) not_after: SystemTime,
    pub(super) revoked: Option<SystemTime>,
}

impl Entry {
    /// Whether it can be used at `now`.
    pub(super) fn is_valid(&self, now: SystemTime) -> bool {
        self.revoked.is_none() && self.not_after > now
    }
}

/// Keeps other processes from writing the ledger while it lives.
pub(super) struct Locked(#[expect(dead_code, reason = "the lock ends with the file")] File);

impl Ledger {
    pub(super) fn new(cluster: Name) -> Self {
        Self {
            format: FORMAT,
            cluster,
            list_number: 0,
            issued: Vec::new(),
        }
    }

    pub(super) fn lock(folder: &Path) -> Result<Locked, IdentityError> {
        let path = folder.join("ca.key");
        let file = File::open(&path).map_err(failed("reading", &path))?;
        file.lock().map_err(failed("locking", &path))?;
        Ok(Locked(file))
    }

    fn path(folder: &Path) -> PathBuf {
        folder.join("ledger.json")
    }

    pub(super) fn read(folder: &Path) -> Result<Self, IdentityError> {
        let path = Self::path(folder);
        let damaged = |reason| IdentityError::Damaged {
            path: path.clone(),
            reason,
        };
        let ledger: Self = serde_json::from_slice(&files::read(&path)?)
            .map_err(|error| damaged(error.to_string()))?;
        if ledger.format == FORMAT {
            Ok(ledger)
        } else {
            let found = ledger.format;
            Err(damaged(format!(
                "it has format {found}; this program knows format {FORMAT}"
            )))
        }
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), IdentityError> {
        let text = serde_json::to_vec_pretty(self).expect("plain data serialises");
        files::write(&Self::path(folder), &text, Audience::Owner)
    }
}
