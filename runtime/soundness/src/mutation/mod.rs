//! Looks for what the constraints leave open, by changing honest rows.
//!
//! ```text
//! Trace --Survey--> sites: a few rows of each cluster
//!                     |
//!                     +--first order, cells and flags, rows--> Judge, Repair --> Report <--> reviewed list
//!                     |
//!                     +--Bench: the same with something left out of the constraints--> must survive
//! ```
//!
//! A row *means* something: a row of the CPU takes the machine from state to state and reads and writes memory; a row
//! of another table states something about numbers, bytes or memory. A mutant to which nothing objects must mean the
//! same as the honest row, or something else that is true. What survives otherwise is a fault, or is reviewed and
//! listed with the reason for which it is none.
//!
//! Three layers: what the constraints leave free to first order (`freedom`); single cells, flags and words that a row is
//! given (`discrete`); rows dropped, doubled, swapped, cut off or put elsewhere, and tables switched off (`structural`).
//! [`Bench`] shows that they see: without one of the constraints that were added to the tables, something survives.
//!
//! A prover completes the other tables as he likes. So a change is not caught for asking another table for something
//! that is not there, but for asking what no honest row of that table could say (`truth`).

mod blind;
mod cells;
mod class;
mod discrete;
mod edit;
mod freedom;
mod given;
mod judge;
mod linear;
mod mutant;
mod ranges;
mod repair;
mod report;
mod structural;
mod support;
mod truth;
mod unknown;

pub use blind::Bench;
pub use class::{Site, Survey, instructions};
pub use discrete::{Sample, discrete};
pub use freedom::first_order;
pub use report::{Key, Report, Reviewed};
pub use structural::structural;
