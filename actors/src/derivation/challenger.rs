//! Challenges what is wrong on L2, on chains whose batches are final unless somebody challenges them.
//!
//! ```text
//! from the first batch that is not final on: the windows that its proposal says ─▶ others than ours: that block
//!                                            the lie behind the last batch taken ─▶ that block
//!                                                                                     │
//!                               collect ◀─ settle, when its time is over ◀─ challenge ◀┘
//! ```
//!
//! Only the first thing that is wrong is challenged. What is behind it may follow from it as it should, and challenging
//! that would lose the bond: a block that is executed with a false window is a lie that can be proven. For the same reason
//! nothing is challenged of a proposal that begins with another window than the block before it leaves: it follows from one
//! that stands no more, and can never be final.
//!
//! What L2's server says is believed: whoever cannot trust it runs one.
//!
//! Nothing is kept on disk, since the contract and the chain tell again what was found. Whatever fails is said once and
//! tried again at the next look.

use std::collections::BTreeMap;
use std::ops::Bound;

use alloy::primitives::{Address, U256};
use alloy::signers::local::PrivateKeySigner;
use tern_messages::{BatchNumber, BlockNumber, WindowDigest};
use tern_settlement::IDisputes::IDisputesErrors;
use tern_settlement::{
    Challenged, DisputesClient, FollowPolicy, Proposal, Revert, SettlementError, Standing,
    TransactionSender,
};
use tracing::{error, info, warn};

use super::{Derivation, DerivationError, Lie};
use crate::main_node::reported_finality;
use crate::supervisor::Failure;

/// Most batches that are compared at one look, since L2 is to be followed meanwhile.
const COMPARED: usize = 16;
/// Batches that are looked at again at each look: whoever proposes can propose a batch again, with other windows.
const AGAIN: usize = 4;

/// A watcher's account on L2, and what it has seen of proposals.
#[derive(Clone, Debug)]
pub struct Challenger {
    disputes: DisputesClient,
    sender: TransactionSender,
    compared: Compared,
    /// What is wrong, as of the last look.
    wrong: Option<Wrong>,
    troubles: Troubles,
}

/// The first block that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wrong {
    /// The proposal that it is of.
    id: u64,
    challenged: Challenged,
    block: BlockNumber,
}

/// Proposals that say what is so, or can never be final.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Compared {
    /// Their ids. There are no gaps.
    ids: BTreeMap<BatchNumber, u64>,
    /// The last batch that was proposed, as of the last look.
    proposed: BatchNumber,
    /// The batch that was looked at again last.
    again: BatchNumber,
}

impl Compared {
    /// The batch that is to be compared next, where `first` is the first that is not final and `oldest` the id of its
    /// proposal. When all was proposed anew, all is compared anew.
    fn next(
        &mut self,
        first: BatchNumber,
        oldest: Option<u64>,
        proposed: BatchNumber,
    ) -> BatchNumber {
        let is_other = self
            .ids
            .get(&first)
            .is_some_and(|known| Some(*known) != oldest);
        if is_other || proposed < self.proposed {
            self.ids.clear();
        }
        self.proposed = proposed;
        self.ids = self.ids.split_off(&first);
        match self.ids.last_key_value() {
            Some((last, _)) => following(*last),
            None => first,
        }
    }

    /// Some of those that were compared, all of them in turn.
    fn again(&mut self, count: usize) -> Vec<(BatchNumber, u64)> {
        let behind = (Bound::Excluded(self.again), Bound::Unbounded);
        let turn = self.ids.range(behind);
        let turn = turn.chain(self.ids.range(..=self.again));
        let turn: Vec<_> = turn.take(count).map(|(batch, id)| (*batch, *id)).collect();
        if let Some((last, _)) = turn.last() {
            self.again = *last;
        }
        turn
    }

    /// The proposal of a batch is another one now: it and what follows from it is compared anew.
    fn forget_from(&mut self, batch: BatchNumber) {
        drop(self.ids.split_off(&batch));
    }
}

/// What does not succeed now, by what it was for.
#[derive(Clone, Debug, Default)]
struct Troubles(BTreeMap<&'static str, String>);

impl Troubles {
    /// Notes how something went; says whether it failed in a new way.
    fn is_new(&mut self, what: &'static str, failed: Option<String>) -> bool {
        match failed {
            None => {
                self.0.remove(what);
                false
            }
            Some(reason) => self.0.insert(what, reason.clone()) != Some(reason),
        }
    }

    /// Notes how something went, and says what is new of it.
    fn note(&mut self, what: &'static str, done: Result<(), DerivationError>) {
        let failed = done.err().map(|error| error.to_string());
        if self.is_new(what, failed.clone())
            && let Some(reason) = failed
        {
            warn!(target: "tern::watcher", what, reason, "challenges cannot go on now; trying again");
        }
    }
}

/// What became of a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The bond is back, with a reward.
    Won,
    /// Nothing was left to decide.
    Void,
    /// It was somebody else's.
    Others,
}

