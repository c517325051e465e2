//! Circuits that look like genuine ones (same shape, same public inputs, genuine verifier data where a proof
//! carries them) but prove anything are refused at every level.

use tern_messages::{Job, JobId, Point, Proof, SpanBoundary};

use super::circuits;
use super::mock::{elements, free, is_refused, mock};
use crate::circuits::batch::DIGEST;
use crate::circuits::block::RUN_LEN;
use crate::circuits::recursion::{Cycle, Gates, Pair};
use crate::circuits::span::{self, SPAN_LEN, Span};
use crate::circuits::{F, PlonkyProof};
use crate::{ProvingError, verifier::Kind};

fn gates() -> Gates {
    Gates::of(circuits().segment.circuit())
}

fn halves() -> [Vec<F>; 2] {
    use plonky2::field::types::Field;
    let left = Span {
        roots_before: elements(1000),
        roots_after: elements(2000),
        transactions: elements(3),
        gas: elements(7),
        start: elements(30),
        end: elements(40),
        halted: F::ZERO,
        single: F::ONE,
        block: elements(5000),
    };
    [
        left.to_vec(),
        Span {
            start: left.end,
            ..left
        }
        .to_vec(),
    ]
}

fn assert_not_accepted(kind: Kind, proof: &PlonkyProof) {
    let proof = Proof {
        bytes: proof.to_bytes().into(),
    };
    assert!(circuits().verifier().read(kind, &proof).is_err());
}

#[test]
fn a_foreign_leaf_is_refused_by_the_span_merge() {
    let genuine = &circuits().spans;
    let foreign = mock(
        &gates(),
        SPAN_LEN,
        genuine.base.circuit.common.degree_bits(),
    );
    assert_eq!(
        foreign.circuit.common, genuine.base.circuit.common,
        "it has the genuine shape"
    );
    let [left, right] = halves().map(|span| foreign.prove(&span, genuine.merge.key()));
    for is_merge in [false, true] {
        let pair = Pair {
            left: (&left, is_merge),
            right: (&right, is_merge),
        };
        let prove = || genuine.merge.prove(&pair, SpanBoundary::SameBatch);
        assert!(is_refused(&genuine.merge, prove));
    }
    assert_not_accepted(Kind::Span, &left);
}

#[test]
fn a_foreign_cycle_is_refused_by_the_block_circuit() {
    let (genuine, gates) = (circuits(), gates());
    let start = genuine.verifier().start;
    // The genuine merge's code over a foreign leaf: it verifies, and carries its own verifier data.
    let foreign = Cycle::build(
        |degree_bits| mock(&gates, SPAN_LEN, degree_bits),
        |base| span::build_merge(base, &gates, start),
    );
    assert_eq!(
        foreign.merge.circuit.common,
        genuine.spans.merge.circuit.common
    );
    let span = super::rules::whole_block().to_vec();
    let leaf = foreign.base.prove(&span, foreign.merge.key());
    // The same leaf, claiming the genuine cycle.
    let disguised = foreign.base.prove(&span, genuine.spans.merge.key());
    for child in [&leaf, &disguised] {
        for is_merge in [false, true] {
            let key = genuine.runs.merge.key();
            let prove = || genuine.runs.base.prove((child, is_merge), elements(1), key);
            assert!(is_refused(&genuine.runs.base, prove));
        }
        assert_not_accepted(Kind::Span, child);
    }
}

#[test]
fn foreign_runs_are_refused_by_block_merge_and_batch() {
    let genuine = circuits();
    let foreign = mock(
        &gates(),
        RUN_LEN,
        genuine.runs.base.circuit.common.degree_bits(),
    );
    assert_eq!(foreign.circuit.common, genuine.runs.base.circuit.common);
    let run = foreign.prove(&elements::<RUN_LEN>(1), genuine.runs.merge.key());
    for is_merge in [false, true] {
        let pair = Pair {
            left: (&run, is_merge),
            right: (&run, is_merge),
        };
        assert!(is_refused(&genuine.runs.merge, || genuine
            .runs
            .merge
            .prove(&pair)));
        let batch = &genuine.batch;
        assert!(is_refused(batch, || batch.prove((&run, is_merge))));
    }
    assert_not_accepted(Kind::Run, &run);
}

#[test]
fn statements_of_any_circuit_but_the_batch_are_refused_by_the_wrap() {
    let genuine = circuits();
    let batch = &genuine.batch.circuit;
    let foreign = free(&gates(), DIGEST, batch.common.degree_bits());
    assert_eq!(foreign.circuit.common, batch.common);
    let statement = foreign.prove(&elements::<DIGEST>(1));
    let wrapped = crate::machine::catch_panic(|| genuine.wrap.shrink(&statement));
    let accepted = match wrapped {
        Ok(Ok(proof)) => genuine.wrap.shrunk().verify(proof).is_ok(),
        _ => false,
    };
    assert!(!accepted);
    assert_not_accepted(Kind::Statement, &statement);
}

/// A proof that names a second circuit could be taken for a step of a cycle.
#[test]
fn a_statement_names_no_circuit_beside_its_own() {
    let batch = &circuits().batch.circuit;
    assert_eq!(batch.common.num_public_inputs, DIGEST);
}

#[test]
fn a_proof_of_the_wrong_kind_is_an_invalid_child() {
    let genuine = circuits();
    let foreign = mock(
        &gates(),
        SPAN_LEN,
        genuine.spans.base.circuit.common.degree_bits(),
    );
    let bytes = foreign
        .prove(&halves()[0], genuine.spans.merge.key())
        .to_bytes();
    let job = Job::Block {
        span: JobId(Default::default()),
        point: Point([1, 2]),
    };
    let result = genuine.prove(
        &job,
        None,
        &[Proof {
            bytes: bytes.into(),
        }],
        Default::default(),
        &|_| {},
    );
    assert!(matches!(
        result,
        Err(ProvingError::InvalidChild { index: 0, .. })
    ));
}
