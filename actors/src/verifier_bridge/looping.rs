//! The bridge's loop: observe, check, report, act.

use std::sync::Arc;
use std::time::Duration;

use tern_cluster::{CallError, Fault};
use tern_messages::{
    Batch, BatchHeader, BatchNumber, BatchesPending, BlockNumber, L2Transaction, ProvenRange,
};
use tern_settlement::IRollup::IRollupErrors;
use tern_settlement::{L2Block, Mined, RollupStatus, SettlementError};
use tern_storage::tables::bridge::Purpose;
use tern_storage::{StorageError, crash_point};
use tokio::sync::Notify;
use tracing::{debug, error, info, warn};

use super::backoff::Backoff;
use super::decision::{Next, View, decide, decide_with_proofs};
use super::delivery::Deliveries;
use super::disputing::{self, Disputing};
use super::records::Records;
use super::reports::Reporter;
use super::settlement::{Connector, Settlement};
use super::{Board, VerifierBridge};
use crate::sequencer::fault::disk;
use crate::sequencer::{BatcherMessage, CoordinatorMessage};

/// How long a part of this node may take to answer.
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(10);
/// Answers in a row that must agree before L2 is said to hold something else than the disk: nodes behind one
/// endpoint lag.
const AGREEING_ANSWERS: u32 = 3;
/// How often to say why nothing moves.
const HEARTBEAT: Duration = Duration::from_secs(30);

pub(super) struct Loop<C: Connector> {
    pub(super) config: VerifierBridge<C>,
    pub(super) records: Records,
    pub(super) reporter: Reporter,
    pub(super) deliveries: Deliveries,
    pub(super) disputing: Disputing,
    board: Board,
    wake: Arc<Notify>,
    backoff: Backoff,
    /// Committed batches up to this one were compared with the disk.
    checked: BatchNumber,
    /// The verified batch that was compared with the disk.
    checked_verified: BatchNumber,
    differences: u32,
    /// Batches that were dropped when the main node took their blocks back.
    taken_back: Vec<BatchHeader>,
    /// The first batch on L2 that is to be replaced.
    replaced: Option<BatchNumber>,
    said: Option<(View, tokio::time::Instant)>,
    /// What is being sent, and whether the contract refused it.
    sending: Option<(Purpose, Option<String>)>,
}

/// Why a turn of the loop ended early.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The bridge ends.
    Fault(Fault),
    /// L2 did not do what it was asked.
    L2(SettlementError),
    /// A part of this node did not answer.
    Node(String),
}

/// What L2 shows at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    pub(super) latest: RollupStatus,
    /// The newest L2 block that is deep enough.
    pub(super) settled_at: L2Block,
    pub(super) settled: RollupStatus,
    /// L2's time, in seconds since 1970.
    pub(super) l2_time: u64,
}

impl Sight {
    /// As if this batch and those after it were not committed.
    fn before(self, first: BatchNumber) -> Self {
        let last = BatchNumber(first.0.saturating_sub(1));
        let before = |status: RollupStatus| RollupStatus {
            last_committed: status.last_committed.min(last),
            ..status
        };
        Self {
            latest: before(self.latest),
            settled: before(self.settled),
            ..self
        }
    }
}

impl From<SettlementError> for Trouble {
    fn from(error: SettlementError) -> Self {
        Self::L2(error)
    }
}

impl From<StorageError> for Trouble {
    fn from(error: StorageError) -> Self {
        Self::Fault(disk(error))
    }
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        Self::Node(error.to_string())
    }
}

fn disagreement(sentence: String) -> Trouble {
    Trouble::Fault(Fault::Disagreement(sentence.into()))
}