impl Outcome {
    /// Of what was owed before and after.
    fn of(before: U256, after: U256, bond: U256) -> Self {
        let gained = after.saturating_sub(before);
        if gained > bond {
            Self::Won
        } else if gained == bond {
            Self::Void
        } else {
            Self::Others
        }
    }
}

fn following(batch: BatchNumber) -> BatchNumber {
    BatchNumber(batch.0.saturating_add(1))
}

/// The place of the first window that differs from ours, among as many as we know.
fn first_difference(said: &[WindowDigest], ours: &[WindowDigest]) -> Option<usize> {
    ours.iter().zip(said).position(|(ours, said)| ours != said)
}

/// A challenge that waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Waiting {
    challenged: Challenged,
    /// This account made it.
    is_ours: bool,
    /// Until when it can be answered at least, in seconds since 1970.
    until: u64,
}

/// The challenges that are to be decided, if their time is over: ours, and that of what is wrong, whoever made it. A challenge
/// of what is right is not ours to win.
fn to_settle(waiting: &[Waiting], wrong: Option<Challenged>, l2_time: u64) -> Vec<Challenged> {
    let due = waiting.iter().filter(|one| one.until < l2_time);
    let due = due.filter(|one| one.is_ours || Some(one.challenged) == wrong);
    due.map(|one| one.challenged).collect()
}

/// Whether a challenge cannot be decided yet, or was decided by somebody else.
fn is_in_time(error: &SettlementError) -> bool {
    let SettlementError::Reverted {
        revert: Revert::Disputes(error),
        ..
    } = error
    else {
        return false;
    };
    matches!(
        error,
        IDisputesErrors::ProofTimeRuns(_) | IDisputesErrors::NoChallenge(_)
    )
}

impl Challenger {
    /// Challenges with `key` what `derivation` finds, which is told to go on behind a lie.
    ///
    /// # Errors
    /// If batches of the chain are not final without a proof, or L2 does not answer.
    pub async fn new(
        derivation: &Derivation,
        key: PrivateKeySigner,
        policy: FollowPolicy,
    ) -> Result<Self, Failure> {
        let rollup = &derivation.rollup;
        let Some(disputes) = rollup.disputes().await? else {
            let rollup = rollup.address();
            return Err(Failure::configuration(format!(
                "the Rollup at {rollup} was deployed without challenges: its batches are final by proofs alone; leave \
                 challenge.key out"
            )));
        };
        let (account, bond) = (key.address(), disputes.terms().bond);
        let balance = rollup.l2().balance(account).await?;
        if balance <= bond {
            warn!(target: "tern::watcher", %account, wei = %balance, %bond,
                "this account cannot pay a challenge: it needs the bond and gas on L2");
        }
        Ok(Self {
            disputes,
            sender: TransactionSender::new(rollup.l2().clone(), key, policy),
            compared: Compared::default(),
            wrong: None,
            troubles: Troubles::default(),
        })
    }

    /// The account that pays bonds.
    pub fn account(&self) -> Address {
        self.sender.account()
    }

    /// Does what can be done now. `lie` is the batch behind those that `derivation` has taken, if it is one. Nothing that
    /// fails here ends a watcher.
    pub(super) async fn look(&mut self, derivation: &Derivation, lie: Option<&Lie>) {
        let standing = self.disputes.standing(self.account()).await;
        let standing = match standing {
            Ok(standing) => standing,
            Err(error) => return self.troubles.note("look", Err(error.into())),
        };
        self.troubles.note("look", Ok(()));
        let wrong = match self.search(derivation, lie, &standing).await {
            Ok(found) => {
                self.wrong = found;
                self.troubles.note("compare", Ok(()));
                found
            }
            Err(error) => {
                self.troubles.note("compare", Err(error));
                None
            }
        };
        if let Some(wrong) = wrong {
            let challenged = self.challenge(wrong).await;
            self.troubles.note("challenge", challenged);
        }
        let settled = self.settle(&standing, wrong).await;
        self.troubles.note("settle", settled);
        let collected = self.collect().await;
        self.troubles.note("collect", collected);
    }

