//! One lie, and who refuses it.

use std::borrow::BorrowMut;
use std::collections::BTreeSet;
use std::ops::Range;

use evm_arithmetization::all_stark::MEMORY_CTL_IDX;
use evm_arithmetization::cpu::columns::NUM_CPU_COLUMNS;
use plonky2::field::types::Field;
use tern_soundness::{Base, Checker, F, Table, Trace, Violation, mends};

use super::words::Path;
use super::{CODE, Row, TABLE, address_of, base, checker, honest, number, operations, row, view};

/// The exception that ends a segment.
const EXC_STOP: u64 = 6;

/// The place of the constraint of this name, which is one that was added.
pub(crate) fn mend(name: &str) -> usize {
    mends::place(checker(), name)
}

/// Constraints of this name, one for each limb, that refuse a row.
pub(crate) fn limbs(row: usize, name: &str, limbs: Range<usize>) -> Vec<(usize, usize)> {
    let refusal = |limb| (row, mend(&format!("{name}, limb {limb}")));
    limbs.map(refusal).collect()
}

/// The constraints that the added ones took the place of.
fn replaced(this: &Row, next: &Row) -> [F; 9] {
    let op = &this.op;
    let keeps_mode = this.is_kernel_mode - next.is_kernel_mode;
    let other_instructions = [
        op.jumps,
        op.push_prover_input,
        op.m_op_32bytes,
        op.exit_kernel,
        op.syscall,
        op.exception,
    ];
    let native = other_instructions
        .into_iter()
        .fold(operations(this), |sum, flag| sum - flag);
    let mode_in_trap_word = next.mem_channels[0].value[1];
    let bits = this.general.exception().exc_code_bits;
    let exception = bits
        .iter()
        .rev()
        .fold(F::ZERO, |code, &bit| code.double() + bit);
    let begins = (operations(this) - F::ONE) * operations(next);
    [
        native * (next.program_counter - this.program_counter - F::ONE),
        native * keeps_mode,
        op.push_prover_input * this.opcode_bits[7] * keeps_mode,
        op.syscall * (mode_in_trap_word - this.is_kernel_mode),
        op.exception * (exception - number(EXC_STOP)) * mode_in_trap_word,
        begins * (next.program_counter - row(0).program_counter),
        begins * (next.is_kernel_mode - F::ONE),
        begins * next.stack_len,
        begins * next.gas,
    ]
}

/// A trace in which somebody lies.
#[derive(Clone)]
pub(crate) struct Lie {
    pub(crate) trace: Trace,
    left_out: Vec<usize>,
    code_left_out: Vec<F>,
}

impl Lie {
    /// The honest trace.
    pub(crate) fn new() -> Self {
        Self {
            trace: honest().clone(),
            left_out: Vec::new(),
            code_left_out: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, index: usize) -> &mut Row {
        let cells = self.trace.table_mut(TABLE).row_mut(index);
        let cells: &mut [F; NUM_CPU_COLUMNS] = cells.try_into().unwrap();
        cells.borrow_mut()
    }

    /// Leaves out what the constraints say of a row and the next.
    pub(crate) fn leave_out(&mut self, index: usize) {
        self.left_out.push(index);
    }

    /// Leaves out what the kernel's code holds at a place.
    pub(crate) fn look_away_from_code(&mut self, place: F) {
        self.code_left_out.push(place);
    }

    fn is_code_left_out(&self, [context, segment, place]: [F; 3]) -> bool {
        context.is_zero() && segment == CODE && self.code_left_out.contains(&place)
    }

    /// Changes a word all its way; what uses it is left out.
    pub(crate) fn forge(&mut self, path: &Path, change: impl Fn(&mut [F; 8])) {
        for &(index, channel) in &path.cells {
            change(&mut self.row(index).mem_channels[channel].value);
        }
        path.users.iter().for_each(|&user| self.leave_out(user));
    }

    /// Checks that constraints that were added refuse the trace, each with its row and its place, and that nothing
    /// else does: without them the tables would have let it through.
    pub(crate) fn must_be_refused_by(self, refusals: &[(usize, usize)]) {
        let mends: BTreeSet<usize> = refusals.iter().map(|&(_, mend)| mend).collect();
        let mut refused = BTreeSet::new();
        let mut found = self.violations();
        found.retain(|violation| match violation {
            Violation::Constraint {
                table: TABLE,
                row,
                index,
            } if mends.contains(index) => {
                refused.insert((*row, *index));
                false
            }
            _ => true,
        });
        assert_eq!(found, [], "nobody refused it before");
        assert_eq!(
            refused,
            refusals.iter().copied().collect(),
            "all refuse it now"
        );
    }

    /// Checks that what the kernel's code holds at `place` refuses the trace, and that nothing else does.
    pub(crate) fn must_be_refused_by_the_code(mut self, place: F) {
        assert_ne!(self.clone().violations(), [], "the code refuses it now");
        self.look_away_from_code(place);
        assert_eq!(self.violations(), [], "nobody refused it before");
    }

    /// Checks that the lookup of this name, which was added, refuses the trace, and that nothing else does.
    pub(crate) fn must_be_refused_by_lookup(self, name: &str) {
        assert_ne!(self.clone().violations(), [], "it refuses it now");
        let before = Checker::without(&mends::named(checker(), name).parts);
        let base = Base::new(&before, honest());
        assert_eq!(self.violations_of(&base), [], "nobody refused it before");
    }

    /// What is wrong once Memory is completed, but for what is left out.
    fn violations(self) -> Vec<Violation> {
        self.violations_of(base())
    }

    fn violations_of(mut self, base: &Base<'_>) -> Vec<Violation> {
        base.complete_memory(&mut self.trace);
        let rows = self.trace.table(TABLE);
        for index in 0..rows.rows() - 1 {
            let [this, next] = [rows.row(index), rows.next_row(index)].map(view);
            assert!(replaced(this, next).iter().all(F::is_zero), "row {index}");
        }
        let mut found = base.compare(&self.trace);
        found.retain(|violation| match violation {
            Violation::Constraint {
                table: TABLE, row, ..
            } => !self.left_out.contains(row),
            Violation::CrossTable {
                lookup: MEMORY_CTL_IDX,
                tuple,
                ..
            } => !self.is_code_left_out([tuple[1], tuple[2], tuple[3]]),
            Violation::Constraint {
                table: Table::Memory,
                row,
                ..
            } => {
                let memory = self.trace.table(Table::Memory);
                let of = |row| self.is_code_left_out(address_of(row));
                !of(memory.row(*row)) && !of(memory.next_row(*row))
            }
            _ => true,
        });
        found
    }
}
