//! Who a machine is: a certificate authority in a folder, and the folders that it gives to nodes.
//!
//! ```text
//!  init ──▶ authority folder ── issue ──▶ identity folder, carried to the node ── load ──▶ Identity
//!            ca.crt ca.key                 ca.crt node.crt node.key
//!            ledger.json                   revoked.crl   ◀── update, after every revocation
//!            revoked.crl ◀── revoke
//! ```
//!
//! * A node's certificate carries a URI name `tern://CLUSTER/ROLE/NAME` for each role that it may play, and a
//!   DNS name `ROLE.tern.internal` for each role that may accept connections. Only certificates of such roles
//!   may be used by a server (extended key usage).
//! * The authority's key never leaves its folder. Keys have mode 0600; a key that others can read is refused.
//! * The revocation list is signed by the authority. Running nodes read it again when the file changes.
//! * [`load`] checks everything that a peer would check, so that a node with a bad identity says so at its
//!   start, not when it first connects.

mod authority;
mod certificate;
mod error;
mod files;
mod folder;
mod ledger;
mod role;
mod tls;

pub use authority::{DEFAULT_VALIDITY, Issued, NodeRequest, init, issue, revoke, update};
pub(crate) use certificate::listed;
pub use certificate::{Serial, Subject};
pub use error::IdentityError;
pub use folder::{Identity, load};
pub use role::{BadName, Name, Role};
pub(crate) use tls::{internal_name, refusing_acceptor};
