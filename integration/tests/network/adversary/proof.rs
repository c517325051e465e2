//! Lies to `proveBatches`.

use std::ops::Range;

use alloy::primitives::Bytes;
use alloy::sol_types::{SolCall, SolValue};
use tern_proving::onchain::PROOF_LEN;
use tern_settlement::IRollup::{self, IRollupErrors as Refusal};

use super::lie::{Lie, Refused, each_bit_of_number, each_byte, one_bit};

/// A prime: between sampled bytes of the proof, so that every place within elements and digests is met.
const STRIDE: usize = 139;
/// Bytes of a signature: r, s, v.
pub(crate) const SIGNATURE: usize = 65;

/// What is said beside the proof: window, commitment, evaluation, blocks.
pub(crate) fn statement_lies(
    truth: &IRollup::proveBatchesCall,
) -> Vec<(Lie, IRollup::proveBatchesCall)> {
    let stream: &'static [&'static str] = &["EvaluationMismatch", "NotCanonical", "NotAnElement"];
    let mut lies = Vec::new();
    let mut tell = |what: String, change: &dyn Fn(&mut IRollup::BatchProof)| {
        let mut call = truth.clone();
        change(&mut call.batches);
        lies.push((
            Lie {
                what,
                calldata: call.abi_encode().into(),
                expected: stream,
            },
            call,
        ));
    };
    let honest = &truth.batches;
    for element in 0..4 {
        for (byte, number) in each_bit_of_number(honest.endWindow[element]) {
            tell(
                format!("byte {byte} of window element {element}"),
                &|batch| batch.endWindow[element] = number,
            );
        }
        for (byte, number) in each_bit_of_number(honest.commitment[element]) {
            tell(
                format!("byte {byte} of commitment element {element}"),
                &|batch| batch.commitment[element] = number,
            );
        }
    }
    for (place, blocks) in each_byte(&honest.blocks) {
        tell(format!("byte {place} of the blocks"), &|batch| {
            batch.blocks = blocks.clone().into()
        });
    }
    // Last: with these there is nothing to correct.
    for element in 0..2 {
        for (byte, number) in each_bit_of_number(honest.evaluation[element]) {
            tell(
                format!("byte {byte} of evaluation element {element}"),
                &|batch| batch.evaluation[element] = number,
            );
        }
    }
    lies
}

/// The lies about the stream, told again with the evaluation that makes them consistent.
pub(crate) fn consistent(
    refused: &[Refused],
    lies: &[IRollup::proveBatchesCall],
    honest: &IRollup::proveBatchesCall,
) -> Vec<Lie> {
    let pairs = refused.iter().zip(lies).enumerate();
    pairs
        .filter_map(|(index, (refused, lie))| {
            let Refused::Rollup(Refusal::EvaluationMismatch(mismatch)) = refused else {
                return None;
            };
            let mut call = lie.clone();
            call.batches.evaluation = mismatch.computed;
            if call == *honest {
                return None;
            }
            let blocks = call.batches.blocks != honest.batches.blocks;
            let expected: &[&str] = if blocks {
                &["BatchHashMismatch"]
            } else {
                &["ProofRefused"]
            };
            Some(Lie {
                what: format!("consistent lie {index}"),
                calldata: call.abi_encode().into(),
                expected,
            })
        })
        .collect()
}

/// The parts of an encoded proof, in order.
fn parts() -> Vec<Range<usize>> {
    const DIGEST: usize = 32;
    const CAP: usize = 16 * DIGEST;
    let mut lengths = vec![CAP, CAP, CAP];
    lengths.extend([5, 64, 135, 16, 16, 2].map(|opened| 16 * opened));
    lengths.extend([CAP, CAP, 32 * 16, 8, 8]);
    for _query in 0..10 {
        lengths.extend([69, 135, 16, 16].map(|leaf| 8 * leaf));
        lengths.extend([16 * DIGEST; 4]);
        lengths.extend([16 * 16, 12 * DIGEST, 8 * 16, 9 * DIGEST]);
    }
    let mut end = 0;
    let parts: Vec<_> = lengths
        .into_iter()
        .map(|length| {
            end += length;
            end - length..end
        })
        .collect();
    assert_eq!(end, PROOF_LEN);
    parts
}

/// Both ends and the middle of every part, and every `STRIDE`-th byte of all.
pub(crate) fn sampled_places() -> Vec<usize> {
    let mut places: Vec<usize> = (0..PROOF_LEN).step_by(STRIDE).collect();
    for part in parts() {
        places.extend([part.start, part.start + part.len() / 2, part.end - 1]);
    }
    places.sort_unstable();
    places.dedup();
    places
}

const PROOF: &[&str] = &["ProofRefused", "MalformedProof"];

