//! A workload on burn's wgpu backend, which `peers.py` has timed in turn with wgpool.
//!
//! `wgpool-peers-burn CASE RESULT [--software]`; see [`serve`] for the rest.

mod burn;

use std::process::ExitCode;
use std::time::Instant;

use wgpool_testing::bench::{self, cases};
use wgpool_peers::{Result, serve};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (case, result, software) = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [case, result] => (case, result, false),
        [case, result, "--software"] => (case, result, true),
        _ => return Err("usage: wgpool-peers-burn CASE RESULT [--software]".into()),
    };
    let found = cases::named(&[case.to_owned()])?;
    let exported = bench::export(found.first().ok_or("no such case")?)?;
    let (device, name) = burn::open(software);
    let start = Instant::now();
    let mut run = burn::Run::new(&exported, &device)?;
    serve(&mut run, start, Some(&name), result)
}
