//! What the main node can be asked and told.

use std::fmt;

use alloy::primitives::Bytes;
use ractor::RpcReplyPort;
use serde::{Deserialize, Serialize};
use tern_messages::{
    Backlog, BlockQuery, BlockSealed, Confirmation, FinalityRefusal, FinalityReport, HaltReport,
    L2Anchor, NodeStatus, OfferedMessages, Rejection, Rewind, SealedBlock,
};

use super::chain::ChainError;

/// The mailbox of the main node. Payloads are plain data of the `messages` crate.
pub enum MainNodeMessage {
    /// Validate and execute a signed transaction (EIP-2718 bytes). The answer comes once it is durable.
    SubmitTransaction(Bytes, RpcReplyPort<Result<Confirmation, Rejection>>),
    /// Read sealed blocks.
    BlocksFrom(
        BlockQuery,
        RpcReplyPort<Result<Vec<SealedBlock>, ReadFailure>>,
    ),
    /// From the sequencer: every rewind so far, in order.
    Rewinds(RpcReplyPort<Result<Vec<Rewind>, ReadFailure>>),
    /// From the bridge: what the L2 contract says. The answer comes once it is durable.
    ReportFinality(FinalityReport, RpcReplyPort<Result<(), FinalityRefusal>>),
    /// From the bridge: the newest L2 block that L3 blocks may refer to.
    ReportAnchor(L2Anchor),
    /// From the bridge: messages that L2 holds for good, in the order of their queue. The answer is the index of the one that
    /// is wanted next.
    OfferMessages(OfferedMessages, RpcReplyPort<u64>),
    /// From the bridge: a signed transaction that L2 wants in a block. Whether it is executed, later blocks say.
    OfferForced(Bytes),
    /// From the sequencer: how far proving lags behind.
    ReportBacklog(Backlog),
    /// From the sequencer: a block cannot be finalised. Sealing stops, and stays stopped over restarts.
    Halt(HaltReport),
    /// From the sequencer: the block that it halted for has been checked again and is good.
    Resume(tern_messages::BlockNumber),
    /// The node at a glance.
    Status(RpcReplyPort<NodeStatus>),
    /// From the node's own thread: it cannot go on.
    EngineFailed(ChainError),
}

impl ractor::Message for MainNodeMessage {}

/// What subscribers of sealed blocks get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedAnnouncement(pub BlockSealed);

impl ractor::Message for SealedAnnouncement {}

/// The node's storage failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("blocks cannot be read: {reason}")]
pub struct ReadFailure {
    /// What went wrong.
    pub reason: String,
}

impl fmt::Debug for MainNodeMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SubmitTransaction(..) => "SubmitTransaction",
            Self::BlocksFrom(..) => "BlocksFrom",
            Self::Rewinds(_) => "Rewinds",
            Self::ReportFinality(..) => "ReportFinality",
            Self::ReportAnchor(_) => "ReportAnchor",
            Self::OfferMessages(..) => "OfferMessages",
            Self::OfferForced(_) => "OfferForced",
            Self::ReportBacklog(_) => "ReportBacklog",
            Self::Halt(_) => "Halt",
            Self::Resume(_) => "Resume",
            Self::Status(_) => "Status",
            Self::EngineFailed(_) => "EngineFailed",
        })
    }
}
