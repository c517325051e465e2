//! The process: which children it has, in which order they stop, and how it ends.
//!
//! ```text
//! Supervisor                                                            stops
//! ├─ rpc                 takes requests                                 first
//! ├─ main-node           executes, confirms, seals                        │
//! ├─ replica, simulator, batcher, proof-coordinator    (sequencer)        │
//! ├─ prover              proves                                           │
//! ├─ bridge              commits and proves on L2                         │
//! ├─ l2-rpc              takes requests              (devnet: own L2)     ▼
//! ├─ embedded-l2         executes and seals          (devnet: own L2)     │
//! └─ cluster-…           speaks with other machines                     last
//! ```
//!
//! Restart policies, escalation and orderly stop are those of [`tern_cluster`]; here is only what this node
//! is made of.

mod chain;
mod ending;
mod roles;

pub use chain::{ChainPlace, open_chain, start_chain};
pub use ending::{Failure, run};
pub use roles::{
    Places, Roles, Settlement, Worker, genesis_header, profile_named, start_prover, start_roles,
};

/// The order of stopping: intake first, what others depend on last.
pub mod rank {
    /// What speaks with other machines: after everything that it serves.
    pub const CLUSTER: u8 = 70;
    /// The RPC server of L3.
    pub const RPC: u8 = 0;
    /// The main node.
    pub const MAIN_NODE: u8 = 10;
    /// The first part of the sequencer; its others follow.
    pub const SEQUENCER: u8 = 20;
    /// The prover.
    pub const PROVER: u8 = 30;
    /// The bridge.
    pub const BRIDGE: u8 = 40;
    /// The RPC server of the embedded L2.
    pub const L2_RPC: u8 = 50;
    /// The embedded L2.
    pub const L2: u8 = 60;
}
