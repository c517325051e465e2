//! A whole cluster of real processes, and what goes wrong with machines and networks.
//!
//! ```text
//!  world      namespaces, bridge, cables, disks      (or loopback addresses, where the system allows no more)
//!  cluster    authority, L2, deployment, nodes: started, restarted, asked for their status
//!  fault      what can go wrong, and how it is brought about and healed; drawn from a seed
//!  witness    steady load, and what must hold after each fault
//!  report     what was done, what was lost (nothing), how long recovery took
//! ```
//!
//! Nothing is simulated: nodes are processes with addresses of their own, links are cables between network
//! namespaces that are cut, slowed and made to lose packets by the kernel, disks are file systems that run full.

pub mod cluster;
pub mod fault;
mod node;
pub mod report;
mod run;
mod witness;
pub mod world;

pub use run::{Plan, run};
