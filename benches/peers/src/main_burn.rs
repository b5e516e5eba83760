//! A workload on burn's wgpu backend, which `peers.py` has timed in turn with wgpool.
//!
//! `wgpool-peers-burn CASE RESULT [--software]`; see [`serve`] for the rest.

mod burn;

use std::process::ExitCode;
use std::time::Instant;

use wgpool_peers::asked::Asked;
use wgpool_peers::{Result, serve};

fn main() -> ExitCode {
    wgpool_peers::main(run)
}

fn run(args: &[String]) -> Result<()> {
    let Asked { exported, result, software } = Asked::by(args)?;
    let (device, name) = burn::open(software);
    let start = Instant::now();
    let mut run = burn::Run::new(&exported, &device)?;
    serve(&mut run, start, Some(&name), &result)
}
