//! How work is handed out.

use std::time::Duration;

use tern_messages::JobKind;

/// How work is handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long a lease lives without renewal.
    pub lease_ttl: Duration,
    /// How long a lease lives on once the connection to its worker is lost.
    pub grace: Duration,
    /// A question is answered after this time at the latest.
    pub longest_wait: Duration,
    /// A job that failed on so many workers is parked, or on all if there are fewer. Starts of one worker count as one
    /// worker, unless there is no other.
    pub most_failures: usize,
    /// The same for a job whose leases expired: it probably kills workers.
    pub most_losses: usize,
    /// A worker that has not asked for so long is not there any more.
    pub remembered: Duration,
    /// A job is given to a second worker when it takes so many times as long as its kind usually does.
    pub hedge_factor: u32,
    /// But not before this time.
    pub hedge_after: Duration,
    /// Memory that a segment takes, in bytes.
    pub heavy_memory: u64,
    /// Memory that any other job takes, in bytes.
    pub light_memory: u64,
}

impl Policy {
    /// What suits jobs of seconds to minutes: `heavy` is the memory that a segment takes, `light` that of any other
    /// job, in bytes.
    pub fn usual(heavy: u64, light: u64) -> Self {
        Self {
            lease_ttl: Duration::from_secs(30),
            // Longer than a third of `lease_ttl`, after which a worker that is back renews.
            grace: Duration::from_secs(15),
            longest_wait: Duration::from_secs(20),
            most_failures: 3,
            most_losses: 5,
            remembered: Duration::from_secs(600),
            hedge_factor: 3,
            hedge_after: Duration::from_secs(30),
            heavy_memory: heavy,
            light_memory: light,
        }
    }

    /// Memory that a job of this kind takes, in bytes.
    pub fn memory(&self, kind: JobKind) -> u64 {
        match kind {
            JobKind::Segment => self.heavy_memory,
            _ => self.light_memory,
        }
    }
}