/// Where a process can be made to end around an L2 transaction: when it is intended, mined, recorded.
fn crash_points(purpose: Purpose) -> [&'static str; 3] {
    match purpose {
        Purpose::Commit(_) => [
            "bridge/commit-intended",
            "bridge/commit-mined",
            "bridge/commit-recorded",
        ],
        Purpose::Prove(..) => [
            "bridge/prove-intended",
            "bridge/prove-mined",
            "bridge/prove-recorded",
        ],
        Purpose::Stake => [
            "bridge/stake-intended",
            "bridge/stake-mined",
            "bridge/stake-recorded",
        ],
        Purpose::Propose(_) => [
            "bridge/propose-intended",
            "bridge/propose-mined",
            "bridge/propose-recorded",
        ],
        Purpose::Finalize(_) => [
            "bridge/finalize-intended",
            "bridge/finalize-mined",
            "bridge/finalize-recorded",
        ],
        Purpose::Answer(..) => [
            "bridge/answer-intended",
            "bridge/answer-mined",
            "bridge/answer-recorded",
        ],
        Purpose::Settle(..) => [
            "bridge/settle-intended",
            "bridge/settle-mined",
            "bridge/settle-recorded",
        ],
    }
}

/// The L3 block whose L2 block the contract does not know any more, or knows with a later time than it had: recording it
/// again mends both.
fn lost_anchor(error: &IRollupErrors) -> Option<BlockNumber> {
    match error {
        IRollupErrors::UnknownL2Block(error) => Some(BlockNumber(error.number)),
        IRollupErrors::TimestampBeforeAnchor(error) => Some(BlockNumber(error.number)),
        _ => None,
    }
}

/// Whether the contract will never take the blocks of a batch: they name messages that L2 does not have (any more).
fn is_for_ever(error: &IRollupErrors) -> bool {
    matches!(
        error,
        IRollupErrors::UnknownMessages(_)
            | IRollupErrors::FewerMessages(_)
            | IRollupErrors::BlockHashMismatch(_)
    )
}

/// Whether a block cannot be recorded because the EVM has forgotten its hash.
fn is_out_of_reach(error: &SettlementError) -> bool {
    matches!(
        error.rollup_error(),
        Some(IRollupErrors::BlockHashUnavailable(_))
    )
}

impl<C: Connector> Loop<C> {
    pub(super) fn new(config: VerifierBridge<C>, board: Board, wake: Arc<Notify>) -> Self {
        Self {
            records: Records {
                store: Arc::clone(&config.store),
            },
            reporter: Reporter::default(),
            deliveries: Deliveries::default(),
            disputing: Disputing::default(),
            config,
            board,
            wake,
            backoff: Backoff::default(),
            checked: BatchNumber(0),
            checked_verified: BatchNumber(0),
            differences: 0,
            taken_back: Vec::new(),
            replaced: None,
            said: None,
            sending: None,
        }
    }

    /// Ends only with a fault.
    pub(super) async fn run(mut self) -> Fault {
        let settlement = match self.connect().await {
            Ok(settlement) => settlement,
            Err(fault) => return fault,
        };
        match self.records.take_under_way().await {
            Ok(Some(purpose)) => {
                info!(target: "tern::bridge", ?purpose, "was under way when the last run ended; L2 says what became of it");
            }
            Ok(None) => {}
            Err(error) => return disk(error),
        }
        loop {
            match self.turn(&settlement).await {
                Ok(acted) => {
                    self.recovered();
                    if !acted {
                        self.board
                            .set(|status| status.activity = "waits for batches and proofs".into());
                        let _ = tokio::time::timeout(self.config.poll, self.wake.notified()).await;
                    }
                }
                Err(Trouble::Fault(fault)) => return fault,
                Err(Trouble::L2(error @ SettlementError::Posting(_))) => {
                    return Fault::Lasting(error.into());
                }
                Err(Trouble::L2(error)) => self.pause(error.to_string()).await,
                Err(Trouble::Node(reason)) => self.pause(reason).await,
            }
        }
    }

    async fn connect(&mut self) -> Result<C::Settlement, Fault> {
        loop {
            self.board
                .set(|status| status.activity = "connects to L2".into());
            match self.config.connector.connect().await {
                Ok(settlement) => {
                    self.recovered();
                    return Ok(settlement);
                }
                Err(error) if error.is_retryable() => self.pause(error.to_string()).await,
                Err(error) => return Err(Fault::Configuration(error.into())),
            }
        }
    }

    /// Says a trouble when it is new, and waits.
    async fn pause(&mut self, reason: String) {
        let (pause, is_new) = self.backoff.failed(&reason, rand::random());
        if is_new {
            warn!(target: "tern::bridge", %reason, "cannot go on now; trying again");
            self.board.set(|status| status.trouble = Some(reason));
        } else {
            debug!(target: "tern::bridge", %reason, ?pause, "still in trouble");
        }
        tokio::time::sleep(pause).await;
    }

