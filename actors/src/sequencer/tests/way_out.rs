//! A chain stops at a transaction that nobody can prove, and goes on without it: main node, replica, simulator and batcher
//! together, under supervisors.

use alloy::consensus::Transaction as _;
use alloy::primitives::{Address, Bytes, TxKind, keccak256};
use tern_cluster::{ChildSpec, Process};
use tern_cluster_config::{Devnet, SealingPolicy};
use tern_execution::SignedTransaction;
use tern_messages::{ChainId, Place, Rejection};

use super::*;
use crate::main_node::testing::{Draft, Node, patient, rollup, transfer};
use crate::main_node::{RewindRequest, reconfirm, rewind};
use crate::sequencer::tables::TAKEN_BACK;

/// Whoever pays this account cannot be proven.
const POISON: Address = Address::repeat_byte(0xee);

const CHAIN: ChainId = Devnet::L3_CHAIN_ID;

/// One transaction to a block.
fn single() -> SealingPolicy {
    SealingPolicy {
        max_transactions: 1,
        ..patient()
    }
}

fn poison(account: u32, nonce: u64) -> Bytes {
    Draft::new(account, nonce)
        .with(|tx| tx.to = TxKind::Call(POISON))
        .sign()
}

/// The stand-in for the prover's machine.
fn examine(batch: &TransactionBatch, _: Profile, longest: u8) -> Result<Simulation, Unprovable> {
    for (index, raw) in (batch.first_transaction..).zip(batch.own_transactions()) {
        let transaction = SignedTransaction::decode(raw.clone(), CHAIN).unwrap();
        if transaction.envelope().to() == Some(POISON) {
            return Err(Unprovable::Kernel {
                block: BlockNumber(batch.header.number),
                segment: 0,
                transaction: Some(index),
                message: "it stops at label fault_exception".to_owned(),
            });
        }
    }
    Ok(segments_of(longest, 1))
}

/// A sequencer that outlives its main node.
struct Follower {
    process: Process,
    chain: Chain,
    main_node: tern_cluster::Address<MainNodeMessage>,
    batcher: tern_cluster::Address<BatcherMessage>,
}

impl Follower {
    async fn start(directory: &TempDir) -> Self {
        let chain = open_chain(directory.path());
        let main_node = tern_cluster::Address::new("main node");
        let Sequencer {
            replica: replica_address,
            simulator,
            batcher,
            ..
        } = Sequencer::default();
        let history = History::default();
        let process = Process::start().await.unwrap();
        let actor = Replica {
            history: history.clone(),
            ..replica(&chain, &main_node, simulator.clone())
        };
        let child = ChildSpec::of_actor("replica", 0, actor, &replica_address);
        process.add(child).await.unwrap();
        let actor = Simulator {
            chain: chain.clone(),
            history: history.clone(),
            profile: Profile::InsecureTest,
            examine,
            poll: POLL,
            main_node: main_node.clone(),
            batcher: batcher.clone(),
            coordinator: mailbox().await.0,
        };
        let child = ChildSpec::of_actor("simulator", 1, actor, &simulator);
        process.add(child).await.unwrap();
        let actor = Batcher {
            chain: chain.clone(),
            history,
            policy: BatchingPolicy {
                max_blocks: 1,
                ..BatchingPolicy::default()
            },
            poll: POLL,
            coordinator: mailbox().await.0,
            bridge: mailbox().await.0,
        };
        let child = ChildSpec::of_actor("batcher", 2, actor, &batcher);
        process.add(child).await.unwrap();
        Self {
            process,
            chain,
            main_node,
            batcher,
        }
    }

    fn follow(&self, node: &Node) {
        self.main_node.set(node.handle.address.get().unwrap());
    }

