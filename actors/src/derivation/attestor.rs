//! What a watcher signs: the statements of batches that it took from L2 and executed, for contracts that ask for its
//! signature. Everything is computed from its own chain; nobody tells it what to sign but the batches' numbers.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use alloy::primitives::{Address, Signature};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use tern_messages::{BatchHeader, BatchNumber, ChainId, StatementDigest};
use tern_settlement::posting::MAX_RANGE_BLOCKS;
use tern_settlement::{AttestationVerifier, RollupClient, SettlementError};
use tracing::warn;

use super::Derivation;
use crate::main_node::{Chain, batch_record, reported_finality};
use crate::rpc::RpcFailure;
use crate::statement;
use crate::supervisor::Failure;

/// A watcher's key, and for whom it signs.
#[derive(Clone, Debug)]
pub struct Attestor {
    chain: Chain,
    rollup: RollupClient,
    key: PrivateKeySigner,
    asked: Arc<RwLock<Asked>>,
}

/// Who asks for a watcher's signature.
#[derive(Debug)]
struct Asked {
    /// The contract's verifier at the last look.
    verifier: Address,
    attestations: Vec<AttestationVerifier>,
}

impl Asked {
    /// Of what `verifier` requires, that which asks for the signature of `account`.
    async fn of(
        rollup: &RollupClient,
        verifier: Address,
        account: Address,
    ) -> Result<Self, SettlementError> {
        let required = rollup.required_proofs(verifier).await?;
        let asking = required
            .attestations()
            .filter(|asking| asking.watchers.contains(&account));
        let attestations = asking.cloned().collect();
        Ok(Self {
            verifier,
            attestations,
        })
    }
}

impl Attestor {
    /// Signs what `derivation` has taken, for the verifiers that ask for this key's signature.
    ///
    /// # Errors
    /// If there is none, or L2 does not answer.
    pub async fn new(derivation: &Derivation, key: PrivateKeySigner) -> Result<Self, Failure> {
        let (rollup, account) = (derivation.rollup.clone(), key.address());
        let asked = Asked::of(&rollup, rollup.verifier().await?, account).await?;
        if asked.attestations.is_empty() {
            let rollup = rollup.address();
            return Err(Failure::configuration(format!(
                "the Rollup at {rollup} asks for no signature of {account}; is attestation.key the right one, and was \
                 the contract deployed with --watcher-account {account}?"
            )));
        }
        Ok(Self {
            chain: derivation.chain.clone(),
            rollup,
            key,
            asked: Arc::new(RwLock::new(asked)),
        })
    }

    /// Reads again who asks for a signature, if the contract's verifier was replaced.
    ///
    /// # Errors
    /// If L2 does not answer.
    pub async fn look_at_verifier(&self) -> Result<(), SettlementError> {
        let (verifier, account) = (self.rollup.verifier().await?, self.account());
        let before = self.asked().verifier;
        if before == verifier {
            return Ok(());
        }
        let asked = Asked::of(&self.rollup, verifier, account).await?;
        let asking = asked.attestations.len();
        warn!(target: "tern::watcher", %before, now = %verifier, %account, asking, "the contract's verifier was replaced");
        if asking == 0 {
            warn!(target: "tern::watcher", %account, "the contract asks for no signature of this account any more");
        }
        *self.asked.write().unwrap_or_else(PoisonError::into_inner) = asked;
        Ok(())
    }

    fn asked(&self) -> RwLockReadGuard<'_, Asked> {
        self.asked.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account that signs.
    pub fn account(&self) -> Address {
        self.key.address()
    }

    /// L3's chain id.
    pub fn chain_id(&self) -> ChainId {
        self.chain.spec.chain_id()
    }

    /// Signs what consecutive batches state. Computes for some milliseconds a block.
    ///
    /// # Errors
    /// If the verifier does not ask for it, a batch was not executed yet, or the range is none or too long.
    pub fn sign(
        &self,
        verifier: Address,
        first: BatchNumber,
        last: BatchNumber,
    ) -> Result<Signature, RpcFailure> {
        let asked = self.asked().attestations.clone();
        let asking = asked.iter().find(|known| known.address == verifier);
        let asking = asking.ok_or_else(|| {
            let account = self.account();
            RpcFailure::Parameter(format!("{verifier} asks for no signature of {account}"))
        })?;
        let digest = asking.digest(self.statement(first, last)?);
        let signed = self.key.sign_hash_sync(&digest);
        signed.map_err(|error| RpcFailure::Internal(error.to_string()))
    }

    fn statement(
        &self,
        first: BatchNumber,
        last: BatchNumber,
    ) -> Result<StatementDigest, RpcFailure> {
        if first.0 == 0 || first > last {
            let what = format!("there are no batches {first} to {last}; the first one is 1");
            return Err(RpcFailure::Parameter(what));
        }
        let known = reported_finality(&self.chain)?.committed.0;
        if last > known {
            return Err(RpcFailure::UnknownBatch {
                batch: last,
                last: known,
            });
        }
        let (first, last) = (self.batch(first)?.first_block, self.batch(last)?.last_block);
        if last.0 - first.0 >= MAX_RANGE_BLOCKS as u64 {
            let what = format!("at most {MAX_RANGE_BLOCKS} blocks are signed at once");
            return Err(RpcFailure::Limit(what));
        }
        let stated = statement::of_blocks(&self.chain, first, last)?;
        let stated = stated.map_err(|error| RpcFailure::Internal(error.to_string()))?;
        Ok(stated.digest())
    }

    fn batch(&self, number: BatchNumber) -> Result<BatchHeader, RpcFailure> {
        let missing = || RpcFailure::Internal(format!("the record of batch {number} is missing"));
        let record = batch_record(&self.chain, number)?;
        Ok(record.ok_or_else(missing)?.header)
    }
}
