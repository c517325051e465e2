//! What keeps the actors of one process running, how the process ends, and how processes of several machines
//! reach each other.
//!
//! # One process
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
//!   window; then the failure is the process's: [`Process::ended`] returns a [`ShutdownReason`], which is the
//!   exit code. Every restart is logged with its reason.
//! * A child's error may say that starting again is useless: see [`Fault`].
//! * A restarted actor has a new reference. Whoever talks to it holds an [`Address`], which follows it.
//! * Stopping goes by rank, along the flow of data: what takes in work stops first, and each child finishes
//!   the messages that it has. A child that does not manage in time is killed; durability must never depend
//!   on an orderly stop.
//!
//! Nothing here knows what the children do.

//!
//! # Several machines
//!
//! [`identity`] says who a machine is: an authority certifies each node's name and roles. [`net`] connects the
//! machines: mutual TLS, one gateway actor per node, heartbeats, redialling, and peers that come and go as events.
//!
//! ```no_run
//! # async fn example(process: tern_cluster::Process) -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use tern_cluster::identity::{self, Role};
//! use tern_cluster::net::{Cluster, ClusterSettings, Limits, Router, Target, Terms, Timings};
//!
//! let (cluster, children) = Cluster::new(
//!     ClusterSettings {
//!         identity: identity::load("/etc/tern/identity".as_ref())?,
//!         roles: [Role::Prover].into(),
//!         terms: Terms::default(), // learnt from the peer
//!         listener: None,
//!         join: vec![Target { address: "10.0.0.1:7700".into(), role: Role::Sequencer }],
//!         router: Router::new(),
//!         limits: Limits::default(),
//!         timings: Timings::default(),
//!     },
//!     0,
//! )?;
//! for child in children {
//!     process.add(child).await?;
//! }
//! let sequencer = cluster.wait_for(Role::Sequencer).await;
//! let answer: u64 = sequencer.ask("topic", &41_u64, Duration::from_secs(5)).await?;
//! # Ok(())
//! # }
//! ```

mod address;
mod child;
mod fault;
pub mod identity;
pub mod net;
mod policy;
mod process;
mod shutdown;
mod supervisor;

pub use address::{Address, CallError};
pub use child::{ChildSpec, SpawnFuture};
pub use fault::Fault;
pub use policy::{RestartHistory, RestartPolicy, Verdict};
pub use process::{Process, StartError, StopReport};
pub use shutdown::{ShutdownReason, TerminationSignals};
