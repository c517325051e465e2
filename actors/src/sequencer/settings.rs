//! How a sequencer is put together.

use std::sync::Arc;
use std::time::Duration;

use tern_cluster::{Address, ChildSpec};
use tern_execution::BatchLimits;
use tern_proving::limits::{MAX_BATCH_CYCLES, MAX_BATCH_GAS, MAX_BATCH_TRANSACTIONS};
use tern_proving::{JobVerifier, Profile};
use tern_scheduler::Policy;

use super::batcher::{Batcher, BatcherMessage};
use super::batching::BatchingPolicy;
use super::history::History;
use super::proof_coordinator::{CoordinatorMessage, ProofCoordinator};
use super::replica::{Announcements, Replica, ReplicaMessage};
use super::simulator::{SIMULATE, Simulator, SimulatorMessage};
use crate::main_node::{Chain, MainNodeMessage};
use crate::verifier_bridge::BridgeMessage;

/// How often each part looks for work that nobody told it of.
const POLL: Duration = Duration::from_secs(2);

/// Reaches the parts of a sequencer.
#[derive(Clone, Debug)]
pub struct Sequencer {
    /// Executes blocks again.
    pub replica: Address<ReplicaMessage>,
    /// Checks that blocks can be proven.
    pub simulator: Address<SimulatorMessage>,
    /// Forms batches.
    pub batcher: Address<BatcherMessage>,
    /// Hands out proving jobs.
    pub coordinator: Address<CoordinatorMessage>,
}

/// What a sequencer is made of.
#[derive(Clone)]
pub struct SequencerSettings {
    /// The replica's chain, in the sequencer's own data directory.
    pub chain: Chain,
    /// Checks the proofs.
    pub verifier: Arc<JobVerifier>,
    /// When batches are closed.
    pub batching: BatchingPolicy,
    /// Most batches that share a proof.
    pub batches_per_proof: usize,
    /// How jobs are handed out.
    pub leases: Policy,
    /// Who has blocks.
    pub main_node: Address<MainNodeMessage>,
    /// Where it announces them.
    pub announcements: Announcements,
    /// Who settles batches.
    pub bridge: Address<BridgeMessage>,
}

impl std::fmt::Debug for SequencerSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SequencerSettings")
            .field("chain", &self.chain)
            .field("profile", &self.verifier.profile())
            .field("batching", &self.batching)
            .finish_non_exhaustive()
    }
}

impl Default for Sequencer {
    fn default() -> Self {
        Self {
            replica: Address::new("replica"),
            simulator: Address::new("simulator"),
            batcher: Address::new("batcher"),
            coordinator: Address::new("proof coordinator"),
        }
    }
}

/// How jobs of a profile are handed out: the memory that they take was measured.
pub fn lease_policy(profile: Profile) -> Policy {
    let (heavy, light) = match profile {
        Profile::Secure => (8_500, 2_500),
        Profile::InsecureTest => (2_500, 1_500),
    };
    Policy::usual(heavy << 20, light << 20)
}

impl Sequencer {
    /// The parts as children of a supervisor, to be stopped in the order of their ranks: `rank` and the three
    /// after it.
    pub fn children(&self, rank: u8, settings: SequencerSettings) -> Vec<ChildSpec> {
        let SequencerSettings {
            chain,
            verifier,
            batching,
            batches_per_proof,
            leases,
            main_node,
            announcements,
            bridge,
        } = settings;
        let profile = verifier.profile();
        let history = History::default();
        let replica = Replica {
            chain: chain.clone(),
            history: history.clone(),
            limits: BatchLimits {
                transactions: MAX_BATCH_TRANSACTIONS,
                gas: MAX_BATCH_GAS,
                cycles: MAX_BATCH_CYCLES,
            },
            poll: POLL,
            main_node: main_node.clone(),
            simulator: self.simulator.clone(),
            announcements,
        };
        let simulator = Simulator {
            chain: chain.clone(),
            history: history.clone(),
            profile,
            examine: SIMULATE,
            poll: POLL,
            main_node: main_node.clone(),
            batcher: self.batcher.clone(),
            coordinator: self.coordinator.clone(),
        };
        let batcher = Batcher {
            chain: chain.clone(),
            history: history.clone(),
            policy: batching,
            poll: Duration::from_secs(1),
            coordinator: self.coordinator.clone(),
            bridge: bridge.clone(),
        };
        let coordinator = ProofCoordinator {
            chain,
            history,
            profile: profile.name(),
            check: verifier,
            batches_per_proof,
            policy: leases,
            main_node,
            simulator: self.simulator.clone(),
            batcher: self.batcher.clone(),
            bridge,
        };
        vec![
            ChildSpec::of_actor("replica", rank, replica, &self.replica),
            ChildSpec::of_actor("simulator", rank + 1, simulator, &self.simulator),
            ChildSpec::of_actor("batcher", rank + 2, batcher, &self.batcher),
            ChildSpec::of_actor(
                "proof-coordinator",
                rank + 3,
                coordinator,
                &self.coordinator,
            ),
        ]
    }
}
