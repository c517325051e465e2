//! The constraints of a row and the row after it.

use evm_arithmetization::AllStark;
use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use starky::constraint_consumer::ConstraintConsumer;
use starky::evaluation_frame::StarkEvaluationFrame;
use starky::stark::Stark;

use crate::{D, F, Table};

/// Where a row stands in its table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    pub(crate) first: bool,
    pub(crate) last: bool,
}

impl Position {
    pub(crate) fn of(row: usize, rows: usize) -> Self {
        Self {
            first: row == 0,
            last: row == rows - 1,
        }
    }
}

/// Runs `$body` with `$stark` being the STARK of `$table`.
macro_rules! with_stark {
    ($starks:expr, $table:expr, $stark:ident => $body:expr) => {{
        let starks = $starks;
        match $table {
            Table::Arithmetic => {
                let $stark = &starks.arithmetic_stark;
                $body
            }
            Table::BytePacking => {
                let $stark = &starks.byte_packing_stark;
                $body
            }
            Table::Cpu => {
                let $stark = &starks.cpu_stark;
                $body
            }
            Table::Keccak => {
                let $stark = &starks.keccak_stark;
                $body
            }
            Table::KeccakSponge => {
                let $stark = &starks.keccak_sponge_stark;
                $body
            }
            Table::Logic => {
                let $stark = &starks.logic_stark;
                $body
            }
            Table::Memory => {
                let $stark = &starks.memory_stark;
                $body
            }
            Table::MemBefore => {
                let $stark = &starks.mem_before_stark;
                $body
            }
            Table::MemAfter => {
                let $stark = &starks.mem_after_stark;
                $body
            }
        }
    }};
}
pub(crate) use with_stark;

/// The value of each constraint of `table`, in order of emission, written into `buffer`. With a packed field each
/// lane is a pair of rows of its own, all at the same position.
pub(crate) fn evaluate<P: PackedField<Scalar = F>>(
    starks: &AllStark<F, D>,
    table: Table,
    [row, next]: [&[P]; 2],
    position: Position,
    buffer: Vec<P>,
) -> Vec<P> {
    fn run<S: Stark<F, D>, P: PackedField<Scalar = F>>(
        stark: &S,
        [row, next]: [&[P]; 2],
        consumer: &mut ConstraintConsumer<P>,
    ) {
        let frame = S::EvaluationFrame::<F, P, 1>::from_values(row, next, &[]);
        stark.eval_packed_base(&frame, consumer);
    }
    let bit = |bit: bool| P::from(F::from_bool(bit));
    let mut consumer = ConstraintConsumer::recording(
        buffer,
        bit(!position.last),
        bit(position.first),
        bit(position.last),
    );
    with_stark!(starks, table, stark => run(stark, [row, next], &mut consumer));
    consumer.into_recorded()
}
