//! The bridge's loop against an L2 kept in memory.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alloy::consensus::Header;
use alloy::primitives::{Address, B256, Bytes, FixedBytes, U256};
use tempfile::TempDir;
use tern_messages::job::StatementData;
use tern_messages::statement::Point;
use tern_messages::{
    Anchor, Batch, BatchHeader, BatchNumber, BatchesPending, BlockNumber, ChainId, FinalityRefusal,
    FinalityReport, ForcedTransaction, L2Anchor, L2Transaction, OfferedMessages, Proof,
    ProvenBlock, ProvenRange, QueuedMessage, SealedBlock, SettledHeights, StateProof, WindowDigest,
};
use tern_settlement::IRollup::{
    BlockHashUnavailable, IRollupErrors, TimestampBeforeAnchor, UnknownL2Block,
};
use tern_settlement::{
    Challenged, Depth, DisputeTerms, ForcedEntry, InboxProof, L2Block, Logged, Mined, Proposal,
    Queue, RecordedBlock, Revert, RollupStatus, SettlementError, Standing,
};
use tern_storage::{ChainIdentity, Store};
use tokio::sync::mpsc::UnboundedReceiver;

use super::settlement::{Answer, Processed};
use super::*;
use crate::sequencer::testing::{SOON, fake, next};

mod disputing;

/// An L2 whose blocks hold at most one transaction of ours each.
#[derive(Clone, Debug, Default)]
struct FakeL2(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    blocks: Vec<State2>,
    /// Makes the hashes of blocks after a reorganisation differ.
    fork: u8,
    unreachable: bool,
    /// The next transactions are mined, but nobody hears of it.
    lose_answers: u32,
    sent: Vec<String>,
    /// Watchers are asked so many times in vain.
    unsigned: u32,
    connect_error: Option<SettlementError>,
    /// The contract takes proofs of another circuit.
    misfit: bool,
    /// The next commitments are refused, the last one first.
    refusals: Vec<IRollupErrors>,
    /// Seconds from block to block.
    pace: u64,
    /// Anyone may commit, with a proof.
    open: bool,
    /// Batches are final unless somebody challenges them.
    terms: Option<DisputeTerms>,
}

/// The contract after one L2 block.
#[derive(Clone, Debug, Default)]
struct State2 {
    hash: B256,
    committed: Vec<Batch>,
    verified: u64,
    recorded: Vec<u64>,
    /// All messages so far.
    messages: Vec<Logged<QueuedMessage>>,
    /// All posted transactions so far.
    posted: Vec<Logged<ForcedTransaction>>,
    discharged: Vec<u64>,
    /// Messages that the verified state has processed.
    processed: u64,
    /// When each batch was proposed, from the first on.
    proposed: Vec<u64>,
    staked: U256,
    waiting: Vec<Challenged>,
    left: Vec<Challenged>,
}

fn unreachable() -> SettlementError {
    SettlementError::Unreachable {
        endpoint: "fake".into(),
        reason: "it is off".into(),
    }
}

fn reverted(error: IRollupErrors) -> SettlementError {
    SettlementError::Reverted {
        action: "fake",
        revert: Revert::Rollup(error),
    }
}

impl FakeL2 {
    fn new() -> Self {
        let l2 = Self::default();
        l2.with(|inner| inner.pace = 1);
        l2.mine(|state| state.recorded.push(0));
        l2
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.0.lock().unwrap())
    }

    fn mine(&self, change: impl FnOnce(&mut State2)) -> Mined {
        self.with(|inner| {
            let mut state = inner.blocks.last().cloned().unwrap_or_default();
            state.recorded.clear();
            change(&mut state);
            let number = inner.blocks.len() as u64;
            state.hash = hash(number, inner.fork);
            let block_hash = state.hash;
            inner.blocks.push(state);
            Mined {
                hash: block_hash,
                block: number,
                block_hash,
                gas_used: 1,
                contract: None,
            }
        })
    }

    fn send(&self, what: String, change: impl FnOnce(&mut State2)) -> Answer<Mined> {
        if self.with(|inner| inner.unreachable) {
            return Err(unreachable());
        }
        self.with(|inner| inner.sent.push(what));
        let mined = self.mine(change);
        let lost = self.with(|inner| {
            let lost = inner.lose_answers > 0;
            inner.lose_answers = inner.lose_answers.saturating_sub(1);
            lost
        });
        if lost { Err(unreachable()) } else { Ok(mined) }
    }

    /// `None` stands for what L2 does not have (any more).
    fn ask<T>(&self, answer: impl FnOnce(&Inner) -> Option<T>) -> Answer<T> {
        self.with(|inner| match answer(inner).filter(|_| !inner.unreachable) {
            Some(answer) => Ok(answer),
            None => Err(unreachable()),
        })
    }

    /// The transaction of the first block of which something is true.
    fn transaction(&self, when: impl Fn(&State2) -> bool) -> Answer<Option<L2Transaction>> {
        self.ask(|inner| {
            let block = inner.blocks.iter().position(when);
            Some(block.map(|at| L2Transaction {
                hash: inner.blocks[at].hash,
                block: at as u64,
            }))
        })
    }

    fn sent(&self) -> Vec<String> {
        self.with(|inner| inner.sent.clone())
    }

    /// Takes the newest blocks back.
    fn take_back(&self, count: usize) {
        self.with(|inner| {
            inner.blocks.truncate(inner.blocks.len() - count);
            inner.fork += 1;
        });
        self.mine(|_| ());
    }
}

fn hash(number: u64, fork: u8) -> B256 {
    let mut hash = B256::from(U256::from(number));
    hash.0[0] = fork;
    hash.0[1] = 1;
    hash
}

impl Settlement for FakeL2 {
    async fn head(&self) -> Answer<L2Block> {
        let number = self.ask(|inner| Some(inner.blocks.len() as u64 - 1))?;
        Ok(self.block(number).await?.unwrap())
    }

