//! What tests of the roles share: a small chain of real blocks, and stand-ins at the actors' boundaries.

use std::sync::Arc;
use std::time::Duration;

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::network::TxSignerSync;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use ractor::{Actor, ActorProcessingErr, ActorRef, Message};
use tern_cluster::Address as ActorAddress;
use tern_cluster_config::{
    Devnet, PoolConfig, Profile as ChainProfile, SealingPolicy, development_key,
};
use tern_execution::{BlockAttributes, BlockBuilder, HashWindow, MemoryNodes};
use tern_messages::{Anchor, Gas, Job, JobId, Proof, Rewind, SealedBlock, TransactionBatch};
use tern_proving::{Profile, ProvingError, SegmentSizes, Simulation, Unprovable};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::proof_coordinator::ProofCheck;
use crate::main_node::{Chain, ChainSpec, MainNodeMessage};

/// Longest wait of a test for something that is due.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// The version of the circuits that tests pretend to have.
pub(crate) const CIRCUITS: B256 = B256::repeat_byte(0xc1);

pub(crate) fn spec(role: &'static str) -> ChainSpec {
    let chain = Devnet::l3(31_337, ChainProfile::InsecureTest);
    let rollup = ChainSpec::rollup(&chain, SealingPolicy::default(), PoolConfig::default());
    ChainSpec { role, ..rollup }
}

/// The sequencer's chain in a directory.
pub(crate) fn open_chain(directory: &std::path::Path) -> Chain {
    Chain::open(directory, spec("sequencer")).unwrap()
}

/// Real blocks after genesis, of two transfers each.
pub(crate) fn blocks(count: u64) -> Vec<SealedBlock> {
    blocks_apart(count, |_| 2)
}

/// The same up to block `kept`; the later ones are others, with the same transactions.
pub(crate) fn others_after(kept: u64, count: u64) -> Vec<SealedBlock> {
    blocks_apart(count, |number| if number > kept { 3 } else { 2 })
}

/// Blocks so many seconds after their parents.
fn blocks_apart(count: u64, seconds: impl Fn(u64) -> u64) -> Vec<SealedBlock> {
    let spec = spec("main-node");
    let genesis = spec.genesis_block().unwrap();
    let nodes = Arc::new(MemoryNodes::new());
    nodes.extend(&genesis.nodes, &genesis.codes);
    let mut window = HashWindow::new([genesis.block.hash]);
    let mut parent = genesis.block.header;
    let mut blocks = Vec::new();
    for number in 1..=count {
        let attributes = BlockAttributes {
            timestamp: parent.timestamp + seconds(number),
            beneficiary: spec.genesis.beneficiary,
            gas_limit: Gas(spec.genesis.gas_limit),
            anchor: Anchor::default(),
        };
        let mut builder = BlockBuilder::new(
            nodes.clone(),
            spec.rules,
            &parent,
            window.clone(),
            attributes,
        )
        .unwrap();
        for nonce in [2 * number - 2, 2 * number - 1] {
            builder.execute(transfer(nonce)).unwrap();
        }
        let sealed = builder.seal().unwrap();
        nodes.extend(&sealed.nodes, &sealed.codes);
        window.push(sealed.block.hash);
        parent = sealed.block.header.clone();
        blocks.push(sealed.block);
    }
    blocks
}

fn transfer(nonce: u64) -> Bytes {
    let mut transaction = TxEip1559 {
        chain_id: Devnet::L3_CHAIN_ID.0,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 10_000_000_000,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(Address::repeat_byte(0x11)),
        value: U256::from(1),
        ..TxEip1559::default()
    };
    let signature = development_key(0)
        .sign_transaction_sync(&mut transaction)
        .unwrap();
    TxEnvelope::from(transaction.into_signed(signature))
        .encoded_2718()
        .into()
}

/// A simulation in which every batch has two segments.
pub(crate) fn two_segments(
    _: &TransactionBatch,
    _: Profile,
    longest: u8,
) -> Result<Simulation, Unprovable> {
    Ok(segments_of(longest, 2))
}

pub(crate) fn segments_of(max_cycles_log: u8, count: usize) -> Simulation {
    let sizes = SegmentSizes([Some(16); 9]);
    Simulation {
        max_cycles_log,
        segments: vec![sizes; count],
    }
}

