//! Channels between nodes as the roles see them, over real TCP and TLS.

mod asking;
mod hostile;
mod liveness;
mod proxy;
mod stage;
mod stranger;
