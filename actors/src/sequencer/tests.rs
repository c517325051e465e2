//! Replica, simulator and batcher at their boundaries.

mod rewinding;
mod way_out;

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tern_execution::BatchLimits;
use tern_messages::{BatchNumber, BlockNumber, HaltReport, SealedBlock, TransactionBatch};
use tern_proving::{Profile, Simulation, Unprovable};
use tern_storage::tables::chain::block;
use tern_storage::tables::sequencer::{BATCHES, BLOBS, BLOCK_INPUTS};
use tokio::sync::mpsc::UnboundedReceiver;

use super::history::History;
use super::simulator::Examine;
use super::tables::SIMULATIONS;
use super::testing::*;
use super::*;
use crate::main_node::{Chain, MainNodeMessage};

const POLL: Duration = Duration::from_millis(20);

fn replica(
    chain: &Chain,
    main_node: &tern_cluster::Address<MainNodeMessage>,
    simulator: tern_cluster::Address<SimulatorMessage>,
) -> Replica {
    Replica {
        chain: chain.clone(),
        history: History::default(),
        limits: BatchLimits {
            transactions: 1,
            gas: 1_000_000,
            cycles: u64::MAX,
        },
        poll: POLL,
        main_node: main_node.clone(),
        simulator,
        announcements: Arc::default(),
    }
}

