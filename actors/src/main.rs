//! The `tern` program. What it does is in the library; see `tern --help`.

use std::process::ExitCode;

/// Proving and tries allocate from many threads at once; the system's allocator is slow at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tern_node::cli::main()
}
