//! The tables of each role. A table's number is part of the data on disk: numbers are never reused.
//!
//! | numbers | module | written by |
//! |---|---|---|
//! | 0x01–0x1f | [`chain`] | main node, embedded L2, sequencer (its replica) |
//! | 0x20–0x2f | [`open_block`] | main node, embedded L2 |
//! | 0x30–0x3f | the main node, beside its code | main node |
//! | 0x40–0x5f | [`sequencer`] | sequencer |
//! | 0x60–0x7f | [`bridge`] | verifier bridge |

pub mod bridge;
pub mod chain;
pub mod open_block;
pub mod sequencer;
