//! Challenges, for chains whose batches are final without a proof unless somebody challenges them.

use serde::{Deserialize, Serialize};

use crate::key::KeySource;

/// Who challenges: a watcher that finds a false block on such a chain. By default it only raises an alarm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChallengeConfig {
    /// The L2 key whose account challenges, and is paid what that wins. For a watcher.
    pub key: Option<KeySource>,
}
