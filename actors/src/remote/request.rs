//! What one node may ask of another.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tern_cluster_config::Role;
use tern_messages as m;

use crate::main_node::ReadFailure;

/// Plain data that is asked, with the type of its answer.
pub trait Question: Send + 'static {
    /// What comes back.
    type Answer: Serialize + DeserializeOwned + Send + 'static;

    /// The question among all questions.
    fn request(self) -> Request;
}

macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident($content:ty) -> $answer:ty, of $asked:ident, by $($role:ident)|+;)*) => {
        /// Everything that one node may ask of another.
        #[derive(Debug, Serialize, Deserialize)]
        pub enum Request {
            $($(#[$doc])* $name($content),)*
        }

        impl Request {
            /// The role that is asked.
            pub fn asked(&self) -> Role {
                match self {
                    $(Self::$name(_) => Role::$asked,)*
                }
            }

            /// The roles that may ask.
            pub fn askers(&self) -> &'static [Role] {
                match self {
                    $(Self::$name(_) => &[$(Role::$role),+],)*
                }
            }

            /// Its name, for messages to humans.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }
        }

        /// One type for each request.
        pub(super) mod question {
            use super::*;

            $(
                $(#[$doc])*
                #[derive(Debug)]
                pub(crate) struct $name(pub(crate) $content);

                impl Question for $name {
                    type Answer = $answer;

                    fn request(self) -> Request {
                        Request::$name(self.0)
                    }
                }
            )*
        }
    };
}

requests! {
    /// A prover wants a job.
    Offer(m::Offer) -> Result<Option<m::Lease>, m::OfferRefusal>, of Sequencer, by Prover;
    /// A prover is still at its job.
    Renew(m::Renewal) -> m::RenewalAnswer, of Sequencer, by Prover;
    /// A prover has a result.
    Complete(m::Completion) -> m::CompletionAnswer, of Sequencer, by Prover;
    /// A prover gives a job back.
    Fail(m::JobFailure) -> (), of Sequencer, by Prover;
    /// A prover needs a piece of a job's inputs.
    Fetch(m::ChunkQuery) -> Result<m::Chunk, m::ChunkRefusal>, of Sequencer, by Prover;

    /// How far batches are.
    Pending(()) -> m::BatchesPending, of Sequencer, by Bridge;
    /// A batch with its proof.
    Proven(m::BatchNumber) -> Result<Option<m::ProvenBatch>, String>, of Sequencer, by Bridge;
    /// What L2 holds for good.
    Settled(m::SettledHeights) -> (), of Sequencer, by Bridge;
    /// The last batch formed.
    LastBatch(()) -> m::BatchNumber, of Sequencer, by Bridge;
    /// The places of batches, from the first to the last named.
    BatchHeaders((m::BatchNumber, m::BatchNumber)) -> Result<Vec<m::BatchHeader>, String>, of Sequencer, by Bridge;
    /// A batch with its blocks.
    Batch(m::BatchNumber) -> Result<Option<m::Batch>, String>, of Sequencer, by Bridge;

    /// Sealed blocks.
    BlocksFrom(m::BlockQuery) -> Result<Vec<m::SealedBlock>, ReadFailure>, of MainNode, by Sequencer;
    /// How far proving lags behind.
    ReportBacklog(m::Backlog) -> (), of MainNode, by Sequencer;
    /// A block cannot be finalised.
    Halt(m::HaltReport) -> (), of MainNode, by Sequencer;
    /// The block that sealing halted for is good.
    Resume(m::BlockNumber) -> (), of MainNode, by Sequencer;
    /// What the L2 contract says.
    ReportFinality(m::FinalityReport) -> Result<(), m::FinalityRefusal>, of MainNode, by Bridge;
    /// The newest L2 block that L3 blocks may refer to.
    ReportAnchor(m::L2Anchor) -> (), of MainNode, by Bridge;

    /// A block was sealed: a hint.
    BlockSealed(m::BlockSealed) -> (), of Sequencer, by MainNode;
    /// There may be something to commit or to prove: a hint.
    Wake(()) -> (), of Bridge, by Sequencer;

    /// The proving jobs at a glance.
    ProofStatus(()) -> m::ProofStatus, of Sequencer, by MainNode | Sequencer | Bridge;
}
