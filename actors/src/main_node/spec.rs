//! Which chain a main node runs. The rollup and the embedded L2 are two specs of one actor.

use alloy::primitives::Address;
use alloy::signers::local::PrivateKeySigner;
use tern_cluster_config::{ChainConfig, Genesis, PoolConfig, ProvingLimits, SealingPolicy};
use tern_execution::{
    ChainRules, GenesisAccount, GenesisError, GenesisOutcome, GenesisState, MachineLimits,
};
use tern_messages::{ChainId, Gas};
use tern_settlement::predeploys;
use tern_storage::ChainIdentity;

/// The chain that a main node runs, and how.
#[derive(Clone, Debug)]
pub struct ChainSpec {
    /// Names the data directory's owner, and the log lines.
    pub role: &'static str,
    /// Rules beyond the EVM's.
    pub rules: ChainRules,
    /// The first block.
    pub genesis: Genesis,
    /// When blocks are closed.
    pub sealing: Sealing,
    /// What a transaction may be at most; nothing is limited without them.
    pub limits: Option<ProvingLimits>,
    /// Limits of the queue.
    pub pool: PoolConfig,
    /// What `safe` and `finalized` mean.
    pub finality: Finality,
    /// The bridge on L2 that the chain's own contracts begin with.
    pub l2_bridge: Option<Address>,
    /// The account that has messages from L2 processed, if this node does it.
    pub processor: Option<PrivateKeySigner>,
    /// Whether no block is begun until what waits on L2 was delivered, and the clock's time can be a block's: for who takes a
    /// chain over, whose first block must hold what is due.
    pub catches_up: bool,
}

/// When blocks are closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// By the policy.
    Policy(SealingPolicy),
    /// As soon as the transactions that arrived together are executed.
    Instant,
}

/// Where finality comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finality {
    /// From the bridge's reports.
    Reported,
    /// Every sealed block is final.
    Immediate,
}

impl ChainSpec {
    /// The rollup.
    pub fn rollup(chain: &ChainConfig, sealing: SealingPolicy, pool: PoolConfig) -> Self {
        Self {
            role: "main-node",
            rules: ChainRules::provable(chain.genesis.chain_id).limited(MachineLimits {
                cycles: chain.limits.transaction_cycles,
                cells: chain.limits.transaction_cells,
            }),
            genesis: chain.genesis.clone(),
            sealing: Sealing::Policy(sealing),
            limits: Some(chain.limits),
            pool,
            finality: Finality::Reported,
            l2_bridge: Some(chain.l2_bridge),
            processor: None,
            catches_up: false,
        }
    }

    /// The rollup as its sequencer keeps it: the same chain, executed again in a directory of its own.
    pub fn replica(chain: &ChainConfig) -> Self {
        Self {
            role: "sequencer",
            ..Self::rollup(chain, SealingPolicy::default(), PoolConfig::default())
        }
    }

    /// A plain EVM chain with instant sealing, for the devnet's L2.
    pub fn embedded_l2(genesis: Genesis) -> Self {
        Self {
            role: "embedded-l2",
            rules: ChainRules::plain(genesis.chain_id),
            genesis,
            sealing: Sealing::Instant,
            limits: None,
            pool: PoolConfig::default(),
            finality: Finality::Immediate,
            l2_bridge: None,
            processor: None,
            catches_up: false,
        }
    }

    /// The chain's id.
    pub fn chain_id(&self) -> ChainId {
        self.genesis.chain_id
    }

    /// The genesis block and its state: the accounts of the configuration, the beacon-roots contract that Cancun has, and
    /// the chain's own contracts.
    ///
    /// # Errors
    /// Only if the trie library fails.
    pub fn genesis_block(&self) -> Result<GenesisOutcome, GenesisError> {
        let accounts = self.genesis.alloc.iter().map(|(address, account)| {
            let account = GenesisAccount {
                balance: account.balance,
                nonce: account.nonce,
                code: account.code.clone(),
                storage: account.storage.clone(),
            };
            (*address, account)
        });
        let own = self.l2_bridge.into_iter().flat_map(predeploys).map(|own| {
            let account = GenesisAccount {
                balance: own.balance,
                nonce: 1,
                code: own.code,
                storage: own.storage.into_iter().collect(),
            };
            (own.address, account)
        });
        GenesisState {
            accounts: accounts.chain(own).collect(),
        }
        .with_beacon_roots()
        .block(
            &self.rules,
            self.genesis.timestamp,
            Gas(self.genesis.gas_limit),
            self.genesis.base_fee,
        )
    }

    pub(super) fn identity(&self, genesis: &GenesisOutcome) -> ChainIdentity {
        ChainIdentity::new(self.chain_id(), genesis.block.hash, self.role)
    }
}

#[cfg(test)]
mod tests {
    use tern_cluster_config::{Devnet, Profile};

    use super::*;

    #[test]
    fn what_a_chain_file_allows_is_what_a_batch_has_room_for() {
        let mut chain = Devnet::l3(Devnet::L2_CHAIN_ID.0, Profile::Secure);
        let spec = ChainSpec::rollup(&chain, SealingPolicy::default(), PoolConfig::default());
        assert_eq!(spec.rules.machine, Some(MachineLimits::DEFAULT));
        chain.check().unwrap();
        chain.limits.transaction_cells = MachineLimits::DEFAULT.cells + 1;
        chain.check().unwrap_err();
    }
}
