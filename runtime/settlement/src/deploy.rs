//! Puts the contracts of a new chain onto L2.

use std::collections::BTreeSet;
use std::time::Duration;

use alloy::consensus::Header;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol_types::SolValue;
use tern_messages::{ChainId, WindowDigest};

use crate::artifacts;
use crate::bindings::IRollup;
use crate::disputes::DisputeTerms;
use crate::error::SettlementError;
use crate::posting::Call;
use crate::predeploys::canonical_bridge;
use crate::sender::{Mined, TransactionSender};

/// What the `Rollup` of a new chain is made of. Anyone can recompute it from the genesis file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollupPlan {
    /// Chain id of the L3 chain, below 2^32.
    pub chain_id: ChainId,
    /// Header of block 0. Its gas limit is that of every block.
    pub genesis: Header,
    /// Fee recipient of every block after block 0.
    pub beneficiary: Address,
    /// Digest of the 256 block hashes that block 1 sees.
    pub window: WindowDigest,
    /// Who may do what.
    pub roles: Roles,
    /// Verifies proofs.
    pub verifier: Address,
    /// From the announcement of another verifier to its use, and from a halt to its end.
    pub delay: Duration,
    /// The `Bridge` on L2, which exists.
    pub bridge: Address,
    /// How long something may wait.
    pub deadlines: Deadlines,
    /// If batches are final without a proof unless somebody challenges them: on which terms.
    pub disputes: Option<DisputeTerms>,
}

/// How long something may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// A message or a forced transaction, until a block has it.
    pub inclusion: Duration,
    /// What is committed or due, until anyone may commit and prove.
    pub liveness: Duration,
    /// How much longer, until anyone may freeze the chain.
    pub emergency: Duration,
}

/// Who may do what to the chain. Accounts of people, each a different one where there is value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Appoints the others, and replaces the verifier behind the delay.
    pub owner: Address,
    /// Commits batches.
    pub operator: Address,
    /// Pauses the chain for some days.
    pub guardian: Address,
}

/// The contracts of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeployedChain {
    /// The `Governance`.
    pub governance: Address,
    /// The `ForcedQueue`.
    pub forced_queue: Address,
    /// The `Disputes`, if the plan has terms for it.
    pub disputes: Option<Address>,
    /// The `Rollup`.
    pub rollup: Deployed,
}

/// Identifies the final circuit whose proofs are accepted, and with it the profile and the chain's parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    /// Digest of the circuit.
    pub circuit_digest: B256,
    /// Cap of the Merkle tree of the circuit's constant and permutation polynomials.
    pub constants_sigmas_cap: [B256; 16],
}

/// A contract that was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deployed {
    /// The contract.
    pub address: Address,
    /// L2 block that holds it.
    pub block: u64,
}

/// Creates the `Plonky2Verifier` for one circuit.
///
/// # Errors
/// Those of [`TransactionSender::send`].
pub async fn deploy_verifier(
    sender: &TransactionSender,
    key: &VerifierKey,
) -> Result<Deployed, SettlementError> {
    let arguments = (key.circuit_digest, key.constants_sigmas_cap).abi_encode_params();
    create(
        sender,
        "the creation of the verifier",
        artifacts::verifier(&arguments),
    )
    .await
}

/// Creates an `AttestationVerifier`: `threshold` of the watchers must sign.
///
/// # Errors
/// [`SettlementError::Reverted`] with `InvalidWatchers` if the watchers cannot reach the threshold, or it is 0, and
/// those of [`TransactionSender::send`].
pub async fn deploy_attestation_verifier(
    sender: &TransactionSender,
    watchers: &BTreeSet<Address>,
    threshold: usize,
) -> Result<Deployed, SettlementError> {
    let accounts: Vec<Address> = watchers.iter().copied().collect();
    let arguments = (accounts, U256::from(threshold)).abi_encode_params();
    create(
        sender,
        "the creation of the attestation verifier",
        artifacts::attestation_verifier(&arguments),
    )
    .await
}

/// Creates a `VerifierSet`, whose members must all accept.
///
/// # Errors
/// [`SettlementError::Reverted`] with `InvalidVerifiers` if a member has no code, is named twice or is a set, and those of
/// [`TransactionSender::send`].
pub async fn deploy_verifier_set(
    sender: &TransactionSender,
    verifiers: &[Address],
) -> Result<Deployed, SettlementError> {
    let arguments = (verifiers.to_vec(),).abi_encode_params();
    let data = artifacts::verifier_set(&arguments);
    create(sender, "the creation of the verifier set", data).await
}

