//! Roles that run on other machines, reached as if they ran here.
//!
//! ```text
//!  prover's process                                    sequencer's process
//!  Prover ─ CoordinatorMessage ▶ proxy ─ Request ─▶ line ─▶ Service ─ CoordinatorMessage ▶ ProofCoordinator
//!         ◀──────── reply ────────┘ ◀── answer ───────────┘ ◀──────── reply ─────────────┘
//! ```
//!
//! * [`Request`]: everything that one node may ask of another, and which role may ask it.
//! * A proxy is an actor with the mailbox of the role that it stands for, so that who asks needs not know where
//!   that runs. A lost connection looks like an actor that is being restarted: the call fails, and is made again.
//! * [`Service`] answers for the roles of this process. Who asks is known from the connection's certificate,
//!   never from the message.

mod line;
mod proxy;
mod request;
mod service;
#[cfg(test)]
mod tests;

pub use line::{Answered, Caller, Line, LineError};
pub use proxy::{BatcherProxy, BridgeProxy, CoordinatorProxy, MainNodeProxy, ReplicaProxy};
pub use request::{Question, Request};
pub use service::{Local, Refused, Service};
