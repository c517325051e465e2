//! The real verifier on the real proof that its own tests use.

use alloy::primitives::{Address, B256, Bytes};
use alloy::sol;
use alloy::sol_types::SolCall;
use serde::Deserialize;
use tern_settlement::{Call, FollowPolicy, VerifierKey, deploy_verifier};

use crate::Cost;
use crate::network::Anvil;

sol! {
    function verify(bytes proof, uint64[4] statement) returns (bool);
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    circuit_digest: B256,
    constants_sigmas_cap: [B256; 16],
}

/// What verifying costs by itself.
pub(crate) async fn cost() -> Cost {
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts/test/vectors");
    let read = |name: &str| std::fs::read(format!("{vectors}/{name}")).unwrap();
    let key: Key = serde_json::from_slice(&read("key.json")).unwrap();
    let statement: [u64; 4] = serde_json::from_slice(&read("statement.json")).unwrap();
    let anvil = Anvil::start(&[]);
    let sender = anvil.sender(0, FollowPolicy::default()).await;
    let key = VerifierKey {
        circuit_digest: key.circuit_digest,
        constants_sigmas_cap: key.constants_sigmas_cap,
    };
    let verifier: Address = deploy_verifier(&sender, &key).await.unwrap().address;
    let verify = verifyCall {
        proof: Bytes::from(read("proof.bin")),
        statement,
    };
    let call = Call {
        to: Some(verifier),
        data: verify.abi_encode().into(),
    };
    let mined = sender.send("a proof", &call).await.unwrap();
    Cost::of(&call, mined.gas_used)
}
