//! Builds the circuits of a profile and writes their verifier data to `keys/`, where the crate includes them.
//!
//! `cargo run --release -p tern-proving --example keys -- secure`

use std::path::Path;
use std::time::Instant;

use tern_proving::{Profile, ProvingCircuits};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let profile: Profile = std::env::args().nth(1).unwrap_or_default().parse()?;
    let started = Instant::now();
    let circuits = ProvingCircuits::build_from_scratch(profile, &|progress| {
        eprintln!(
            "{:6.1?} {}/{} {}",
            started.elapsed(),
            progress.done,
            progress.total,
            progress.step
        );
    })?;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("keys/{profile}.bin"));
    std::fs::write(&path, circuits.verifier().to_bytes())?;
    eprintln!("{:6.1?} wrote {}", started.elapsed(), path.display());
    println!("{}", circuits.circuits_version());
    Ok(())
}
