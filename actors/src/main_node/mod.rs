//! The main node: the one place where transactions are executed and blocks are made.

mod message;

pub use message::{MainNodeMessage, ReadFailure};