    async fn settled(&self, head: L2Block, depth: Depth) -> Answer<L2Block> {
        let Depth::Confirmations(confirmations) = depth else {
            panic!("blocks have no names here");
        };
        let number = head.settled_number(confirmations, 0);
        Ok(self.block(number).await?.unwrap())
    }

    async fn block(&self, number: u64) -> Answer<Option<L2Block>> {
        self.ask(|inner| {
            Some(inner.blocks.get(number as usize).map(|state| L2Block {
                number,
                hash: state.hash,
                parent_hash: B256::ZERO,
                timestamp: number * inner.pace,
                base_fee: 1,
            }))
        })
    }

    async fn status_at(&self, number: u64) -> Answer<RollupStatus> {
        self.ask(|inner| {
            let state = inner.blocks.get(number as usize)?;
            let verified = state.committed.get(state.verified.wrapping_sub(1) as usize);
            let header = verified.map(|batch| batch.header.clone());
            Some(RollupStatus {
                last_committed: BatchNumber(state.committed.len() as u64),
                last_verified: BatchNumber(state.verified),
                verified_block: header.as_ref().map_or(BlockNumber(0), |h| h.last_block),
                verified_block_hash: header.as_ref().map_or(B256::ZERO, |h| h.last_block_hash),
                verified_state_root: header.as_ref().map_or(B256::ZERO, |h| h.state_root),
                verified_timestamp: 0,
                verified_window: [0; 4],
            })
        })
    }

    async fn holds(&self, batch: &Batch) -> Answer<bool> {
        let index = batch.header.number.0 as usize - 1;
        self.ask(|inner| Some(inner.blocks.last()?.committed.get(index)? == batch))
    }

    async fn committed_block(&self, number: BatchNumber) -> Answer<Option<B256>> {
        let index = number.0 as usize - 1;
        self.ask(|inner| {
            let batch = inner.blocks.last()?.committed.get(index);
            Some(batch.map(|batch| batch.header.last_block_hash))
        })
    }

    async fn committed_in(&self, number: BatchNumber) -> Answer<Option<L2Transaction>> {
        self.transaction(|state| state.committed.len() as u64 >= number.0)
    }

    async fn verified_in(&self, number: BatchNumber) -> Answer<Option<L2Transaction>> {
        self.transaction(|state| state.verified >= number.0)
    }

    fn deployment_block(&self) -> u64 {
        0
    }

    async fn recorded(&self, within: RangeInclusive<u64>) -> Answer<Vec<RecordedBlock>> {
        self.ask(|inner| {
            let mut found = Vec::new();
            for recorded_in in within {
                for &number in &inner.blocks.get(recorded_in as usize)?.recorded {
                    let hash = inner.blocks.get(number as usize)?.hash;
                    found.push(RecordedBlock {
                        number,
                        hash,
                        timestamp: 1,
                    });
                }
            }
            Some(found)
        })
    }

    async fn commit(&self, _: &Header, previous: Option<&Batch>, batch: &Batch) -> Answer<Mined> {
        let before = previous.map_or(0, |batch| batch.header.number.0);
        assert_eq!(before + 1, batch.header.number.0);
        let parent = self.head().await?.number;
        if let Some(refusal) = self.with(|inner| inner.refusals.pop()) {
            return Err(reverted(refusal));
        }
        self.ask(|inner| (inner.blocks.last()?.committed.len() as u64 >= before).then_some(()))?;
        let batch = batch.clone();
        self.send(format!("commit {}", batch.header.number), |state| {
            assert!(before >= state.verified, "what is verified is not replaced");
            state.committed.truncate(before as usize);
            state.committed.push(batch);
            state.recorded.push(parent);
        })
    }

    async fn look_at_verifier(&self) -> Answer<()> {
        match self.ask(|inner| Some(inner.misfit))? {
            false => Ok(()),
            true => Err(SettlementError::OtherCircuit {
                verifier: Address::ZERO,
                asked: B256::repeat_byte(1),
                made: B256::repeat_byte(2),
            }),
        }
    }

    async fn complete(&self, proven: &ProvenRange) -> Answer<Proof> {
        let signed = self.with(|inner| {
            let signed = inner.unsigned == 0;
            inner.unsigned = inner.unsigned.saturating_sub(1);
            signed
        });
        let (first, last) = (proven.first, proven.last);
        match signed {
            true => Ok(proven.proof.clone()),
            false => Err(SettlementError::NotAttested {
                first,
                last,
                verifier: Address::ZERO,
                threshold: 1,
                signed: 0,
                reasons: vec!["a watcher: it sleeps".into()],
            }),
        }
    }

    async fn prove(
        &self,
        batches: &[Batch],
        proven: &ProvenRange,
        messages: InboxProof,
    ) -> Answer<Mined> {
        let (first, last) = (proven.first, proven.last);
        let numbers = batches.iter().map(|batch| batch.header.number.0);
        assert!(numbers.eq(first.0..=last.0));
        self.ask(|inner| {
            let state = inner.blocks.last()?;
            let held = batches.iter().all(|batch| state.committed.contains(batch));
            (state.verified + 1 == first.0 && held).then_some(())
        })?;
        let what = match first == last {
            true => format!("prove {first}"),
            false => format!("prove {first} to {last}"),
        };
        let processed = self.processed().await?;
        let shown = (messages != InboxProof::default()).then_some(processed.sent);
        // One more may be sent before this is mined.
        assert_eq!(shown.is_some(), processed.sent > 0);
        self.send(what, |state| {
            state.verified = last.0;
            state.processed = shown.unwrap_or(state.processed);
        })
    }

    async fn is_open(&self) -> Answer<bool> {
        self.ask(|inner| Some(inner.open))
    }