    fn recovered(&mut self) {
        if self.backoff.reset() {
            info!(target: "tern::bridge", "going on again");
            self.board.set(|status| status.trouble = None);
        }
    }

    /// One round. Says whether something was done.
    async fn turn(&mut self, settlement: &C::Settlement) -> Result<bool, Trouble> {
        let mut sight = self.observe(settlement).await?;
        if self.config.takeover {
            let verified = sight.latest.last_verified;
            sight = sight.before(BatchNumber(verified.0.saturating_add(1)));
        }
        let formed = self
            .config
            .batcher
            .call(BatcherMessage::Last, CALL_LIMIT)
            .await?;
        self.hear_of_rewinds().await?;
        let replaced = self.check(settlement, &sight.latest, formed).await?;
        if let Some(first) = replaced {
            sight = sight.before(first);
        }
        self.note_replaced(replaced).await?;
        self.report(settlement, &sight, formed).await?;
        self.follow(settlement, &sight.settled_at).await?;
        let disputes = match self.config.takeover {
            true => None,
            false => self.look_at_disputes(settlement, &sight).await?,
        };
        let known = disputes.as_ref().map_or(0, |known| known.known_messages);
        let delivered = match self.deliver(settlement, &sight, known).await {
            Err(Trouble::Fault(fault)) => return Err(Trouble::Fault(fault)),
            delivered => delivered,
        };
        // Without proofs there is still something to commit.
        let pending = self
            .config
            .coordinator
            .call(CoordinatorMessage::Pending, CALL_LIMIT)
            .await;
        let BatchesPending { proven, .. } = pending.unwrap_or_default();
        let (committed, verified) = (sight.latest.last_committed, sight.latest.last_verified);
        // What is formed need not wait for a program that makes what the contract asks for.
        let misfit = settlement.look_at_verifier().await.err();
        let view = View {
            committed,
            verified,
            formed,
            proven: match misfit {
                Some(_) => verified,
                None => proven,
            },
        };
        let next = match self.config.takeover {
            true => decide_with_proofs(&view),
            false => decide(&view),
        };
        self.heartbeat(&view, next);
        if let Some(disputes) = &disputes
            && next != Next::DiskBehind
        {
            if misfit.is_none() && self.defend(settlement, disputes, &view).await? {
                return Ok(true);
            }
            // A proof makes final at once what otherwise waits.
            let step = disputing::decide(&view, disputes);
            if let Some(step) = step.filter(|_| !matches!(next, Next::Prove(_))) {
                let done = self.dispute(settlement, step).await;
                // Without a stake, say, batches are not proposed; they are committed all the same.
                if let (Err(Trouble::L2(_)), Next::Commit(number)) = (&done, next) {
                    self.commit(settlement, number).await?;
                }
                return done.map(|()| true);
            }
        }
        match next {
            Next::Wait => {
                delivered?;
                misfit.map_or(Ok(false), |error| Err(error.into()))
            }
            Next::Commit(number) => self.commit(settlement, number).await.map(|()| true),
            Next::Prove(first) => self.prove(settlement, first, &view).await.map(|()| true),
            Next::CommitAndProve(number) => {
                let done = self.commit_and_prove(settlement, number).await;
                done.map(|()| true)
            }
            Next::DiskBehind => Err(disagreement(format!(
                "L2 holds batch {committed}, but the data directory knows only {formed} batches: it is older \
                 than the chain; restore the newest backup"
            ))),
        }
    }

    async fn observe(&self, settlement: &C::Settlement) -> Result<Sight, Trouble> {
        let head = settlement.head().await?;
        let latest = settlement.status_at(head.number).await?;
        self.board.set(|status| {
            status.l2_head = head.number;
            status.committed = latest.last_committed;
            status.verified = latest.last_verified;
        });
        let settled_at = settlement.settled(head, self.config.depth).await?;
        let settled = match settled_at.number == head.number {
            true => latest,
            false => settlement.status_at(settled_at.number).await?,
        };
        Ok(Sight {
            latest,
            settled_at,
            settled,
            l2_time: head.timestamp,
        })
    }

