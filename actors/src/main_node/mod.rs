//! The main node: the one place where transactions are executed and blocks are made.
//!
//! ```text
//!  RPC ── SubmitTransaction ─▶ MainNode (actor) ── Command ─▶ Engine (thread) ──▶ Store (fsync)
//!  bridge ── ReportFinality, ReportAnchor,   │                   │ publishes
//!            OfferMessages, OfferForced ───▶ │                   │
//!  sequencer ── ReportBacklog, Halt ───────▶ │                   ▼
//!  sequencer ◀── BlocksFrom ─────────────────┘            Head ──▶ RPC reads
//!                                                         BlockSealed ──▶ subscribers
//! ```
//!
//! A transaction is executed when it arrives, in the open block; it is confirmed once that is on disk; the
//! block is sealed later, by policy, away from the confirmation path. Readers never ask the actor: they have
//! the disk and the published [`Head`].
//!
//! A halt ends when the block turns out to be good after all, or by [`rewind()`](rewind()): an operator takes blocks back.
//!
//! The embedded L2 of the devnet is the same code with another [`ChainSpec`].

mod actor;
mod chain;
mod engine;
mod finality;
mod head;
mod inbox;
mod message;
mod open_block;
mod pool;
mod refusals;
mod restraint;
mod rewind;
mod sealing;
mod spec;
mod tables;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use actor::{MainNodeHandle, reconfirm};
pub use chain::{Chain, ChainError};
pub use engine::{Lost, Reconfirmed};
pub use finality::batch_record;
pub(crate) use finality::{accept, put_anchor, reported_finality};
pub use head::{Head, OpenView};
pub use message::{MainNodeMessage, ReadFailure, SealedAnnouncement};
pub use refusals::{Refusals, allow};
pub(crate) use rewind::take_back;
pub use rewind::{RewindError, RewindRequest, Rewound, rewind};
pub use spec::{ChainSpec, Finality, Sealing};
pub use tables::{BATCH_RECORDS, FINALITY, StoredFinality};
