//! The sequencer: checks every block again, forms batches, and has them proven.
//!
//! Four actors over one data directory, each supervised by the process's supervisor and restarted alone. What one
//! tells another is a hint; what counts is on disk.
//!
//! ```text
//! main node ─ blocks ─▶ replica ─▶ simulator ─▶ batcher ─▶ bridge: commit
//!     ▲                    │           │            │
//!     └──── Halt ──────────┴───────────┘            ▼
//!                                      └──▶ proof coordinator ◀─▶ provers
//!                                                   └─▶ bridge: prove
//! ```
//!
//! | actor | reads | writes, one durable step each |
//! |---|---|---|
//! | replica | the main node's blocks | block, state, inputs of its proof |
//! | simulator | inputs | how the block will be proven |
//! | batcher | blocks that can be proven | batches |
//! | proof coordinator | blocks, batches, proofs | leases, proofs |
//!
//! When an operator has the main node take blocks back, the replica drops them here, with all that follows from them, and
//! the other parts start again: see `history` and `rewind`. When the program's circuits are others than before, what is not
//! verified is planned and proven anew: see `renewal`.

mod batcher;
mod batching;
pub(crate) mod fault;
mod history;
mod proof_coordinator;
mod renewal;
mod replica;
mod rewind;
mod settings;
mod simulator;
pub(crate) mod tables;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use batcher::{Batcher, BatcherMessage};
pub use batching::BatchingPolicy;
pub use proof_coordinator::{CoordinatorMessage, ProofCoordinator};
pub(crate) use renewal::renew;
pub use replica::{Announcements, Replica, ReplicaMessage};
pub use settings::{Sequencer, SequencerSettings, lease_policy};
pub use simulator::{Simulator, SimulatorMessage};