    /// Asks which batches the sequencer has dropped. When there are more, nothing that was compared before counts.
    async fn hear_of_rewinds(&mut self) -> Result<(), Trouble> {
        let call = self
            .config
            .batcher
            .call(BatcherMessage::TakenBack, CALL_LIMIT);
        let taken_back = call.await?.map_err(Trouble::Node)?;
        if taken_back != self.taken_back {
            self.taken_back = taken_back;
            (self.checked, self.checked_verified) = (BatchNumber(0), BatchNumber(0));
        }
        Ok(())
    }

    /// What L2 holds must be what is on disk. Returns the first batch of which this is not so because its blocks were taken
    /// back: it and those after it are to be replaced.
    async fn check(
        &mut self,
        settlement: &C::Settlement,
        latest: &RollupStatus,
        formed: BatchNumber,
    ) -> Result<Option<BatchNumber>, Trouble> {
        let (committed, verified) = (latest.last_committed, latest.last_verified);
        if verified > formed || (committed > formed && self.taken_back.is_empty()) {
            return Ok(None);
        }
        if verified != self.checked_verified && verified.0 > 0 {
            let batch = self.batch(verified).await?;
            let (ours, theirs) = (batch.header.last_block_hash, latest.verified_block_hash);
            if ours != theirs {
                return Err(disagreement(format!(
                    "L2 has verified batch {verified} with last block {theirs}, but the data directory has {ours} \
                     there: it belongs to another history of this chain"
                )));
            }
        }
        self.checked_verified = verified;
        self.checked = self.checked.min(committed).max(verified);
        while self.checked < committed {
            let number = BatchNumber(self.checked.0 + 1);
            let holds = match number > formed {
                true => false,
                false => settlement.holds(&self.batch(number).await?).await?,
            };
            if holds {
                self.differences = 0;
                self.checked = number;
                continue;
            }
            if self.was_taken_back(settlement, number).await? {
                return Ok(Some(number));
            }
            if number > formed {
                return Ok(None);
            }
            self.differences += 1;
            let sentence = format!(
                "L2 holds another batch {number} than the data directory: somebody else has committed with \
                 this operator's key, or the directory belongs to another history of this chain"
            );
            if self.differences >= AGREEING_ANSWERS {
                return Err(disagreement(sentence));
            }
            return Err(Trouble::Node(sentence));
        }
        Ok(None)
    }

    /// Whether the batch that L2 holds is one that was dropped here.
    async fn was_taken_back(
        &self,
        settlement: &C::Settlement,
        number: BatchNumber,
    ) -> Result<bool, Trouble> {
        if self.taken_back.is_empty() {
            return Ok(false);
        }
        let theirs = settlement.committed_block(number).await?;
        let same =
            |batch: &BatchHeader| batch.number == number && Some(batch.last_block_hash) == theirs;
        Ok(self.taken_back.iter().any(same))
    }

    /// Says when batches on L2 are to be replaced, and forgets which transactions committed them.
    async fn note_replaced(&mut self, replaced: Option<BatchNumber>) -> Result<(), Trouble> {
        if self.replaced == replaced {
            return Ok(());
        }
        self.replaced = replaced;
        if let Some(first) = replaced {
            warn!(target: "tern::bridge", %first,
                "L2 holds batches whose blocks were taken back; they are replaced when the next one is formed");
            self.records.forget_from(first).await?;
        }
        Ok(())
    }

    pub(super) async fn batch(&self, number: BatchNumber) -> Result<Batch, Trouble> {
        let call = |reply| BatcherMessage::Batch(number, reply);
        match self.config.batcher.call(call, CALL_LIMIT).await? {
            Ok(Some(batch)) => Ok(batch),
            Ok(None) => Err(Trouble::Node(format!("batch {number} is not on disk"))),
            Err(reason) => Err(Trouble::Node(reason)),
        }
    }

    /// The batch that another one follows; none if that is genesis.
    pub(super) async fn batch_before(&self, number: BatchNumber) -> Result<Option<Batch>, Trouble> {
        match number.0 {
            0 | 1 => Ok(None),
            _ => self.batch(BatchNumber(number.0 - 1)).await.map(Some),
        }
    }

