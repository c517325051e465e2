//! What is made from the embedded L2, on which a rollup of real blocks is committed.

use std::net::TcpListener;
use std::path::Path;

use alloy::consensus::Header;
use alloy::primitives::Address;
use tempfile::TempDir;
use tern_cluster::Process;
use tern_cluster_config::{AttestationConfig, Devnet, Profile, RpcConfig, development_key};
use tern_messages::SealedBlock;
use tern_settlement::{Call, ExpectedRollup, FollowPolicy, L2, L2Endpoint, TransactionSender};
use tern_storage::tables::chain::BODIES;

use super::*;
use crate::deployment::{Contract, DEFAULT_DEADLINES, DEFAULT_DELAY, Deployer, deploy};
use crate::embedded_l2;
use crate::sequencer::testing::{blocks, others_after, spec};
use crate::supervisor::genesis_header;

/// An L2 with the contracts of a chain.
struct Settled {
    _process: Process,
    sender: TransactionSender,
    rollup: RollupClient,
    genesis: Header,
}

impl Settled {
    async fn start(directory: &Path) -> Self {
        let process = Process::start().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let rpc = RpcConfig::default();
        let url = embedded_l2::start(&process, directory, listener, rpc).await;
        let l2 = L2::connect(L2Endpoint::new(url.unwrap().parse().unwrap())).await;
        let (l2, chain) = (l2.unwrap(), Devnet::l3(31_337, Profile::InsecureTest));
        let genesis = genesis_header(&chain).unwrap();
        let policy = FollowPolicy {
            poll: std::time::Duration::from_millis(5),
            ..FollowPolicy::default()
        };
        let deployer = Deployer {
            l2: l2.clone(),
            operator: development_key(0),
            owner: development_key(1).address(),
            guardian: development_key(2).address(),
            delay: DEFAULT_DELAY,
            deadlines: DEFAULT_DEADLINES,
            policy,
            attestation: AttestationConfig::default(),
        };
        let contract = Contract {
            chain: &chain,
            genesis: &genesis,
        };
        let deployment = deploy(deployer, contract).await.unwrap();
        let expected = ExpectedRollup {
            address: deployment.rollup,
            chain_id: chain.genesis.chain_id,
            genesis_hash: deployment.genesis_hash,
        };
        Self {
            _process: process,
            sender: TransactionSender::new(l2.clone(), development_key(0), policy),
            rollup: RollupClient::connect(l2, expected).await.unwrap(),
            genesis,
        }
    }

    /// Commits blocks as the batch of this number, after `previous`.
    async fn commit(&self, number: u64, previous: Option<&Batch>, blocks: &[SealedBlock]) -> Batch {
        let (first, last) = (blocks.first().unwrap(), blocks.last().unwrap());
        let batch = Batch {
            header: BatchHeader {
                number: BatchNumber(number),
                first_block: first.number(),
                last_block: last.number(),
                last_block_hash: last.hash,
                state_root: last.header.state_root,
            },
            blocks: blocks.to_vec(),
        };
        let previous = match previous {
            Some(previous) => self.rollup.previous_batch(previous).await.unwrap(),
            None => self.rollup.genesis(&self.genesis),
        };
        let call = self.rollup.commit(&previous, &batch).await.unwrap();
        self.sender.send("a commitment", &call).await.unwrap();
        batch
    }

    /// L2 goes on by so many blocks.
    async fn mine(&self, count: u64) {
        let call = Call::with_data(Address::repeat_byte(7), alloy::primitives::Bytes::new());
        for _ in 0..count {
            self.sender.send("nothing", &call).await.unwrap();
        }
    }

    fn derivation(&self, directory: &Path) -> Derivation {
        let chain = Chain::open(directory, spec("main-node")).unwrap();
        Derivation::new(chain, self.rollup.clone(), 1)
    }
}

fn places() -> (TempDir, TempDir) {
    (TempDir::new().unwrap(), TempDir::new().unwrap())
}

/// The EVM of L2 remembers the hashes of 256 blocks, and that of L3 shows as many to a block.
#[tokio::test(flavor = "multi_thread")]
async fn more_blocks_than_an_evm_remembers_are_taken_at_once_and_after_a_pause() {
    let (l2, directory) = places();
    let settled = Settled::start(l2.path()).await;
    let blocks = blocks(260);
    let first = settled.commit(1, None, &blocks[..100]).await;
    let second = settled.commit(2, Some(&first), &blocks[100..200]).await;
    settled.mine(300).await;
    let derivation = settled.derivation(directory.path());
    derivation.follow().await.unwrap();
    let taken = |number: u64| {
        let found = derivation
            .chain()
            .blocks(BlockNumber(1), BlockNumber(number));
        found.collect::<Result<Vec<_>, _>>().unwrap()
    };
    assert_eq!(taken(200), blocks[..200]);
    settled.commit(3, Some(&second), &blocks[200..]).await;
    settled.mine(300).await;
    derivation.follow().await.unwrap();
    assert_eq!(taken(260), blocks);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blocks_of_a_batch_are_read_again_only_when_l2_holds_another() {
    let (l2, directory) = places();
    let settled = Settled::start(l2.path()).await;
    let blocks = blocks(3);
    let first = settled.commit(1, None, &blocks[..1]).await;
    settled.commit(2, Some(&first), &blocks[1..]).await;
    let derivation = settled.derivation(directory.path());
    for _ in 0..2 {
        derivation.follow().await.unwrap();
    }
    let store = &derivation.chain().store;
    let body = store.get(&BODIES, &BlockNumber(3)).unwrap().unwrap();
    let mut writes = WriteBatch::new();
    writes.delete(&BODIES, &BlockNumber(3));
    store.commit(writes).unwrap();
    derivation.follow().await.unwrap();

    let others = others_after(1, 3);
    settled.commit(2, Some(&first), &others[1..]).await;
    assert!(derivation.follow().await.is_err(), "the blocks are read");
    let mut writes = WriteBatch::new();
    writes.put(&BODIES, &BlockNumber(3), &body);
    store.commit(writes).unwrap();
    derivation.follow().await.unwrap();
    let taken = derivation.chain().blocks(BlockNumber(1), BlockNumber(3));
    assert_eq!(taken.collect::<Result<Vec<_>, _>>().unwrap(), others);
}
