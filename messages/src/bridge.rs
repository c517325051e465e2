//! The verifier bridge at a glance.

use serde::{Deserialize, Serialize};

use crate::units::BatchNumber;

/// What the bridge sees and does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeStatus {
    /// What it does now, in a few words.
    pub activity: String,
    /// Why L2 cannot be used now, if it cannot.
    pub trouble: Option<String>,
    /// Number of the newest L2 block seen.
    pub l2_head: u64,
    /// Last batch committed at the head of L2.
    pub committed: BatchNumber,
    /// Last batch verified at the head of L2.
    pub verified: BatchNumber,
}