    async fn commit(
        &mut self,
        settlement: &C::Settlement,
        number: BatchNumber,
    ) -> Result<(), Trouble> {
        let batch = self.batch(number).await?;
        let previous = self.batch_before(number).await?;
        let purpose = Purpose::Commit(number);
        self.begin(purpose, format!("commits batch {number}"))
            .await?;
        let sent = settlement
            .commit(&self.config.genesis, previous.as_ref(), &batch)
            .await;
        match sent {
            Ok(mined) => self.done(purpose, mined).await,
            Err(error) => Err(self.refused(settlement, purpose, error).await?),
        }
    }

    /// Proves the batches from `first` on that share a proof, once all of them are committed.
    async fn prove(
        &mut self,
        settlement: &C::Settlement,
        first: BatchNumber,
        view: &View,
    ) -> Result<(), Trouble> {
        let proven = self.proven(first).await?;
        let last = proven.last;
        if proven.first != first || last < first || last > view.formed {
            let first = proven.first;
            return Err(Trouble::Node(format!(
                "the coordinator answers with a proof of batches {first} to {last}, which was not asked for"
            )));
        }
        let next = BatchNumber(view.committed.0.saturating_add(1));
        if last > view.committed {
            return self.commit(settlement, next).await;
        }
        let proof = match settlement.complete(&proven).await {
            Ok(proof) => proof,
            // Watchers sign in their own time; what is formed meanwhile need not wait for them.
            Err(SettlementError::NotAttested { .. }) if next <= view.formed => {
                return self.commit(settlement, next).await;
            }
            Err(error) => return Err(error.into()),
        };
        let proven = ProvenRange { proof, ..proven };
        let mut batches = Vec::new();
        for number in first.0..=last.0 {
            batches.push(self.batch(BatchNumber(number)).await?);
        }
        let purpose = Purpose::Prove(first, last);
        let activity = match first == last {
            true => format!("proves batch {first}"),
            false => format!("proves batches {first} to {last}"),
        };
        self.begin(purpose, activity).await?;
        let end = batches
            .last()
            .map_or(BlockNumber(0), |batch| batch.header.last_block);
        let messages = self.inbox_proof(settlement, end).await?;
        match settlement.prove(&batches, &proven, messages).await {
            Ok(mined) => self.done(purpose, mined).await,
            Err(error) => Err(self.refused(settlement, purpose, error).await?),
        }
    }

    /// The proof that begins with a batch.
    async fn proven(&self, first: BatchNumber) -> Result<ProvenRange, Trouble> {
        let call = |reply| CoordinatorMessage::Proven(first, reply);
        match self.config.coordinator.call(call, CALL_LIMIT).await? {
            Ok(Some(proven)) => Ok(proven),
            Ok(None) => Err(Trouble::Node(format!(
                "the proof of batch {first} is not on disk"
            ))),
            Err(reason) => Err(Trouble::Node(reason)),
        }
    }

    /// Commits a batch and proves it by the same call, as anyone may while the chain is open.
    async fn commit_and_prove(
        &mut self,
        settlement: &C::Settlement,
        number: BatchNumber,
    ) -> Result<(), Trouble> {
        if !settlement.is_open().await? {
            let reason =
                "the chain is not open to anyone: nothing has waited for its operator long enough";
            return Err(Trouble::Node(reason.to_owned()));
        }
        let proven = self.proven(number).await?;
        if (proven.first, proven.last) != (number, number) {
            let (first, last) = (proven.first, proven.last);
            return Err(Trouble::Node(format!(
                "the coordinator answers with a proof of batches {first} to {last}, which was not asked for"
            )));
        }
        let batch = self.batch(number).await?;
        let previous = self.batch_before(number).await?;
        let proof = settlement.complete(&proven).await?;
        let proven = ProvenRange { proof, ..proven };
        let messages = self
            .inbox_proof(settlement, batch.header.last_block)
            .await?;
        let purpose = Purpose::Prove(number, number);
        self.begin(purpose, format!("commits and proves batch {number}"))
            .await?;
        let genesis = &self.config.genesis;
        let sent = settlement
            .commit_and_prove(genesis, previous.as_ref(), &batch, &proven, messages)
            .await;
        match sent {
            Ok(mined) => self.done(purpose, mined).await,
            Err(error) => Err(self.refused(settlement, purpose, error).await?),
        }
    }

