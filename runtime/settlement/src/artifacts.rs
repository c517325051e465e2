//! The contracts' creation code, from the artifacts that `scripts/contracts build` writes.

use alloy::primitives::{Address, Bytes, address};
use serde::Deserialize;

const VERIFIER: &str = include_str!("../artifacts/Plonky2Verifier.json");
const ROLLUP: &str = include_str!("../artifacts/Rollup.json");
const GOVERNANCE: &str = include_str!("../artifacts/Governance.json");
const ATTESTATION: &str = include_str!("../artifacts/AttestationVerifier.json");
const SET: &str = include_str!("../artifacts/VerifierSet.json");
const FORCED: &str = include_str!("../artifacts/ForcedQueue.json");
const DISPUTES: &str = include_str!("../artifacts/Disputes.json");
const BRIDGE: &str = include_str!("../artifacts/Bridge.json");
const L3_INBOX: &str = include_str!("../artifacts/L3Inbox.json");
const L3_BRIDGE: &str = include_str!("../artifacts/L3Bridge.json");
const L3_TOKEN: &str = include_str!("../artifacts/L3Token.json");

/// Creates contracts where only their code decides: the "deterministic deployment proxy", which most chains have.
pub(crate) const FACTORY: Address = address!("4e59b44847b379578588920ca78fbf26c0b4956c");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    bytecode: Bytes,
    #[serde(default)]
    deployed_bytecode: Bytes,
}

/// Creation code of the `ForcedQueue` with its constructor's arguments, ABI-encoded.
pub(crate) fn forced_queue(arguments: &[u8]) -> Bytes {
    creation(FORCED, arguments)
}

/// Creation code of `Disputes` with its constructor's arguments, ABI-encoded.
pub(crate) fn disputes(arguments: &[u8]) -> Bytes {
    creation(DISPUTES, arguments)
}

/// Creation code of the `Bridge`, which takes no arguments.
pub(crate) fn bridge() -> Bytes {
    creation(BRIDGE, &[])
}

/// Code of `L3Inbox`.
pub(crate) fn l3_inbox() -> Bytes {
    deployed(L3_INBOX)
}

/// Code of `L3Bridge`.
pub(crate) fn l3_bridge() -> Bytes {
    deployed(L3_BRIDGE)
}

/// Code of `L3Token`.
pub(crate) fn l3_token() -> Bytes {
    deployed(L3_TOKEN)
}

/// Creation code of the `Plonky2Verifier` with its constructor's arguments, ABI-encoded.
pub(crate) fn verifier(arguments: &[u8]) -> Bytes {
    creation(VERIFIER, arguments)
}

/// Creation code of the `Rollup` with its constructor's arguments, ABI-encoded.
pub(crate) fn rollup(arguments: &[u8]) -> Bytes {
    creation(ROLLUP, arguments)
}

/// Creation code of the `Governance` with its constructor's arguments, ABI-encoded.
pub(crate) fn governance(arguments: &[u8]) -> Bytes {
    creation(GOVERNANCE, arguments)
}

/// Creation code of an `AttestationVerifier` with its constructor's arguments, ABI-encoded.
pub(crate) fn attestation_verifier(arguments: &[u8]) -> Bytes {
    creation(ATTESTATION, arguments)
}

/// Creation code of a `VerifierSet` with its constructor's arguments, ABI-encoded.
pub(crate) fn verifier_set(arguments: &[u8]) -> Bytes {
    creation(SET, arguments)
}

fn creation(artifact: &str, arguments: &[u8]) -> Bytes {
    [&read(artifact).bytecode, arguments].concat().into()
}

fn deployed(artifact: &str) -> Bytes {
    read(artifact).deployed_bytecode
}

fn read(artifact: &str) -> Artifact {
    serde_json::from_str(artifact).expect("the artifact is well-formed")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use alloy::json_abi::JsonAbi;
    use alloy::primitives::FixedBytes;
    use alloy::sol_types::SolInterface;

    use super::*;
    use crate::bindings::Foundations::FoundationsErrors;
    use crate::bindings::IDisputes::{IDisputesCalls, IDisputesErrors};
    use crate::bindings::IGovernance::{IGovernanceCalls, IGovernanceErrors};
    use crate::bindings::IRollup::{IRollupCalls, IRollupErrors};

    fn abi(artifact: &str) -> JsonAbi {
        let artifact: serde_json::Value = serde_json::from_str(artifact).unwrap();
        serde_json::from_value(artifact["abi"].clone()).unwrap()
    }

    fn selectors<I: SolInterface>() -> BTreeSet<FixedBytes<4>> {
        I::selectors().map(FixedBytes).collect()
    }

    #[test]
    fn the_contracts_answer_every_call_of_their_interfaces() {
        let found = |artifact| -> BTreeSet<_> {
            abi(artifact)
                .functions()
                .map(|function| function.selector())
                .collect()
        };
        assert!(selectors::<IRollupCalls>().is_subset(&found(ROLLUP)));
        assert!(selectors::<IGovernanceCalls>().is_subset(&found(GOVERNANCE)));
        assert!(selectors::<IDisputesCalls>().is_subset(&found(DISPUTES)));
    }

    #[test]
    fn every_error_of_the_contracts_is_decoded() {
        let known = &selectors::<IRollupErrors>() | &selectors::<FoundationsErrors>();
        let known = &known | &selectors::<IGovernanceErrors>();
        let known = &known | &selectors::<IDisputesErrors>();
        for artifact in [ROLLUP, DISPUTES, GOVERNANCE, VERIFIER, ATTESTATION, SET] {
            for error in abi(artifact).errors() {
                assert!(
                    known.contains(&error.selector()),
                    "{} is not decoded",
                    error.name
                );
            }
        }
    }
}
