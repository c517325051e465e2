//! The roles of a Tern node as supervised actors, and the program around them.
//!
//! ```text
//! cli ─▶ devnet, node ─▶ supervisor
//!                          │
//!            rpc ─▶ main_node ─▶ sequencer ─▶ prover
//!                      ▲              │
//!                      └── verifier_bridge ─▶ L2 (embedded_l2, or a real one)
//! ```
//!
//! A reader follows a transaction in the order of that picture: it is taken by [`rpc`], executed and confirmed by
//! [`main_node`], checked and batched by [`sequencer`], proven by [`prover`], and settled by [`verifier_bridge`],
//! which tells the main node when it is final.

pub mod cli;
pub mod crossing;
pub mod deployment;
pub mod derivation;
pub mod devnet;
pub mod embedded_l2;
pub mod main_node;
pub mod member;
pub mod node;
pub mod operator;
pub mod prover;
pub mod remote;
pub mod rpc;
pub mod sequencer;
mod statement;
pub mod supervisor;
pub mod verifier_bridge;
