//! Lies that an audit has found, one by one: each was believed once.

mod lies {
    mod access;
    mod empty_node;
    mod encoding;
    mod forged_transactions;
    mod lists;
    mod precompiles;
    mod programs;
    mod stage;
    mod tries;
    mod without;
}

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
