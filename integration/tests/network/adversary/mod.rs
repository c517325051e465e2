//! Lies are refused. Each row of the settlement's list of lies that concerns proofs, headers, data and history is here,
//! with the error that meets it: of a batch that was really committed and verified, the operator's own calls are made again with
//! one thing changed, and each must revert; native verification must refuse the same proofs.

mod commitment;
mod conflict;
mod foreign;
mod history;
mod lie;
mod proof;
mod truth;

use alloy::primitives::{Address, Bytes};
use alloy::sol;
use alloy::sol_types::{SolCall, SolInterface};
use anyhow::{Context, Result, ensure};
use tern_cluster_config::development_key;
use tern_messages::StatementDigest;
use tern_proving::onchain::{VerifierKey, verify_native};
use tern_proving::{JobVerifier, Profile};
use tern_settlement::IRollup::IRollupErrors as Refusal;

use alloy::signers::SignerSync;
use commitment::{commitment_lies, header_lies};
use history::history_lies;
use lie::{all_refused, each_bit_of_number, one_bit};
use proof::{
    SIGNATURE, consistent, proof_lies, range_lies, sampled_places, signature_lies, statement_lies,
};
use truth::Truth;

const STRANGER: Address = Address::repeat_byte(0x53);

sol! {
    interface Verifier {
        function verify(bytes calldata proof, uint64[4] calldata statement) external view returns (bool);
    }
}

/// The verifier by itself: the statement is its public input.
async fn public_inputs_are_bound(truth: &Truth, proof: &Bytes) -> Result<()> {
    let verify = |statement: StatementDigest| async move {
        let call = Verifier::verifyCall {
            proof: proof.clone(),
            statement: statement.0,
        };
        truth
            .prove
            .call_as(truth.prove.sender, truth.verifier, call.abi_encode().into())
            .await
    };
    let honest = verify(truth.statement).await?;
    let accepted = honest.map_err(|data| anyhow::anyhow!("the true statement reverts: {data}"))?;
    ensure!(
        Verifier::verifyCall::abi_decode_returns(&accepted)?,
        "the true statement is refused"
    );
    for element in 0..4 {
        for (byte, number) in each_bit_of_number(truth.statement.0[element]) {
            let mut statement = truth.statement;
            statement.0[element] = number;
            if let Ok(output) = verify(statement).await? {
                let believed = Verifier::verifyCall::abi_decode_returns(&output)?;
                ensure!(
                    !believed,
                    "the verifier believes byte {byte} of statement element {element}"
                );
            }
        }
    }
    Ok(())
}

/// The signature of an account that is no watcher, under what was proven.
fn stranger_signs(truth: &Truth) -> Result<[u8; SIGNATURE]> {
    let digest = truth.attestation.digest(truth.statement);
    Ok(development_key(9).sign_hash_sync(&digest)?.as_bytes())
}

fn verifier_key() -> Result<VerifierKey> {
    let verifier = JobVerifier::for_profile(Profile::InsecureTest)?;
    Ok(verifier.contract_key().clone())
}

/// The same lies, without an EVM.
fn native_verification_refuses(proof: &[u8], statement: &StatementDigest) -> Result<()> {
    let key = verifier_key()?;
    verify_native(&key, proof, statement).context("the true proof")?;
    for place in sampled_places() {
        let changed = one_bit(proof, place);
        ensure!(
            verify_native(&key, &changed, statement).is_err(),
            "byte {place} of the proof may be changed"
        );
    }
    for element in 0..4 {
        for (byte, number) in each_bit_of_number(statement.0[element]) {
            let mut changed = *statement;
            changed.0[element] = number;
            let refused = verify_native(&key, proof, &changed).is_err();
            ensure!(
                refused,
                "byte {byte} of statement element {element} may be changed"
            );
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_to_a_settled_batch_is_refused_on_l2_and_natively() -> Result<()> {
    let truth = Truth::establish().await?;

    let commitment = truth.commitment()?;
    let honest = truth.commit.call(truth.commit.calldata.clone()).await?;
    ensure!(honest.is_ok(), "the true commitment is refused: {honest:?}");
    all_refused(&truth.commit, commitment_lies(&commitment)?).await?;
    all_refused(
        &truth.commit,
        header_lies(&commitment, &truth.headers.first),
    )
    .await?;
    let stranger = truth
        .commit
        .call_as(STRANGER, truth.commit.to, truth.commit.calldata.clone())
        .await?;
    let refusal = stranger.err().context("anybody may commit")?;
    ensure!(matches!(
        Refusal::abi_decode(&refusal)?,
        Refusal::NotOperator(_)
    ));

    let proven = truth.proof()?;
    let honest = truth.prove.call(truth.prove.calldata.clone()).await?;
    ensure!(honest.is_ok(), "the true proof is refused: {honest:?}");
    let (lies, calls): (Vec<_>, Vec<_>) = statement_lies(&proven).into_iter().unzip();
    let refused = all_refused(&truth.prove, lies).await?;
    let consistent = consistent(&refused, &calls, &proven);
    ensure!(
        consistent.len() > 200,
        "only {} lies could be made consistent",
        consistent.len()
    );
    all_refused(&truth.prove, consistent).await?;
    all_refused(&truth.prove, range_lies(&proven)).await?;
    let proofs = truth.proofs()?;
    all_refused(&truth.prove, proof_lies(&proven, &proofs)).await?;
    let stranger = stranger_signs(&truth)?;
    all_refused(&truth.prove, signature_lies(&proven, &proofs, stranger)).await?;
    public_inputs_are_bound(&truth, &proofs[0]).await?;
    truth.foreign.refuses(&truth).await?;
    for (replay, lies) in history_lies(&truth, &commitment, &proven) {
        all_refused(&replay, lies).await?;
    }
    let [proof, _] = proofs;
    let statement = truth.statement;
    tokio::task::spawn_blocking(move || native_verification_refuses(&proof, &statement)).await?
}
