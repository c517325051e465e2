//! Batches that are final without a proof unless somebody challenges them: what a node asks of the contract `Disputes`, and
//! what it calls there.

use std::time::Duration;

use alloy::eips::BlockId;
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::rpc::types::Filter;
use alloy::sol_types::{SolCall, SolEvent};
use tern_messages::{Batch, BatchNumber, ProvenBlock, WindowDigest};

use crate::bindings::IDisputes;
use crate::client::RollupClient;
use crate::error::SettlementError;
use crate::posting::{self, Call, InboxProof, PostingError, PreviousBatch};

/// What is decided when a chain is deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisputeTerms {
    /// From a proposal until it is final if nobody challenges it.
    pub challenge_window: Duration,
    /// From a challenge until it is won if nobody proves the block.
    pub proof_time: Duration,
    /// What the operator puts behind its proposals, in wei.
    pub stake: U256,
    /// What a challenge takes, in wei.
    pub bond: U256,
}

impl DisputeTerms {
    /// From a proposal to its end at the latest, but for pauses and halts.
    pub fn longest(&self) -> Duration {
        self.challenge_window.saturating_add(self.proof_time)
    }

    pub(crate) fn sol(&self) -> IDisputes::Terms {
        IDisputes::Terms {
            challengeWindow: self.challenge_window.as_secs(),
            proofTime: self.proof_time.as_secs(),
            stake: self.stake,
            bond: self.bond,
        }
    }
}

/// A challenge that waits for its decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Challenged {
    /// The batch.
    pub batch: BatchNumber,
    /// The block's place in it, from 0.
    pub index: u16,
}

/// How things stand for whoever proposes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The last batch that is final or proposed, with all before it.
    pub proposed: BatchNumber,
    /// What the account has at stake, in wei.
    pub staked: U256,
    /// Challenges that wait for an answer, in order.
    pub waiting: Vec<Challenged>,
    /// Challenges of which nothing is left to answer, and that can be decided at once: their batches are final, dropped or
    /// replaced.
    pub left: Vec<Challenged>,
}

/// A batch that was proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The batch.
    pub batch: BatchNumber,
    /// Which proposal it is, of all.
    pub id: u64,
    /// Hash of the batch.
    pub batch_hash: B256,
    /// keccak256 of the windows that it says.
    pub windows_hash: B256,
    /// Until when it can be challenged, in seconds since 1970.
    pub end: u64,
    /// Challenges that wait.
    pub open: u16,
}

/// A challenge, as the contract keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Who made it.
    pub challenger: Address,
    /// When, in seconds since 1970.
    pub since: u64,
    /// Whether it is decided.
    pub decided: bool,
}

/// The contract `Disputes` of a chain.
#[derive(Clone, Debug)]
pub struct DisputesClient {
    rollup: RollupClient,
    contract: Address,
    terms: DisputeTerms,
}

impl RollupClient {
    /// Where batches are proposed and challenged, if the chain was deployed so.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn disputes(&self) -> Result<Option<DisputesClient>, SettlementError> {
        if self.disputes.is_zero() {
            return Ok(None);
        }
        let found = self.asked(self.disputes, IDisputes::termsCall {}).await?;
        let terms = DisputeTerms {
            challenge_window: Duration::from_secs(found.challengeWindow),
            proof_time: Duration::from_secs(found.proofTime),
            stake: found.stake,
            bond: found.bond,
        };
        Ok(Some(DisputesClient {
            rollup: self.clone(),
            contract: self.disputes,
            terms,
        }))
    }

    async fn asked<C: SolCall>(
        &self,
        contract: Address,
        call: C,
    ) -> Result<C::Return, SettlementError> {
        let answer = self.l2().view(contract, call, BlockId::latest()).await?;
        answer.ok_or_else(|| {
            self.l2()
                .malformed("a view of Disputes", "not its return value")
        })
    }
}

impl DisputesClient {
    /// The contract's address.
    pub fn address(&self) -> Address {
        self.contract
    }

    /// What was decided at deployment.
    pub fn terms(&self) -> &DisputeTerms {
        &self.terms
    }

