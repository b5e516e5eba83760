//! A workload in a Rust library that computes on the CPU, which `peers.py` has timed in turn with wgpool.
//!
//! `wgpool-peers-cpu LIBRARY FOLDER CASE RESULT THREADS`, where the library is `tract` or `candle`, and the folder is one
//! that `wgpool bench --export` wrote, with a `CASE.onnx` for tract. See [`serve`] for the rest.

mod candle;
mod tract;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use serde_json::Value;
use wgpool_peers::{Peer, Result, serve};

fn main() -> ExitCode {
    wgpool_peers::main(run)
}

fn run(args: &[String]) -> Result<()> {
    let [library, folder, case, result, threads] = args else {
        return Err("usage: wgpool-peers-cpu tract|candle FOLDER CASE RESULT THREADS".into());
    };
    let (folder, threads) = (Path::new(folder), threads.parse()?);
    let start = Instant::now();
    let mut peer: Box<dyn Peer> = match library.as_str() {
        "tract" => {
            let x = candle_core::Tensor::read_npy(folder.join(format!("{case}.in0.npy")))?;
            let values = x.flatten_all()?.to_vec1::<f32>()?;
            Box::new(tract::Run::new(&folder.join(format!("{case}.onnx")), x.dims(), &values, threads)?)
        }
        "candle" => Box::new(candle::Run::new(&find(folder, case)?, folder, case, threads)?),
        other => return Err(format!("no library {other}").into()),
    };
    serve(&mut *peer, start, None, result)
}

/// What `cases.json` says of a case.
fn find(folder: &Path, case: &str) -> Result<Value> {
    let list: Value = serde_json::from_slice(&std::fs::read(folder.join("cases.json"))?)?;
    let first = |found: &&Value| found["name"].as_str().and_then(|name| name.split(' ').next()) == Some(case);
    Ok(list["cases"].as_array().into_iter().flatten().find(first).ok_or("no such case")?.clone())
}
