//! Looks for dishonest rows that the constraints of the prover's tables let through.
//!
//! ```text
//! GenerationInputs --> Trace (nine tables, honest) --Checker::check--> violations of the whole
//!                        |
//!                        +--Base::recheck, compare--> violations near what was changed
//! ```
//!
//! * [`Trace`]: the tables of one segment as the witness generator fills them, row by row.
//! * [`Checker`]: evaluates every constraint on every row, looks each range-checked value up, and compares both
//!   sides of each lookup between tables as multisets of tuples. There are no commitments, no challenges and no FRI:
//!   what holds here is what the argument claims, error aside.
//!   [`Checker::place`] finds a constraint, [`Checker::without`] leaves it out.
//! * [`Base`]: an honest trace, indexed, on which changes are judged at their cost only. [`Base::complete_memory`]
//!   gives a changed trace the rows of memory that it needs.
//! * [`columns`]: what a column is called.
//! * [`mends`]: what audits added to the tables, by name.
//! * [`mutation`]: looks by itself for what the constraints leave open.
//!
//! What a frequency column holds is not looked at: frequencies exist if and only if each value that is looked up
//! is in the table.

mod base;
mod checker;
pub mod columns;
mod completion;
mod constraints;
mod cross;
mod lookups;
pub mod mends;
pub mod mutation;
mod omission;
mod trace;
mod violation;

pub use base::{Base, Change};
pub use checker::Checker;
pub use evm_arithmetization::NUM_TABLES;
pub use evm_arithmetization::all_stark::Table;
pub use omission::Omission;
pub use trace::{TableTrace, Trace};
pub use violation::Violation;

/// The field of the tables.
pub type F = evm_arithmetization::Field;
/// The degree of its extension.
pub(crate) const D: usize = 2;
