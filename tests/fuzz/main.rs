//! Hostile specifications and documents, the same for the same seed: nothing panics, and what is allocated follows
//! the size of the document.
//!
//! `WGPOOL_FUZZ=1000000 cargo test --release --test fuzz -- --nocapture` sets the number of inputs of each target, of those
//! in `crates/wgpool-net/tests/fuzz.rs` too. NPY files are fuzzed beside their reader, among the tests of the program.

use wgpool_testing::fuzz;
mod gradients;
mod manifests;
mod numbers;
mod operators;
mod outside;
mod plans;

use std::path::PathBuf;

use fuzz::{Counting, Tally};
use wgpool::Error;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_allocator_counts() {
    let ((), peak) = fuzz::peak(|| drop(vec![0u8; 1 << 20]));
    assert_eq!(peak, 1 << 20);
    let mut tally = Tally::new("what is too much");
    assert_eq!(tally.add(1, 10, || Err::<(), Error>(Error::Busy { what: "", in_flight: 0 })), None);
}
