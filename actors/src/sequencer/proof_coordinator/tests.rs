//! The coordinator as an actor on a disk, with workers and verification played by the test.

use std::collections::BTreeSet;
use std::time::Duration;

use alloy::primitives::B256;
use tempfile::TempDir;
use tern_messages::{
    Artifact, BatchHeader, BatchNumber, BlobId, BlockNumber, ChunkQuery, ChunkRefusal, Completion,
    CompletionAnswer, JobKind, Lease, Offer, OfferRefusal, Proof, SettledHeights, WorkerId, encode,
};
use tern_storage::WriteBatch;
use tern_storage::tables::chain::put_block;
use tern_storage::tables::sequencer::{BATCHES, BLOBS, BLOCK_INPUTS, PROOFS};
use tokio::sync::mpsc::UnboundedReceiver;

use super::*;
use crate::sequencer::lease_policy;
use crate::sequencer::renew;
use crate::sequencer::tables::{PRUNED, SIMULATIONS, SimulatedBlock, SimulatedRun};
use crate::sequencer::testing::*;

const GB: u64 = 1 << 30;

/// A disk as replica, simulator and batcher leave it: `count` blocks, two in each batch.
fn disk(directory: &TempDir, count: u64) -> Chain {
    let chain = open_chain(directory.path());
    renew(&chain.store, CIRCUITS).unwrap();
    let mut batch = WriteBatch::new();
    let blocks = blocks(count);
    for block in &blocks {
        let number = block.number();
        put_block(&mut batch, block, &[], &[]);
        let input = encode(&witness(block));
        let id = BlobId::of(&input);
        let simulation = segments_of(17, 2);
        batch
            .put(&BLOBS, &id, &input.into())
            .put(&BLOCK_INPUTS, &number, &vec![id])
            .put(
                &SIMULATIONS,
                &number,
                &SimulatedBlock {
                    runs: vec![SimulatedRun {
                        input: id,
                        simulation,
                    }],
                },
            );
    }
    for (number, pair) in (1..).zip(blocks.chunks_exact(2)) {
        let header = BatchHeader {
            number: BatchNumber(number),
            first_block: pair[0].number(),
            last_block: pair[1].number(),
            last_block_hash: pair[1].hash,
            state_root: pair[1].header.state_root,
        };
        batch.put(&BATCHES, &header.number, &header);
    }
    chain.store.commit(batch).unwrap();
    chain
}

fn witness(block: &tern_messages::SealedBlock) -> tern_messages::TransactionBatch {
    tern_messages::TransactionBatch {
        chain_id: tern_cluster_config::Devnet::L3_CHAIN_ID,
        header: block.header.clone(),
        previous_hashes: vec![],
        first_transaction: 0,
        transactions: block.transactions.clone(),
        receipts: vec![],
        gas_used_before: 0,
        gas_used_after: block.header.gas_used,
        state_root_before: block.header.parent_hash,
        state_root_after: block.header.state_root,
        nodes: vec![],
        storage: vec![],
        codes: vec![],
    }
}

struct Fixture {
    coordinator: Address<CoordinatorMessage>,
    batcher: UnboundedReceiver<BatcherMessage>,
    simulator: UnboundedReceiver<SimulatorMessage>,
    bridge: UnboundedReceiver<BridgeMessage>,
    main_node: UnboundedReceiver<MainNodeMessage>,
    _main: Address<MainNodeMessage>,
}

async fn coordinator(chain: &Chain) -> Fixture {
    coordinator_of(chain, CIRCUITS).await
}

async fn coordinator_of(chain: &Chain, circuits: B256) -> Fixture {
    let (main, main_node) = main_node(vec![]).await;
    let (batcher_address, batcher) = mailbox().await;
    let (simulator_address, simulator) = mailbox().await;
    let (bridge_address, bridge) = mailbox().await;
    let policy = Policy {
        heavy_memory: 8 * GB,
        light_memory: 2 * GB,
        ..lease_policy(tern_proving::Profile::InsecureTest)
    };
    let coordinator = start(ProofCoordinator {
        chain: chain.clone(),
        history: History::default(),
        profile: "insecure-test",
        check: Arc::new(NameCheck(circuits)),
        batches_per_proof: usize::MAX,
        policy,
        main_node: main.clone(),
        simulator: simulator_address,
        batcher: batcher_address,
        bridge: bridge_address,
    })
    .await;
    Fixture {
        coordinator,
        batcher,
        simulator,
        bridge,
        main_node,
        _main: main,
    }
}

