//! What operators ask of nodes.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::role::Role;
use crate::sequencer::ProofStatus;

/// A node and who is connected with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberStatus {
    /// Its name.
    pub name: String,
    /// The roles that it plays.
    pub roles: Vec<Role>,
    /// Version of its software.
    pub software: String,
    /// Time since its process started.
    pub running: Duration,
    /// The nodes that are connected with it.
    pub peers: Vec<PeerStatus>,
    /// The proving jobs, if it is a sequencer.
    pub proofs: Option<ProofStatus>,
}

/// A node as another one sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerStatus {
    /// Its name.
    pub name: String,
    /// The roles that it plays.
    pub roles: Vec<Role>,
    /// What it says is the version of its software.
    pub software: String,
    /// Where it connected from, or was reached.
    pub address: SocketAddr,
    /// Time since its connection was made.
    pub connected: Duration,
}

/// The wish that a prover finishes its job and leaves. May be said again until it has left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    /// Name of the prover.
    pub name: String,
    /// Which start of its process is meant: without one, the present.
    pub start: Option<u64>,
}

/// What became of the wish that a prover finishes its job and leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DrainAnswer {
    /// It gets no more jobs, and leaves when it has finished the one that it has.
    Leaving {
        /// Which start of its process that is.
        start: u64,
    },
    /// It has left: another start of its process is connected, and goes on.
    Left,
    /// No such prover is connected.
    Unknown {
        /// Those that are.
        connected: Vec<String>,
    },
}
