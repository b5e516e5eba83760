//! What `peers.py` asks of a library written in Rust.

#[cfg(any(feature = "burn", feature = "meganeura"))]
pub mod asked;
pub mod training;

use std::error::Error;
use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::time::Instant;

use serde_json::{Value, json};

/// Whatever went wrong, in the library's words.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Runs a program with its arguments; an error is a line of standard error.
pub fn main(run: impl FnOnce(&[String]) -> Result<()>) -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// A workload whose tensors are where it runs.
pub trait Peer {
    /// The output's elements.
    fn result(&mut self) -> Result<Vec<f32>>;

    /// Seconds of one of `count` runs that are waited for together.
    fn time(&mut self, count: usize) -> Result<f64>;
}

/// Writes the result's elements to `file` (f32, little-endian), says in a line of JSON on which `device` and how long that
/// took from `start` on, and then answers each line of standard input, a number of runs, with the seconds of one.
pub fn serve(peer: &mut dyn Peer, start: Instant, device: Option<&str>, file: &str) -> Result<()> {
    let values = peer.result()?;
    let first = start.elapsed().as_secs_f64() * 1e3;
    std::fs::write(file, values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", json!({ "device": device, "first_result_ms": first }))?;
    // What is tuned and built at first is no part of the steady state.
    peer.time(1)?;
    for line in std::io::stdin().lock().lines() {
        writeln!(out, "{}", peer.time(line?.trim().parse()?)?)?;
        out.flush()?;
    }
    Ok(())
}

/// A number for each of two axes.
pub fn pair(value: &Value) -> Result<[usize; 2]> {
    let numbers = value.as_array().into_iter().flatten().filter_map(Value::as_u64).map(|n| n as usize);
    let numbers: Vec<usize> = numbers.collect();
    numbers.try_into().map_err(|_| format!("{value} is not a number for each of two axes").into())
}

/// The padding of each axis, which must be the same before and after it.
pub fn padding(windows: &Value) -> Result<[usize; 2]> {
    match windows["pad_before"] == windows["pad_after"] {
        true => pair(&windows["pad_before"]),
        false => Err("padding that differs before and after an axis is not offered".into()),
    }
}
