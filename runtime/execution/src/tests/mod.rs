//! Tests that use the crate's inside.

mod calls;
mod metering;
mod properties;
mod refusals;
mod scenario;
mod shown;
mod tampering;
