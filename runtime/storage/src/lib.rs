//! What Tern keeps on disk: typed tables on sled, one durability point.
//!
//! ```text
//! WriteBatch --put/delete--> Store::commit --> large values: files/TT/HASH (fsync, rename, fsync)
//!                                          --> one atomic sled batch
//!                                          --> one fsync, shared by all commits that wait for it
//! ```
//!
//! * A commit is atomic and durable when [`Store::commit`] returns. A process killed at any moment finds
//!   every acknowledged commit again, and of an unacknowledged one either everything or nothing.
//! * Every value is written through [`tern_messages::codec`], which carries a version. A value that
//!   cannot be decoded is an error that names table and key.
//! * A data directory belongs to one chain and one role ([`ChainIdentity`]); any other is refused.
//! * After a failed write the store refuses further commits: what the operating system dropped cannot be
//!   told apart from what it wrote. Restarting reads back what is really there.
//!
//! The calls block on the disk: call them from blocking threads. Which tables exist, and who writes them,
//! is said in [`tables`]. Nothing here knows what the values mean.
//!
//! # On disk
//! ```text
//! DIR/identity.json    whose data this is; written first, never changed
//! DIR/acknowledged     number of the last commit that was promised: what sled must still know
//! DIR/sled/            the tables: key = table id (1 byte) ‖ big-endian key
//! DIR/files/TT/HASH    values above 32 KiB of table TT (hex) by keccak256 of their bytes
//! ```

mod batch;
mod crash;
mod error;
mod files;
mod group;
mod identity;
mod promise;
mod store;
mod table;
pub mod tables;

pub use batch::WriteBatch;
pub use crash::crash_point;
pub use error::StorageError;
pub use identity::{ChainIdentity, FORMAT_VERSION};
pub use store::Store;
pub use table::{FixedKey, Key, Table};
