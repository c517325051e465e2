//! A deployed Rollup on a real chain.

use std::time::Duration;

use alloy::consensus::Header;
use alloy::primitives::Address;
use tern_messages::job::StatementData;
use tern_messages::{Batch, L2Anchor, Point};
use tern_settlement::{ExpectedRollup, FollowPolicy, RollupClient, TransactionSender};

use crate::chain::{self, CHAIN_ID};
use crate::network::Anvil;

/// A deployed Rollup with its operator.
pub(crate) struct Settled {
    pub(crate) anvil: Anvil,
    pub(crate) operator: TransactionSender,
    pub(crate) rollup: RollupClient,
    pub(crate) genesis: Header,
}

impl Settled {
    pub(crate) async fn start() -> Self {
        let anvil = Anvil::start(&[]);
        let policy = FollowPolicy {
            poll: Duration::from_millis(5),
            ..FollowPolicy::default()
        };
        let operator = anvil.sender(0, policy).await;
        let verifier = chain::accepting_verifier(&operator).await;
        Self::with(anvil, operator, verifier).await
    }

    /// With a verifier that is there already.
    pub(crate) async fn with(anvil: Anvil, operator: TransactionSender, verifier: Address) -> Self {
        let genesis = chain::genesis(operator.l2().head().await.unwrap().timestamp - 1000);
        let deployed = chain::deploy(&operator, &genesis, verifier).await;
        let rollup = RollupClient::connect(
            anvil.connect().await,
            ExpectedRollup {
                address: deployed.rollup.address,
                chain_id: CHAIN_ID,
                genesis_hash: genesis.hash_slow(),
            },
        )
        .await
        .unwrap();
        assert_eq!(rollup.deployment_block(), deployed.rollup.block);
        Self {
            anvil,
            operator,
            rollup,
            genesis,
        }
    }

    /// An L2 block that the contract has recorded.
    pub(crate) async fn anchor(&self) -> L2Anchor {
        let head = self.rollup.l2().head().await.unwrap().number;
        let recorded = self.rollup.recorded_blocks(0..=head).await.unwrap();
        let newest = recorded.last().unwrap();
        L2Anchor {
            number: newest.number,
            hash: newest.hash,
            timestamp: newest.timestamp,
        }
    }

    pub(crate) async fn first_batch(&self) -> Batch {
        chain::batch(1, &self.genesis, self.anchor().await, 3, "first")
    }

    pub(crate) async fn commit_first(&self) -> Batch {
        let batch = self.first_batch().await;
        let call = self
            .rollup
            .commit(&self.rollup.genesis(&self.genesis), &batch)
            .await
            .unwrap();
        self.operator.send("the commit", &call).await.unwrap();
        batch
    }
}

/// What a prover says of a batch, but for y, which the contract's refusal tells.
pub(crate) fn unevaluated() -> StatementData {
    StatementData {
        start_window: [1, 2, 3, 4],
        end_window: [5, 6, 7, 8],
        commitment: [9, 10, 11, 12],
        point: Point([0, 0]),
        evaluation: [0, 0],
    }
}
