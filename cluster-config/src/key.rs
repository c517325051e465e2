//! Where a private key is.

use std::path::PathBuf;

use alloy::signers::local::PrivateKeySigner;
use serde::{Deserialize, Serialize};

use crate::error::ConfigError;
use crate::node::read_limited;

/// Where a private key is. The key itself is never part of a configuration, and never printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum KeySource {
    /// A file that holds 32 bytes in hexadecimal, readable by its owner only.
    File(PathBuf),
    /// A variable of the environment that holds the same.
    Env(String),
}

impl KeySource {
    /// Reads the key.
    ///
    /// # Errors
    /// If it is absent, readable by others, or not a key. The message never contains the text read.
    pub fn load(&self) -> Result<PrivateKeySigner, ConfigError> {
        let (origin, text) = match self {
            Self::File(path) => {
                let origin = format!("key file {}", path.display());
                check_permissions(path).map_err(|problem| ConfigError::Secret {
                    origin: origin.clone(),
                    problem,
                })?;
                (origin, read_limited("key file", path)?)
            }
            Self::Env(name) => {
                let origin = format!("environment variable {name}");
                let text = std::env::var(name).map_err(|_| ConfigError::Secret {
                    origin: origin.clone(),
                    problem: "is not set; it must hold a private key".to_owned(),
                })?;
                (origin, text)
            }
        };
        text.trim().parse().map_err(|_| ConfigError::Secret {
            origin,
            problem: "does not hold a private key (32 bytes in hexadecimal)".to_owned(),
        })
    }
}

#[cfg(unix)]
fn check_permissions(path: &std::path::Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    match std::fs::metadata(path) {
        Ok(found) if found.permissions().mode() & 0o077 != 0 => Err(format!(
            "others may read it; run `chmod 600 {}`",
            path.display()
        )),
        // Reading it will say what is wrong.
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn check_permissions(_: &std::path::Path) -> Result<(), String> {
    Ok(())
}
