//! Batches that are final unless somebody challenges them: the operator's part. It puts a stake behind what it commits, proposes
//! it, has challenged blocks proven before all else, and makes final what nobody challenged with success.

use std::collections::BTreeSet;

use alloy::primitives::U256;
use tern_messages::{Batch, BatchNumber, BlockNumber, ProvenBlock, WindowDigest};
use tern_settlement::{Challenged, DisputeTerms, Proposal, Standing};
use tern_storage::tables::bridge::Purpose;
use tracing::{error, info, warn};

use super::decision::View;
use super::looping::{CALL_LIMIT, Loop, Sight, Trouble};
use super::settlement::{Connector, Settlement};
use crate::sequencer::{BatcherMessage, CoordinatorMessage};

/// What is remembered between turns.
#[derive(Debug, Default)]
pub(super) struct Disputing {
    /// The proposal of the batch after the last final one.
    oldest: Option<Proposal>,
    /// The last proposed batch, and how many messages the state after it is known to have processed.
    known: (BatchNumber, u64),
    /// Challenges that were named to people.
    said: BTreeSet<Challenged>,
}

/// How proposals and challenges stand.
#[derive(Clone, Debug)]
pub(super) struct Disputes {
    terms: DisputeTerms,
    standing: Standing,
    /// The proposal of the batch after the last final one.
    oldest: Option<Proposal>,
    l2_time: u64,
    /// How many messages L2 knows to be processed by what was proposed.
    pub(super) known_messages: u64,
}

/// What the operator does, beside answering challenges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Has a challenge decided of which nothing is left to decide.
    Settle(Challenged),
    /// Makes the first batch final that is not.
    Finalize(BatchNumber),
    /// Adds so much to the stake, in wei.
    Stake(U256),
    /// Proposes the first batch that is not proposed.
    Propose(BatchNumber),
}

/// Decides. Pure.
pub(super) fn decide(view: &View, disputes: &Disputes) -> Option<Step> {
    let Disputes {
        terms,
        standing,
        oldest,
        l2_time,
        ..
    } = disputes;
    if let Some(challenged) = standing.left.first() {
        return Some(Step::Settle(*challenged));
    }
    let ripe = |proposal: &&Proposal| {
        let is_next = proposal.batch.0 == view.verified.0 + 1;
        is_next && proposal.open == 0 && proposal.end < *l2_time
    };
    if let Some(proposal) = oldest.as_ref().filter(ripe) {
        return Some(Step::Finalize(proposal.batch));
    }
    let proposed = standing.proposed.max(view.verified);
    if proposed >= view.committed {
        return None;
    }
    if standing.staked < terms.stake {
        return Some(Step::Stake(terms.stake - standing.staked));
    }
    Some(Step::Propose(BatchNumber(proposed.0 + 1)))
}

impl<C: Connector> Loop<C> {
    /// How proposals and challenges stand, if the chain has them.
    pub(super) async fn look_at_disputes(
        &mut self,
        settlement: &C::Settlement,
        sight: &Sight,
    ) -> Result<Option<Disputes>, Trouble> {
        let Some(terms) = settlement.dispute_terms() else {
            return Ok(None);
        };
        let standing = settlement.standing().await?;
        let verified = sight.latest.last_verified;
        let next = BatchNumber(verified.0.saturating_add(1));
        // Its end is known; all else about it matters when that has come.
        let waits = self
            .disputing
            .oldest
            .is_some_and(|known| known.batch == next && known.end >= sight.l2_time);
        if !waits || standing.proposed < next {
            self.disputing.oldest = match standing.proposed < next {
                true => None,
                false => settlement.proposal(next).await?,
            };
        }
        let (proposed, mut known) = self.disputing.known;
        if proposed != standing.proposed {
            known = settlement.known_messages(standing.proposed).await?;
            self.disputing.known = (standing.proposed, known);
        }
        Ok(Some(Disputes {
            terms,
            standing,
            oldest: self.disputing.oldest,
            l2_time: sight.l2_time,
            known_messages: known,
        }))
    }

