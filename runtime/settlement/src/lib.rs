//! Client of the L2 contracts: what a node posts to its parent chain, and what it believes from there.
//!
//! ```text
//!  Batch, StatementData, Proof --posting--> Call --TransactionSender--> L2 --> Rollup
//!                                                  (Follower decides)            |
//!  RollupStatus, PostedBatch, RecordedBlock <---------- RollupClient <-----------+
//! ```
//!
//! [`posting`] and [`follower`] are pure. The rest asks L2 through [`L2`], whose answers are limited in time and
//! length. What the contract says is committed and verified wins over what any disk says.
//!
//! Not here: when to commit or prove, what to do after a failure (the bridge actor), and everything that a proof
//! states (the proving crate).

mod artifacts;
mod attestation;
mod bindings;
mod client;
pub mod compression;
mod deploy;
mod depth;
mod disputes;
mod endpoint;
mod error;
mod exits;
pub mod follower;
mod forced;
mod inbox;
mod l2;
mod posted;
pub mod posting;
mod predeploys;
mod sender;
mod transport;

pub use attestation::{AttestationVerifier, RequiredProofs, RequiredVerifier, Signatures, Watcher};
pub use bindings::{
    Foundations, IBridge, IDisputes, IExits, IForcedQueue, IGovernance, IInbox, IL3Bridge,
    IL3Inbox, IRollup, IToken, Message, Withdrawal,
};
pub use client::{ExpectedRollup, RollupClient, RollupStatus};
pub use deploy::{
    Deadlines, Deployed, DeployedChain, Roles, RollupPlan, VerifierKey,
    deploy_attestation_verifier, deploy_bridge, deploy_rollup, deploy_verifier,
    deploy_verifier_set,
};
pub use depth::{Depth, Tag};
pub use disputes::{Challenge, Challenged, DisputeTerms, DisputesClient, Proposal, Standing};
pub use endpoint::L2Endpoint;
pub use error::{AnswerLimit, Revert, SettlementError};
pub use follower::FollowPolicy;
pub use forced::{ForcedEntry, Taken, taken};
pub use inbox::Queue;
pub use l2::{L2, L2Block, Logged};
pub use posted::{PostedBatch, PostedBlock, RecordedBlock, decode_commit};
pub use posting::{Call, InboxProof, PostingError, PreviousBatch};
pub use predeploys::{
    L3_BRIDGE, L3_INBOX, L3_TOKEN, Predeploy, canonical_bridge, predeploys, processed,
};
pub use sender::{Mined, TransactionSender};
