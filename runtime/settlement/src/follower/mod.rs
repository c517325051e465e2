//! Follows one L2 transaction until it is deep enough: pure decisions, no clock and no network.
//!
//! ```text
//!            Send            receipt           confirmations
//!  unsent ---------> pending ---------> mined --------------> Done
//!               ^  |  |  ^               |
//!      Resend   |  |  |  +--- reorganised (the receipt is gone: Resend)
//!      (dropped)+--+  +-- Send with higher fees (stuck, or a replacement was underpriced)
//!                     +-- Failed: nonce taken, nonce gap, refused, out of time
//! ```
//!
//! The driver ([`crate::TransactionSender`]) observes L2 and asks [`Follower::next`] what to do. One
//! transaction is in flight at a time, with the nonce that L2's *mined* count gives. So after a crash the same nonce is
//! used again: what was in flight is either mined (the nonce is taken; the caller reads the contract) or replaced.

mod fees;
mod policy;
#[cfg(test)]
mod tests;

use std::time::Duration;

use alloy::primitives::{B256, TxHash};
use thiserror::Error;

pub use fees::Fees;
pub use policy::FollowPolicy;

/// What L2 shows at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Time since following began.
    pub elapsed: Duration,
    /// Number of the newest L2 block.
    pub head: u64,
    /// Transactions of the sender that are mined: the next free nonce.
    pub next_nonce: u64,
    /// Fees that a transaction needs to be mined soon.
    pub market: Fees,
    /// The receipt of one of the transactions that were sent, if there is one on the canonical chain.
    pub receipt: Option<Inclusion>,
    /// Whether L2 still knows the transaction that was sent last.
    pub known: bool,
}

/// Where a transaction was mined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// The transaction.
    pub hash: TxHash,
    /// Number of the L2 block.
    pub block: u64,
    /// Hash of the L2 block.
    pub block_hash: B256,
    /// Whether it succeeded.
    pub success: bool,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Sign a transaction with this nonce and these fees, and send it.
    Send {
        /// The sender's nonce.
        nonce: u64,
        /// Its fees.
        fees: Fees,
    },
    /// Send the transaction that was sent last once more.
    Resend,
    /// Nothing: observe again later.
    Wait,
    /// The transaction is deep enough, whether or not it succeeded.
    Done(Inclusion),
    /// It will not get through.
    Failed(FollowFailure),
}

/// How L2 answered to a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendAnswer {
    /// Taken, or already known.
    Accepted,
    /// It would replace another with the same nonce, and does not pay enough more; or it pays less than L2 asks.
    Underpriced,
    /// The nonce is used.
    NonceTooLow,
    /// No answer, or one that may differ next time.
    Unclear,
    /// Refused for good, in L2's words.
    Refused(String),
}

/// Why a transaction did not get through.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FollowFailure {
    /// Another transaction of the same account took the nonce. What the contract says now decides.
    #[error("another transaction of this account took nonce {nonce}")]
    NonceTaken {
        /// The nonce.
        nonce: u64,
    },
    /// Earlier transactions of the account vanished in a reorganisation.
    #[error("L2 was reorganised: nonce {nonce} is ahead of the account's next nonce {next}")]
    NonceGap {
        /// The nonce.
        nonce: u64,
        /// The next nonce that L2 takes.
        next: u64,
    },
    /// L2 refuses the transaction.
    #[error("L2 refused it: {message}")]
    Refused {
        /// L2's words.
        message: String,
    },
    /// Time ran out.
    #[error("it was not mined and confirmed within {}s (its fees: {fees}, the market's: {market})", after.as_secs())]
    TimedOut {
        /// How long it was followed.
        after: Duration,
        /// Fees of the last transaction sent.
        fees: Fees,
        /// Fees that L2 asked at the end.
        market: Fees,
    },
}

/// Observations in a row that must agree before the nonce counts as taken: nodes behind one endpoint lag.
const AGREEING_OBSERVATIONS: u32 = 3;

