//! The roles of a Tern node as supervised actors.

pub mod main_node;
pub mod prover;
pub mod rpc;
pub mod sequencer;
pub mod verifier_bridge;