    /// Has challenged blocks proven, and answers a challenge whose proof is there; says whether there was one.
    pub(super) async fn defend(
        &mut self,
        settlement: &C::Settlement,
        disputes: &Disputes,
        view: &View,
    ) -> Result<bool, Trouble> {
        let standing = &disputes.standing;
        self.disputing
            .said
            .retain(|challenged| standing.waiting.contains(challenged));
        let ours = standing
            .waiting
            .iter()
            .filter(|challenged| challenged.batch <= view.committed);
        for &challenged in ours {
            let batch = self.batch(challenged.batch).await?;
            let block = BlockNumber(batch.header.first_block.0 + u64::from(challenged.index));
            if self.disputing.said.insert(challenged) {
                let within = disputes.terms.proof_time;
                error!(target: "tern::bridge", batch = %challenged.batch, %block, ?within,
                    "ALARM: a block is challenged: it has to be proven, or its batch and the stake are lost");
            }
            let call = |reply| CoordinatorMessage::ProveBlock(block, reply);
            let proven = self.config.coordinator.call(call, CALL_LIMIT).await?;
            if let Some(proven) = proven.map_err(Trouble::Node)? {
                self.answer(settlement, challenged, &batch, &proven).await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn answer(
        &mut self,
        settlement: &C::Settlement,
        challenged: Challenged,
        batch: &Batch,
        proven: &ProvenBlock,
    ) -> Result<(), Trouble> {
        let Challenged {
            batch: number,
            index,
        } = challenged;
        let previous = self.batch_before(number).await?;
        let windows = self.windows(batch).await?;
        let purpose = Purpose::Answer(number, index);
        let block = proven.block;
        self.begin(purpose, format!("proves the challenged block {block}"))
            .await?;
        let genesis = &self.config.genesis;
        let sent = settlement
            .answer_challenge(genesis, previous.as_ref(), batch, &windows, proven)
            .await;
        match sent {
            Ok(mined) => {
                info!(target: "tern::bridge", batch = %number, %block, "a challenge is answered; its bond is added to the stake");
                self.done(purpose, mined).await
            }
            Err(error) => Err(self.refused(settlement, purpose, error).await?),
        }
    }

    /// Does what was decided.
    pub(super) async fn dispute(
        &mut self,
        settlement: &C::Settlement,
        step: Step,
    ) -> Result<(), Trouble> {
        let purpose = match step {
            Step::Settle(Challenged { batch, index }) => Purpose::Settle(batch, index),
            Step::Finalize(batch) => Purpose::Finalize(batch),
            Step::Stake(_) => Purpose::Stake,
            Step::Propose(batch) => Purpose::Propose(batch),
        };
        let activity = match step {
            Step::Settle(challenged) => {
                format!("has a challenge of batch {} decided", challenged.batch)
            }
            Step::Finalize(batch) => format!("makes batch {batch} final"),
            Step::Stake(_) => "adds to the stake".to_owned(),
            Step::Propose(batch) => format!("proposes batch {batch}"),
        };
        let sent = match step {
            Step::Settle(challenged) => {
                warn!(target: "tern::bridge", batch = %challenged.batch, index = challenged.index,
                    "a challenge is left of what does not stand any more; it is decided now");
                self.begin(purpose, activity).await?;
                settlement.settle_challenge(challenged).await
            }
            Step::Finalize(number) => {
                let batch = self.batch(number).await?;
                self.begin(purpose, activity).await?;
                settlement.finalize(&batch).await
            }
            Step::Stake(amount) => {
                self.begin(purpose, activity).await?;
                settlement.add_stake(amount).await
            }
            Step::Propose(number) => {
                let batch = self.batch(number).await?;
                let windows = self.windows(&batch).await?;
                let messages = self
                    .inbox_proof(settlement, batch.header.last_block)
                    .await?;
                self.begin(purpose, activity).await?;
                settlement.propose(&batch, &windows, messages).await
            }
        };
        match sent {
            Ok(mined) => self.done(purpose, mined).await,
            Err(error) => Err(self.refused(settlement, purpose, error).await?),
        }
    }

    /// The windows after the blocks of a batch.
    async fn windows(&self, batch: &Batch) -> Result<Vec<WindowDigest>, Trouble> {
        let (first, last) = (batch.header.first_block, batch.header.last_block);
        let call = |reply| BatcherMessage::Windows(first, last, reply);
        let windows = self.config.batcher.call(call, CALL_LIMIT).await?;
        windows.map_err(Trouble::Node)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn view(committed: u64, verified: u64) -> View {
        View {
            committed: BatchNumber(committed),
            verified: BatchNumber(verified),
            formed: BatchNumber(committed),
            proven: BatchNumber(verified),
        }
    }

    fn disputes(proposed: u64, staked: u64) -> Disputes {
        let day = Duration::from_secs(86_400);
        Disputes {
            terms: DisputeTerms {
                challenge_window: day,
                proof_time: day,
                stake: U256::from(10),
                bond: U256::ONE,
            },
            standing: Standing {
                proposed: BatchNumber(proposed),
                staked: U256::from(staked),
                ..Standing::default()
            },
            oldest: None,
            l2_time: 1_000,
            known_messages: 0,
        }
    }

    fn challenged(batch: u64) -> Challenged {
        Challenged {
            batch: BatchNumber(batch),
            index: 2,
        }
    }

    #[test]
    fn what_is_committed_is_proposed_in_order_behind_a_full_stake() {
        let propose = |number| Some(Step::Propose(BatchNumber(number)));
        assert_eq!(decide(&view(3, 0), &disputes(0, 10)), propose(1));
        assert_eq!(decide(&view(3, 1), &disputes(2, 10)), propose(3));
        assert_eq!(decide(&view(3, 3), &disputes(2, 10)), None);
        let missing = Some(Step::Stake(U256::from(7)));
        assert_eq!(decide(&view(3, 1), &disputes(2, 3)), missing);
        assert_eq!(
            decide(&view(2, 1), &disputes(2, 3)),
            None,
            "nothing needs it"
        );
    }

    #[test]
    fn a_proposal_is_final_after_its_window_unless_a_challenge_of_it_waits() {
        let mut stands = disputes(2, 10);
        let oldest = |end, open| Proposal {
            batch: BatchNumber(1),
            id: 7,
            batch_hash: Default::default(),
            windows_hash: Default::default(),
            end,
            open,
        };
        stands.oldest = Some(oldest(999, 0));
        let finalize = Some(Step::Finalize(BatchNumber(1)));
        assert_eq!(decide(&view(2, 0), &stands), finalize);
        assert_eq!(decide(&view(2, 1), &stands), None, "it is final already");
        for waits in [oldest(1_000, 0), oldest(999, 1)] {
            stands.oldest = Some(waits);
            assert_eq!(decide(&view(2, 0), &stands), None);
        }
    }

    #[test]
    fn a_challenge_of_what_is_final_or_dropped_is_decided_and_a_live_one_is_left_to_its_answer() {
        let mut stands = disputes(2, 10);
        stands.standing.waiting = vec![challenged(2)];
        assert_eq!(decide(&view(2, 1), &stands), None);
        stands.standing.left = vec![challenged(1)];
        let settle = Some(Step::Settle(challenged(1)));
        assert_eq!(decide(&view(2, 1), &stands), settle);
    }
}
