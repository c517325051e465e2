//! A proof with any byte changed, cut short or drawn out is refused, whatever job it is of.

use tern_messages::{Job, Proof};

use super::circuits;
use super::end_to_end::proven;

/// One byte in so many is changed; coprime to eight, so that every byte of an element is met.
const STRIDE: usize = 37;

#[test]
fn a_changed_byte_is_refused() {
    let proven = proven();
    let verifier = circuits().verifier();
    for kind in ["Segment", "Block", "Batch", "Wrap"] {
        let find = |(_, job): &&(_, Job)| format!("{:?}", job.kind()) == kind;
        let (id, job) = proven.jobs.iter().find(find).unwrap();
        let (input, children) = (proven.input(job), proven.children(job));
        let good = proven.proofs[id].bytes.to_vec();
        verifier
            .verify(job, &proven.proofs[id], input, &children)
            .unwrap();
        for position in (0..good.len()).step_by(STRIDE).chain([good.len() - 1]) {
            let mut bytes = good.clone();
            bytes[position] ^= 1 << (position % 8);
            let result = verifier.verify(
                job,
                &Proof {
                    bytes: bytes.into(),
                },
                input,
                &children,
            );
            assert!(result.is_err(), "{kind}: byte {position} of {}", good.len());
        }
        for bytes in [
            vec![],
            good[..good.len() - 1].to_vec(),
            [&good[..], &[0]].concat(),
        ] {
            let result = verifier.verify(
                job,
                &Proof {
                    bytes: bytes.into(),
                },
                input,
                &children,
            );
            assert!(result.is_err(), "{kind}");
        }
    }
}

#[test]
fn a_second_encoding_of_the_same_elements_is_refused() {
    use plonky2::field::goldilocks_field::GoldilocksField;
    use plonky2::field::types::Field64;
    let proven = proven();
    let (id, job) = proven
        .jobs
        .iter()
        .find(|(_, job)| matches!(job, Job::Wrap { .. }))
        .unwrap();
    let mut bytes = proven.proofs[id].bytes.to_vec();
    // Add the modulus to a small element, if the proof has one; its value stays the same.
    let small = bytes.chunks_exact(8).position(|chunk| {
        let element = u64::from_le_bytes(chunk.try_into().unwrap());
        element.checked_add(GoldilocksField::ORDER).is_some()
    });
    let Some(index) = small else { return };
    let range = 8 * index..8 * index + 8;
    let element = u64::from_le_bytes(bytes[range.clone()].try_into().unwrap());
    bytes[range].copy_from_slice(&(element + GoldilocksField::ORDER).to_le_bytes());
    let children = proven.children(job);
    let result = circuits().verifier().verify(
        job,
        &Proof {
            bytes: bytes.into(),
        },
        None,
        &children,
    );
    assert!(result.is_err());
}

#[test]
fn an_oversized_proof_is_refused_before_it_is_read() {
    let proven = proven();
    let (_, job) = proven
        .jobs
        .iter()
        .find(|(_, job)| matches!(job, Job::Wrap { .. }))
        .unwrap();
    let proof = Proof {
        bytes: vec![0; crate::limits::MAX_PROOF_BYTES + 1].into(),
    };
    let result = circuits()
        .verifier()
        .verify(job, &proof, None, &proven.children(job));
    assert!(result.unwrap_err().to_string().contains("bytes"));
}