/// One transaction's way onto L2.
#[derive(Clone, Debug)]
pub struct Follower {
    policy: FollowPolicy,
    nonce: Option<u64>,
    /// Fees of the transaction sent last, and when it was sent.
    last: Option<(Fees, Duration)>,
    /// When a transaction with fees as of now was first sent.
    priced_at: Duration,
    mined_before: bool,
    taken: u32,
    gap_since: Option<Duration>,
    underpriced: bool,
    refused: Option<String>,
}

impl Follower {
    /// A transaction that was not sent yet.
    pub fn new(policy: FollowPolicy) -> Self {
        Self {
            policy,
            nonce: None,
            last: None,
            priced_at: Duration::ZERO,
            mined_before: false,
            taken: 0,
            gap_since: None,
            underpriced: false,
            refused: None,
        }
    }

    /// What to do, given what L2 shows.
    pub fn next(&mut self, seen: &Observation) -> Step {
        let (Some(nonce), Some((fees, sent_at))) = (self.nonce, self.last) else {
            return self.send(
                seen.next_nonce,
                self.policy.capped(seen.market),
                seen.elapsed,
            );
        };
        if let Some(inclusion) = seen.receipt {
            self.mined_before = true;
            self.taken = 0;
            let depth = seen.head.saturating_sub(inclusion.block).saturating_add(1);
            if depth >= self.policy.confirmations {
                return Step::Done(inclusion);
            }
            return self.wait(seen, fees);
        }
        if seen.next_nonce > nonce {
            self.taken += 1;
            if self.taken >= AGREEING_OBSERVATIONS {
                return Step::Failed(FollowFailure::NonceTaken { nonce });
            }
            return Step::Wait;
        }
        self.taken = 0;
        if let Some(message) = self.refused.take() {
            return Step::Failed(FollowFailure::Refused { message });
        }
        if seen.elapsed >= self.policy.give_up_after {
            return self.wait(seen, fees);
        }
        if seen.next_nonce < nonce {
            let since = *self.gap_since.get_or_insert(seen.elapsed);
            if seen.elapsed.saturating_sub(since) >= self.policy.resend_after {
                let failure = FollowFailure::NonceGap {
                    nonce,
                    next: seen.next_nonce,
                };
                return Step::Failed(failure);
            }
            return Step::Wait;
        }
        self.gap_since = None;
        self.pending(seen, nonce, fees, sent_at)
    }

    /// Takes note of how L2 answered to what [`Self::next`] asked to send.
    pub fn answered(&mut self, answer: SendAnswer) {
        match answer {
            SendAnswer::Underpriced => self.underpriced = true,
            SendAnswer::Refused(message) => self.refused = Some(message),
            SendAnswer::Accepted | SendAnswer::NonceTooLow | SendAnswer::Unclear => {}
        }
    }

    /// The nonce is free and nothing of ours is mined.
    fn pending(&mut self, seen: &Observation, nonce: u64, fees: Fees, sent_at: Duration) -> Step {
        let stuck = seen.elapsed.saturating_sub(self.priced_at) >= self.policy.bump_after;
        let outpriced = seen.market.max_fee > fees.max_fee;
        if self.underpriced || (stuck && (outpriced || seen.known)) {
            self.underpriced = false;
            if let Some(higher) = self.policy.replacement(fees, seen.market) {
                return self.send(nonce, higher, seen.elapsed);
            }
        }
        let quiet = seen.elapsed.saturating_sub(sent_at) >= self.policy.resend_after;
        if !seen.known && (quiet || self.mined_before) {
            self.mined_before = false;
            self.last = Some((fees, seen.elapsed));
            return Step::Resend;
        }
        Step::Wait
    }

    fn send(&mut self, nonce: u64, fees: Fees, now: Duration) -> Step {
        self.nonce = Some(nonce);
        self.last = Some((fees, now));
        self.priced_at = now;
        Step::Send { nonce, fees }
    }

    fn wait(&self, seen: &Observation, fees: Fees) -> Step {
        if seen.elapsed < self.policy.give_up_after {
            return Step::Wait;
        }
        let failure = FollowFailure::TimedOut {
            after: seen.elapsed,
            fees,
            market: seen.market,
        };
        Step::Failed(failure)
    }
}
