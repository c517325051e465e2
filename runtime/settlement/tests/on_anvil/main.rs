//! The client on a real parent chain: `anvil`, which `scripts/contracts install` puts in place (or `TERN_ANVIL` names).

#![expect(clippy::unwrap_used, reason = "tests and what they stand on")]

mod chain;
mod depth;
mod follow;
mod network;
mod rollup;
mod settled;
