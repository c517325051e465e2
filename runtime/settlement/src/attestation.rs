//! Which proofs a `Rollup` asks for, and the signatures of watchers among them.
//!
//! ```text
//! Rollup ── verifier() ─▶ proofType(): plonky2 | attestation | all ── verifiers() ─▶ one of each …
//!
//! plonky2 proof ──────────────────────┐
//! signatures, k of n, by signer ──────┴─ assemble ─▶ the proof that `proveBatches` takes
//! ```

use std::collections::{BTreeMap, BTreeSet};

use alloy::eips::BlockId;
use alloy::primitives::{Address, B256, Bytes, Signature, U64};
use alloy::rpc::client::RpcClient;
use alloy::sol_types::{SolCall, SolStruct, SolValue, eip712_domain};
use tern_messages::{BatchNumber, ChainId, Proof, StatementDigest};

use crate::bindings::{Attestation, IRollup, Verifiers};
use crate::client::RollupClient;
use crate::endpoint::L2Endpoint;
use crate::error::SettlementError;
use crate::transport::LimitedHttp;

/// Signatures of one statement: for each `AttestationVerifier`, by signer.
pub type Signatures = BTreeMap<Address, BTreeMap<Address, Signature>>;

/// An `AttestationVerifier` on L2: it accepts what enough of its watchers have signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttestationVerifier {
    /// The contract.
    pub address: Address,
    /// Chain id of the L2 that it is on.
    pub l2_chain_id: ChainId,
    /// The watchers' accounts.
    pub watchers: BTreeSet<Address>,
    /// Signatures that it asks for.
    pub threshold: usize,
}

impl AttestationVerifier {
    /// What a watcher signs (EIP-712): for this contract on this L2, and for no other.
    pub fn digest(&self, statement: StatementDigest) -> B256 {
        let domain = eip712_domain! {
            name: "Tern attestation",
            version: "1",
            chain_id: self.l2_chain_id.0,
            verifying_contract: self.address,
        };
        let statement = statement.0;
        Attestation { statement }.eip712_signing_hash(&domain)
    }

    /// Which watcher has signed a statement; none if it was somebody else, or another statement.
    pub fn signer(&self, statement: StatementDigest, signature: &Signature) -> Option<Address> {
        let signer = signature.recover_address_from_prehash(&self.digest(statement));
        signer.ok().filter(|signer| self.watchers.contains(signer))
    }
}

/// A verifier that must accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequiredVerifier {
    /// A `Plonky2Verifier`: takes a proof of the execution.
    Plonky2 {
        /// The contract.
        address: Address,
        /// Digest of the circuit whose proofs it takes.
        circuit: B256,
    },
    /// Takes watchers' signatures.
    Attestation(AttestationVerifier),
}

/// What a `Rollup` asks for before it believes an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequiredProofs {
    /// One verifier's proof.
    One(RequiredVerifier),
    /// Those of all the members of a `VerifierSet`, in its order.
    All(Vec<RequiredVerifier>),
}

impl RequiredProofs {
    /// The verifiers.
    pub fn verifiers(&self) -> &[RequiredVerifier] {
        match self {
            Self::One(verifier) => std::slice::from_ref(verifier),
            Self::All(verifiers) => verifiers,
        }
    }

    /// Those that ask for signatures.
    pub fn attestations(&self) -> impl Iterator<Item = &AttestationVerifier> {
        self.verifiers()
            .iter()
            .filter_map(|verifier| match verifier {
                RequiredVerifier::Attestation(attestation) => Some(attestation),
                RequiredVerifier::Plonky2 { .. } => None,
            })
    }

    /// Checks that the proofs of the execution are those of this circuit.
    ///
    /// # Errors
    /// [`SettlementError::OtherCircuit`].
    pub fn expect_circuit(&self, made: B256) -> Result<(), SettlementError> {
        for required in self.verifiers() {
            if let RequiredVerifier::Plonky2 { address, circuit } = *required
                && circuit != made
            {
                return Err(SettlementError::OtherCircuit {
                    verifier: address,
                    asked: circuit,
                    made,
                });
            }
        }
        Ok(())
    }

