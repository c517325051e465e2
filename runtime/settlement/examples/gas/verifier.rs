//! The real verifier on the real proof that its own tests use.

use alloy::primitives::{Address, B256, Bytes};
use alloy::signers::SignerSync;
use alloy::sol;
use serde::Deserialize;
use serde_json::json;
use tern_messages::{Proof, StatementDigest};
use tern_settlement::{
    AttestationVerifier, Call, FollowPolicy, RequiredProofs, RequiredVerifier, Signatures,
    TransactionSender, VerifierKey, deploy_attestation_verifier, deploy_verifier,
    deploy_verifier_set,
};

use crate::Cost;
use crate::network::{Anvil, signer};

sol! {
    function verify(bytes proof, uint64[4] statement) returns (bool);
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    circuit_digest: B256,
    constants_sigmas_cap: [B256; 16],
}

/// Watchers of whom [`SIGNERS`] must sign, in the second measurement.
const WATCHERS: u32 = 3;
const SIGNERS: usize = 2;

/// What verifying costs: a proof by itself, and one with the signatures of two of three watchers beside it.
pub(crate) async fn costs() -> [Cost; 2] {
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts/test/vectors");
    let read = |name: &str| std::fs::read(format!("{vectors}/{name}")).unwrap();
    let key: Key = serde_json::from_slice(&read("key.json")).unwrap();
    let statement: StatementDigest = serde_json::from_slice(&read("statement.json")).unwrap();
    let anvil = Anvil::start(&[]);
    let sender = anvil.sender(0, FollowPolicy::default()).await;
    let key = VerifierKey {
        circuit_digest: key.circuit_digest,
        constants_sigmas_cap: key.constants_sigmas_cap,
    };
    let plonky2: Address = deploy_verifier(&sender, &key).await.unwrap().address;
    let keys: Vec<_> = (1..=WATCHERS).map(signer).collect();
    let watchers = keys.iter().map(|key| key.address()).collect();
    let attestation = AttestationVerifier {
        address: deploy_attestation_verifier(&sender, &watchers, SIGNERS)
            .await
            .unwrap()
            .address,
        l2_chain_id: sender.l2().chain_id(),
        watchers,
        threshold: SIGNERS,
    };
    let members = [plonky2, attestation.address];
    let set = deploy_verifier_set(&sender, &members)
        .await
        .unwrap()
        .address;

    let bytes = Bytes::from(read("proof.bin"));
    let proof = Proof { bytes };
    let digest = attestation.digest(statement);
    let signed = keys.iter().map(|key| {
        let signature = key.sign_hash_sync(&digest).unwrap();
        (key.address(), signature)
    });
    let signatures = Signatures::from([(attestation.address, signed.collect())]);
    let all = RequiredProofs::All(vec![
        RequiredVerifier::Plonky2 {
            address: plonky2,
            circuit: key.circuit_digest,
        },
        RequiredVerifier::Attestation(attestation),
    ]);
    let attested = all.assemble(&proof, &signatures).unwrap();
    [
        cost(&anvil, &sender, plonky2, proof, statement).await,
        cost(&anvil, &sender, set, attested, statement).await,
    ]
}

async fn cost(
    anvil: &Anvil,
    sender: &TransactionSender,
    verifier: Address,
    proof: Proof,
    statement: StatementDigest,
) -> Cost {
    let (proof, statement) = (proof.bytes, statement.0);
    let verify = verifyCall { proof, statement };
    let call = Call::of(verifier, &verify);
    let question = json!([{ "to": verifier, "data": call.data, "gas": "0x1c9c380" }, "latest"]);
    let answer = anvil.ask("eth_call", question).await;
    let accepted = answer.as_str().is_some_and(|word| word.ends_with('1'));
    assert!(accepted, "the proof is refused: {answer}");
    let mined = sender.send("a proof", &call).await.unwrap();
    Cost::of(&call, mined.gas_used)
}