fn worker(name: &str) -> WorkerId {
    WorkerId {
        name: name.into(),
        incarnation: 1,
    }
}

fn offer(name: &str) -> Offer {
    Offer {
        worker: worker(name),
        memory: 9 * GB,
        cores: 2,
        profile: "insecure-test".into(),
        circuits_version: CIRCUITS,
        holding: vec![],
        wait: Duration::ZERO,
    }
}

impl Fixture {
    async fn offer(&self, offer: Offer) -> Result<Option<Lease>, OfferRefusal> {
        self.coordinator
            .call(|reply| CoordinatorMessage::Offer(offer, reply), SOON)
            .await
            .unwrap()
    }

    async fn lease(&self) -> Option<Lease> {
        self.offer(offer("a")).await.unwrap()
    }

    async fn complete(&self, lease: &Lease, proof: Proof) -> CompletionAnswer {
        self.complete_as("a", lease, proof).await
    }

    async fn complete_as(&self, name: &str, lease: &Lease, proof: Proof) -> CompletionAnswer {
        let completion = Completion {
            worker: worker(name),
            job: lease.id,
            fence: lease.fence,
            proof,
            took: Duration::ZERO,
        };
        let call = |reply| CoordinatorMessage::Complete(completion, reply);
        self.coordinator.call(call, SOON).await.unwrap()
    }

    async fn finish(&self, lease: &Lease) {
        assert_eq!(
            self.complete(lease, proof_of(&lease.id)).await,
            CompletionAnswer::Accepted
        );
    }

    /// Has somebody else do everything that can be done now; returns the kinds of the jobs.
    async fn others_work(&self) -> Vec<JobKind> {
        let mut kinds = Vec::new();
        while let Some(lease) = self.offer(offer("b")).await.unwrap() {
            let answer = self.complete_as("b", &lease, proof_of(&lease.id)).await;
            assert_eq!(answer, CompletionAnswer::Accepted);
            kinds.push(lease.job.kind());
        }
        kinds
    }

