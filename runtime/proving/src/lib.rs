//! Proving jobs, circuits, statement, wrap and native verification on plonky2.
//!
//! ```text
//! TransactionBatch -- inputs --> kernel run -- simulate --> table sizes -- plan --> jobs
//!
//! segment --leaf--> span --merge--> span --block--> run of blocks --merge--> run of blocks
//!     --batch--> batch statement --wrap--> proof for L2
//! ```
//!
//! * [`profile`]: the two sets of parameters, `secure` and `insecure-test`.
//! * [`limits`]: what fits into one run of the prover's machine.
//! * [`inputs`]: a [`TransactionBatch`](tern_messages::TransactionBatch) as the prover's machine wants it.
//! * [`simulate`](mod@simulate): how large each table of each segment will be, without proving.
//! * [`statement`]: what a batch proof states; the native twin of what the circuits compute.
//! * [`plan`]: from simulations to the graph of jobs.
//! * [`circuits`]: the circuits above the segment, one module each.
//! * [`prover`]: [`ProvingCircuits`] runs jobs.
//! * [`security`]: how many bits of security every argument offers.
//! * [`onchain`]: the final circuit, and its proofs as the L2 contract reads them.
//! * [`verifier`]: [`JobVerifier`] checks what came back, from verifier data alone.
//!
//! Nothing here spawns actors, reads files or talks to anybody. Proofs, witnesses and children are treated
//! as hostile: sizes are limited before anything is decoded, and nothing panics on bad input.

pub mod circuits;
pub mod error;
pub mod inputs;
pub mod limits;
mod machine;
pub mod onchain;
pub mod plan;
pub mod profile;
pub mod prover;
pub mod security;
pub mod simulate;
pub mod statement;
pub mod verifier;

pub use error::{InputError, PlanError, ProvingError, Unprovable};
pub use plan::{BlockRuns, Plan, Run, plan_batch};
pub use profile::{Profile, Table};
pub use prover::{Progress, ProvingCircuits};
pub use simulate::{SegmentSizes, Simulation, simulate, simulate_within};
pub use statement::BatchStatement;
pub use verifier::JobVerifier;

#[cfg(test)]
mod tests;