    async fn commit_and_prove(
        &self,
        _: &Header,
        previous: Option<&Batch>,
        batch: &Batch,
        proven: &ProvenRange,
        _: InboxProof,
    ) -> Answer<Mined> {
        let number = batch.header.number;
        assert_eq!((proven.first, proven.last), (number, number));
        let before = previous.map_or(0, |batch| batch.header.number.0);
        self.ask(|inner| {
            let verified = inner.blocks.last()?.verified;
            (inner.open && verified == before).then_some(())
        })?;
        let batch = batch.clone();
        self.send(format!("commit and prove {number}"), |state| {
            state.committed.truncate(before as usize);
            state.committed.push(batch);
            state.verified = number.0;
        })
    }

    fn dispute_terms(&self) -> Option<DisputeTerms> {
        self.with(|inner| inner.terms)
    }

    async fn standing(&self) -> Answer<Standing> {
        self.ask(|inner| {
            let state = inner.blocks.last()?;
            Some(Standing {
                proposed: BatchNumber(state.verified.max(state.proposed.len() as u64)),
                staked: state.staked,
                waiting: state.waiting.clone(),
                left: state.left.clone(),
            })
        })
    }

    async fn proposal(&self, batch: BatchNumber) -> Answer<Option<Proposal>> {
        self.ask(|inner| {
            let state = inner.blocks.last()?;
            let window = inner.terms?.challenge_window.as_secs();
            let since = state.proposed.get(batch.0 as usize - 1);
            let waiting = state.waiting.iter();
            Some(since.map(|since| Proposal {
                batch,
                id: batch.0,
                batch_hash: B256::ZERO,
                windows_hash: B256::ZERO,
                end: since + window,
                open: waiting.filter(|waiting| waiting.batch == batch).count() as u16,
            }))
        })
    }

    async fn known_messages(&self, _: BatchNumber) -> Answer<u64> {
        Ok(0)
    }

    async fn add_stake(&self, amount: U256) -> Answer<Mined> {
        self.send(format!("stake {amount}"), |state| state.staked += amount)
    }

    async fn propose(
        &self,
        batch: &Batch,
        windows: &[WindowDigest],
        _: InboxProof,
    ) -> Answer<Mined> {
        assert_eq!(windows.len(), batch.blocks.len());
        let number = batch.header.number.0;
        let now = self.head().await?.timestamp;
        let before = number as usize - 1;
        self.send(format!("propose {number}"), |state| {
            assert!(state.committed.get(before) == Some(batch) && state.staked > U256::ZERO);
            let verified = state.verified as usize;
            state.proposed.resize(verified.max(state.proposed.len()), 0);
            assert_eq!(state.proposed.len(), before);
            state.proposed.push(now);
        })
    }

    async fn answer_challenge(
        &self,
        _: &Header,
        previous: Option<&Batch>,
        batch: &Batch,
        windows: &[WindowDigest],
        proven: &ProvenBlock,
    ) -> Answer<Mined> {
        let number = batch.header.number;
        assert_eq!(
            previous.map_or(0, |batch| batch.header.number.0) + 1,
            number.0
        );
        assert_eq!(windows.len(), batch.blocks.len());
        self.send(format!("answer {}", proven.block), |state| {
            let index = (proven.block.0 - batch.header.first_block.0) as u16;
            let answered = Challenged {
                batch: number,
                index,
            };
            assert!(state.waiting.contains(&answered));
            state.waiting.retain(|waiting| *waiting != answered);
        })
    }

    async fn settle_challenge(&self, challenged: Challenged) -> Answer<Mined> {
        let Challenged { batch, index } = challenged;
        self.send(format!("settle {batch} {index}"), |state| {
            state.left.retain(|left| *left != challenged);
        })
    }

    async fn finalize(&self, batch: &Batch) -> Answer<Mined> {
        let number = batch.header.number.0;
        self.send(format!("finalize {number}"), |state| {
            assert_eq!(state.verified + 1, number);
            assert!(
                state
                    .waiting
                    .iter()
                    .all(|waiting| waiting.batch.0 != number)
            );
            state.verified = number;
        })
    }

    async fn messages(
        &self,
        within: RangeInclusive<u64>,
        before: Queue,
    ) -> Answer<Vec<Logged<QueuedMessage>>> {
        let found = self.ask(|inner| {
            let messages = inner.blocks.last()?.messages.iter();
            let within = messages.filter(|message| within.contains(&message.l2_block));
            Some(within.cloned().collect::<Vec<_>>())
        })?;
        let first = found.first().map_or(before.count, |first| first.item.index);
        assert_eq!(first, before.count, "the queue is read without gaps");
        Ok(found)
    }

    async fn forced_transactions(
        &self,
        within: RangeInclusive<u64>,
    ) -> Answer<Vec<Logged<ForcedTransaction>>> {
        self.ask(|inner| {
            let posted = inner.blocks.last()?.posted.iter();
            let within = posted.filter(|posted| within.contains(&posted.l2_block));
            Some(within.cloned().collect())
        })
    }

    async fn processed(&self) -> Answer<Processed> {
        self.ask(|inner| {
            let state = inner.blocks.last()?;
            Some(Processed {
                sent: state.messages.len() as u64,
                messages: state.processed,
                forced: 0,
            })
        })
    }

    async fn forced_entries(&self, first: u64, wanted: u64) -> Answer<Vec<ForcedEntry>> {
        self.ask(|inner| {
            let state = inner.blocks.last()?;
            let waiting = state
                .posted
                .iter()
                .skip(first as usize)
                .take(wanted as usize);
            let entries = waiting.map(|posted| ForcedEntry {
                transaction: B256::ZERO,
                discharged: state.discharged.contains(&posted.item.index),
                posted: posted.l2_block * inner.pace,
                max_fee_per_gas: 0,
            });
            Some(entries.collect())
        })
    }

    async fn forced_deadline(&self) -> Answer<u64> {
        Ok(1_000_000)
    }

    async fn discharge(&self, posted: &ForcedTransaction, _: Vec<Bytes>) -> Answer<Mined> {
        let index = posted.index;
        self.send(format!("discharge {index}"), |state| {
            state.discharged.push(index);
        })
    }