/// The call with other proofs, one for each verifier.
fn with_proofs(
    truth: &IRollup::proveBatchesCall,
    what: String,
    proofs: &[Vec<u8>],
    expected: &'static [&'static str],
) -> Lie {
    let proofs: Vec<Bytes> = proofs.iter().cloned().map(Bytes::from).collect();
    let call = IRollup::proveBatchesCall {
        proof: proofs.abi_encode().into(),
        ..truth.clone()
    };
    Lie {
        what,
        calldata: call.abi_encode().into(),
        expected,
    }
}

/// Lies in the proof of the execution; what the watchers have signed stays.
pub(crate) fn proof_lies(truth: &IRollup::proveBatchesCall, proofs: &[Bytes; 2]) -> Vec<Lie> {
    let [proof, signatures] = proofs;
    let lie = |what: String, proof: Vec<u8>| {
        with_proofs(truth, what, &[proof, signatures.to_vec()], PROOF)
    };
    let mut lies: Vec<Lie> = sampled_places()
        .into_iter()
        .map(|place| lie(format!("byte {place} of the proof"), one_bit(proof, place)))
        .collect();
    lies.push(lie("no proof".into(), Vec::new()));
    lies.push(lie(
        "a shorter proof".into(),
        proof[..PROOF_LEN - 1].to_vec(),
    ));
    lies.push(lie("a longer proof".into(), [&proof[..], &[0]].concat()));
    lies.push(lie("a proof of zeros".into(), vec![0; PROOF_LEN]));
    lies
}

/// Lies about who has signed; the proof of the execution stays. `stranger` is the signature of nobody whom the contract
/// knows, under what was proven.
pub(crate) fn signature_lies(
    truth: &IRollup::proveBatchesCall,
    proofs: &[Bytes; 2],
    stranger: [u8; SIGNATURE],
) -> Vec<Lie> {
    let [proof, signatures] = proofs;
    let (first, second) = signatures.split_at(SIGNATURE);
    let lie = |what: &str, signatures: Vec<u8>, expected| {
        with_proofs(
            truth,
            what.to_owned(),
            &[proof.to_vec(), signatures],
            expected,
        )
    };
    let refused: &[&str] = &["ProofRefused"];
    let malformed: &[&str] = &["MalformedProof"];
    let mut lies: Vec<Lie> = each_byte(signatures)
        .map(|(place, changed)| lie(&format!("byte {place} of the signatures"), changed, refused))
        .collect();
    lies.push(lie("no signature", vec![], malformed));
    lies.push(lie("one signature", first.to_vec(), malformed));
    lies.push(lie("a signature twice", first.repeat(2), refused));
    let swapped = [second, first].concat();
    lies.push(lie("signatures in another order", swapped, refused));
    for (what, pair) in [
        ("a stranger after a watcher", [first, &stranger]),
        ("a stranger before a watcher", [&stranger, first]),
    ] {
        lies.push(lie(what, pair.concat(), refused));
    }
    let three = [signatures, &stranger[..]].concat();
    lies.push(lie("a signature too many", three, malformed));
    let (proof, signatures) = (proof.to_vec(), signatures.to_vec());
    for (what, proofs) in [
        ("no verifier's proof", vec![]),
        ("one verifier's proof", vec![proof.clone()]),
        (
            "a proof too many",
            vec![proof.clone(), signatures.clone(), vec![]],
        ),
        ("proofs in another order", vec![signatures, proof]),
    ] {
        lies.push(with_proofs(truth, what.to_owned(), &proofs, malformed));
    }
    lies
}

pub(crate) fn range_lies(truth: &IRollup::proveBatchesCall) -> Vec<Lie> {
    let lie = |what: &str, expected, change: &dyn Fn(&mut IRollup::proveBatchesCall)| {
        let mut call = truth.clone();
        change(&mut call);
        Lie {
            what: what.to_owned(),
            calldata: call.abi_encode().into(),
            expected,
        }
    };
    let order: &[&str] = &["RangeOutOfOrder"];
    vec![
        lie("a range from genesis", order, &|call| call.from = 0),
        lie("a range that skips", order, &|call| {
            (call.from, call.to) = (2, 2)
        }),
        lie("a range backwards", order, &|call| call.to = 0),
        lie("a range beyond what is committed", order, &|call| {
            call.to = 1000
        }),
        lie(
            "a range without batches",
            &["RangeLengthMismatch"],
            &|call| call.extents.clear(),
        ),
        lie("a batch twice", &["RangeLengthMismatch"], &|call| {
            call.extents.push(truth.extents[0].clone())
        }),
        lie("a batch without blocks", &["MalformedBlocks"], &|call| {
            call.extents[0].blocks = 0
        }),
        lie("a longer batch", &["MalformedBlocks"], &|call| {
            call.extents[0].blocks += 1
        }),
        lie("no blocks", &["MalformedBlocks"], &|call| {
            call.batches.blocks = Bytes::new()
        }),
        lie("part of a block", &["MalformedBlocks"], &|call| {
            call.batches.blocks = truth.batches.blocks.slice(..183);
        }),
    ]
}
