//! The real inner circuits of both profiles make the one final circuit that the L2 contract knows.

use tern_proving::onchain::WrapCircuit;
use tern_proving::{JobVerifier, Profile};

fn key(profile: Profile) -> tern_proving::onchain::VerifierKey {
    let verifier = JobVerifier::for_profile(profile).unwrap();
    WrapCircuit::new(verifier.wrapped()).unwrap().verifier_key()
}

#[test]
fn final_circuits_of_both_profiles_differ_in_their_keys_alone() {
    assert_ne!(key(Profile::Secure), key(Profile::InsecureTest));
}