    /// The proof that `proveBatches` takes; none while signatures are missing.
    pub fn assemble(&self, plonky2: &Proof, signatures: &Signatures) -> Option<Proof> {
        let proof_for = |verifier: &RequiredVerifier| match verifier {
            RequiredVerifier::Plonky2 { .. } => Some(plonky2.bytes.clone()),
            RequiredVerifier::Attestation(attestation) => {
                let signed = signatures.get(&attestation.address)?;
                let first = signed.values().take(attestation.threshold);
                let bytes: Vec<u8> = first.flat_map(Signature::as_bytes).collect();
                (signed.len() >= attestation.threshold).then(|| bytes.into())
            }
        };
        let bytes = match self {
            Self::One(verifier) => proof_for(verifier)?,
            Self::All(verifiers) => {
                let proofs: Option<Vec<Bytes>> = verifiers.iter().map(proof_for).collect();
                proofs?.abi_encode().into()
            }
        };
        Some(Proof { bytes })
    }
}

impl RollupClient {
    /// The verifier that the contract asks. It may be replaced, behind the delay.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn verifier(&self) -> Result<Address, SettlementError> {
        self.view(IRollup::verifierCall {}, BlockId::latest()).await
    }

    /// Asks a verifier which proofs it requires. They are fixed when it is created.
    ///
    /// # Errors
    /// [`SettlementError::UnknownVerifier`], and if L2 does not answer as it should.
    pub async fn required_proofs(
        &self,
        verifier: Address,
    ) -> Result<RequiredProofs, SettlementError> {
        let kind = self
            .of_verifier(verifier, Verifiers::proofTypeCall {})
            .await?;
        if kind != "all" {
            let required = self.required_verifier(verifier, &kind).await?;
            return Ok(RequiredProofs::One(required));
        }
        let members = self
            .of_verifier(verifier, Verifiers::verifiersCall {})
            .await?;
        let mut verifiers = Vec::with_capacity(members.len());
        for member in members {
            let kind = self
                .of_verifier(member, Verifiers::proofTypeCall {})
                .await?;
            verifiers.push(self.required_verifier(member, &kind).await?);
        }
        Ok(RequiredProofs::All(verifiers))
    }

    async fn required_verifier(
        &self,
        address: Address,
        kind: &str,
    ) -> Result<RequiredVerifier, SettlementError> {
        match kind {
            "plonky2" => {
                let circuit = self
                    .of_verifier(address, Verifiers::circuitDigestCall {})
                    .await?;
                Ok(RequiredVerifier::Plonky2 { address, circuit })
            }
            "attestation" => {
                let watchers = self
                    .of_verifier(address, Verifiers::watchersCall {})
                    .await?;
                let threshold = self
                    .of_verifier(address, Verifiers::thresholdCall {})
                    .await?;
                Ok(RequiredVerifier::Attestation(AttestationVerifier {
                    address,
                    l2_chain_id: self.l2().chain_id(),
                    watchers: watchers.into_iter().collect(),
                    threshold: threshold.saturating_to(),
                }))
            }
            other => Err(SettlementError::UnknownVerifier {
                address,
                kind: other.chars().take(32).collect(),
            }),
        }
    }

    async fn of_verifier<C: SolCall>(
        &self,
        address: Address,
        call: C,
    ) -> Result<C::Return, SettlementError> {
        let answer = self.l2().view(address, call, BlockId::latest()).await?;
        answer.ok_or_else(|| {
            let reason = format!("{address} does not answer as a verifier does");
            self.l2().malformed("a view of a verifier", &reason)
        })
    }
}

/// The RPC server of a watcher. Its answers are limited in time and length, and worth what their signature is.
#[derive(Clone, Debug)]
pub struct Watcher {
    endpoint: L2Endpoint,
    client: RpcClient,
}

impl Watcher {
    /// A watcher that answers at `endpoint`; nothing is asked yet.
    ///
    /// # Errors
    /// [`SettlementError::Client`], [`SettlementError::Scheme`].
    pub fn new(endpoint: L2Endpoint) -> Result<Self, SettlementError> {
        let transport = LimitedHttp::new(endpoint.clone())?;
        let client = RpcClient::new(transport, false);
        Ok(Self { endpoint, client })
    }

