//! What the proof coordinator can be asked and told.

use std::fmt;

use ractor::RpcReplyPort;
use tern_messages::{
    BatchNumber, BatchesPending, BlockNumber, Chunk, ChunkQuery, ChunkRefusal, Completion,
    CompletionAnswer, JobFailure, JobId, Lease, Offer, OfferRefusal, ProofStatus, ProvenBlock,
    ProvenRange, Renewal, RenewalAnswer, SettledHeights, WorkerId,
};

use super::judge::Verdict;
use super::plans::{News, PlanFault};

/// The mailbox of the proof coordinator. Payloads are plain data of the `messages` crate.
pub enum CoordinatorMessage {
    /// From simulator and batcher: there may be jobs to plan.
    WorkArrived,
    /// Jobs were planned.
    #[expect(private_interfaces, reason = "sent by the coordinator to itself")]
    Found(Result<Box<News>, PlanFault>),
    /// From a prover: it wants a job. `None` when there was none for as long as it wanted to wait.
    Offer(Offer, RpcReplyPort<Result<Option<Lease>, OfferRefusal>>),
    /// From a prover: it is still at its job.
    Renew(Renewal, RpcReplyPort<RenewalAnswer>),
    /// From a prover: a result. The answer comes once it is verified and durable; without an answer it is
    /// to be sent again.
    Complete(Completion, RpcReplyPort<CompletionAnswer>),
    /// A proof was judged.
    Judged(JobId, WorkerId, Verdict),
    /// From a prover: it gives a job back.
    Fail(JobFailure),
    /// From a prover: a piece of something that its job needs.
    Fetch(ChunkQuery, RpcReplyPort<Result<Chunk, ChunkRefusal>>),
    /// Time has passed.
    Tick,
    /// More time has passed.
    Heartbeat,
    /// The jobs at a glance.
    Status(RpcReplyPort<ProofStatus>),
    /// From an operator: the prover of this name gets no more jobs, and is to leave.
    Drain(String, RpcReplyPort<()>),
    /// From the bridge: how far batches are.
    Pending(RpcReplyPort<BatchesPending>),
    /// From the bridge: the proof of this batch and those that share it, if it is the first of them.
    Proven(
        BatchNumber,
        RpcReplyPort<Result<Option<ProvenRange>, String>>,
    ),
    /// From the bridge: this block was challenged on L2, and is to be proven by itself before all else. Its proof, once it is
    /// there.
    ProveBlock(
        BlockNumber,
        RpcReplyPort<Result<Option<ProvenBlock>, String>>,
    ),
    /// From the bridge: what L2 holds for good. What only served to get there is deleted.
    Settled(SettledHeights),
    /// The connection to the worker of this name was lost.
    Gone(String),
    /// From the simulator: a run is cut into other segments than before.
    PlanAnew,
}

impl ractor::Message for CoordinatorMessage {}

impl fmt::Debug for CoordinatorMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WorkArrived => "WorkArrived",
            Self::Found(_) => "Found",
            Self::Offer(..) => "Offer",
            Self::Renew(..) => "Renew",
            Self::Complete(..) => "Complete",
            Self::Judged(..) => "Judged",
            Self::Fail(_) => "Fail",
            Self::Fetch(..) => "Fetch",
            Self::Tick => "Tick",
            Self::Heartbeat => "Heartbeat",
            Self::Status(_) => "Status",
            Self::Drain(..) => "Drain",
            Self::Pending(_) => "Pending",
            Self::Proven(..) => "Proven",
            Self::ProveBlock(..) => "ProveBlock",
            Self::Settled(_) => "Settled",
            Self::Gone(_) => "Gone",
            Self::PlanAnew => "PlanAnew",
        })
    }
}
