//! Watchers' signatures, for chains whose contract asks for them beside a proof.

use std::collections::BTreeSet;

use alloy::primitives::Address;
use serde::{Deserialize, Serialize};

use crate::error::ConfigError;
use crate::key::KeySource;
use crate::secret::SecretUrl;

/// Who attests: watchers execute every batch from L2 themselves and sign what comes out. By default nobody is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttestationConfig {
    /// Accounts of the watchers whose signatures a new chain's contract asks for. For those who deploy.
    pub accounts: BTreeSet<Address>,
    /// How many of them must sign; without a number, all.
    pub threshold: Option<usize>,
    /// RPC servers of the watchers that are asked to sign. For the bridge.
    pub watchers: Vec<SecretUrl>,
    /// The key that signs. For a watcher; without one, it signs nothing and has no RPC server.
    pub key: Option<KeySource>,
}

impl AttestationConfig {
    /// How many of the accounts must sign; 0 if there are none.
    pub fn required(&self) -> usize {
        self.threshold.unwrap_or(self.accounts.len())
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let known = self.accounts.len();
        match self.threshold {
            Some(threshold) if threshold == 0 || threshold > known => Err(ConfigError::value(
                "attestation.threshold",
                format!(
                    "{threshold} is not between 1 and the number of attestation.accounts, {known}"
                ),
            )),
            _ => Ok(()),
        }
    }
}
