//! What keeps the actors of one process running, and how the process ends.
//!
//! ```text
//!  main ── Process::wait ◀── ShutdownReason ── Supervisor
//!   │                                             │ spawns, watches, restarts by RestartPolicy
//!   └── Process::stop (SIGINT, SIGTERM, escalation)├─ child "main-node"   rank 1
//!                                                 ├─ child "sequencer"   rank 2   … stopped in this order
//!                                                 └─ child "rpc"         rank 0
//! ```
//!
//! * A child that fails is started again, after a pause, as often as its [`RestartPolicy`] allows in its
//!   window; then the failure is the process's: [`Process::wait`] returns a [`ShutdownReason`], which is the
//!   exit code. Every restart is logged with its reason.
//! * A child's error may say that starting again is useless: see [`Fault`].
//! * A restarted actor has a new reference. Whoever talks to it holds an [`Address`], which follows it.
//! * Stopping goes by rank, along the flow of data: what takes in work stops first, and each child finishes
//!   the messages that it has. A child that does not manage in time is killed; durability must never depend
//!   on an orderly stop.
//!
//! Nothing here knows what the children do.

mod address;
mod child;
mod fault;
mod policy;
mod process;
mod shutdown;
mod supervisor;

pub use address::{Address, CallError};
pub use child::{ChildSpec, SpawnFuture};
pub use fault::Fault;
pub use policy::{RestartHistory, RestartPolicy, Verdict};
pub use process::{Process, StartError, StopReport};
pub use shutdown::{ShutdownReason, termination_signal};