    pub(super) async fn begin(
        &mut self,
        purpose: Purpose,
        activity: String,
    ) -> Result<(), Trouble> {
        if self
            .sending
            .as_ref()
            .is_none_or(|(before, _)| *before != purpose)
        {
            info!(target: "tern::bridge", "{activity}");
            self.sending = Some((purpose, None));
            self.records.begin(purpose).await?;
            crash_point(crash_points(purpose)[0]);
        }
        self.board.set(|status| status.activity = activity);
        Ok(())
    }

    pub(super) async fn done(&mut self, purpose: Purpose, mined: Mined) -> Result<(), Trouble> {
        self.sending = None;
        let Mined {
            hash,
            block,
            gas_used,
            ..
        } = mined;
        info!(target: "tern::bridge", ?purpose, %hash, block, gas_used, "settled");
        crash_point(crash_points(purpose)[1]);
        self.records
            .done(purpose, L2Transaction { hash, block })
            .await?;
        crash_point(crash_points(purpose)[2]);
        Ok(())
    }

    /// What a refused transaction means. What L2 holds is read again before anything else is sent.
    pub(super) async fn refused(
        &mut self,
        settlement: &C::Settlement,
        purpose: Purpose,
        error: SettlementError,
    ) -> Result<Trouble, Trouble> {
        if !matches!(error, SettlementError::Reverted { .. }) {
            return Ok(Trouble::L2(error));
        }
        let reason = error.to_string();
        let new = self.sending != Some((purpose, Some(reason.clone())));
        if new {
            error!(target: "tern::bridge", ?purpose, %reason, "the contract refuses");
            self.sending = Some((purpose, Some(reason)));
        }
        if new && error.rollup_error().is_some_and(is_for_ever) {
            error!(target: "tern::bridge", ?purpose, "ALARM: trying again cannot help: the blocks themselves must be others. Take \
                them back with `tern rewind`, to the last block that L2 has verified");
        }
        if let Purpose::Commit(batch) = purpose
            && let Some(block) = error.rollup_error().and_then(lost_anchor)
        {
            self.record_again(settlement, batch, block, new).await?;
        }
        Ok(Trouble::L2(error))
    }

    /// L2's record of the block that an L3 block names is gone, or of another time: a reorganisation may have taken it
    /// back, but left the block.
    async fn record_again(
        &self,
        settlement: &C::Settlement,
        batch: BatchNumber,
        block: BlockNumber,
        new: bool,
    ) -> Result<(), Trouble> {
        let batch = self.batch(batch).await?;
        let named = batch.blocks.iter().find(|found| found.number() == block);
        let Some((header, hash)) = named.map(|found| (&found.header, found.anchor.l2_block)) else {
            return Ok(());
        };
        let alarm = |what: &str| {
            if new {
                error!(target: "tern::bridge", %block, %hash, "ALARM: an L3 block names an L2 block {what}");
            }
            Ok(())
        };
        let Some(number) = self.records.anchor_number(hash).await? else {
            return alarm("that was never recorded");
        };
        let there = settlement.block(number).await?;
        let Some(there) = there.filter(|there| there.hash == hash) else {
            return alarm("that L2 has taken back");
        };
        if there.timestamp > header.timestamp {
            return alarm("that is younger than itself");
        }
        match settlement.record(number).await {
            Ok(_) => {
                warn!(target: "tern::bridge", number, %hash, "L2 had lost the record of this block; it is recorded again");
                Ok(())
            }
            Err(error) if is_out_of_reach(&error) => {
                alarm("whose record L2 has lost, and which is too old to be recorded again")
            }
            Err(error) => Err(error.into()),
        }
    }

    fn heartbeat(&mut self, view: &View, next: Next) {
        let due = match &self.said {
            Some((said, when)) => said != view || when.elapsed() >= HEARTBEAT,
            None => true,
        };
        if !due {
            return;
        }
        self.said = Some((*view, tokio::time::Instant::now()));
        let View {
            committed,
            verified,
            formed,
            proven,
        } = view;
        let waits_for = match next {
            Next::Wait if verified < formed => "the proof of the next batch",
            Next::Wait => "the next batch",
            _ => "nothing",
        };
        info!(target: "tern::bridge", %formed, %committed, %proven, %verified, waits_for, "batches");
    }
}
