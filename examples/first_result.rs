//! How long an app waits for its first result: the digit CNN, cold, warm, and with pipelines kept in a file.
//!
//! `cargo run --release --example first_result` (a software adapter is named as such)

use std::time::Instant;

use wgpool::{Backend, Choice, Engine, Tensor};
use wgpool_net::{Session, keras};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/data/mnist");
    let model =
        keras::load(format!("{data}/config.json"), Some(format!("{data}/weights.safetensors").as_ref()))?;
    let digit = Tensor::from_f32(&[1, 28, 28, 1], vec![0.5; 28 * 28])?;
    let open = || Backend::open(&Choice::Gpu).or_else(|_| Backend::open(&Choice::Software));
    let first = |engine: &Engine| -> Result<f64, Box<dyn std::error::Error>> {
        let start = Instant::now();
        Session::compile(&Backend::Gpu(engine.clone()), model.program(1)?)?.run(&digit)?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    };

    let start = Instant::now();
    let Backend::Gpu(engine) = open()?.backend else { return Err("no adapter".into()) };
    println!("{}", engine.adapter_name());
    println!("device opened                    {:8.1} ms", start.elapsed().as_secs_f64() * 1e3);
    let file = std::env::temp_dir().join(format!("wgpool-first-result-{}", std::process::id()));
    let engine = engine.with_pipeline_cache(&file);
    println!("first result, cold               {:8.1} ms", first(&engine)?);
    println!("first result, pipelines built    {:8.1} ms", first(&engine)?);
    if engine.save_pipeline_cache(&file)? {
        // Another device: nothing is left in memory but what the driver keeps.
        let Backend::Gpu(engine) = open()?.backend else { return Err("no adapter".into()) };
        println!("first result, pipelines in a file{:8.1} ms", first(&engine.with_pipeline_cache(&file))?);
        std::fs::remove_file(&file)?;
    } else {
        println!("this device keeps no pipelines in files");
    }
    Ok(())
}
