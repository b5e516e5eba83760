//! A whole ONNX file in a Rust library that computes on the CPU, which `networks.py` has timed in turn with wgpool.
//!
//! `wgpool-peers-networks LIBRARY MODEL INPUT RESULT THREADS LENGTH...`, where the library is `tract` or `rten`, and the input a file of
//! f32 with these lengths of axes, little-endian. See [`serve`] for the rest.

mod rten;
mod tract;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use wgpool_peers::{Peer, Result, serve};

fn main() -> ExitCode {
    wgpool_peers::main(run)
}

fn run(args: &[String]) -> Result<()> {
    let [library, model, input, result, threads, lengths @ ..] = args else {
        return Err("usage: wgpool-peers-networks tract|rten MODEL INPUT RESULT THREADS LENGTH...".into());
    };
    let shape = lengths.iter().map(|length| Ok(length.parse()?)).collect::<Result<Vec<usize>>>()?;
    let bytes = std::fs::read(input)?;
    let x: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let (model, start) = (Path::new(model), Instant::now());
    let mut peer: Box<dyn Peer> = match library.as_str() {
        "tract" => Box::new(tract::Run::new(model, &shape, &x, threads.parse()?)?),
        "rten" => Box::new(rten::Run::new(model, &shape, &x)?),
        other => return Err(format!("no library {other}").into()),
    };
    serve(&mut *peer, start, None, result)
}