    async fn record(&self, number: u64) -> Answer<Mined> {
        let next = self.head().await?.number + 1;
        if number + 256 < next {
            let number = U256::from(number);
            let refusal = BlockHashUnavailable { number };
            return Err(reverted(IRollupErrors::BlockHashUnavailable(refusal)));
        }
        self.send(format!("record {number}"), |state| {
            state.recorded.push(number)
        })
    }
}

impl Connector for FakeL2 {
    type Settlement = Self;

    async fn connect(&self) -> Answer<Self> {
        if let Some(error) = self.with(|inner| inner.connect_error.take()) {
            return Err(error);
        }
        self.ask(|_| Some(self.clone()))
    }
}

fn batch(number: u64) -> Batch {
    let header = Header {
        number,
        ..Header::default()
    };
    let hash = header.hash_slow();
    let block = SealedBlock {
        header,
        hash,
        anchor: Anchor::default(),
        transactions: vec![],
        receipts: vec![],
    };
    let (first_block, last_block) = (BlockNumber(number), BlockNumber(number));
    let number = BatchNumber(number);
    let state_root = B256::ZERO;
    let header = BatchHeader {
        number,
        first_block,
        last_block,
        last_block_hash: hash,
        state_root,
    };
    Batch {
        header,
        blocks: vec![block],
    }
}

fn proven(first: u64, batches: usize) -> ProvenRange {
    let statement = StatementData {
        start_window: [0; 4],
        end_window: [0; 4],
        commitment: [0; 4],
        point: Point([0, 0]),
        evaluation: [0, 0],
    };
    ProvenRange {
        first: BatchNumber(first),
        last: BatchNumber(first + batches as u64 - 1),
        statement,
        proof: Proof {
            bytes: Bytes::new(),
        },
    }
}

struct Fixture {
    bridge: VerifierBridge<FakeL2>,
    told: UnboundedReceiver<Told>,
    settled: UnboundedReceiver<SettledHeights>,
}

/// Nonce of every account in every state.
const NONCE: u64 = 5;

#[derive(Debug)]
enum Told {
    Anchor(L2Anchor),
    Finality(FinalityReport),
    Messages(Vec<QueuedMessage>),
    Forced(Bytes),
}

fn store(directory: &TempDir) -> Arc<Store> {
    let identity = ChainIdentity::new(ChainId(1), B256::ZERO, "bridge");
    Arc::new(Store::open(directory.path(), &identity).unwrap())
}

async fn fixture(store: &Arc<Store>, l2: &FakeL2, batches: u64, proofs: u64) -> Fixture {
    sharing(store, l2, batches, proofs, 1).await
}

/// As `fixture`, with `shared` batches in each proof.
async fn sharing(
    store: &Arc<Store>,
    l2: &FakeL2,
    batches: u64,
    proofs: u64,
    shared: usize,
) -> Fixture {
    let list = (1..=batches).map(batch).collect();
    holding(store, l2, list, vec![], proofs, shared).await
}

/// As `sharing`, with these batches, and others that the sequencer has dropped.
async fn holding(
    store: &Arc<Store>,
    l2: &FakeL2,
    list: Vec<Batch>,
    taken_back: Vec<BatchHeader>,
    proofs: u64,
    shared: usize,
) -> Fixture {
    let batches = list.len() as u64;
    let batcher = fake(move |message| {
        let at = |number: BatchNumber| list.get((number.0 as usize).wrapping_sub(1)).cloned();
        match message {
            BatcherMessage::Last(reply) => {
                let _ = reply.send(BatchNumber(list.len() as u64));
            }
            BatcherMessage::Batch(number, reply) => {
                let _ = reply.send(Ok(at(number)));
            }
            BatcherMessage::TakenBack(reply) => {
                let _ = reply.send(Ok(taken_back.clone()));
            }
            BatcherMessage::Proof(_, _, slots, reply) => {
                let _ = reply.send(Ok(StateProof {
                    nonce: NONCE,
                    account: vec![Bytes::from_static(b"account")],
                    slots: slots.iter().map(|_| vec![]).collect(),
                    ..StateProof::default()
                }));
            }
            BatcherMessage::Headers(first, last, reply) => {
                let numbers = (first.0..=last.0).filter_map(|n| at(BatchNumber(n)));
                let _ = reply.send(Ok(numbers.map(|batch| batch.header).collect()));
            }
            BatcherMessage::Windows(first, last, reply) => {
                let windows = (first.0..=last.0).map(|number| [number, 0, 0, 0]);
                let _ = reply.send(Ok(windows.collect()));
            }
            _ => {}
        }
    })
    .await;
    let (settled_sender, settled) = tokio::sync::mpsc::unbounded_channel();
    let coordinator = fake(move |message| match message {
        CoordinatorMessage::Pending(reply) => {
            let (formed, proven) = (BatchNumber(batches), BatchNumber(proofs));
            let _ = reply.send(BatchesPending { formed, proven });
        }
        CoordinatorMessage::Proven(number, reply) => {
            let _ = reply.send(Ok(Some(proven(number.0, shared))));
        }
        CoordinatorMessage::ProveBlock(block, reply) => {
            let ProvenRange {
                statement, proof, ..
            } = proven(1, 1);
            let _ = reply.send(Ok(Some(ProvenBlock {
                block,
                statement,
                proof,
            })));
        }
        CoordinatorMessage::Settled(heights) => {
            let _ = settled_sender.send(heights);
        }
        _ => {}
    })
    .await;
    let (sender, told) = tokio::sync::mpsc::unbounded_channel();
    let main_node = fake(move |message| match message {
        MainNodeMessage::ReportAnchor(anchor) => {
            let _ = sender.send(Told::Anchor(anchor));
        }
        MainNodeMessage::ReportFinality(report, reply) => {
            let _ = sender.send(Told::Finality(report));
            let _ = reply.send(Ok(()));
        }
        MainNodeMessage::OfferMessages(OfferedMessages { messages, .. }, reply) => {
            let wanted = messages.last().map_or(0, |last| last.index + 1);
            let _ = sender.send(Told::Messages(messages));
            let _ = reply.send(wanted);
        }
        MainNodeMessage::OfferForced(raw) => {
            let _ = sender.send(Told::Forced(raw));
        }
        _ => {}
    })
    .await;
    let bridge = VerifierBridge {
        connector: l2.clone(),
        store: Arc::clone(store),
        genesis: Header::default(),
        depth: Depth::Confirmations(1),
        takeover: false,
        poll: Duration::from_millis(10),
        main_node,
        batcher,
        coordinator,
    };
    Fixture {
        bridge,
        told,
        settled,
    }
}

