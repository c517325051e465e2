//! The committed verifier data are those of the circuits.

use super::circuits;
use crate::{JobVerifier, Profile, ProvingCircuits, ProvingError};

const STALE: &str =
    "keys/*.bin is out of date: cargo run --release -p tern-proving --example keys -- PROFILE";

#[test]
fn committed_keys_of_insecure_test_are_current() {
    let committed = JobVerifier::for_profile(Profile::InsecureTest).unwrap();
    let built = ProvingCircuits::build_from_scratch(Profile::InsecureTest, &|_| {}).unwrap();
    assert!(
        committed.to_bytes() == built.verifier().to_bytes(),
        "{STALE}"
    );
    assert_eq!(committed.circuits_version(), circuits().circuits_version());
}

#[test]
fn profiles_have_different_circuits() {
    let secure = JobVerifier::for_profile(Profile::Secure).unwrap();
    assert_eq!(secure.profile(), Profile::Secure);
    assert_ne!(secure.circuits_version(), circuits().circuits_version());
}

#[test]
fn damaged_keys_are_refused() {
    let bytes = circuits().verifier().to_bytes();
    for damaged in [&bytes[..bytes.len() / 2], &bytes[1..], &[]] {
        let result = JobVerifier::from_bytes(damaged);
        assert!(matches!(result, Err(ProvingError::VerifierData { .. })));
    }
}
