//! Whose data a directory holds.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use alloy::primitives::B256;
use serde::{Deserialize, Serialize};
use tern_messages::ChainId;

use crate::error::StorageError;
use crate::files::sync_directory;

/// Version of the layout on disk. Raised when a table changes its meaning.
pub const FORMAT_VERSION: u32 = 3;

const FILE: &str = "identity.json";
/// A longer identity file is not one of ours.
const MAX_LEN: u64 = 4096;

/// Whose data a directory holds. Set when the directory is first used; compared ever after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChainIdentity {
    /// The chain's id.
    pub chain_id: ChainId,
    /// Hash of its genesis block.
    pub genesis_hash: B256,
    /// The role that writes here, such as `main-node`.
    pub role: String,
    /// Layout of the data; [`FORMAT_VERSION`] for what this program writes.
    pub format_version: u32,
}

impl ChainIdentity {
    /// The identity of data that this program writes for a role of a chain.
    pub fn new(chain_id: ChainId, genesis_hash: B256, role: impl Into<String>) -> Self {
        Self {
            chain_id,
            genesis_hash,
            role: role.into(),
            format_version: FORMAT_VERSION,
        }
    }

    /// Compares the directory's identity with this one; writes it into an empty directory.
    pub(crate) fn claim(&self, directory: &Path) -> Result<(), StorageError> {
        let path = directory.join(FILE);
        let io = |action| {
            let path = path.clone();
            move |source| StorageError::Io {
                action,
                path,
                source,
            }
        };
        match fs::metadata(&path) {
            Ok(found) if found.len() > MAX_LEN => Err(StorageError::Damaged {
                path: path.clone(),
                reason: format!("{} bytes are too many for an identity", found.len()),
            }),
            Ok(_) => {
                let text = fs::read(&path).map_err(io("reading"))?;
                let found: Self =
                    serde_json::from_slice(&text).map_err(|error| StorageError::Damaged {
                        path: path.clone(),
                        reason: error.to_string(),
                    })?;
                self.compare(&found, directory)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.write_first(directory, &path)
            }
            Err(error) => Err(io("reading")(error)),
        }
    }

    fn compare(&self, found: &Self, directory: &Path) -> Result<(), StorageError> {
        let fields = [
            (
                "format version",
                found.format_version.to_string(),
                self.format_version.to_string(),
            ),
            (
                "chain id",
                found.chain_id.to_string(),
                self.chain_id.to_string(),
            ),
            (
                "genesis hash",
                found.genesis_hash.to_string(),
                self.genesis_hash.to_string(),
            ),
            ("role", found.role.clone(), self.role.clone()),
        ];
        match fields
            .into_iter()
            .find(|(_, found, expected)| found != expected)
        {
            None => Ok(()),
            Some((field, found, expected)) => Err(StorageError::Foreign {
                directory: directory.to_owned(),
                field,
                found,
                expected,
            }),
        }
    }

    fn write_first(&self, directory: &Path, path: &Path) -> Result<(), StorageError> {
        let draft = directory.join(format!("{FILE}.new"));
        let io = |action| {
            let path = path.to_owned();
            move |source| StorageError::Io {
                action,
                path,
                source,
            }
        };
        for entry in fs::read_dir(directory).map_err(io("listing the directory of"))? {
            let entry = entry.map_err(io("listing the directory of"))?;
            if entry.path() != draft {
                return Err(StorageError::NotADataDirectory {
                    directory: directory.to_owned(),
                });
            }
        }
        let text = serde_json::to_vec_pretty(self).expect("plain data serialises");
        let mut file = fs::File::create(&draft).map_err(io("writing"))?;
        file.write_all(&text)
            .and_then(|()| file.sync_all())
            .map_err(io("writing"))?;
        fs::rename(&draft, path).map_err(io("writing"))?;
        sync_directory(directory)
    }
}