impl Fixture {
    fn start(&self) -> Running {
        let looping = Loop::new(self.bridge.clone(), Board::default(), Arc::default());
        Running(tokio::spawn(looping.run()))
    }

    async fn settled(&mut self, committed: u64, verified: u64) {
        let wanted = (BatchNumber(committed), BatchNumber(verified));
        let found = |heights: SettledHeights| {
            ((heights.committed, heights.verified) == wanted).then_some(())
        };
        next(&mut self.settled, found).await;
    }
}

/// Waits until the bridge says that it cannot go on.
async fn says_trouble(board: &Board) {
    let wait = async {
        while board.status().trouble.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, wait).await.expect("it says so");
}

/// A bridge's loop; dropping it is what kill -9 would do.
struct Running(JoinHandle<Fault>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Running {
    async fn fault(mut self) -> Fault {
        tokio::time::timeout(SOON, &mut self.0)
            .await
            .expect("it ends soon")
            .unwrap()
    }

    async fn kill(mut self) {
        self.0.abort();
        let _ = (&mut self.0).await;
    }
}

#[tokio::test]
async fn batches_are_committed_and_proven_in_order_and_everybody_hears_of_it() {
    let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
    let store = store(&directory);
    let mut fixture = fixture(&store, &l2, 3, 2).await;
    let _running = fixture.start();
    fixture.settled(3, 2).await;
    assert_eq!(
        l2.sent(),
        ["commit 1", "prove 1", "commit 2", "prove 2", "commit 3"]
    );
    let last = |told| match told {
        Told::Finality(report) if report.committed == BatchNumber(3) => Some(report),
        _ => None,
    };
    let report = next(&mut fixture.told, last).await;
    assert_eq!(
        (report.verified, report.reorganised),
        (BatchNumber(2), false)
    );
    let numbers: Vec<_> = report
        .batches
        .iter()
        .map(|record| record.header.number.0)
        .collect();
    assert_eq!(numbers, [2, 3]);
    let transactions: Vec<_> = report
        .batches
        .iter()
        .map(|record| (record.committed.is_some(), record.verified.is_some()))
        .collect();
    assert_eq!(transactions, [(true, true), (true, false)]);
}

#[tokio::test]
async fn batches_that_share_a_proof_are_proven_once_all_are_committed() {
    let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
    let store = store(&directory);
    let mut fixture = sharing(&store, &l2, 4, 4, 2).await;
    let _running = fixture.start();
    fixture.settled(4, 4).await;
    assert_eq!(
        l2.sent(),
        [
            "commit 1",
            "commit 2",
            "prove 1 to 2",
            "commit 3",
            "commit 4",
            "prove 3 to 4"
        ]
    );
    let all = |told| match told {
        Told::Finality(report) if report.verified == BatchNumber(4) => Some(report),
        _ => None,
    };
    let report = next(&mut fixture.told, all).await;
    let verified = report.batches.iter().map(|record| record.verified.unwrap());
    let blocks: Vec<_> = verified.map(|transaction| transaction.block).collect();
    assert!(
        blocks.ends_with(&[6, 6]),
        "one transaction proved both: {blocks:?}"
    );
}

#[tokio::test]
async fn watchers_who_sleep_hold_up_no_commitment_and_are_asked_again() {
    let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
    l2.with(|inner| inner.unsigned = 3);
    let store = store(&directory);
    let mut fixture = fixture(&store, &l2, 3, 2).await;
    let board = Board::default();
    let looping = Loop::new(fixture.bridge.clone(), board.clone(), Arc::default());
    let _running = Running(tokio::spawn(looping.run()));
    says_trouble(&board).await;
    let trouble = board.status().trouble.unwrap();
    assert!(trouble.contains("0 of the 1 watchers"), "{trouble}");
    fixture.settled(3, 2).await;
    assert_eq!(
        l2.sent(),
        ["commit 1", "commit 2", "commit 3", "prove 1", "prove 2"]
    );
    assert_eq!(board.status().trouble, None);
}

#[tokio::test]
async fn proofs_that_the_contract_cannot_take_are_not_sent_until_it_does() {
    let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
    l2.with(|inner| inner.misfit = true);
    let store = store(&directory);
    let mut fixture = fixture(&store, &l2, 3, 2).await;
    let board = Board::default();
    let looping = Loop::new(fixture.bridge.clone(), board.clone(), Arc::default());
    let _running = Running(tokio::spawn(looping.run()));
    fixture.settled(3, 0).await;
    says_trouble(&board).await;
    let trouble = board.status().trouble.unwrap();
    let digests = [B256::repeat_byte(1), B256::repeat_byte(2)].map(|digest| digest.to_string());
    assert!(
        digests.iter().all(|digest| trouble.contains(digest)),
        "{trouble}"
    );
    assert_eq!(l2.sent(), ["commit 1", "commit 2", "commit 3"]);
    l2.with(|inner| inner.misfit = false);
    fixture.settled(3, 2).await;
    assert_eq!(l2.sent()[3..], ["prove 1", "prove 2"]);
    assert_eq!(board.status().trouble, None);
}

/// A batch whose block names this L2 block and has this time.
fn naming(anchor: B256, timestamp: u64) -> Batch {
    let mut batch = batch(1);
    let block = &mut batch.blocks[0];
    (block.anchor.l2_block, block.header.timestamp) = (anchor, timestamp);
    batch
}

fn unknown_anchor() -> IRollupErrors {
    IRollupErrors::UnknownL2Block(UnknownL2Block {
        number: 1,
        blockHash: hash(0, 0),
    })
}

#[tokio::test]
async fn a_record_that_l2_has_lost_or_knows_with_a_later_time_is_made_again() {
    let later = IRollupErrors::TimestampBeforeAnchor(TimestampBeforeAnchor {
        number: 1,
        timestamp: 5,
        anchor: 6,
    });
    for refusal in [unknown_anchor(), later] {
        let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
        l2.with(|inner| inner.refusals.push(refusal));
        let store = store(&directory);
        let list = vec![naming(hash(0, 0), 5)];
        let mut fixture = holding(&store, &l2, list, vec![], 0, 1).await;
        let _running = fixture.start();
        fixture.settled(1, 0).await;
        assert_eq!(l2.sent(), ["record 0", "commit 1"]);
    }
}

#[tokio::test]
async fn a_lost_record_that_cannot_be_made_again_is_no_other_trouble() {
    let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
    for _ in 0..300 {
        l2.mine(|_| ());
    }
    l2.with(|inner| inner.refusals.push(unknown_anchor()));
    let store = store(&directory);
    let list = vec![naming(hash(0, 0), 5)];
    let mut fixture = holding(&store, &l2, list, vec![], 0, 1).await;
    let board = Board::default();
    let looping = Loop::new(fixture.bridge.clone(), board.clone(), Arc::default());
    let _running = Running(tokio::spawn(looping.run()));
    says_trouble(&board).await;
    let trouble = board.status().trouble.unwrap();
    assert!(trouble.contains("UnknownL2Block"), "{trouble}");
    fixture.settled(1, 0).await;
    assert_eq!(l2.sent(), ["commit 1"]);
}

#[tokio::test]
async fn a_record_is_refreshed_however_deep_it_must_be_to_count() {
    let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
    l2.with(|inner| inner.pace = 12);
    for _ in 0..500 {
        l2.mine(|_| ());
    }
    let store = store(&directory);
    let mut fixture = fixture(&store, &l2, 1, 0).await;
    fixture.bridge.depth = Depth::Confirmations(300);
    let board = Board::default();
    let looping = Loop::new(fixture.bridge.clone(), board.clone(), Arc::default());
    let _running = Running(tokio::spawn(looping.run()));
    let committed = async {
        while board.status().committed.0 == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, committed)
        .await
        .expect("it commits");
    assert_eq!(l2.sent()[..2], ["record 372", "commit 1"]);
}

#[tokio::test]
async fn a_proof_of_batches_that_were_never_formed_is_not_sent() {
    let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
    let store = store(&directory);
    let fixture = sharing(&store, &l2, 1, 1, 2).await;
    let board = Board::default();
    let looping = Loop::new(fixture.bridge.clone(), board.clone(), Arc::default());
    let _running = Running(tokio::spawn(looping.run()));
    says_trouble(&board).await;
    assert_eq!(l2.sent(), ["commit 1"]);
}

#[tokio::test]
async fn the_newest_recorded_l2_block_is_offered_as_anchor() {
    let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
    let store = store(&directory);
    let mut fixture = fixture(&store, &l2, 2, 0).await;
    let _running = fixture.start();
    let anchor = |told| match told {
        Told::Anchor(anchor) if anchor.number == 1 => Some(anchor),
        _ => None,
    };
    let anchor = next(&mut fixture.told, anchor).await;
    assert_eq!(
        anchor.hash,
        hash(1, 0),
        "the parent of the second commit's block"
    );
}

/// A message that is sent in the next L2 block.
fn send(l2: &FakeL2) {
    let l2_block = l2.with(|inner| inner.blocks.len() as u64);
    l2.mine(|state| {
        let item = QueuedMessage {
            index: state.messages.len() as u64,
            sent: l2_block,
            encoded: Bytes::new(),
            queue: FixedBytes::with_last_byte(l2_block as u8),
        };
        state.messages.push(Logged { l2_block, item });
    });
}

/// A transaction with this nonce that is posted in the next L2 block.
fn post(l2: &FakeL2, nonce: u64) {
    let l2_block = l2.with(|inner| inner.blocks.len() as u64);
    l2.mine(|state| {
        let item = ForcedTransaction {
            index: state.posted.len() as u64,
            raw: Bytes::from(vec![nonce as u8]),
            sender: Address::ZERO,
            to: Address::ZERO,
            nonce,
            gas_limit: 0,
            intrinsic_gas: 0,
            max_fee_per_gas: U256::ZERO,
            cost: U256::ZERO,
        };
        state.posted.push(Logged { l2_block, item });
    });
}

/// Waits until these messages are offered, by the L2 blocks that hold them.
async fn offered(fixture: &mut Fixture, l2_blocks: &[u64]) {
    let offered = |told| match told {
        Told::Messages(messages) => {
            let found: Vec<u64> = messages.iter().map(|message| message.sent).collect();
            (found == l2_blocks).then_some(())
        }
        _ => None,
    };
    next(&mut fixture.told, offered).await;
}

#[tokio::test]
async fn messages_are_offered_once_they_are_deep_enough_and_again_to_a_node_that_lost_them() {
    let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
    let store = store(&directory);
    let mut fixture = fixture(&store, &l2, 0, 0).await;
    fixture.bridge.depth = Depth::Confirmations(3);
    send(&l2);
    send(&l2);
    let _running = fixture.start();
    offered(&mut fixture, &[]).await;
    l2.mine(|_| ());
    offered(&mut fixture, &[1]).await;
    // The node said that it wants the next one, and this one says that it has none: as after a restart.
    l2.mine(|_| ());
    offered(&mut fixture, &[2]).await;
    offered(&mut fixture, &[]).await;
    offered(&mut fixture, &[1, 2]).await;
}

#[tokio::test]
async fn messages_that_l2_takes_back_are_forgotten_and_those_in_their_place_offered() {
    let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
    let store = store(&directory);
    let mut fixture = fixture(&store, &l2, 0, 0).await;
    send(&l2);
    send(&l2);
    let _running = fixture.start();
    offered(&mut fixture, &[1, 2]).await;
    l2.take_back(1);
    l2.mine(|_| ());
    send(&l2);
    offered(&mut fixture, &[1, 4]).await;
}

#[tokio::test]
async fn every_proof_shows_which_messages_are_processed_since_another_may_just_have_been_sent() {
    let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
    let store = store(&directory);
    send(&l2);
    let mut fixture = fixture(&store, &l2, 2, 2).await;
    let _running = fixture.start();
    // The contract of this L2 insists.
    fixture.settled(2, 2).await;
    assert_eq!(l2.with(|inner| inner.blocks.last().unwrap().processed), 1);
}

#[tokio::test]
async fn who_takes_over_commits_each_batch_with_its_proof_in_place_of_those_that_nobody_proved() {
    let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
    l2.mine(|state| state.committed = vec![naming(hash(0, 0), 9), batch(2), batch(3)]);
    let store = store(&directory);
    let mut fixture = fixture(&store, &l2, 2, 2).await;
    fixture.bridge.takeover = true;
    let board = Board::default();
    let looping = Loop::new(fixture.bridge.clone(), board.clone(), Arc::default());
    let _running = Running(tokio::spawn(looping.run()));
    says_trouble(&board).await;
    let trouble = board.status().trouble.unwrap();
    assert!(trouble.contains("not open"), "{trouble}");
    assert!(l2.sent().is_empty());
    l2.with(|inner| inner.open = true);
    fixture.settled(2, 2).await;
    assert_eq!(l2.sent(), ["commit and prove 1", "commit and prove 2"]);
}

#[tokio::test]
async fn a_posted_transaction_is_offered_until_its_nonce_is_passed_and_then_discharged() {
    let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
    let store = store(&directory);
    post(&l2, NONCE);
    post(&l2, NONCE - 1);
    let mut fixture = fixture(&store, &l2, 0, 0).await;
    let _running = fixture.start();
    for nonce in [NONCE, NONCE - 1] {
        let forced = |told| match told {
            Told::Forced(raw) if raw[..] == [nonce as u8] => Some(()),
            _ => None,
        };
        next(&mut fixture.told, forced).await;
    }
    let discharged = async {
        while l2.sent().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, discharged).await.expect("soon");
    assert_eq!(l2.sent(), ["discharge 1"]);
}

/// Otherwise a few worthless ones would keep every commit from L2.
#[tokio::test]
async fn however_many_posted_transactions_cannot_be_executed_all_are_discharged() {
    let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
    let store = store(&directory);
    for _ in 0..40 {
        post(&l2, NONCE - 1);
    }
    let fixture = fixture(&store, &l2, 0, 0).await;
    let _running = fixture.start();
    let discharged = async {
        while l2.sent().len() < 40 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, discharged).await.expect("soon");
    let each: Vec<String> = (0..40).map(|index| format!("discharge {index}")).collect();
    assert_eq!(l2.sent(), each);
}

#[tokio::test]
async fn nothing_is_sent_twice_when_the_bridge_is_killed_after_each_transaction() {
    let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
    let store = store(&directory);
    for step in 1..=6 {
        let mut fixture = fixture(&store, &l2, 3, 3).await;
        // The transaction is mined, then the process dies before it hears of it.
        l2.with(|inner| inner.lose_answers = 1);
        let running = fixture.start();
        let wait = async {
            while l2.sent().len() < step {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(SOON, wait)
            .await
            .expect("it goes on soon");
        if step == 6 {
            fixture.settled(3, 3).await;
            let all = |told| match told {
                Told::Finality(report) if report.verified == BatchNumber(3) => Some(report),
                _ => None,
            };
            let report = next(&mut fixture.told, all).await;
            let last = report.batches.last().unwrap();
            let blocks = [last.committed, last.verified].map(|sent| sent.unwrap().block);
            assert_eq!(blocks, [5, 6], "L2 tells what was mined unheard");
        }
        running.kill().await;
        l2.with(|inner| inner.lose_answers = 0);
    }
    assert_eq!(
        l2.sent(),
        [
            "commit 1", "prove 1", "commit 2", "prove 2", "commit 3", "prove 3"
        ]
    );
}

#[tokio::test]
async fn what_a_reorganisation_took_back_is_sent_again_and_reported() {
    let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
    let store = store(&directory);
    let mut fixture = fixture(&store, &l2, 2, 2).await;
    let _running = fixture.start();
    fixture.settled(2, 2).await;
    l2.take_back(3);
    let taken_back = |told| match told {
        Told::Finality(report) if report.reorganised => Some(report),
        _ => None,
    };
    let report = next(&mut fixture.told, taken_back).await;
    assert!(report.verified < BatchNumber(2));
    fixture.settled(2, 2).await;
}

#[tokio::test]
async fn heights_are_reported_only_at_the_depth_asked_for() {
    let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
    let store = store(&directory);
    let mut fixture = fixture(&store, &l2, 1, 0).await;
    fixture.bridge.depth = Depth::Confirmations(3);
    let _running = fixture.start();
    let first = |told| match told {
        Told::Finality(report) => Some(report),
        _ => None,
    };
    let early = next(&mut fixture.told, first).await;
    assert_eq!(
        (early.committed, early.batches[0].committed),
        (BatchNumber(0), None)
    );
    let wait = async {
        while l2.sent().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, wait)
        .await
        .expect("it is sent soon");
    l2.mine(|_| ());
    l2.mine(|_| ());
    let late = next(&mut fixture.told, first).await;
    assert_eq!((late.committed, late.l2.number), (BatchNumber(1), 1));
}

#[tokio::test]
async fn an_l2_that_is_away_for_a_while_is_waited_for() {
    let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
    let store = store(&directory);
    l2.with(|inner| inner.unreachable = true);
    let mut fixture = fixture(&store, &l2, 1, 1).await;
    let board = Board::default();
    let looping = Loop::new(fixture.bridge.clone(), board.clone(), Arc::default());
    let _running = Running(tokio::spawn(looping.run()));
    says_trouble(&board).await;
    l2.with(|inner| inner.unreachable = false);
    fixture.settled(1, 1).await;
    assert_eq!(board.status().trouble, None);
}

#[tokio::test]
async fn a_disk_older_than_l2_ends_the_process_as_a_disagreement() {
    let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
    let store = store(&directory);
    let mut first = fixture(&store, &l2, 2, 1).await;
    let running = first.start();
    first.settled(2, 1).await;
    running.kill().await;
    drop(first);
    let older = fixture(&store, &l2, 1, 1).await;
    let fault = older.start().fault().await;
    assert!(matches!(fault, Fault::Disagreement(_)), "{fault}");
    assert!(
        fault.to_string().contains("knows only 1 batches"),
        "{fault}"
    );
}

#[tokio::test]
async fn another_history_on_l2_ends_the_process_as_a_disagreement() {
    for verified in [0, 1] {
        let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
        let store = store(&directory);
        let mut foreign = batch(1);
        foreign.header.last_block_hash = B256::repeat_byte(9);
        l2.mine(|state| {
            state.committed.push(foreign);
            state.verified = verified;
        });
        let fixture = fixture(&store, &l2, 1, 0).await;
        let fault = fixture.start().fault().await;
        assert!(matches!(fault, Fault::Disagreement(_)), "{fault}");
        assert!(
            fault.to_string().contains("history of this chain"),
            "{fault}"
        );
    }
}

#[tokio::test]
async fn a_main_node_with_other_blocks_ends_the_process_as_a_disagreement() {
    let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
    let store = store(&directory);
    let mut fixture = fixture(&store, &l2, 1, 0).await;
    fixture.bridge.main_node = fake(|message| {
        if let MainNodeMessage::ReportFinality(_, reply) = message {
            let refusal = FinalityRefusal::ForeignBlock {
                batch: BatchNumber(1),
                block: BlockNumber(1),
                reported: B256::ZERO,
                stored: None,
            };
            let _ = reply.send(Err(refusal));
        }
    })
    .await;
    let fault = fixture.start().fault().await;
    assert!(matches!(fault, Fault::Disagreement(_)), "{fault}");
}

#[tokio::test]
async fn a_wrong_contract_or_chain_ends_the_process_as_a_configuration_error() {
    for error in [
        SettlementError::NoContract {
            address: Address::ZERO,
            chain: ChainId(1),
        },
        SettlementError::WrongChain {
            endpoint: "fake".into(),
            expected: ChainId(1),
            found: ChainId(2),
        },
    ] {
        let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
        let store = store(&directory);
        l2.with(|inner| inner.connect_error = Some(error));
        let fixture = fixture(&store, &l2, 1, 0).await;
        let fault = fixture.start().fault().await;
        assert!(matches!(fault, Fault::Configuration(_)), "{fault}");
    }
}

#[tokio::test]
async fn the_actor_answers_while_its_loop_waits_for_l2() {
    let (directory, l2) = (TempDir::new().unwrap(), FakeL2::new());
    let store = store(&directory);
    l2.with(|inner| inner.unreachable = true);
    let fixture = fixture(&store, &l2, 1, 0).await;
    let bridge = crate::sequencer::testing::start(fixture.bridge.clone()).await;
    let status = bridge.call(BridgeMessage::Status, SOON).await.unwrap();
    assert_eq!(status.committed, BatchNumber(0));
}

/// The batch of this number with other contents.
fn other_batch(number: u64) -> Batch {
    let mut other = batch(number);
    other.blocks[0].header.timestamp = 1;
    other.blocks[0].hash = other.blocks[0].header.hash_slow();
    other.header.last_block_hash = other.blocks[0].hash;
    other
}

#[tokio::test]
async fn committed_batches_whose_blocks_were_taken_back_are_replaced() {
    let directory = TempDir::new().unwrap();
    let (store, l2) = (store(&directory), FakeL2::new());
    let mut before = fixture(&store, &l2, 4, 1).await;
    let first = before.start();
    before.settled(4, 1).await;
    first.kill().await;
    let sent = l2.sent().len();
    let dropped: Vec<_> = (2..=4).map(|number| batch(number).header).collect();

    // Nothing is formed anew yet: nothing is sent, and L2 counts as holding the first batch only.
    let mut waiting = holding(&store, &l2, vec![batch(1)], dropped.clone(), 1, 1).await;
    let second = waiting.start();
    waiting.settled(1, 1).await;
    second.kill().await;
    assert_eq!(l2.sent().len(), sent);

    let list = vec![batch(1), other_batch(2), other_batch(3)];
    let mut after = holding(&store, &l2, list.clone(), dropped, 3, 1).await;
    let _third = after.start();
    after.settled(3, 3).await;
    assert_eq!(
        l2.sent()[sent..],
        ["commit 2", "prove 2", "commit 3", "prove 3"]
    );
    let held = l2.with(|inner| inner.blocks.last().unwrap().committed.clone());
    assert_eq!(held, list);
}

#[tokio::test]
async fn a_batch_that_is_none_of_those_taken_back_is_not_replaced() {
    for (taken_back, verified) in [(vec![other_batch(3).header], 0), (vec![batch(2).header], 2)] {
        let directory = TempDir::new().unwrap();
        let (store, l2) = (store(&directory), FakeL2::new());
        l2.mine(|state| {
            state.committed = vec![batch(1), batch(2)];
            state.verified = verified;
        });
        let list = vec![batch(1), other_batch(2)];
        let fixture = holding(&store, &l2, list, taken_back, 0, 1).await;
        let fault = fixture.start().fault().await;
        assert!(matches!(fault, Fault::Disagreement(_)), "{fault}");
        assert_eq!(l2.sent(), Vec::<String>::new());
    }
}
