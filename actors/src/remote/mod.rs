//! Roles that run on other machines, reached as if they ran here.
//!
//! ```text
//!  prover's process                                       sequencer's process
//!  Prover ─ CoordinatorMessage ▶ proxy ── question ──▶ router ─ CoordinatorMessage ▶ ProofCoordinator
//!         ◀──────── reply ────────┘ ◀──── answer ───────┘ ◀──────── reply ─────────────┘
//! ```
//!
//! * [`questions`]: everything that one node may ask of another, and which role may ask it.
//! * A proxy is an actor with the mailbox of the role that it stands for, so that who asks needs not know where
//!   that runs. A lost connection looks like an actor that is being restarted: the call fails, and is made again.
//! * [`router`] answers for the roles of this process. Who asks is known from the connection's certificate,
//!   never from the message.

mod departures;
mod proxy;
pub mod questions;
mod router;
#[cfg(test)]
mod tests;
mod view;

pub use departures::departures;
pub use proxy::{BatcherProxy, BridgeProxy, CoordinatorProxy, MainNodeProxy, ReplicaProxy};
pub use router::{Local, LocalSequencer, router};
pub use view::View;
