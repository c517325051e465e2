//! What one node may ask of another.

use std::fmt;
use std::marker::PhantomData;

use alloy::primitives::{Address, B256, Bytes};
use tern_messages::{
    Backlog, Batch, BatchHeader, BatchNumber, BatchesPending, BlockNumber, BlockQuery, BlockSealed,
    Chunk, ChunkQuery, ChunkRefusal, Completion, CompletionAnswer, Drain, DrainAnswer,
    FinalityRefusal, FinalityReport, HaltReport, JobFailure, L2Anchor, Lease, MemberStatus, Offer,
    OfferRefusal, OfferedMessages, ProofStatus, ProvenBlock, ProvenRange, Renewal, RenewalAnswer,
    Rewind, Role, SealedBlock, SettledHeights, StateProof, WindowDigest,
};

use crate::main_node::ReadFailure;

/// Requests that name things and carry no data.
const SHORT: usize = 64 << 10;
/// Requests that carry a proof.
const PROOF: usize = 2 << 20;
/// Requests that carry messages from L2.
const MESSAGES: usize = 2 << 20;

/// A question with the type of its answer.
pub struct Question<Q, A> {
    /// Names it on the wire.
    pub topic: &'static str,
    /// The role that is asked.
    pub of: Role,
    /// The roles that may ask.
    pub by: &'static [Role],
    /// Longest accepted request, in bytes.
    pub max_len: usize,
    types: PhantomData<fn(Q) -> A>,
}

impl<Q, A> Question<Q, A> {
    const fn new(topic: &'static str, of: Role, by: &'static [Role]) -> Self {
        Self {
            topic,
            of,
            by,
            max_len: SHORT,
            types: PhantomData,
        }
    }

    const fn at_most(self, max_len: usize) -> Self {
        Self { max_len, ..self }
    }
}

impl<Q, A> Clone for Question<Q, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Q, A> Copy for Question<Q, A> {}

impl<Q, A> fmt::Debug for Question<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.topic)
    }
}

/// A message without an answer, which may get lost.
pub type Hint<T> = Question<T, ()>;

macro_rules! questions {
    ($of:ident by $by:expr, { $($(#[$doc:meta])* $name:ident = $topic:literal: $question:ty => $answer:ty $([$max:expr])?;)* }) => {
        $(
            $(#[$doc])*
            pub const $name: Question<$question, $answer> =
                Question::new($topic, Role::$of, $by)$(.at_most($max))?;
        )*
    };
}

questions!(Sequencer by &[Role::Prover], {
    /// A prover wants a job.
    OFFER = "offer": Offer => Result<Option<Lease>, OfferRefusal>;
    /// A prover is still at its job.
    RENEW = "renew": Renewal => RenewalAnswer;
    /// A prover has a result.
    COMPLETE = "complete": Completion => CompletionAnswer [PROOF];
    /// A prover gives a job back.
    FAIL = "fail": JobFailure => ();
    /// A prover needs a piece of a job's inputs.
    FETCH = "fetch": ChunkQuery => Result<Chunk, ChunkRefusal>;
});

questions!(Sequencer by &[Role::Bridge], {
    /// How far batches are.
    PENDING = "pending": () => BatchesPending;
    /// A batch with its proof.
    PROVEN = "proven": BatchNumber => Result<Option<ProvenRange>, String>;
    /// A block that is to be proven by itself.
    PROVE_BLOCK = "prove-block": BlockNumber => Result<Option<ProvenBlock>, String>;
    /// What L2 holds for good.
    SETTLED = "settled": SettledHeights => ();
    /// The last batch formed.
    LAST_BATCH = "last-batch": () => BatchNumber;
    /// The places of batches, from the first to the last named.
    BATCH_HEADERS = "batch-headers": (BatchNumber, BatchNumber) => Result<Vec<BatchHeader>, String>;
    /// A batch with its blocks.
    BATCH = "batch": BatchNumber => Result<Option<Batch>, String>;
    /// What the state after a block says of an account and some of its slots.
    STATE_PROOF = "state-proof": (BlockNumber, Address, Vec<B256>) => Result<StateProof, String>;
    /// The windows after these blocks.
    WINDOWS = "windows": (BlockNumber, BlockNumber) => Result<Vec<WindowDigest>, String>;
    /// Batches that were dropped when the main node took their blocks back.
    TAKEN_BACK = "taken-back": () => Result<Vec<BatchHeader>, String>;
});

questions!(MainNode by &[Role::Sequencer], {
    /// Sealed blocks.
    BLOCKS_FROM = "blocks-from": BlockQuery => Result<Vec<SealedBlock>, ReadFailure>;
    /// Every rewind so far.
    REWINDS = "rewinds": () => Result<Vec<Rewind>, ReadFailure>;
    /// How far proving lags behind.
    REPORT_BACKLOG = "report-backlog": Backlog => ();
    /// A block cannot be finalised.
    HALT = "halt": HaltReport => ();
    /// The block that sealing halted for is good.
    RESUME = "resume": BlockNumber => ();
});

questions!(MainNode by &[Role::Bridge], {
    /// What the L2 contract says.
    REPORT_FINALITY = "report-finality": FinalityReport => Result<(), FinalityRefusal>;
    /// The newest L2 block that L3 blocks may refer to.
    REPORT_ANCHOR = "report-anchor": L2Anchor => ();
    /// Messages that L2 holds for good.
    OFFER_MESSAGES = "offer-messages": OfferedMessages => u64 [MESSAGES];
    /// A transaction that L2 wants in a block.
    OFFER_FORCED = "offer-forced": Bytes => ();
});

questions!(Sequencer by &[Role::MainNode], {
    /// A block was sealed.
    BLOCK_SEALED = "block-sealed": BlockSealed => ();
});

questions!(Bridge by &[Role::Sequencer], {
    /// There may be something to commit or to prove.
    WAKE = "wake": () => ();
});

questions!(Sequencer by &[Role::MainNode, Role::Sequencer, Role::Bridge], {
    /// The proving jobs at a glance.
    PROOF_STATUS = "proof-status": () => ProofStatus;
});

questions!(Sequencer by &[Role::Operator], {
    /// The prover of this name is to finish its job and leave.
    DRAIN = "drain": Drain => DrainAnswer;
    /// A node and who is connected with it. Main nodes answer it as well.
    MEMBERS = "members": () => MemberStatus;
});
