//! Real processes for end-to-end tests: a Tern devnet, an `anvil`, and users in front of them.
//!
//! ```text
//!  User --JSON-RPC--> [tern devnet] --JSON-RPC--> [anvil] or its embedded L2 <-- Settled (reads the contracts)
//! ```

mod anvil;
mod command;
mod devnet;
mod ledger;
mod rebuilt;
mod replay;
mod settled;
mod user;
mod wait;

pub use anvil::Anvil;
pub use command::{Ended, run};
pub use devnet::{Devnet, Options, clean, program};
pub use ledger::Ledger;
pub use rebuilt::{Rebuilt, Started, free_address, main_node_store};
pub use replay::Replay;
pub use settled::Settled;
pub use user::User;
pub use wait::{until, within};
