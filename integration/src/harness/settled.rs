//! What L2 holds, read by somebody who trusts nobody else.

use std::time::Duration;

use alloy::consensus::TrieAccount;
use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::rlp::Encodable;
use alloy::sol;
use alloy_trie::{Nibbles, proof::verify_proof};
use anyhow::{Context, Result, ensure};
use tern_node::deployment::Deployment;

use super::user::User;
use super::wait::until;

sol! {
    /// What anyone may rely on.
    #[sol(rpc)]
    #[derive(Debug)]
    interface Rollup {
        function lastCommittedBatch() external view returns (uint64);
        function lastVerifiedBatch() external view returns (uint64);
        function verifiedBlockNumber() external view returns (uint64);
        function verifiedStateRoot() external view returns (bytes32);
        function verifiedBlockHash() external view returns (bytes32);
        function isOpen() external view returns (bool);
    }
}

/// The contracts of one deployment.
#[derive(Clone, Debug)]
pub struct Settled {
    rollup: Rollup::RollupInstance<DynProvider>,
}

impl Settled {
    /// Reads through the deployment's L2.
    ///
    /// # Errors
    /// If its URL is none.
    pub fn new(deployment: &Deployment) -> Result<Self> {
        let provider = ProviderBuilder::new()
            .connect_http(deployment.l2_rpc_url.parse()?)
            .erased();
        Ok(Self {
            rollup: Rollup::new(deployment.rollup, provider),
        })
    }

    /// The contract.
    pub fn rollup(&self) -> &Rollup::RollupInstance<DynProvider> {
        &self.rollup
    }

    /// Number of the last verified batch.
    ///
    /// # Errors
    /// If L2 does not answer.
    pub async fn verified_batch(&self) -> Result<u64> {
        Ok(self.rollup.lastVerifiedBatch().call().await?)
    }

    /// Number of the last block whose execution L2 has verified.
    ///
    /// # Errors
    /// If L2 does not answer.
    pub async fn verified_block(&self) -> Result<u64> {
        Ok(self.rollup.verifiedBlockNumber().call().await?)
    }

    /// Waits until L2 has verified block `number`.
    ///
    /// # Errors
    /// If `limit` passes first.
    pub async fn verifies_block(&self, number: u64, limit: Duration) -> Result<()> {
        until(format!("L2 to verify block {number}"), limit, || async {
            Ok((self.verified_block().await? >= number).then_some(()))
        })
        .await
    }

    /// Checks that the state root which L2 holds is that of L3's block of that number, and that `eth_getProof` of
    /// `account` verifies against it.
    ///
    /// # Errors
    /// What differs.
    pub async fn agrees_with(&self, user: &User, account: Address) -> Result<()> {
        let number = self.verified_block().await?;
        let root: B256 = self.rollup.verifiedStateRoot().call().await?;
        let hash: B256 = self.rollup.verifiedBlockHash().call().await?;
        let block = user
            .provider()
            .get_block_by_number(number.into())
            .await?
            .context("L3 has the block")?;
        ensure!(
            block.header.state_root == root,
            "L2 holds state root {root}, block {number} has another"
        );
        ensure!(
            block.header.hash == hash,
            "L2 holds block hash {hash}, block {number} has another"
        );
        let proof = user
            .provider()
            .get_proof(account, vec![])
            .number(number)
            .await?;
        let expected = TrieAccount {
            nonce: proof.nonce,
            balance: proof.balance,
            storage_root: proof.storage_hash,
            code_hash: proof.code_hash,
        };
        let mut encoded = Vec::new();
        expected.encode(&mut encoded);
        let absent = proof.nonce == 0 && proof.balance == U256::ZERO;
        verify_proof(
            root,
            Nibbles::unpack(keccak256(account)),
            (!absent).then_some(encoded),
            &proof.account_proof,
        )
        .context("the account proof does not verify against the root that L2 holds")
    }
}
