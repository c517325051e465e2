//! Lies that an audit has found, one by one: each was believed once.

mod lies {
    pub mod forged_transactions;
    pub mod lists;
    pub mod precompiles;
    pub mod programs;
    pub mod stage;
}

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