async fn replicated(replica: &tern_cluster::Address<ReplicaMessage>, until: u64) {
    let wait = async {
        loop {
            let status = replica.call(ReplicaMessage::Status, SOON).await.unwrap();
            if status.0 >= BlockNumber(until) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, wait)
        .await
        .expect("blocks are replayed soon");
}

fn halt(message: MainNodeMessage) -> Option<HaltReport> {
    match message {
        MainNodeMessage::Halt(report) => Some(report),
        _ => None,
    }
}

fn resume(message: MainNodeMessage) -> Option<BlockNumber> {
    match message {
        MainNodeMessage::Resume(number) => Some(number),
        _ => None,
    }
}

#[tokio::test]
async fn the_replica_stores_each_block_with_its_state_and_the_inputs_of_its_proof() {
    let directory = TempDir::new().unwrap();
    let chain = open_chain(directory.path());
    let blocks = blocks(3);
    let (main_node, _) = main_node(blocks.clone()).await;
    let (simulator, mut hints) = mailbox().await;
    let replica = start(replica(&chain, &main_node, simulator)).await;
    replicated(&replica, 3).await;
    next(&mut hints, |hint| {
        matches!(hint, SimulatorMessage::Poll).then_some(())
    })
    .await;
    for expected in &blocks {
        let number = expected.number();
        assert_eq!(
            block(&chain.store, number).unwrap().as_ref(),
            Some(expected)
        );
        let inputs = chain.store.get(&BLOCK_INPUTS, &number).unwrap().unwrap();
        assert_eq!(inputs.len(), 2, "one transaction in each run");
        for input in inputs {
            let blob = chain.store.get(&BLOBS, &input).unwrap().unwrap();
            let batch: TransactionBatch = tern_messages::decode(&blob).unwrap();
            assert_eq!(batch.header, expected.header);
        }
        let state = chain.state(expected.header.state_root);
        assert!(
            state
                .account(alloy::primitives::Address::repeat_byte(0x11))
                .unwrap()
                .is_some()
        );
    }
}

/// The chain with block 2 changed by `change`, its hash made to fit.
fn spoilt(change: impl Fn(&mut SealedBlock)) -> Vec<SealedBlock> {
    let mut blocks = blocks(2);
    change(&mut blocks[1]);
    blocks[1].hash = blocks[1].header.hash_slow();
    blocks
}

#[tokio::test]
async fn a_block_that_differs_halts_the_main_node_and_is_not_stored() {
    type Change = fn(&mut SealedBlock);
    let cases: [(&str, Change); 5] = [
        ("stateRoot", |block| block.header.state_root.0[0] ^= 1),
        ("receiptsRoot", |block| block.header.receipts_root.0[0] ^= 1),
        ("gasUsed", |block| block.header.gas_used += 1),
        ("receipt", |block| block.receipts[0].gas_used += 1),
        ("parentHash", |block| block.header.parent_hash.0[0] ^= 1),
    ];
    for (field, change) in cases {
        let directory = TempDir::new().unwrap();
        let chain = open_chain(directory.path());
        let (main_node, mut told) = main_node(spoilt(change)).await;
        let (simulator, _hints) = mailbox().await;
        let replica = start(replica(&chain, &main_node, simulator)).await;
        let report = next(&mut told, halt).await;
        assert_eq!(report.block, BlockNumber(2));
        assert!(report.reason.contains(field), "{field}: {}", report.reason);
        assert_eq!(block(&chain.store, BlockNumber(2)).unwrap(), None);
        let (number, halted) = replica.call(ReplicaMessage::Status, SOON).await.unwrap();
        assert_eq!((number, halted), (BlockNumber(1), Some(report)));
        kill(&replica).await;
    }
}

#[tokio::test]
async fn the_replica_continues_after_the_last_block_on_disk_when_it_was_killed() {
    let directory = TempDir::new().unwrap();
    let blocks = blocks(4);
    for until in 1..=4usize {
        let chain = open_chain(directory.path());
        let (main_node, _) = main_node(blocks[..until].to_vec()).await;
        let (simulator, _hints) = mailbox().await;
        let replica = start(replica(&chain, &main_node, simulator)).await;
        replicated(&replica, until as u64).await;
        kill(&replica).await;
    }
    let chain = open_chain(directory.path());
    assert_eq!(
        block(&chain.store, BlockNumber(4)).unwrap().as_ref(),
        blocks.last()
    );
}

#[tokio::test]
async fn a_block_that_is_good_after_all_lets_the_main_node_go_on() {
    let directory = TempDir::new().unwrap();
    let chain = open_chain(directory.path());
    let (bad, mut told) = main_node(spoilt(|block| block.header.gas_used += 1)).await;
    let (simulator, _hints) = mailbox().await;
    let first = start(replica(&chain, &bad, simulator.clone())).await;
    next(&mut told, halt).await;
    kill(&first).await;
    let (good, mut told) = main_node(blocks(2)).await;
    let _second = start(replica(&chain, &good, simulator)).await;
    assert_eq!(next(&mut told, resume).await, BlockNumber(2));
}

/// A chain on disk whose blocks were replayed.
async fn replayed_chain(directory: &TempDir, count: u64) -> Chain {
    let chain = open_chain(directory.path());
    let (main_node, _) = main_node(blocks(count)).await;
    let (simulator, _hints) = mailbox().await;
    let replica = start(replica(&chain, &main_node, simulator)).await;
    replicated(&replica, count).await;
    kill(&replica).await;
    chain
}

async fn simulator(
    chain: &Chain,
    examine: Examine,
) -> (
    tern_cluster::Address<SimulatorMessage>,
    UnboundedReceiver<MainNodeMessage>,
) {
    let (main_node, told) = main_node(vec![]).await;
    let coordinator = mailbox().await.0;
    (beside(chain, examine, main_node, coordinator).await, told)
}

async fn beside(
    chain: &Chain,
    examine: Examine,
    main_node: tern_cluster::Address<MainNodeMessage>,
    coordinator: tern_cluster::Address<CoordinatorMessage>,
) -> tern_cluster::Address<SimulatorMessage> {
    let actor = Simulator {
        chain: chain.clone(),
        history: History::default(),
        profile: Profile::InsecureTest,
        examine,
        poll: POLL,
        main_node,
        batcher: mailbox().await.0,
        coordinator,
    };
    start(actor).await
}

async fn simulated(simulator: &tern_cluster::Address<SimulatorMessage>, until: u64) {
    let wait = async {
        while simulator
            .call(SimulatorMessage::Status, SOON)
            .await
            .unwrap()
            .0
            < BlockNumber(until)
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, wait)
        .await
        .expect("blocks are simulated soon");
}

#[tokio::test]
async fn the_simulator_notes_how_each_block_will_be_proven_and_continues_when_it_was_killed() {
    let directory = TempDir::new().unwrap();
    let chain = replayed_chain(&directory, 3).await;
    let (first, _told) = simulator(&chain, two_segments).await;
    simulated(&first, 3).await;
    kill(&first).await;
    // A second start has nothing left to examine: this one would halt.
    let (second, _told) = simulator(&chain, too_long).await;
    let (last, halted) = second.call(SimulatorMessage::Status, SOON).await.unwrap();
    assert_eq!((last, halted), (BlockNumber(3), None));
    let block = chain
        .store
        .get(&SIMULATIONS, &BlockNumber(2))
        .unwrap()
        .unwrap();
    assert_eq!((block.runs.len(), block.segments()), (2, 4));
}

fn too_long(batch: &TransactionBatch, _: Profile, _: u8) -> Result<Simulation, Unprovable> {
    Err(Unprovable::TooLong {
        block: BlockNumber(batch.header.number),
        max: 1,
    })
}

fn panics(_: &TransactionBatch, _: Profile, _: u8) -> Result<Simulation, Unprovable> {
    panic!("the machine met what it does not know")
}

#[tokio::test]
async fn a_block_that_cannot_be_proven_halts_the_main_node_and_names_the_transaction() {
    let directory = TempDir::new().unwrap();
    let chain = replayed_chain(&directory, 2).await;
    let (simulator, mut told) = simulator(&chain, too_long).await;
    let report = next(&mut told, halt).await;
    let first = &blocks(1)[0];
    assert_eq!(report.block, BlockNumber(1));
    assert_eq!(report.transaction, Some(first.receipts[0].transaction_hash));
    assert!(
        report.reason.contains("more than 1 segments"),
        "{}",
        report.reason
    );
    let (last, halted) = simulator
        .call(SimulatorMessage::Status, SOON)
        .await
        .unwrap();
    assert_eq!((last, halted), (BlockNumber(0), Some(report)));
}

#[tokio::test]
async fn a_run_is_cut_into_shorter_segments_once_for_each_length_that_was_tried() {
    let directory = TempDir::new().unwrap();
    let chain = replayed_chain(&directory, 2).await;
    let (main_node, _told) = main_node(vec![]).await;
    let (coordinator, mut heard) = mailbox().await;
    let simulator = beside(&chain, two_segments, main_node, coordinator).await;
    simulated(&simulator, 2).await;
    let before = chain.store.get(&SIMULATIONS, &BlockNumber(1)).unwrap();
    let before = before.unwrap();
    let (input, tried) = (
        before.runs[1].input,
        before.runs[1].simulation.max_cycles_log,
    );
    let mut lengths = Vec::new();
    // The second of two segments that are parked together finds the run cut already.
    for tried in [tried, tried, tried - 1] {
        simulator
            .cast(SimulatorMessage::Halve { input, tried })
            .unwrap();
        if lengths.last() != Some(&(tried - 1)) {
            next(&mut heard, |message| {
                matches!(message, CoordinatorMessage::PlanAnew).then_some(())
            })
            .await;
        }
        let block = chain.store.get(&SIMULATIONS, &BlockNumber(1)).unwrap();
        let block = block.unwrap();
        assert_eq!(block.runs[0], before.runs[0]);
        lengths.push(block.runs[1].simulation.max_cycles_log);
    }
    assert_eq!(lengths, [tried - 1, tried - 1, tried - 2]);
}

#[tokio::test]
async fn a_block_that_makes_the_machine_panic_halts_the_main_node_until_it_can_be_proven() {
    let directory = TempDir::new().unwrap();
    let chain = replayed_chain(&directory, 1).await;
    let (broken, mut told) = simulator(&chain, panics).await;
    let report = next(&mut told, halt).await;
    assert!(report.reason.contains("does not know"), "{}", report.reason);
    kill(&broken).await;
    let (_mended, mut told) = simulator(&chain, two_segments).await;
    assert_eq!(next(&mut told, resume).await, BlockNumber(1));
}

#[tokio::test]
async fn batches_have_no_gaps_however_often_the_batcher_is_killed() {
    let directory = TempDir::new().unwrap();
    let chain = replayed_chain(&directory, 7).await;
    let (simulator, _told) = simulator(&chain, two_segments).await;
    simulated(&simulator, 7).await;
    let expected = [(1, 1, 2), (2, 3, 4), (3, 5, 6), (4, 7, 7)];
    for &(number, ..) in &expected {
        // Old blocks are due at once; each start may form several batches before it is killed.
        let batcher = start(Batcher {
            chain: chain.clone(),
            history: History::default(),
            policy: BatchingPolicy {
                max_blocks: 2,
                ..BatchingPolicy::default()
            },
            poll: POLL,
            coordinator: mailbox().await.0,
            bridge: mailbox().await.0,
        })
        .await;
        let wait = async {
            while batcher.call(BatcherMessage::Last, SOON).await.unwrap() < BatchNumber(number) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(SOON, wait)
            .await
            .expect("batches are formed soon");
        kill(&batcher).await;
    }
    let formed: Vec<_> = chain
        .store
        .range(&BATCHES, ..)
        .map(|row| row.unwrap().1)
        .collect();
    let places: Vec<_> = formed
        .iter()
        .map(|b| (b.number.0, b.first_block.0, b.last_block.0))
        .collect();
    assert_eq!(places, expected);
    let last = &blocks(7)[6];
    assert_eq!(
        (formed[3].last_block_hash, formed[3].state_root),
        (last.hash, last.header.state_root)
    );
}
