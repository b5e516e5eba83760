//! wgpool's workloads on burn's wgpu backend, in turn with wgpool on the same adapter.

mod burn;

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wgpool::bench::{self, Device, Exported, GpuRun, SCHEMA, Spread, cases};
use wgpool::{Backend, Choice, Engine, Problem, Tensor, reference};

const USAGE: &str = "usage: wgpool-peers [--adapter gpu|software|NAME] [--kernels auto|hardware] [--case P1,C2] \
                     [--quick] [--json FILE]";

/// Elements that are compared with the reference, and what they are drawn by.
const SAMPLE: usize = 4096;
const SEED: u64 = 1;

/// How far from wgpool's result, of its largest magnitude, a peer's is no longer taken for the same operation's.
const DIFFERENT: f32 = 1e-4;

struct Args {
    adapter: String,
    hardware: bool,
    cases: Vec<String>,
    quick: bool,
    json: Option<String>,
}

fn main() -> ExitCode {
    match arguments().and_then(|args| run(&args)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("wgpool-peers: {error}");
            ExitCode::from(2)
        }
    }
}

fn arguments() -> Result<Args, Box<dyn Error>> {
    let mut args = Args { adapter: "gpu".into(), hardware: false, cases: vec![], quick: false, json: None };
    let mut given = std::env::args().skip(1);
    while let Some(flag) = given.next() {
        let mut value = || given.next().ok_or_else(|| format!("{flag} lacks its value; {USAGE}"));
        match flag.as_str() {
            "--adapter" => args.adapter = value()?,
            "--kernels" => args.hardware = value()? == "hardware",
            "--case" => args.cases = value()?.split(',').map(str::to_owned).collect(),
            "--json" => args.json = Some(value()?),
            "--quick" => args.quick = true,
            _ => return Err(format!("{flag} is unknown; {USAGE}").into()),
        }
    }
    Ok(args)
}

/// Whether every result was right.
fn run(args: &Args) -> Result<bool, Box<dyn Error>> {
    let choice: Choice = args.adapter.parse()?;
    let Backend::Gpu(engine) = Backend::open(&choice)?.backend else {
        return Err("burn's wgpu backend needs an adapter".into());
    };
    let engine = if args.hardware { engine.as_hardware() } else { engine };
    let ours = Device::of(&engine);
    let (device, theirs) = burn::open(ours.software);
    if !theirs.starts_with(&ours.name) {
        return Err(format!("burn took {theirs}, wgpool {}", ours.name).into());
    }
    println!("wgpool: {}, {}; burn: {theirs}; x: burn's time over wgpool's", ours.label(), ours.driver);
    println!("| case | wgpool ms | burn ms | x | burn's first result s |\n|---|---|---|---|---|");
    let wanted = if args.cases.is_empty() { cases::all() } else { cases::named(&args.cases)? };
    let (mut rows, mut ratios, mut right) = (Vec::new(), Vec::new(), true);
    for case in &wanted {
        let exported = bench::export(case)?;
        let mut row = exported.json.clone();
        match measure(&engine, case, &exported, &device, args.quick) {
            Ok(measured) => {
                let ms = |who: &Value| who["wall"]["median_ms"].as_f64().unwrap_or(f64::NAN);
                let (gpu, peer) = (ms(&measured.gpu), ms(&measured.peer));
                let ratio = peer / gpu;
                println!("| {} | {gpu:.3} | {peer:.3} | {ratio:.2} | {:.2} |", case.name, measured.first);
                if let Some(note) = measured.peer["note"].as_str() {
                    println!("  {}: {note}", case.short());
                }
                ratios.push(ratio);
                row["faults"] = json!([]);
                row["gpu"] = measured.gpu;
                row["peer"] = json!({ "burn": measured.peer });
                row["peer"]["burn"]["ratio"] = ratio.into();
                row["peer"]["burn"]["first_result_ms"] = (measured.first * 1e3).into();
            }
            Err(fault) => {
                println!("| {} | {fault} | | | |", case.name);
                row["faults"] = json!([fault.to_string()]);
                right = false;
            }
        }
        rows.push(row);
    }
    if !ratios.is_empty() {
        let mean = (ratios.iter().map(|r| r.ln()).sum::<f64>() / ratios.len() as f64).exp();
        println!("burn: {mean:.2} times wgpool's time in the geometric mean of {} cases", ratios.len());
    }
    if let Some(path) = &args.json {
        let adapter =
            json!({ "name": ours.name, "api": ours.api, "driver": ours.driver, "software": ours.software });
        let all = json!({ "schema": SCHEMA, "quick": args.quick, "adapter": adapter, "peer": theirs, "cases": rows });
        std::fs::write(path, format!("{all:#}\n"))?;
    }
    Ok(right)
}