    async fn proven(&self, number: u64) -> Option<tern_messages::ProvenRange> {
        let call = |reply| CoordinatorMessage::Proven(BatchNumber(number), reply);
        self.coordinator.call(call, SOON).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn every_batch_is_proven_job_by_job_and_offered_to_the_bridge() {
    let directory = TempDir::new().unwrap();
    let chain = disk(&directory, 4);
    let mut fixture = coordinator(&chain).await;
    let mut kinds = Vec::new();
    while let Some(lease) = fixture.lease().await {
        kinds.push(lease.job.kind());
        fixture.finish(&lease).await;
    }
    let count = |kind| kinds.iter().filter(|found| **found == kind).count();
    assert_eq!(count(JobKind::Segment), 8);
    assert_eq!(count(JobKind::MergeSpans), 4);
    assert_eq!(count(JobKind::Block), 4);
    assert_eq!(count(JobKind::MergeBlocks), 2);
    assert_eq!((count(JobKind::Batch), count(JobKind::Wrap)), (2, 2));
    let proven = fixture.proven(2).await.unwrap();
    assert_eq!(
        (proven.first, proven.last),
        (BatchNumber(2), BatchNumber(2))
    );
    assert_eq!(fixture.proven(3).await, None);
    let pending = fixture
        .coordinator
        .call(CoordinatorMessage::Pending, SOON)
        .await
        .unwrap();
    assert_eq!(pending.proven, BatchNumber(2));
    next(&mut fixture.bridge, |hint| {
        matches!(hint, BridgeMessage::Wake).then_some(())
    })
    .await;
    let backlog = |message| match message {
        MainNodeMessage::ReportBacklog(backlog) => Some(backlog.unproven_blocks),
        _ => None,
    };
    next(&mut fixture.main_node, |message| {
        backlog(message).filter(|blocks| *blocks == 0)
    })
    .await;
}

/// Proves until the job of this kind is handed out.
async fn until_kind(fixture: &Fixture, kind: JobKind) -> Lease {
    loop {
        let lease = fixture.lease().await.expect("there is more to prove");
        if lease.job.kind() == kind {
            return lease;
        }
        fixture.finish(&lease).await;
    }
}

#[tokio::test]
async fn batches_whose_blocks_are_proven_while_a_proof_is_made_share_the_next_one() {
    let directory = TempDir::new().unwrap();
    let chain = disk(&directory, 8);
    let fixture = coordinator(&chain).await;
    let first = until_kind(&fixture, JobKind::Wrap).await;
    let kinds = fixture.others_work().await;
    let is_of_span = |kind: &JobKind| matches!(kind, JobKind::Segment | JobKind::MergeSpans);
    assert!(kinds.iter().all(is_of_span), "{kinds:?}");
    fixture.finish(&first).await;
    let mut kinds = Vec::new();
    while kinds.last() != Some(&JobKind::Batch) {
        let lease = fixture.lease().await.unwrap();
        kinds.push(lease.job.kind());
        fixture.finish(&lease).await;
    }
    let count = |kind| kinds.iter().filter(|found| **found == kind).count();
    assert_eq!(count(JobKind::Block), 6);
    assert_eq!((count(JobKind::MergeBlocks), kinds.len()), (5, 12));
    // What was decided survives.
    kill(&fixture.coordinator).await;
    let fixture = coordinator(&chain).await;
    let wrap = fixture.lease().await.unwrap();
    assert_eq!(wrap.job.kind(), JobKind::Wrap);
    fixture.finish(&wrap).await;
    assert_eq!(fixture.lease().await, None);
    let proven = fixture.proven(2).await.unwrap();
    assert_eq!(
        (proven.first, proven.last),
        (BatchNumber(2), BatchNumber(4))
    );
    assert_eq!(proven.proof, proof_of(&wrap.id));
    assert_eq!(fixture.proven(3).await, None);

    settle(&fixture, 4).await;
    let finals = || chain.store.range(&PROOFS, ..).count();
    let wait = async {
        while finals() > 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, wait)
        .await
        .expect("all but the final proofs are cleared away");
}

async fn settle(fixture: &Fixture, verified: u64) {
    let heights = SettledHeights {
        committed: BatchNumber(verified),
        verified: BatchNumber(verified),
    };
    fixture
        .coordinator
        .cast(CoordinatorMessage::Settled(heights))
        .unwrap();
}

#[tokio::test]
async fn a_shared_proof_of_which_l2_has_verified_a_part_is_made_anew_for_the_rest() {
    for finished in [false, true] {
        let directory = TempDir::new().unwrap();
        let chain = disk(&directory, 8);
        let fixture = coordinator(&chain).await;
        let first = until_kind(&fixture, JobKind::Wrap).await;
        fixture.others_work().await;
        fixture.finish(&first).await;
        let shared = until_kind(&fixture, JobKind::Wrap).await;
        if finished {
            fixture.finish(&shared).await;
        }
        settle(&fixture, 3).await;
        let rest = until_kind(&fixture, JobKind::Wrap).await;
        assert_ne!(rest.id, shared.id);
        fixture.finish(&rest).await;
        let proven = fixture.proven(4).await.unwrap();
        assert_eq!(
            (proven.first, proven.last),
            (BatchNumber(4), BatchNumber(4))
        );
        assert_eq!(fixture.lease().await, None);
    }
}

/// As after an update of the program.
#[tokio::test]
async fn what_was_proven_for_other_circuits_and_is_not_verified_is_proven_anew() {
    let directory = TempDir::new().unwrap();
    let chain = disk(&directory, 4);
    let store = &chain.store;
    let fixture = coordinator(&chain).await;
    fixture.others_work().await;
    let old = fixture.proven(2).await.unwrap();
    settle(&fixture, 1).await;
    let wait = async {
        while store.get(&PRUNED, &()).unwrap() != Some(BatchNumber(1)) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, wait)
        .await
        .expect("it is cleared away");
    kill(&fixture.coordinator).await;
    let simulated = || -> Vec<_> { store.range(&SIMULATIONS, ..).map(Result::unwrap).collect() };
    let (before, other) = (simulated(), B256::repeat_byte(0xc2));
    renew(store, CIRCUITS).unwrap();
    assert_eq!(simulated(), before);
    renew(store, other).unwrap();
    assert_eq!(simulated(), before[..2]);

    let mut batch = WriteBatch::new();
    for (number, block) in &before[2..] {
        batch.put(&SIMULATIONS, number, block);
    }
    store.commit(batch).unwrap();
    let fixture = coordinator_of(&chain, other).await;
    assert_eq!(fixture.proven(2).await, None);
    let mut kinds = Vec::new();
    let offer = || Offer {
        circuits_version: other,
        ..offer("a")
    };
    while let Some(lease) = fixture.offer(offer()).await.unwrap() {
        kinds.push(lease.job.kind());
        fixture.finish(&lease).await;
    }
    let segments = kinds.iter().filter(|kind| **kind == JobKind::Segment);
    assert_eq!((segments.count(), kinds.last()), (4, Some(&JobKind::Wrap)));
    let new = fixture.proven(2).await.unwrap();
    assert_ne!(new.proof, old.proof);
}

#[tokio::test]
async fn nothing_is_proven_twice_when_the_coordinator_is_killed_after_each_proof() {
    let directory = TempDir::new().unwrap();
    let chain = disk(&directory, 4);
    let mut proven = BTreeSet::new();
    loop {
        let fixture = coordinator(&chain).await;
        let lease = fixture.lease().await;
        if let Some(lease) = &lease {
            assert!(proven.insert(lease.id), "{:?} was leased twice", lease.job);
            fixture.finish(lease).await;
        }
        kill(&fixture.coordinator).await;
        if lease.is_none() {
            break;
        }
    }
    assert_eq!(proven.len(), 8 + 4 + 4 + 2 + 2 + 2);
    let fixture = coordinator(&chain).await;
    assert!(fixture.proven(1).await.is_some() && fixture.proven(2).await.is_some());
}

#[tokio::test]
async fn a_lease_outlives_the_coordinator_and_its_late_proof_is_welcome() {
    let directory = TempDir::new().unwrap();
    let chain = disk(&directory, 2);
    let first = coordinator(&chain).await;
    let held = first.lease().await.unwrap();
    kill(&first.coordinator).await;
    let second = coordinator(&chain).await;
    let other = second.offer(offer("b")).await.unwrap().unwrap();
    assert_ne!(other.id, held.id, "the lease is still held");
    assert!(other.fence > held.fence);
    second.finish(&held).await;
}

#[tokio::test]
async fn a_proof_that_is_not_valid_is_refused_and_its_worker_never_gets_the_job_again() {
    let directory = TempDir::new().unwrap();
    let chain = disk(&directory, 2);
    let fixture = coordinator(&chain).await;
    let lease = fixture.lease().await.unwrap();
    let answer = fixture
        .complete(
            &lease,
            Proof {
                bytes: vec![1, 2, 3].into(),
            },
        )
        .await;
    assert!(matches!(answer, CompletionAnswer::Invalid { .. }));
    assert_eq!(chain.store.get(&PROOFS, &lease.id).unwrap(), None);
    let mut others = BTreeSet::new();
    while let Some(other) = fixture.lease().await {
        assert!(others.insert(other.id) && other.id != lease.id);
        fixture.finish(&other).await;
    }
    kill(&fixture.coordinator).await;
    let restarted = coordinator(&chain).await;
    assert_eq!(
        restarted.lease().await,
        None,
        "that is remembered over a restart"
    );
    let taken = restarted.offer(offer("b")).await.unwrap().unwrap();
    assert_eq!(taken.id, lease.id);
}

#[tokio::test]
async fn a_proof_sent_again_is_acknowledged_again() {
    let directory = TempDir::new().unwrap();
    let chain = disk(&directory, 2);
    let fixture = coordinator(&chain).await;
    let lease = fixture.lease().await.unwrap();
    fixture.finish(&lease).await;
    let again = fixture.complete(&lease, proof_of(&lease.id)).await;
    assert_eq!(again, CompletionAnswer::AlreadyDone);
    let unknown = Lease {
        id: tern_messages::JobId(CIRCUITS),
        ..lease
    };
    let answer = fixture.complete(&unknown, proof_of(&unknown.id)).await;
    assert_eq!(answer, CompletionAnswer::NotWanted);
}

#[tokio::test]
async fn an_oversized_proof_and_workers_of_other_circuits_or_names_are_refused() {
    let directory = TempDir::new().unwrap();
    let chain = disk(&directory, 2);
    let fixture = coordinator(&chain).await;
    let lease = fixture.lease().await.unwrap();
    let huge = Proof {
        bytes: vec![0; tern_proving::limits::MAX_PROOF_BYTES + 1].into(),
    };
    assert!(matches!(
        fixture.complete(&lease, huge).await,
        CompletionAnswer::Invalid { .. }
    ));
    let foreign = Offer {
        circuits_version: alloy::primitives::B256::ZERO,
        ..offer("b")
    };
    let refusal = fixture.offer(foreign).await.unwrap_err();
    assert!(matches!(
        refusal,
        OfferRefusal::OtherCircuits {
            expected: CIRCUITS,
            ..
        }
    ));
    let nameless = Offer {
        worker: worker(&"n".repeat(65)),
        ..offer("b")
    };
    assert_eq!(
        fixture.offer(nameless).await.unwrap_err(),
        OfferRefusal::BadName { len: 65 }
    );
}

#[tokio::test]
async fn inputs_and_proofs_are_fetched_in_pieces() {
    let directory = TempDir::new().unwrap();
    let chain = disk(&directory, 2);
    let fixture = coordinator(&chain).await;
    let input = chain
        .store
        .get(&BLOCK_INPUTS, &BlockNumber(1))
        .unwrap()
        .unwrap()[0];
    let artifact = Artifact::Input(input);
    let fetch = async |offset, max_len| {
        let query = ChunkQuery {
            artifact,
            offset,
            max_len,
        };
        fixture
            .coordinator
            .call(|reply| CoordinatorMessage::Fetch(query, reply), SOON)
            .await
            .unwrap()
    };
    let mut bytes = Vec::new();
    loop {
        let chunk = fetch(bytes.len() as u64, 100).await.unwrap();
        assert!(chunk.bytes.len() <= 100);
        bytes.extend_from_slice(&chunk.bytes);
        if bytes.len() as u64 == chunk.total {
            break;
        }
    }
    assert_eq!(BlobId::of(&bytes), input);
    let total = bytes.len() as u64;
    let refusal = fetch(total, 1).await.unwrap_err();
    assert_eq!(
        refusal,
        ChunkRefusal::OutOfRange {
            artifact,
            total,
            offset: total
        }
    );
    let unknown = Artifact::Proof(tern_messages::JobId(CIRCUITS));
    let query = ChunkQuery {
        artifact: unknown,
        offset: 0,
        max_len: 1,
    };
    let answer = fixture
        .coordinator
        .call(|reply| CoordinatorMessage::Fetch(query, reply), SOON)
        .await;
    assert_eq!(
        answer.unwrap().unwrap_err(),
        ChunkRefusal::Unknown { artifact: unknown }
    );
}

#[tokio::test]
async fn spans_are_proven_before_their_batch_is_formed_and_the_batcher_hears_of_it() {
    let directory = TempDir::new().unwrap();
    let chain = disk(&directory, 1);
    let mut fixture = coordinator(&chain).await;
    while let Some(lease) = fixture.lease().await {
        assert!(matches!(
            lease.job.kind(),
            JobKind::Segment | JobKind::MergeSpans
        ));
        fixture.finish(&lease).await;
    }
    let spans = |message| match message {
        BatcherMessage::SpanProven(block) => Some(block),
        _ => None,
    };
    assert_eq!(next(&mut fixture.batcher, spans).await, BlockNumber(1));
    kill(&fixture.coordinator).await;
    let mut restarted = coordinator(&chain).await;
    restarted
        .coordinator
        .cast(CoordinatorMessage::Heartbeat)
        .unwrap();
    assert_eq!(
        next(&mut restarted.batcher, spans).await,
        BlockNumber(1),
        "also after a restart"
    );
}

#[tokio::test]
async fn what_l2_has_verified_is_cleared_away_and_not_proven_again() {
    let directory = TempDir::new().unwrap();
    let chain = disk(&directory, 4);
    let fixture = coordinator(&chain).await;
    let mut jobs = Vec::new();
    while let Some(lease) = fixture.lease().await {
        fixture.finish(&lease).await;
        jobs.push(lease);
    }
    let heights = SettledHeights {
        committed: BatchNumber(2),
        verified: BatchNumber(1),
    };
    fixture
        .coordinator
        .cast(CoordinatorMessage::Settled(heights))
        .unwrap();
    let left = || {
        jobs.iter()
            .filter(|job| chain.store.contains(&PROOFS, &job.id).unwrap())
            .count()
    };
    let wait = async {
        while left() > 12 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, wait)
        .await
        .expect("it is cleared soon");
    assert_eq!(
        left(),
        12,
        "the second batch's eleven, and the first one's final proof"
    );
    assert!(fixture.proven(1).await.is_some());
    kill(&fixture.coordinator).await;
    let restarted = coordinator(&chain).await;
    assert_eq!(restarted.lease().await, None);
}

#[tokio::test]
async fn a_batch_that_others_proved_on_l2_is_not_proven_here() {
    let directory = TempDir::new().unwrap();
    let chain = disk(&directory, 2);
    let fixture = coordinator(&chain).await;
    let heights = SettledHeights {
        committed: BatchNumber(1),
        verified: BatchNumber(1),
    };
    fixture
        .coordinator
        .cast(CoordinatorMessage::Settled(heights))
        .unwrap();
    assert_eq!(fixture.lease().await, None);
    let pending = fixture
        .coordinator
        .call(CoordinatorMessage::Pending, SOON)
        .await
        .unwrap();
    assert_eq!(pending.proven, BatchNumber(1));
}

#[tokio::test]
async fn a_segment_that_nobody_can_prove_has_its_run_cut_shorter_and_is_planned_anew() {
    let directory = TempDir::new().unwrap();
    let chain = disk(&directory, 1);
    let mut fixture = coordinator(&chain).await;
    let other = fixture.lease().await.unwrap();
    fixture.finish(&other).await;
    let hopeless = fixture.lease().await.unwrap();
    for name in ["b", "c"] {
        let small = Offer {
            memory: GB,
            ..offer(name)
        };
        assert_eq!(fixture.offer(small).await.unwrap(), None);
    }
    let mut held = hopeless.clone();
    for (name, next) in [("a", Some("b")), ("b", Some("c")), ("c", None)] {
        assert_eq!(held.id, hopeless.id);
        let failure = tern_messages::JobFailure {
            worker: worker(name),
            job: held.id,
            fence: held.fence,
            cause: tern_messages::FailureCause::Job {
                reason: "out of memory".into(),
            },
        };
        fixture
            .coordinator
            .cast(CoordinatorMessage::Fail(failure))
            .unwrap();
        if let Some(next) = next {
            held = fixture.offer(offer(next)).await.unwrap().unwrap();
        }
    }
    let (input, tried) = next(&mut fixture.simulator, |message| match message {
        SimulatorMessage::Halve { input, tried } => Some((input, tried)),
        _ => None,
    })
    .await;
    assert_eq!(tried, 17);
    let mut batch = WriteBatch::new();
    let runs = vec![SimulatedRun {
        input,
        simulation: segments_of(16, 4),
    }];
    batch.put(&SIMULATIONS, &BlockNumber(1), &SimulatedBlock { runs });
    chain.store.commit(batch).unwrap();
    fixture
        .coordinator
        .cast(CoordinatorMessage::PlanAnew)
        .unwrap();
    let mut kinds = Vec::new();
    while let Some(lease) = fixture.lease().await {
        kinds.push(lease.job.kind());
        fixture.finish(&lease).await;
    }
    let count = |kind| kinds.iter().filter(|found| **found == kind).count();
    assert_eq!(count(JobKind::Segment), 4);
    assert_eq!(count(JobKind::MergeSpans), 3);
}