    /// How things stand for `account`.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn standing(&self, account: Address) -> Result<Standing, SettlementError> {
        let found = self.view(IDisputes::standingCall { account }).await?;
        let those = |left| {
            let of = found.waiting.iter().filter(move |one| one.left == left);
            let challenged = of.map(|one| Challenged {
                batch: BatchNumber(one.number),
                index: one.index,
            });
            let mut challenged: Vec<_> = challenged.collect();
            challenged.sort_unstable();
            challenged
        };
        Ok(Standing {
            proposed: BatchNumber(found.proposed),
            staked: found.staked,
            waiting: those(false),
            left: those(true),
        })
    }

    /// The proposal of the batch that is committed under this number, if it is proposed.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn proposal(&self, batch: BatchNumber) -> Result<Option<Proposal>, SettlementError> {
        let call = IDisputes::isProposedCall { number: batch.0 };
        if !self.view(call).await? {
            return Ok(None);
        }
        let found = self
            .view(IDisputes::proposalCall { number: batch.0 })
            .await?;
        Ok(Some(Proposal {
            batch,
            id: found.id,
            batch_hash: found.batchHash,
            windows_hash: found.windowsHash,
            end: found.since.to::<u64>() + self.terms.challenge_window.as_secs(),
            open: found.open,
        }))
    }

    /// The last proposal of a batch, whether it holds (any more) or not: which one it is, and the window that its first block
    /// sees.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn last_proposal(
        &self,
        batch: BatchNumber,
    ) -> Result<(u64, WindowDigest), SettlementError> {
        let found = self
            .view(IDisputes::proposalCall { number: batch.0 })
            .await?;
        Ok((found.id, window(&found.startWindow.0)))
    }

    /// The challenge of a block of a proposal, if there was one.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn challenge_of(
        &self,
        id: u64,
        index: u16,
    ) -> Result<Option<Challenge>, SettlementError> {
        let found = self.view(IDisputes::challengeOfCall { id, index }).await?;
        let challenge = Challenge {
            challenger: found.challenger,
            since: found.since.to(),
            decided: found.decided,
        };
        Ok(Some(challenge).filter(|challenge| !challenge.challenger.is_zero()))
    }

    /// Whether a block of a proposal was challenged, with or without success.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn is_challenged(&self, id: u64, index: u16) -> Result<bool, SettlementError> {
        let found = self.view(IDisputes::challengeOfCall { id, index }).await?;
        Ok(!found.challenger.is_zero())
    }

    /// The windows that a proposal says, one after each block, as far as L2 shows its event.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn windows(
        &self,
        proposal: &Proposal,
    ) -> Result<Option<Vec<WindowDigest>>, SettlementError> {
        let filter = Filter::new()
            .address(self.address())
            .event_signature(IDisputes::BatchProposed::SIGNATURE_HASH)
            .topic1(U256::from(proposal.batch.0))
            .topic2(proposal.batch_hash);
        let Some(log) = self.rollup.newest_log(filter).await? else {
            return Ok(None);
        };
        let event = IDisputes::BatchProposed::decode_log_data(log.data())
            .map_err(|error| self.rollup.l2().malformed("logs", &error.to_string()))?;
        let is_it = keccak256(&event.windows) == proposal.windows_hash;
        Ok(is_it.then(|| unpacked(&event.windows)))
    }

    /// How many messages the state after a batch is known to have processed; 0 if it is not proposed.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn known_messages(&self, batch: BatchNumber) -> Result<u64, SettlementError> {
        self.view(IDisputes::knownMessagesCall { number: batch.0 })
            .await
    }

    /// What an account can collect, in wei.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn owed(&self, account: Address) -> Result<U256, SettlementError> {
        self.view(IDisputes::owedCall { account }).await
    }

    /// The call that adds to the caller's stake.
    pub fn add_stake(&self, amount: U256) -> Call {
        Call::of(self.address(), &IDisputes::addStakeCall {}).sending(amount)
    }

    /// The call that proposes `batch`, which the contract holds; `windows` are the digests after each block.
    ///
    /// # Errors
    /// If L2 does not answer as it should, and [`SettlementError::Posting`].
    pub async fn propose(
        &self,
        batch: &Batch,
        windows: &[WindowDigest],
        messages: InboxProof,
    ) -> Result<Call, SettlementError> {
        let call = IDisputes::proposeCall {
            number: batch.header.number.0,
            batch: opening(&self.rollup.previous_batch(batch).await?),
            windows: packed(windows),
            messages: IDisputes::InboxProof {
                account: messages.account,
                slot: messages.slot,
            },
        };
        Ok(posting::sized(self.address(), call.abi_encode())?)
    }

    /// The call that challenges a block of the proposal `id`.
    pub fn challenge(&self, challenged: Challenged, id: u64) -> Call {
        let Challenged { batch, index } = challenged;
        let number = batch.0;
        let call = IDisputes::challengeCall { number, index, id };
        Call::of(self.address(), &call).sending(self.terms.bond)
    }

    /// The call that proves a block of `batch` by itself, which follows `previous`; `windows` are those of the proposal.
    ///
    /// # Errors
    /// If L2 does not answer as it should, and [`SettlementError::Posting`].
    pub async fn answer(
        &self,
        previous: &PreviousBatch,
        batch: &Batch,
        windows: &[WindowDigest],
        proven: &ProvenBlock,
    ) -> Result<Call, SettlementError> {
        let ProvenBlock {
            block,
            statement,
            proof,
        } = proven;
        let place = block.0.checked_sub(batch.header.first_block.0);
        let index = place.and_then(|place| u16::try_from(place).ok());
        let index = index.ok_or(PostingError::RangeShape)?;
        let given = IDisputes::Answer {
            previous: opening(previous),
            batch: opening(&self.rollup.previous_batch(batch).await?),
            blocks: posting::packed_blocks(batch)?.into(),
            windows: packed(windows),
            commitment: statement.commitment,
            evaluation: statement.evaluation,
            proof: proof.bytes.clone(),
        };
        let number = batch.header.number.0;
        let call = IDisputes::answerCall {
            number,
            index,
            given,
        };
        Ok(posting::sized(self.address(), call.abi_encode())?)
    }

    /// The call that decides a challenge.
    pub fn settle(&self, challenged: Challenged) -> Call {
        let Challenged { batch, index } = challenged;
        let number = batch.0;
        Call::of(self.address(), &IDisputes::settleCall { number, index })
    }

    /// The call that makes `batch` final, which the contract holds.
    ///
    /// # Errors
    /// If L2 does not answer as it should, and [`SettlementError::Posting`].
    pub async fn finalize(&self, batch: &Batch) -> Result<Call, SettlementError> {
        let call = IDisputes::finalizeCall {
            number: batch.header.number.0,
            batch: opening(&self.rollup.previous_batch(batch).await?),
        };
        Ok(Call::of(self.address(), &call))
    }

    /// The call that pays the caller what it is owed.
    pub fn collect(&self) -> Call {
        Call::of(self.address(), &IDisputes::collectCall {})
    }

    async fn view<C: SolCall>(&self, call: C) -> Result<C::Return, SettlementError> {
        self.rollup.asked(self.address(), call).await
    }
}