    /// Looks for the first block that is wrong, in the order in which they would become final.
    async fn search(
        &mut self,
        derivation: &Derivation,
        lie: Option<&Lie>,
        standing: &Standing,
    ) -> Result<Option<Wrong>, DerivationError> {
        let before = self.wrong;
        let known = reported_finality(&derivation.chain)?;
        let (first, taken) = (following(known.verified.0), known.committed.0);
        let oldest = self.disputes.proposal(first).await?;
        let oldest = oldest.map(|proposal| proposal.id);
        let mut next = self.compared.next(first, oldest, standing.proposed);
        for (batch, id) in self.compared.again(AGAIN) {
            let proposal = self.disputes.proposal(batch).await?;
            if proposal.map(|proposal| proposal.id) != Some(id) {
                self.compared.forget_from(batch);
                next = next.min(batch);
            }
        }
        let last = taken.min(standing.proposed);
        for _ in 0..COMPARED {
            if next > last {
                break;
            }
            let Some(proposal) = self.disputes.proposal(next).await? else {
                return Ok(None);
            };
            if let Some(wrong) = before.filter(|wrong| wrong.id == proposal.id) {
                return Ok(Some(wrong));
            }
            let header = derivation.recorded(next)?.header;
            let (first, last) = (header.first_block, header.last_block);
            let ours = derivation.windows_after(first, last).await?;
            if !proposal.says(&ours) {
                // It may be another batch than was taken; then it is taken first.
                if !derivation.is_held(next).await? {
                    return Ok(None);
                }
                let parent = BlockNumber(first.0.saturating_sub(1));
                let start = derivation.windows_after(parent, parent).await?;
                if start == [self.start(&proposal).await?] {
                    return self.other_window(&proposal, first, &ours).await;
                }
            }
            self.compared.ids.insert(next, proposal.id);
            next = following(next);
        }
        let Some(lie) = lie.filter(|lie| lie.batch == next && next <= standing.proposed) else {
            return Ok(None);
        };
        let proposal = self.disputes.proposal(next).await?;
        let Some(proposal) = proposal.filter(|known| known.batch_hash == lie.batch_hash) else {
            return Ok(None);
        };
        match before.filter(|wrong| wrong.id == proposal.id) {
            Some(wrong) => Ok(Some(wrong)),
            None if self.start(&proposal).await? != lie.start => Ok(None),
            None => self.in_lie(&proposal, lie).await,
        }
    }

    /// The window that the first block of a proposal sees, as L2 has it.
    async fn start(&self, proposal: &Proposal) -> Result<WindowDigest, SettlementError> {
        let (id, start) = self.disputes.last_proposal(proposal.batch).await?;
        match id == proposal.id {
            true => Ok(start),
            false => Err(missing(proposal)),
        }
    }

    /// The first block whose window a proposal says falsely.
    async fn other_window(
        &self,
        proposal: &Proposal,
        first: BlockNumber,
        ours: &[WindowDigest],
    ) -> Result<Option<Wrong>, DerivationError> {
        let said = self.said(proposal).await?;
        let index = first_difference(&said, ours);
        let wrong = index.and_then(|index| wrong(proposal, first, index as u64));
        if let Some(wrong) = wrong {
            error!(target: "tern::watcher", batch = %proposal.batch, block = %wrong.block,
                "ALARM: what is proposed to L2 is not what execution gives: the block hashes that a block sees are others");
        }
        Ok(wrong)
    }

    /// The first block of a false batch that is wrong: its window may be, before the lie.
    async fn in_lie(
        &self,
        proposal: &Proposal,
        lie: &Lie,
    ) -> Result<Option<Wrong>, DerivationError> {
        let said = self.said(proposal).await?;
        let index = first_difference(&said, &lie.windows).map(|index| index as u64);
        let index = index.unwrap_or(lie.block.0.saturating_sub(lie.first.0));
        Ok(wrong(proposal, lie.first, index))
    }

    /// The windows that a proposal says.
    async fn said(&self, proposal: &Proposal) -> Result<Vec<WindowDigest>, DerivationError> {
        let said = self.disputes.windows(proposal).await?;
        Ok(said.ok_or_else(|| missing(proposal))?)
    }