/// The proof that tests take for a job's: its name.
pub(crate) fn proof_of(id: &JobId) -> Proof {
    Proof {
        bytes: Bytes::copy_from_slice(id.0.as_slice()),
    }
}

/// Accepts [`proof_of`] for the circuits of this version, and nothing else.
pub(crate) struct NameCheck(pub(crate) B256);

impl ProofCheck for NameCheck {
    fn circuits_version(&self) -> B256 {
        self.0
    }

    fn check(
        &self,
        job: &Job,
        proof: &Proof,
        input: Option<&TransactionBatch>,
        children: &[Proof],
    ) -> Result<(), ProvingError> {
        assert_eq!(input.is_some(), matches!(job, Job::Segment { .. }));
        let named: Vec<_> = job.children().iter().map(proof_of).collect();
        assert_eq!(children, named);
        if *proof == proof_of(&job.id(self.0)) {
            return Ok(());
        }
        Err(ProvingError::InvalidProof {
            job: job.kind(),
            reason: "it has another name".into(),
        })
    }
}

/// An actor that passes each message to a function.
pub(crate) struct Fake<M, F>(F, std::marker::PhantomData<fn(M)>);

impl<M: Message, F: Fn(M) + Send + Sync + 'static> Actor for Fake<M, F> {
    type Msg = M;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<M>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<M>,
        message: M,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        (self.0)(message);
        Ok(())
    }
}

/// The address of an actor that passes each message to `handle`.
pub(crate) async fn fake<M: Message>(
    handle: impl Fn(M) + Send + Sync + 'static,
) -> ActorAddress<M> {
    let address = ActorAddress::new("fake");
    let actor = Fake(handle, std::marker::PhantomData);
    let (running, _) = Actor::spawn(None, actor, ()).await.unwrap();
    address.set(running);
    address
}

/// A main node that has these blocks, and passes on everything else that it is told.
pub(crate) async fn main_node(
    blocks: Vec<SealedBlock>,
) -> (
    ActorAddress<MainNodeMessage>,
    UnboundedReceiver<MainNodeMessage>,
) {
    rewound_main_node(blocks, vec![]).await
}

/// The same, after rewinds.
pub(crate) async fn rewound_main_node(
    blocks: Vec<SealedBlock>,
    rewinds: Vec<Rewind>,
) -> (
    ActorAddress<MainNodeMessage>,
    UnboundedReceiver<MainNodeMessage>,
) {
    let (sender, receiver): (UnboundedSender<_>, _) = unbounded_channel();
    let address = fake(move |message| match message {
        MainNodeMessage::BlocksFrom(query, reply) => {
            let wanted = blocks.iter().filter(|block| block.number() >= query.from);
            let found = wanted.take(query.max_blocks as usize).cloned().collect();
            let _ = reply.send(Ok(found));
        }
        MainNodeMessage::Rewinds(reply) => {
            let _ = reply.send(Ok(rewinds.clone()));
        }
        other => {
            let _ = sender.send(other);
        }
    })
    .await;
    (address, receiver)
}

/// The next message that `pick` takes; others are dropped.
pub(crate) async fn next<M, T>(
    receiver: &mut UnboundedReceiver<M>,
    pick: impl Fn(M) -> Option<T>,
) -> T {
    let wait = async {
        loop {
            let message = receiver.recv().await.expect("the sender lives");
            if let Some(found) = pick(message) {
                return found;
            }
        }
    };
    tokio::time::timeout(SOON, wait)
        .await
        .expect("it comes soon")
}

/// An address whose messages arrive at the receiver.
pub(crate) async fn mailbox<M: Message>() -> (ActorAddress<M>, UnboundedReceiver<M>) {
    let (sender, receiver) = unbounded_channel();
    let address = fake(move |message| {
        let _ = sender.send(message);
    });
    (address.await, receiver)
}

/// Starts an actor without a supervisor, at an address.
pub(crate) async fn start<A: Actor<Arguments = ()>>(actor: A) -> ActorAddress<A::Msg> {
    let address = ActorAddress::new("tested");
    let (running, _) = A::spawn(None, actor, ()).await.expect("it starts");
    address.set(running);
    address
}

/// Ends an actor as a crash would: nothing of its own runs any more.
pub(crate) async fn kill<M: Message>(address: &ActorAddress<M>) {
    let actor = address.get().expect("it was started");
    actor.get_cell().kill_and_wait(None).await.expect("it ends");
}
