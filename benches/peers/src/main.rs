//! A workload on burn's wgpu backend, which `peers.py` has timed in turn with wgpool.
//!
//! `wgpool-peers CASE RESULT [--software]` writes the result's elements to the file RESULT (f32, little-endian), says in
//! a line of JSON on which device, and then answers each line of standard input, a number of runs, with the seconds of one.

mod burn;

use std::error::Error;
use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;
use wgpool::bench::{self, cases};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wgpool-peers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (case, result, software) = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [case, result] => (case, result, false),
        [case, result, "--software"] => (case, result, true),
        _ => return Err("usage: wgpool-peers CASE RESULT [--software]".into()),
    };
    let found = cases::named(&[case.to_owned()])?;
    let exported = bench::export(found.first().ok_or("no such case")?)?;
    let (device, name) = burn::open(software);
    let start = Instant::now();
    let run = burn::Run::new(&exported, &device)?;
    let values = run.result()?;
    let first = start.elapsed().as_secs_f64() * 1e3;
    std::fs::write(result, values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", json!({ "device": name, "first_result_ms": first }))?;
    // What is tuned and built at first is no part of the steady state.
    run.time(1)?;
    for line in std::io::stdin().lock().lines() {
        writeln!(out, "{}", run.time(line?.trim().parse()?)?)?;
        out.flush()?;
    }
    Ok(())
}
