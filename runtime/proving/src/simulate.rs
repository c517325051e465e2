//! How large each table of each segment will be, without proving.

use serde::{Deserialize, Serialize};
use tern_messages::TransactionBatch;

use crate::error::Unprovable;
use crate::profile::{Profile, TABLE_COUNT};

/// log2 of the length of each table of one segment, in the order of [`Table::ALL`](crate::Table::ALL);
/// `None` for a table that the segment does not use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentSizes(pub [Option<u8>; TABLE_COUNT]);

/// What proving one transaction batch takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulation {
    /// log2 of the segments' length in machine cycles.
    pub max_cycles_log: u8,
    /// One entry for each segment, in order.
    pub segments: Vec<SegmentSizes>,
}

/// Runs `batch` through the machine's kernel, checks every root, receipt and gas figure against it, and reports
/// the segments; all of them fit the profile's circuits.
///
/// # Errors
/// Why the batch cannot be proven. Trying again cannot help.
pub fn simulate(batch: &TransactionBatch, profile: Profile) -> Result<Simulation, Unprovable> {
    let _ = (batch, profile);
    todo!()
}
