//! Every rule by which spans and runs of blocks are joined: kept, the merge proves; broken, circuit and native
//! check both refuse. The leaves are mocks, so that any state can be claimed.

use plonky2::field::types::Field;
use tern_messages::SpanBoundary;

use super::circuits;
use super::mock::{MockTargets, elements, is_refused, mock};
use crate::circuits::F;
use crate::circuits::arithmetic::Native;
use crate::circuits::block::{self, RUN_LEN, Run, empty_root};
use crate::circuits::leaf::BlockValues;
use crate::circuits::recursion::{Cycle, Gates, Pair};
use crate::circuits::span::{self, SPAN_LEN, Span, SpanMergeTargets};

type Change<T> = (&'static str, fn(&mut T, &mut T));

fn start() -> [F; 4] {
    circuits().verifier().start
}

fn gates() -> Gates {
    Gates::of(circuits().segment.circuit())
}

fn spans() -> Cycle<MockTargets, SpanMergeTargets> {
    let gates = gates();
    Cycle::build(
        |degree_bits| mock(&gates, SPAN_LEN, degree_bits),
        |base| span::build_merge(base, &gates, start()),
    )
}

/// Two halves of one transaction batch.
fn same_batch() -> (Span<F>, Span<F>) {
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
    (
        left,
        Span {
            start: left.end,
            end: elements(50),
            halted: F::ONE,
            ..left
        },
    )
}

/// Two transaction batches of one block.
fn next_batch() -> (Span<F>, Span<F>) {
    let (_, left) = same_batch();
    let right = Span {
        roots_before: left.roots_after,
        roots_after: elements(6000),
        transactions: [left.transactions[1], F::from_canonical_u64(9)],
        gas: [left.gas[1], F::from_canonical_u64(11)],
        start: start(),
        end: elements(60),
        ..left
    };
    (left, right)
}

#[test]
fn spans_of_one_batch_join_only_where_machine_and_batch_agree() {
    let changes: [Change<Span<F>>; 10] = [
        ("block", |_, r| r.block[51] += F::ONE),
        ("roots before", |_, r| r.roots_before[0] += F::ONE),
        ("roots after", |l, _| l.roots_after[23] += F::ONE),
        ("transactions before", |_, r| r.transactions[0] += F::ONE),
        ("transactions after", |l, _| l.transactions[1] += F::ONE),
        ("gas before", |l, _| l.gas[0] += F::ONE),
        ("gas after", |_, r| r.gas[1] += F::ONE),
        ("machine", |_, r| r.start[3] += F::ONE),
        ("left single", |l, _| l.single = F::ZERO),
        ("right single", |_, r| r.single = F::ZERO),
    ];
    check_spans(same_batch(), SpanBoundary::SameBatch, &changes);
}

#[test]
fn batches_of_one_block_join_only_where_the_chain_continues() {
    let changes: [Change<Span<F>>; 6] = [
        ("block", |l, _| l.block[0] += F::ONE),
        ("state root", |_, r| r.roots_before[7] += F::ONE),
        ("transactions", |_, r| r.transactions[0] += F::ONE),
        ("gas", |l, _| l.gas[1] += F::ONE),
        ("left is not complete", |l, _| l.halted = F::ZERO),
        ("right does not start anew", |_, r| r.start[0] += F::ONE),
    ];
    check_spans(next_batch(), SpanBoundary::NextBatch, &changes);
}

fn check_spans(
    (left, right): (Span<F>, Span<F>),
    boundary: SpanBoundary,
    changes: &[Change<Span<F>>],
) {
    let spans = spans();
    let key = spans.merge.key();
    let join = |left: &Span<F>, right: &Span<F>| {
        let same_batch = F::from_bool(boundary == SpanBoundary::SameBatch);
        Native::evaluate(|on| Span::join(on, left, right, same_batch, start()))
    };
    let prove = |left: &Span<F>, right: &Span<F>| {
        let proofs = [left, right].map(|span| spans.base.prove(&span.to_vec(), key));
        spans.merge.prove(
            &Pair {
                left: (&proofs[0], false),
                right: (&proofs[1], false),
            },
            boundary,
        )
    };
    let proof = prove(&left, &right).unwrap();
    let expected = join(&left, &right).unwrap();
    assert_eq!(Span::from_slice(&proof.public_inputs), expected);
    spans.merge.circuit.verify(proof).unwrap();
    for (name, change) in changes {
        let (mut left, mut right) = (left, right);
        change(&mut left, &mut right);
        assert!(join(&left, &right).is_err(), "natively: {name}");
        assert!(
            is_refused(&spans.merge, || prove(&left, &right)),
            "in circuit: {name}"
        );
    }
}

/// A span that is a whole block.
pub(super) fn whole_block() -> Span<F> {
    let (_, right) = same_batch();
    let mut span = Span {
        start: start(),
        transactions: [F::ZERO, F::TWO],
        gas: [F::ZERO, F::from_canonical_u64(42_000)],
        ..right
    };
    span.roots_before[8..16].copy_from_slice(&empty_root());
    span.roots_before[16..].copy_from_slice(&empty_root());
    let values = BlockValues {
        gas_used: span.gas[1],
        ..BlockValues::from_slice(&span.block)
    };
    span.block = values.to_array();
    span
}

/// A named way to spoil a span.
type SpanChange = (&'static str, fn(&mut Span<F>));

#[test]
fn only_a_complete_span_is_a_block() {
    let changes: [SpanChange; 7] = [
        ("starts late", |s| s.start[1] += F::ONE),
        ("is not halted", |s| s.halted = F::ZERO),
        ("lacks transactions", |s| s.transactions[0] = F::ONE),
        ("starts with gas", |s| s.gas[0] = F::ONE),
        ("uses other gas than its header says", |s| {
            s.gas[1] += F::ONE
        }),
        ("starts with transactions", |s| s.roots_before[8] += F::ONE),
        ("starts with receipts", |s| s.roots_before[23] += F::ONE),
    ];
    let (spans, gates) = (spans(), gates());
    let runs = block::build_cycle(&spans, &gates, start());
    let point = elements(77);
    let prove = |span: &Span<F>| {
        let proof = spans.base.prove(&span.to_vec(), spans.merge.key());
        runs.base.prove((&proof, false), point, runs.merge.key())
    };
    let span = whole_block();
    let proof = prove(&span).unwrap();
    let of_block = |span: &Span<F>| Native::evaluate(|on| Run::of_block(on, span, point, start()));
    let expected = of_block(&span).unwrap();
    assert_eq!(Run::from_slice(&proof.public_inputs), expected);
    runs.base.circuit.verify(proof).unwrap();
    for (name, change) in changes {
        let mut span = span;
        change(&mut span);
        assert!(of_block(&span).is_err(), "natively: {name}");
        assert!(
            is_refused(&runs.base, || prove(&span)),
            "in circuit: {name}"
        );
    }
}

#[test]
fn blocks_join_only_where_the_chain_continues() {
    let changes: [Change<Run<F>>; 6] = [
        ("chain id", |_, r| r.chain_id += F::ONE),
        ("point", |_, r| r.point[1] += F::ONE),
        ("state root", |_, r| r.start_root[3] += F::ONE),
        ("window", |l, _| l.end_window[0] += F::ONE),
        ("number skipped", |_, r| r.numbers[0] += F::ONE),
        ("number repeated", |_, r| r.numbers[0] -= F::ONE),
    ];
    let gates = gates();
    let runs = Cycle::build(
        |degree_bits| mock(&gates, RUN_LEN, degree_bits),
        |base| block::build_merge(base, &gates),
    );
    let of_block = |on: &mut Native| Run::of_block(on, &whole_block(), elements(77), start());
    let left = Native::evaluate(of_block).unwrap();
    let one = F::ONE;
    let right = Run {
        start_root: left.end_root,
        end_root: elements(900),
        numbers: [left.numbers[1] + one, left.numbers[1] + one + one],
        start_window: left.end_window,
        end_window: elements(950),
        digest: elements(960),
        evaluation: elements(970),
        power: elements(980),
        ..left
    };
    let prove = |left: &Run<F>, right: &Run<F>| {
        let proofs = [left, right].map(|run| runs.base.prove(&run.to_vec(), runs.merge.key()));
        runs.merge.prove(&Pair {
            left: (&proofs[0], false),
            right: (&proofs[1], false),
        })
    };
    let join = |left: &Run<F>, right: &Run<F>| Native::evaluate(|on| Run::join(on, left, right));
    let proof = prove(&left, &right).unwrap();
    assert_eq!(
        Run::from_slice(&proof.public_inputs),
        join(&left, &right).unwrap()
    );
    runs.merge.circuit.verify(proof).unwrap();
    for (name, change) in changes {
        let (mut left, mut right) = (left, right);
        change(&mut left, &mut right);
        assert!(join(&left, &right).is_err(), "natively: {name}");
        assert!(
            is_refused(&runs.merge, || prove(&left, &right)),
            "in circuit: {name}"
        );
    }
}