    /// Where the watcher is reached; without what may be secret in it.
    pub fn name(&self) -> String {
        self.endpoint.to_string()
    }

    /// Asks for the watcher's signature of what consecutive batches state, for one `AttestationVerifier`.
    ///
    /// # Errors
    /// Says in a sentence why there is none (yet).
    pub async fn sign(
        &self,
        verifier: Address,
        first: BatchNumber,
        last: BatchNumber,
    ) -> Result<Signature, String> {
        let parameters = (verifier, U64::from(first.0), U64::from(last.0));
        let asked = self.client.request("tern_attestation", parameters);
        let answer: Bytes = asked.await.map_err(|error| {
            let error = SettlementError::from_rpc(&self.endpoint, "a signature", error);
            // Shown to people: nothing of it may look like our own lines.
            error.reason().escape_debug().to_string()
        })?;
        Signature::from_raw(&answer).map_err(|_| "its answer is no signature".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{U256, address};

    use super::*;

    const WATCHERS: [Address; 2] = [Address::repeat_byte(1), Address::repeat_byte(2)];

    fn attestation(threshold: usize) -> AttestationVerifier {
        AttestationVerifier {
            address: address!("0x00000000000000000000000000000000000000aa"),
            l2_chain_id: ChainId(1),
            watchers: WATCHERS.into(),
            threshold,
        }
    }

    fn signature(r: u64) -> Signature {
        Signature::new(U256::from(r), U256::from(1), true)
    }

    fn plonky2() -> RequiredVerifier {
        RequiredVerifier::Plonky2 {
            address: Address::repeat_byte(9),
            circuit: B256::repeat_byte(1),
        }
    }

    fn proof() -> Proof {
        Proof {
            bytes: Bytes::from_static(b"plonky2"),
        }
    }

    #[test]
    fn a_plain_verifier_takes_the_proof_as_it_is() {
        let required = RequiredProofs::One(plonky2());
        assert_eq!(
            required.assemble(&proof(), &Signatures::new()),
            Some(proof())
        );
    }

    #[test]
    fn a_set_takes_each_proof_in_its_order_and_as_many_signatures_as_it_asks_for() {
        let attestation = attestation(2);
        let required = RequiredProofs::All(vec![
            RequiredVerifier::Attestation(attestation.clone()),
            plonky2(),
        ]);
        let mut signatures = Signatures::new();
        assert_eq!(required.assemble(&proof(), &signatures), None);
        let signed = signatures.entry(attestation.address).or_default();
        signed.insert(WATCHERS[1], signature(7));
        assert_eq!(required.assemble(&proof(), &signatures), None);
        let signed = signatures.entry(attestation.address).or_default();
        signed.insert(WATCHERS[0], signature(6));
        signed.insert(Address::repeat_byte(3), signature(8));
        let assembled = required.assemble(&proof(), &signatures).unwrap();
        let parts = Vec::<Bytes>::abi_decode(&assembled.bytes).unwrap();
        let expected = [signature(6).as_bytes(), signature(7).as_bytes()].concat();
        assert_eq!(parts, [Bytes::from(expected), proof().bytes]);
    }

    #[test]
    fn another_circuit_is_named_and_watchers_ask_for_none() {
        let watched = RequiredVerifier::Attestation(attestation(2));
        let made = B256::repeat_byte(1);
        let required = RequiredProofs::All(vec![watched.clone(), plonky2()]);
        assert!(required.expect_circuit(made).is_ok());
        assert!(RequiredProofs::One(watched).expect_circuit(made).is_ok());
        let error = required.expect_circuit(B256::repeat_byte(2)).unwrap_err();
        assert!(error.is_retryable());
        let (asked, made) = (
            "0x".to_owned() + &"01".repeat(32),
            "0x".to_owned() + &"02".repeat(32),
        );
        let said = error.to_string();
        assert!(said.contains(&asked) && said.contains(&made), "{said}");
    }
}
