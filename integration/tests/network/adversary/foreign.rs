//! The same blocks as another chain's, and proofs of another profile.

use alloy::primitives::{Address, B256, Bytes};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolCall;
use anyhow::{Context, Result, ensure};
use tern_cluster_config::{Devnet as Chain, Profile, development_key};
use tern_integration::harness::Replay;
use tern_node::deployment::{Contract, plan, verifier_key};
use tern_settlement::IRollup::{self, IRollupErrors as Refusal};
use tern_settlement::{
    Call, FollowPolicy, L2, L2Endpoint, RollupPlan, TransactionSender, deploy_rollup,
    deploy_verifier,
};

use super::Verifier;
use super::lie::{Lie, Refused, all_refused};
use super::truth::{Headers, Truth};

/// Who runs the other chain.
const OPERATOR: u32 = 5;

/// A `Rollup` that differs in its chain id alone, with the same batch committed.
pub(crate) struct Foreign {
    l2: DynProvider,
    operator: PrivateKeySigner,
    rollup: Address,
    verifier: Address,
}

impl Foreign {
    /// Deploys it; `commit` is the batch's commitment.
    pub(crate) async fn found(
        url: &str,
        commit: &Replay,
        headers: &Headers,
        verifier: Address,
    ) -> Result<Self> {
        let operator = development_key(OPERATOR);
        let l2 = L2::connect(L2Endpoint::new(url.parse()?)).await?;
        let sender = TransactionSender::new(l2, operator.clone(), FollowPolicy::default());
        let mut chain = Chain::l3(sender.l2().chain_id().0, Profile::InsecureTest);
        chain.genesis.chain_id.0 += 1;
        let contract = Contract {
            chain: &chain,
            genesis: &headers.genesis,
        };
        let plan = RollupPlan {
            verifier,
            ..plan(contract, operator.address())
        };
        let rollup = deploy_rollup(&sender, &plan).await?.rollup.address;
        let provider = ProviderBuilder::new().connect_http(url.parse()?).erased();
        let mut calls = vec![commit.calldata.clone()];
        let commitment = IRollup::commitBatchCall::abi_decode(&commit.calldata)?;
        let anchor = commitment.blocks[0].anchor.blockHash;
        // A first block that was sealed before L2 was heard of names none, as genesis does.
        if anchor != B256::ZERO {
            let anchor = provider.get_block_by_hash(anchor).await?;
            let anchor = anchor.context("L2 has the anchor")?.header.inner;
            let header = alloy::rlp::encode(&anchor).into();
            let record = IRollup::recordBlockHashCall { header };
            calls.insert(0, record.abi_encode().into());
        }
        for data in calls {
            let call = Call::with_data(rollup, data);
            sender.send("the other chain", &call).await?;
        }
        let key = verifier_key(Profile::Secure).await?;
        let verifier = deploy_verifier(&sender, &key).await?.address;
        Ok(Self {
            l2: provider,
            operator,
            rollup,
            verifier,
        })
    }

    /// The true proof proves nothing here: not by itself, and not with the evaluation that this chain's stream has.
    pub(crate) async fn refuses(&self, truth: &Truth) -> Result<()> {
        let prove = Replay::now(self.l2.clone(), self.operator.address(), self.rollup);
        let mut call = truth.proof()?;
        let lie = |call: &IRollup::proveBatchesCall, expected| Lie {
            what: "the proof of another chain".into(),
            calldata: call.abi_encode().into(),
            expected,
        };
        let refused = all_refused(&prove, vec![lie(&call, &["EvaluationMismatch"])]).await?;
        let [Refused::Rollup(Refusal::EvaluationMismatch(mismatch))] = &refused[..] else {
            anyhow::bail!("{refused:?}");
        };
        call.batches.evaluation = mismatch.computed;
        all_refused(&prove, vec![lie(&call, &["ProofRefused"])]).await?;
        self.refuses_profile(truth, &prove).await
    }

    /// The verifier of the other profile does not believe the proof.
    async fn refuses_profile(&self, truth: &Truth, replay: &Replay) -> Result<()> {
        let call = Verifier::verifyCall {
            proof: truth.proofs()?[0].clone(),
            statement: truth.statement.0,
        };
        let data: Bytes = call.abi_encode().into();
        let answer = replay.call_as(self.operator.address(), self.verifier, data);
        let believed = match answer.await? {
            Ok(output) => Verifier::verifyCall::abi_decode_returns(&output)?,
            Err(_) => false,
        };
        ensure!(!believed, "a proof of another profile is believed");
        Ok(())
    }
}