    /// Waits until so many batches of one block each were formed, all of them of the main node's blocks.
    async fn has_batched(&self, node: &Node, count: u64) {
        let wait = async {
            loop {
                let last = self.batcher.call(BatcherMessage::Last, SOON).await;
                if last == Ok(BatchNumber(count)) && self.agrees(node, count) {
                    return;
                }
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::time::timeout(SOON, wait)
            .await
            .expect("batches are formed soon");
    }

    fn agrees(&self, node: &Node, count: u64) -> bool {
        let store = &self.chain.store;
        let batches = store.range(&BATCHES, ..).map(|row| row.unwrap().1);
        let hashes: Vec<_> = batches.map(|batch| batch.last_block_hash).collect();
        let header = |number| node.handle.chain.expect_header(BlockNumber(number));
        let expected: Vec<_> = (1..=count)
            .map(|number| header(number).unwrap().hash)
            .collect();
        hashes == expected
    }
}

async fn executed(node: &Node, raw: Bytes) -> BlockNumber {
    match node.submit(raw).await.unwrap().place {
        Place::Executed { block, .. } => block,
        Place::Queued => panic!("the transaction waits"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_has_stopped_goes_on_without_what_cannot_be_proven() {
    let (main, follower) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let sequencer = Follower::start(&follower).await;
    let node = Node::start(main.path(), rollup(single())).await;
    sequencer.follow(&node);
    let bad = poison(1, 0);
    executed(&node, transfer(0, 0)).await;
    executed(&node, bad.clone()).await;
    let mut sent = 1;
    // Others go on until the halt is heard.
    let stopped = loop {
        match node.submit(transfer(0, sent)).await {
            Ok(_) => sent += 1,
            Err(Rejection::Halted(report)) => break report,
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(stopped.block, BlockNumber(2));
    assert_eq!(stopped.transaction, Some(keccak256(&bad)));
    sequencer.has_batched(&node, 1).await;
    node.stop().await;

    let chain = Chain::open(main.path(), rollup(single())).unwrap();
    let rewound = rewind(&chain, &RewindRequest::default()).unwrap();
    let again = reconfirm(chain).unwrap();
    assert_eq!(rewound.kept, BlockNumber(1));
    assert_eq!((again.executed as u64, again.lost), (sent - 1, vec![]));

    let node = Node::start(main.path(), rollup(single())).await;
    sequencer.follow(&node);
    // Everybody else is served, the refused sender's other transactions too.
    executed(&node, transfer(2, 0)).await;
    executed(&node, transfer(1, 0)).await;
    let refusal = node.submit(bad.clone()).await.unwrap_err();
    assert!(matches!(refusal, Rejection::Refused { .. }), "{refusal}");
    let blocks = sent + 2;
    node.sealed(blocks).await;
    sequencer.has_batched(&node, blocks).await;
    assert_eq!(node.handle.head().borrow().halted, None);
    node.stop().await;
    let node = Node::start(main.path(), rollup(single())).await;
    let refusal = node.submit(bad).await.unwrap_err();
    assert!(matches!(refusal, Rejection::Refused { .. }), "{refusal}");
    sequencer.process.stop(SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_of_blocks_that_are_taken_back_are_formed_anew() {
    let (main, follower) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let sequencer = Follower::start(&follower).await;
    let node = Node::start(main.path(), rollup(single())).await;
    sequencer.follow(&node);
    for nonce in 0..4 {
        executed(&node, transfer(0, nonce)).await;
    }
    sequencer.has_batched(&node, 4).await;
    node.stop().await;
    let chain = Chain::open(main.path(), rollup(single())).unwrap();
    let request = RewindRequest {
        to: Some(BlockNumber(1)),
        refuse: vec![keccak256(transfer(0, 2))],
        ..RewindRequest::default()
    };
    rewind(&chain, &request).unwrap();
    assert_eq!(reconfirm(chain).unwrap().lost.len(), 1);
    let node = Node::start(main.path(), rollup(single())).await;
    sequencer.follow(&node);
    executed(&node, transfer(1, 0)).await;
    node.sealed(3).await;
    sequencer.has_batched(&node, 3).await;
    assert_eq!(sequencer.chain.store.range(&TAKEN_BACK, ..).count(), 3);
    sequencer.process.stop(SOON).await;
}