/// Creates the `Bridge` at [`canonical_bridge`](crate::canonical_bridge), unless it is there.
///
/// # Errors
/// [`SettlementError::NoFactory`] if L2 lacks the contract that creates others where only their code decides, and those of
/// [`TransactionSender::send`].
pub async fn deploy_bridge(sender: &TransactionSender) -> Result<Address, SettlementError> {
    let (l2, bridge) = (sender.l2(), canonical_bridge());
    if !l2.code(bridge).await?.is_empty() {
        return Ok(bridge);
    }
    if l2.code(artifacts::FACTORY).await?.is_empty() {
        return Err(SettlementError::NoFactory {
            endpoint: l2.endpoint().to_string(),
            factory: artifacts::FACTORY,
        });
    }
    let data = [B256::ZERO.as_slice(), &artifacts::bridge()].concat();
    let call = Call::with_data(artifacts::FACTORY, data.into());
    sender.send("the creation of the Bridge", &call).await?;
    match l2.code(bridge).await?.is_empty() {
        false => Ok(bridge),
        true => Err(l2.malformed("the creation of the Bridge", "there is no contract")),
    }
}

/// Creates the `Governance`, the `ForcedQueue`, `Disputes` if the plan asks for it, and the `Rollup` that knows them.
///
/// # Errors
/// [`SettlementError::UnsupportedL2`] where the EVM does not know the blocks of the chain it runs on,
/// [`SettlementError::Reverted`] with `InvalidGenesis`, `InvalidDelay`, `InvalidTerms` or `InvalidAccount` if the plan is not that of a
/// chain, and those of [`TransactionSender::send`].
pub async fn deploy_rollup(
    sender: &TransactionSender,
    plan: &RollupPlan,
) -> Result<DeployedChain, SettlementError> {
    sender.l2().expect_own_blocks().await?;
    let (header, roles) = (&plan.genesis, &plan.roles);
    let chain = (plan.chain_id.0, header.gas_limit, plan.beneficiary);
    let delay = plan.delay.as_secs();
    let arguments = (chain, roles.owner, roles.guardian, plan.verifier, delay).abi_encode_params();
    let data = artifacts::governance(&arguments);
    let governance = create(sender, "the creation of the Governance", data)
        .await?
        .address;
    // They know each other: queue and disputes are told where the Rollup will be.
    let nonce = sender.l2().mined_nonce(sender.account()).await?;
    let before = 1 + u64::from(plan.disputes.is_some());
    let rollup = sender.account().create(nonce + before);
    let inclusion = plan.deadlines.inclusion.as_secs();
    let arguments = (rollup, plan.chain_id.0, inclusion).abi_encode_params();
    let data = artifacts::forced_queue(&arguments);
    let forced_queue = create(sender, "the creation of the ForcedQueue", data)
        .await?
        .address;
    let disputes = match &plan.disputes {
        None => None,
        Some(terms) => {
            let arguments = (rollup, terms.sol()).abi_encode_params();
            let data = artifacts::disputes(&arguments);
            Some(
                create(sender, "the creation of Disputes", data)
                    .await?
                    .address,
            )
        }
    };
    let genesis = IRollup::Genesis {
        chainId: plan.chain_id.0,
        gasLimit: header.gas_limit,
        beneficiary: plan.beneficiary,
        stateRoot: header.state_root,
        blockHash: header.hash_slow(),
        timestamp: header.timestamp,
        baseFee: header.base_fee_per_gas.unwrap_or_default(),
        gasUsed: header.gas_used,
        hashWindow: plan.window,
    };
    let deadlines = IRollup::Deadlines {
        inclusion,
        liveness: plan.deadlines.liveness.as_secs(),
        emergency: plan.deadlines.emergency.as_secs(),
    };
    let arguments = (
        genesis,
        roles.operator,
        governance,
        plan.bridge,
        forced_queue,
        disputes.unwrap_or_default(),
        deadlines,
    );
    let data = artifacts::rollup(&arguments.abi_encode_params());
    let rollup = create(sender, "the creation of the Rollup", data).await?;
    Ok(DeployedChain {
        governance,
        forced_queue,
        disputes,
        rollup,
    })
}

async fn create(
    sender: &TransactionSender,
    action: &'static str,
    data: Bytes,
) -> Result<Deployed, SettlementError> {
    let Mined {
        block, contract, ..
    } = sender.send(action, &Call::create(data)).await?;
    let address = contract.ok_or_else(|| {
        sender
            .l2()
            .malformed(action, "a receipt without the contract")
    })?;
    Ok(Deployed { address, block })
}