struct Measured {
    gpu: Value,
    peer: Value,
    first: f64,
}

/// Checks burn's result, then times both in turn.
fn measure(
    engine: &Engine,
    case: &cases::Case,
    exported: &Exported,
    device: &burn_wgpu::WgpuDevice,
    quick: bool,
) -> Result<Measured, Box<dyn Error>> {
    let (ours, first) = GpuRun::start(engine, std::slice::from_ref(&case.op), &exported.inputs)?;
    if let Some(wrong) = outside(case, exported, &first.output)? {
        return Err(format!("wgpool's own result: {wrong}").into());
    }
    let burn = burn::Run::new(exported, device)?;
    let start = Instant::now();
    let values = burn.result()?;
    let first_burn = start.elapsed().as_secs_f64();
    let result = Tensor::from_f32(exported.output.shape(), values)?;
    let (a, b) = (result.as_f32()?, exported.output.as_f32()?);
    let largest = b.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let far = a.iter().zip(b).filter(|(a, b)| !((**a - **b).abs() <= DIFFERENT * largest)).count();
    if far > 0 {
        return Err(format!("burn's result is another in {far} elements").into());
    }
    let note = outside(case, exported, &result)?.map(|m| format!("outside wgpool's bound: {m}"));
    let timings = in_turn([&|n| Ok(ours.time(n)?.wall), &|n| Ok(burn.time(n)?)], quick)?;
    let [gpu, mut peer] = timings;
    peer["note"] = note.into();
    Ok(Measured { gpu, peer, first: first_burn })
}

/// What the reference finds wrong with a result.
fn outside(case: &cases::Case, exported: &Exported, result: &Tensor) -> wgpool::Result<Option<String>> {
    let problem = Problem::new(&case.op, &case.descs())?;
    let inputs: Vec<&Tensor> = exported.inputs.iter().collect();
    let mismatch = reference::compare_sample(&problem, &inputs, result, SAMPLE, SEED)?.flatten();
    Ok(mismatch.map(|m| m.to_string()))
}

type Clock<'a> = &'a dyn Fn(usize) -> Result<f64, Box<dyn Error>>;

/// Times both round by round, as `wgpool bench` does.
fn in_turn(both: [Clock<'_>; 2], quick: bool) -> Result<[Value; 2], Box<dyn Error>> {
    let (rounds, target, most) = match quick {
        true => (3, Duration::from_millis(3), Duration::from_millis(300)),
        false => (15, Duration::from_millis(30), Duration::from_secs(6)),
    };
    let (mut counts, mut whole) = ([1usize; 2], 0.0);
    for (clock, count) in both.iter().zip(&mut counts) {
        // What is tuned and built at first is no part of the steady state.
        clock(1)?;
        loop {
            let took = clock(*count)? * *count as f64;
            if took >= target.as_secs_f64() / 2.0 || *count >= 4096 {
                whole += took;
                break;
            }
            *count = ((*count as f64 * (target.as_secs_f64() / took).clamp(2.0, 16.0)) as usize).min(4096);
        }
    }
    let rounds = rounds.min(((most.as_secs_f64() / whole) as usize).max(3));
    let mut samples = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for ((clock, count), samples) in both.iter().zip(counts).zip(&mut samples) {
            samples.push(clock(count)?);
        }
    }
    let [a, b] = samples;
    Ok([timing(a, counts[0])?, timing(b, counts[1])?])
}

fn timing(samples: Vec<f64>, runs: usize) -> Result<Value, Box<dyn Error>> {
    let count = samples.len();
    let spread = Spread::of(samples).ok_or("nothing was measured")?;
    let [median, p10, p90] = [spread.median, spread.p10, spread.p90].map(|s| s * 1e3);
    let wall = json!({ "median_ms": median, "p10_ms": p10, "p90_ms": p90 });
    Ok(json!({ "wall": wall, "timestamp": null, "runs_together": runs, "samples": count }))
}