fn opening(batch: &PreviousBatch) -> IDisputes::Opening {
    let known = batch.sol();
    IDisputes::Opening {
        parentBatchHash: known.parentBatchHash,
        blocksDigest: known.blocksDigest,
        tip: IDisputes::BlockTip {
            blockHash: known.tip.blockHash,
            stateRoot: known.tip.stateRoot,
            beaconRoot: known.tip.beaconRoot,
            number: known.tip.number,
            timestamp: known.tip.timestamp,
            baseFee: known.tip.baseFee,
            gasUsed: known.tip.gasUsed,
        },
        forced: known.forced,
    }
}

/// Windows as a proposal says them: four elements of 8 bytes each.
pub(crate) fn packed(windows: &[WindowDigest]) -> Bytes {
    let elements = windows.iter().flatten();
    elements.flat_map(|element| element.to_be_bytes()).collect()
}

fn unpacked(windows: &[u8]) -> Vec<WindowDigest> {
    let (words, _) = windows.as_chunks::<32>();
    words.iter().map(window).collect()
}

/// A window from a word, its first element highest.
fn window(word: &[u8; 32]) -> WindowDigest {
    let (elements, _) = word.as_chunks::<8>();
    let element = |at: usize| elements.get(at).copied().map_or(0, u64::from_be_bytes);
    std::array::from_fn(element)
}

impl Proposal {
    /// Whether it says these windows.
    pub fn says(&self, windows: &[WindowDigest]) -> bool {
        keccak256(packed(windows)) == self.windows_hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_words_of_four_elements_the_first_highest() {
        let windows = [[1, 2, 3, 4], [u64::MAX, 0, 7, 1 << 40]];
        let bytes = packed(&windows);
        assert_eq!((bytes.len(), bytes[7], bytes[15]), (64, 1, 2));
        assert_eq!(unpacked(&bytes), windows);
    }
}
