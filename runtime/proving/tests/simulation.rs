//! Batches through the machine's kernel, without proofs.

mod fixture;

use fixture::Chain;
use tern_proving::{InputError, Profile, Table, Unprovable, inputs, simulate};

#[test]
fn transfers_fit_one_segment() {
    let block = Chain::new().block(&[2]);
    let simulation = simulate(&block.batches[0], Profile::InsecureTest).unwrap();
    for s in &simulation.segments {
        eprintln!("{:?}", s.0);
    }
    assert_eq!(simulation.segments.len(), 1);
}
