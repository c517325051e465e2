//! What is made from the embedded L2, on which a rollup of real blocks is committed.

use std::net::TcpListener;
use std::path::Path;

use alloy::consensus::Header;
use alloy::primitives::{Address, U256};
use tempfile::TempDir;
use tern_cluster::Process;
use tern_cluster_config::{AttestationConfig, Devnet, Profile, RpcConfig, development_key};
use tern_execution::HashWindow;
use tern_messages::SealedBlock;
use tern_proving::statement::window_digest;
use tern_settlement::{
    Call, Challenged, Depth, DisputeTerms, DisputesClient, ExpectedRollup, FollowPolicy,
    InboxProof, L2, L2Endpoint, TransactionSender,
};
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
        Self::with(directory, None).await
    }

    async fn with(directory: &Path, disputes: Option<DisputeTerms>) -> Self {
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
            disputes,
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
        Derivation::new(chain, self.rollup.clone(), Depth::Confirmations(1))
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

#[tokio::test(flavor = "multi_thread")]
async fn a_lie_is_waited_out_and_another_batch_of_its_number_is_taken() {
    let (l2, directory) = places();
    let settled = Settled::start(l2.path()).await;
    let truth = blocks(3);
    let first = settled.commit(1, None, &truth[..1]).await;
    let mut lie = truth[1..].to_vec();
    make_false(&mut lie);
    settled.commit(2, Some(&first), &lie).await;
    let derivation = settled.derivation(directory.path()).past_lies();
    for _ in 0..2 {
        let error = derivation.follow().await.unwrap_err();
        assert!(error.to_string().contains("block 3"), "{error}");
        let sealed = derivation.chain().heads().unwrap().sealed;
        assert_eq!(sealed, BlockNumber(1), "the block before it is taken back");
    }
    let found = derivation.lie().unwrap();
    let held = settled.rollup.batch_hash(BatchNumber(2)).await.unwrap();
    assert_eq!(Some(found.batch_hash), held);
    let place = (found.batch, found.first, found.block);
    assert_eq!(place, (BatchNumber(2), BlockNumber(2), BlockNumber(3)));

    settled.commit(2, Some(&first), &truth[1..]).await;
    derivation.follow().await.unwrap();
    let taken = derivation.chain().blocks(BlockNumber(1), BlockNumber(3));
    assert_eq!(taken.collect::<Result<Vec<_>, _>>().unwrap(), truth);
    let windows = |last| statement::windows_after(derivation.chain(), BlockNumber(2), last);
    assert_eq!(found.windows, windows(BlockNumber(2)).unwrap());
    assert_eq!(derivation.lie(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_of_another_batch_says_nothing_of_the_one_that_stands() {
    let (l2, directory) = places();
    let settled = Settled::start(l2.path()).await;
    let (truth, mut others) = (blocks(3), others_after(1, 3));
    let first = settled.commit(1, None, &truth[..1]).await;
    make_false(&mut others);
    settled.commit(2, Some(&first), &others[1..]).await;
    let derivation = settled.derivation(directory.path());
    derivation.follow().await.unwrap_err();
    assert_eq!(derivation.chain().heads().unwrap().sealed, BlockNumber(2));

    settled.commit(2, Some(&first), &truth[1..]).await;
    let derivation = derivation.past_lies();
    derivation.follow().await.unwrap();
    let taken = derivation.chain().blocks(BlockNumber(1), BlockNumber(3));
    assert_eq!(taken.collect::<Result<Vec<_>, _>>().unwrap(), truth);
    assert_eq!(derivation.lie(), None);
}

/// The last block comes to another state.
fn make_false(blocks: &mut [SealedBlock]) {
    let last = blocks.last_mut().unwrap();
    last.header.state_root.0[7] ^= 1;
    last.hash = last.header.hash_slow();
}

/// Whoever proposes, and a watcher that challenges.
struct Dispute {
    settled: Settled,
    disputes: DisputesClient,
    derivation: Derivation,
    challenger: Challenger,
}

impl Dispute {
    async fn start(l2: &Path, directory: &Path) -> Self {
        let ether = U256::from(10).pow(U256::from(18));
        let terms = DisputeTerms {
            challenge_window: std::time::Duration::from_secs(3600),
            proof_time: std::time::Duration::from_secs(1),
            stake: ether * U256::from(2),
            bond: ether,
        };
        let settled = Settled::with(l2, Some(terms)).await;
        let disputes = settled.rollup.disputes().await.unwrap().unwrap();
        let derivation = settled.derivation(directory).past_lies();
        let policy = FollowPolicy {
            poll: std::time::Duration::from_millis(5),
            ..FollowPolicy::default()
        };
        let challenger = Challenger::new(&derivation, development_key(3), policy);
        Self {
            challenger: challenger.await.unwrap(),
            settled,
            disputes,
            derivation,
        }
    }

    async fn stake(&self) {
        let stake = self.disputes.terms().stake;
        let call = self.disputes.add_stake(stake);
        self.settled.sender.send("a stake", &call).await.unwrap();
    }

    async fn propose(&self, batch: &Batch, windows: &[WindowDigest]) {
        let call = self
            .disputes
            .propose(batch, windows, InboxProof::default())
            .await;
        let sender = &self.settled.sender;
        sender.send("a proposal", &call.unwrap()).await.unwrap();
    }

    /// A watcher's look; the challenges that wait then.
    async fn look(&mut self) -> Vec<Challenged> {
        let looked = self.derivation.follow().await;
        let lie = self.derivation.lie();
        assert_eq!(looked.is_err(), lie.is_some(), "{looked:?}");
        self.challenger.look(&self.derivation, lie.as_ref()).await;
        let account = self.challenger.account();
        self.disputes.standing(account).await.unwrap().waiting
    }

    /// Looks until the challenges are decided and what was won is collected.
    async fn wins(&mut self) {
        let account = self.challenger.account();
        loop {
            self.settled.mine(1).await;
            let waiting = self.look().await;
            let owed = self.disputes.owed(account).await.unwrap();
            if waiting.is_empty() && owed.is_zero() {
                return;
            }
        }
    }
}

/// What is seen after each of these blocks, which follow genesis.
fn windows_of(genesis: &Header, blocks: &[SealedBlock]) -> Vec<WindowDigest> {
    let mut hashes = vec![genesis.hash_slow()];
    let after = |block: &SealedBlock| {
        hashes.push(block.hash);
        let window = HashWindow::new(hashes.iter().copied());
        window_digest(&window.to_vec())
    };
    blocks.iter().map(after).collect()
}

fn challenged(batch: u64, index: u16) -> Challenged {
    let batch = BatchNumber(batch);
    Challenged { batch, index }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_block_that_is_false_is_challenged_and_the_reward_collected() {
    let (l2, directory) = places();
    let mut dispute = Dispute::start(l2.path(), directory.path()).await;
    let truth = blocks(4);
    let windows = windows_of(&dispute.settled.genesis, &truth);
    let first = dispute.settled.commit(1, None, &truth[..1]).await;
    dispute.stake().await;
    dispute.propose(&first, &windows[..1]).await;
    assert_eq!(dispute.look().await, []);

    let mut lie = truth.clone();
    make_false(&mut lie);
    let said = windows_of(&dispute.settled.genesis, &lie);
    let second = dispute.settled.commit(2, Some(&first), &lie[1..]).await;
    assert_eq!(dispute.look().await, [], "it is not proposed");
    dispute.propose(&second, &said[1..]).await;
    assert_eq!(dispute.look().await, [challenged(2, 2)]);
    dispute.wins().await;
    let status = dispute.settled.rollup.status().await.unwrap();
    assert_eq!(status.last_committed, BatchNumber(1));

    // A window is false before the lie.
    dispute.stake().await;
    dispute.propose(&first, &windows[..1]).await;
    let second = dispute.settled.commit(2, Some(&first), &lie[1..]).await;
    let mut others = said.clone();
    others[2][3] ^= 1;
    dispute.propose(&second, &others[1..]).await;
    assert_eq!(dispute.look().await, [challenged(2, 1)]);
    dispute.wins().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_window_is_challenged_unless_its_proposal_can_never_be_final() {
    let (l2, directory) = places();
    let mut dispute = Dispute::start(l2.path(), directory.path()).await;
    let truth = blocks(3);
    let windows = windows_of(&dispute.settled.genesis, &truth);
    let first = dispute.settled.commit(1, None, &truth[..2]).await;
    let second = dispute.settled.commit(2, Some(&first), &truth[2..]).await;
    let mut others = windows.clone();
    others[1][0] ^= 1;
    others[2][0] ^= 1;
    dispute.stake().await;
    dispute.propose(&first, &others[..2]).await;
    dispute.propose(&second, &others[2..]).await;
    dispute.propose(&first, &windows[..2]).await;
    assert_eq!(dispute.look().await, [], "the second begins falsely");

    dispute.propose(&second, &windows[2..]).await;
    assert_eq!(dispute.look().await, []);
    dispute.propose(&first, &others[..2]).await;
    assert_eq!(dispute.look().await, [challenged(1, 1)]);
    assert_eq!(dispute.look().await, [challenged(1, 1)], "once");
    dispute.wins().await;
    let status = dispute.settled.rollup.status().await.unwrap();
    assert_eq!(status.last_committed, BatchNumber(0));
}
