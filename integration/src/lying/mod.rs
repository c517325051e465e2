//! A prover that lies to the machine's kernel, and a judge.
//!
//! ```text
//! corpus --> scenes: payloads, with what the honest prover is asked and what memory holds
//!               |
//!             draw (a seed) --> lies --> liar, in the prover's place --> run of the kernel
//!                                                                            |
//!                        stopped, the same outcome, another statement, or FORGED <--+
//! ```
//!
//! Only the kernel's assembly is asked here, not the constraints of the tables: a run that ends with other values than
//! the honest one, for the same state before and the same transactions, is a statement that is false and can be proven.

mod draw;
mod kernel;
mod liar;
mod lists;
mod nodes;
mod scene;
mod tries;
mod verdict;

pub use draw::{draw, everything};
pub use kernel::{failure_with, kernel};
pub use liar::{Liar, Lie, Moment, Twist, answering, honest};
pub use scene::{Asked, Scene, scenes};
pub use tries::{Edit, Side};
pub use verdict::{Tally, Verdict, judge, quietly, tell};