    /// Challenges what is wrong, unless somebody has.
    async fn challenge(&mut self, wrong: Wrong) -> Result<(), DerivationError> {
        let Wrong {
            id,
            challenged,
            block,
        } = wrong;
        let known = self.disputes.challenge_of(id, challenged.index).await?;
        // It stands, so it was not lost.
        let answered = known.filter(|known| known.decided);
        let answered = answered.map(|_| format!("block {block}, proposal {id}"));
        if self.troubles.is_new("answer", answered) {
            error!(target: "tern::watcher", batch = %challenged.batch, %block,
                "ALARM: what execution refutes is proven on L2: its verifier is broken, or this program");
        }
        if known.is_some() {
            return Ok(());
        }
        let call = self.disputes.challenge(challenged, id);
        self.sender.send("challenge", &call).await?;
        warn!(target: "tern::watcher", batch = %challenged.batch, %block, "challenged");
        Ok(())
    }

    /// Has challenges decided whose time is over.
    async fn settle(
        &self,
        standing: &Standing,
        wrong: Option<Wrong>,
    ) -> Result<(), DerivationError> {
        let mut waiting = Vec::with_capacity(standing.waiting.len());
        for &challenged in &standing.waiting {
            waiting.extend(self.waiting(challenged).await?);
        }
        let due = match waiting.is_empty() {
            true => Vec::new(),
            false => {
                let l2_time = self.sender.l2().head().await?.timestamp;
                to_settle(&waiting, wrong.map(|wrong| wrong.challenged), l2_time)
            }
        };
        let mut failed = None;
        for challenged in standing.left.iter().copied().chain(due) {
            match self.decide(challenged).await {
                Err(error) if !is_in_time(&error) => failed = failed.or(Some(error)),
                _ => {}
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// A challenge that waited a moment ago.
    async fn waiting(&self, challenged: Challenged) -> Result<Option<Waiting>, SettlementError> {
        // There is no other proposal of its batch before it is decided.
        let (id, _) = self.disputes.last_proposal(challenged.batch).await?;
        let found = self.disputes.challenge_of(id, challenged.index).await?;
        let time = self.disputes.terms().proof_time.as_secs();
        Ok(found.map(|found| Waiting {
            challenged,
            is_ours: found.challenger == self.account(),
            until: found.since.saturating_add(time),
        }))
    }

    async fn decide(&self, challenged: Challenged) -> Result<(), SettlementError> {
        let before = self.disputes.owed(self.account()).await?;
        let call = self.disputes.settle(challenged);
        self.sender.send("settle", &call).await?;
        let after = self.disputes.owed(self.account()).await?;
        let Challenged { batch, index } = challenged;
        match Outcome::of(before, after, self.disputes.terms().bond) {
            Outcome::Won => {
                info!(target: "tern::watcher", %batch, index, "a challenge is won");
            }
            Outcome::Void => {
                info!(target: "tern::watcher", %batch, index, "nothing was left to challenge; the bond is back");
            }
            Outcome::Others => {
                info!(target: "tern::watcher", %batch, index, "somebody else's challenge is decided");
            }
        }
        Ok(())
    }

    /// Collects what was won.
    async fn collect(&self) -> Result<(), DerivationError> {
        let owed = self.disputes.owed(self.account()).await?;
        if owed.is_zero() {
            return Ok(());
        }
        self.sender
            .send("collect", &self.disputes.collect())
            .await?;
        info!(target: "tern::watcher", wei = %owed, "collected what was owed");
        Ok(())
    }
}

/// L2 does not show what a proposal says, or shows another one now.
fn missing(proposal: &Proposal) -> SettlementError {
    SettlementError::PostingMissing {
        batch: proposal.batch,
        what: "its proposal",
    }
}

/// The block at a place of a proposed batch, which is wrong.
fn wrong(proposal: &Proposal, first: BlockNumber, index: u64) -> Option<Wrong> {
    let challenged = Challenged {
        batch: proposal.batch,
        index: u16::try_from(index).ok()?,
    };
    Some(Wrong {
        id: proposal.id,
        challenged,
        block: BlockNumber(first.0.saturating_add(index)),
    })
}

#[cfg(test)]
mod tests {
    use tern_settlement::IDisputes;

    use super::*;

    fn batch(number: u64) -> BatchNumber {
        BatchNumber(number)
    }

    fn challenged(number: u64, index: u16) -> Challenged {
        Challenged {
            batch: batch(number),
            index,
        }
    }

    /// Batches 1 to 5, of the proposals 11 to 15.
    fn compared() -> Compared {
        Compared {
            ids: (1..=5).map(|number| (batch(number), 10 + number)).collect(),
            proposed: batch(5),
            again: batch(0),
        }
    }

    #[test]
    fn each_batch_is_compared_once_when_it_is_proposed() {
        let mut fresh = Compared::default();
        assert_eq!(fresh.next(batch(3), Some(7), batch(4)), batch(3));
        let mut known = compared();
        assert_eq!(known.next(batch(1), Some(11), batch(7)), batch(6));
        assert_eq!(known.next(batch(4), Some(14), batch(7)), batch(6));
        assert_eq!(known.ids.len(), 2, "what is final is forgotten");
        assert_eq!(known.next(batch(9), None, batch(8)), batch(9));
    }

    #[test]
    fn all_are_compared_anew_when_all_are_proposed_anew() {
        for (oldest, proposed) in [(Some(16), 5), (None, 5), (Some(11), 4)] {
            let mut known = compared();
            let next = known.next(batch(1), oldest, batch(proposed));
            assert_eq!((next, known.ids.len()), (batch(1), 0), "{oldest:?}");
        }
    }

    #[test]
    fn what_was_compared_is_looked_at_again_in_turn() {
        let mut known = compared();
        let mut turn = || -> Vec<u64> {
            let turn = known.again(2);
            turn.iter().map(|(number, _)| number.0).collect()
        };
        assert_eq!([turn(), turn(), turn()], [[1, 2], [3, 4], [5, 1]]);
        known.forget_from(batch(3));
        assert_eq!(known.next(batch(1), Some(11), batch(5)), batch(3));
        let all: Vec<_> = known.again(9).iter().map(|(number, _)| number.0).collect();
        assert_eq!(all, [2, 1], "none twice");
        assert_eq!(Compared::default().again(2), []);
    }

    #[test]
    fn the_first_window_that_differs_is_found_among_those_that_we_know() {
        let ours = [[1; 4], [2; 4]];
        assert_eq!(first_difference(&[[1; 4], [2; 4], [9; 4]], &ours), None);
        assert_eq!(first_difference(&[[1; 4], [3; 4], [9; 4]], &ours), Some(1));
        assert_eq!(first_difference(&[[3; 4], [3; 4], [9; 4]], &ours), Some(0));
        assert_eq!(first_difference(&[[3; 4]], &[]), None);
    }

    #[test]
    fn our_challenges_and_that_of_what_is_wrong_are_settled_when_their_time_is_over() {
        let waiting = |number, is_ours, until| Waiting {
            challenged: challenged(number, 1),
            is_ours,
            until,
        };
        let all = [
            waiting(1, true, 9),
            waiting(2, false, 9),
            waiting(3, false, 9),
            waiting(4, true, 10),
        ];
        let wrong = Some(challenged(3, 1));
        let due = |wrong, time| to_settle(&all, wrong, time);
        assert_eq!(due(None, 10), [challenged(1, 1)]);
        assert_eq!(due(wrong, 10), [challenged(1, 1), challenged(3, 1)]);
        assert_eq!(due(wrong, 9), []);
        assert_eq!(due(None, 11), [challenged(1, 1), challenged(4, 1)]);
    }

    #[test]
    fn a_challenge_is_won_if_it_earns_more_than_its_bond() {
        let outcome = |after| Outcome::of(U256::from(3), U256::from(after), U256::from(2));
        let outcomes = [3, 5, 6].map(outcome);
        assert_eq!(outcomes, [Outcome::Others, Outcome::Void, Outcome::Won]);
    }

    #[test]
    fn a_trouble_is_new_once_until_another_one_or_a_success() {
        let mut troubles = Troubles::default();
        let mut is_new = |what, failed: Option<&str>| troubles.is_new(what, failed.map(Into::into));
        assert!(is_new("challenge", Some("no funds")));
        assert!(!is_new("challenge", Some("no funds")));
        assert!(is_new("settle", Some("no funds")));
        assert!(is_new("challenge", Some("away")));
        assert!(!is_new("challenge", None));
        assert!(is_new("challenge", Some("away")));
    }

    #[test]
    fn a_challenge_that_waits_or_was_decided_by_somebody_else_is_no_trouble() {
        let refused = |error| SettlementError::Reverted {
            action: "settle",
            revert: Revert::Disputes(error),
        };
        let (number, index, until) = (1, 0, 9);
        let waits = IDisputes::ProofTimeRuns {
            number,
            index,
            until,
        };
        assert!(is_in_time(&refused(IDisputesErrors::ProofTimeRuns(waits))));
        let decided = IDisputes::NoChallenge { number, index };
        assert!(is_in_time(&refused(IDisputesErrors::NoChallenge(decided))));
        let other = IDisputes::NotProposed { number };
        assert!(!is_in_time(&refused(IDisputesErrors::NotProposed(other))));
    }
}
