//! `wgpool bench`: the case table on the adapter beside the host path.

mod compare;
mod csv;
mod date;
mod export;
mod machine;
mod model;
pub mod plot;
mod table;
mod wanted;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use wgpool::{Backend, Engine, Error, Result};
use wgpool_testing::bench::{self, Ceilings, Device, Effort, Report, Scaling, cases};

use super::args::{BenchArgs, Place, Which};
use super::files::{OutputFile, apart, distinct};
use super::terminal::{line, progress};
use super::{backends, document, profile};

use model::Model;

/// Status if any result was wrong.
const WRONG: u8 = 1;

/// Runs the command; the status says whether any result was wrong.
pub fn run(args: &BenchArgs, place: &Place, out: &mut dyn Write) -> Result<ExitCode> {
    if let [a, b] = args.compare.as_slice() {
        return compare::run([a, b], args.fail_above, out);
    }
    let wanted = wanted::cases(args)?;
    if let Some(dir) = &args.export {
        return export::run(dir, &wanted, out);
    }
    let pairs = pairs(args, &wanted)?;
    let batches = if args.batches.is_empty() { &[1][..] } else { &args.batches };
    let models = match &args.model {
        Some(path) => model::load(args, path, batches)?,
        None => Vec::new(),
    };
    let others = args.scaling || args.fusion || !models.is_empty();
    if args.plot.is_some() && wanted.is_empty() && models.is_empty() {
        let rule = "a picture shows cases: name some with --case, or leave --scaling and --fusion out";
        return Err(Error::Document { document: "--plot".into(), reason: rule.into() });
    }
    if args.profile.is_wanted() && models.is_empty() {
        let rule = "it times the operations of a model: name one";
        return Err(Error::Document { document: "--profile".into(), reason: rule.into() });
    }
    if let (Some(path), true) = (args.profile.file(), models.len() > 1) {
        return Err(document(path, "it is for one size of batch, but --batch names several"));
    }
    // Every file is opened before anything is measured.
    let format = args.plot.as_deref().map(plot::format).transpose()?;
    let outputs: Vec<&Path> = args
        .plot
        .iter()
        .chain(&args.json)
        .chain(&args.csv)
        .map(PathBuf::as_path)
        .chain(args.profile.file())
        .collect();
    distinct(&outputs)?;
    apart(&outputs, args.model.iter().chain(&args.weights).chain(&args.specs).map(PathBuf::as_path))?;
    let mut picture = args.plot.as_deref().map(OutputFile::create).transpose()?;
    let mut json = args.json.as_deref().map(OutputFile::create).transpose()?;
    let mut csv = args.csv.as_deref().map(OutputFile::create).transpose()?;

    let mut profile_file = profile::file(&args.profile)?;

    let engine = engine(place, &args.kernels)?;
    let report = measure(args, engine.as_ref(), &wanted, &pairs, &models)?;
    let measured = |case: &&cases::Case| report.cases.iter().any(|r| r.name.starts_with(&case.name));
    let left_out: Vec<&str> = wanted.iter().filter(|c| !measured(c)).map(|c| c.short()).collect();
    if let (Which::These(kernels), true) = (&args.kernels, left_out.len() == wanted.len() && !others) {
        let reason = format!("it does not compute {} on this device", left_out.join(", "));
        return Err(Error::Kernel { op: "bench", kernel: format!("{kernels:?}"), reason });
    }
    table::print(&report, out)?;
    if !left_out.is_empty() {
        line(
            out,
            format_args!("left out, since none of these kernels computes them: {}", left_out.join(", ")),
        )?;
    }
    if args.profile.is_wanted() {
        for model in &models {
            let profile = model.profile(engine.as_ref(), args.profile.profile_runs)?;
            line(out, "")?;
            profile::print(&profile, out)?;
            if let (Some(path), Some(file)) = (args.profile.file(), profile_file.take()) {
                profile::write(&profile, path, file)?;
            }
        }
    }
    if let (Some(file), Some(format)) = (&mut picture, format) {
        file.write(&plot::draw(&report, format)?)?;
    }
    if let Some(file) = &mut json {
        file.write(format!("{:#}\n", report.to_json()).as_bytes())?;
    }
    if let Some(file) = &mut csv {
        file.write(&csv::of(&report)?)?;
    }
    [picture, json, csv].into_iter().flatten().try_for_each(OutputFile::publish)?;
    for fault in report.faults() {
        line(out, format_args!("FAILED {fault}"))?;
    }
    Ok(if report.faults().is_empty() { ExitCode::SUCCESS } else { ExitCode::from(WRONG) })
}

/// The convolutions with pooling that are timed in one kernel and in two; an error if none of those that were named is one.
fn pairs(args: &BenchArgs, wanted: &[cases::Case]) -> Result<Vec<cases::Case>> {
    if !args.fusion {
        return Ok(Vec::new());
    }
    let all = match wanted {
        [] => {
            wanted::with_accuracy(args, cases::all().into_iter().map(|case| case.of(args.dtype)).collect())?
        }
        wanted => wanted.to_vec(),
    };
    let pairs: Vec<_> = all.into_iter().filter(|case| case.unfused().is_some()).collect();
    if pairs.is_empty() {
        let reason = "none of these cases is a convolution with pooling, as F1 and F2 are";
        return Err(Error::Document { document: "--fusion".into(), reason: reason.into() });
    }
    Ok(pairs)
}

/// The adapter's engine; nothing where the host path is measured alone.
fn engine(place: &Place, kernels: &Which) -> Result<Option<Engine>> {
    match backends::open_with(place, kernels)? {
        Backend::Gpu(engine) => Ok(Some(engine)),
        Backend::Host => Ok(None),
        other => Err(document("--adapter".as_ref(), format_args!("{} is not timed", other.name()))),
    }
}

/// Ceilings first, then every case, with a progress bar.
fn measure(
    args: &BenchArgs,
    engine: Option<&Engine>,
    wanted: &[cases::Case],
    pairs: &[cases::Case],
    models: &[Model],
) -> Result<Report> {
    let effort = if args.quick { Effort::QUICK } else { Effort::FULL };
    let of_type =
        |cases: Vec<cases::Case>| cases.into_iter().map(|case| case.of(args.dtype)).collect::<Vec<_>>();
    let rows = if args.scaling { cases::scaling() } else { Vec::new() };
    let rows: Vec<_> = rows.into_iter().map(|(name, row)| (name, of_type(row))).collect();
    let steps = 1
        + wanted.len()
        + rows.iter().map(|(_, row)| row.len()).sum::<usize>()
        + pairs.len()
        + models.iter().map(|model| model.cases.len() + 1).sum::<usize>();
    let bar = progress(steps, "ceilings");
    let one = |case: &cases::Case| {
        bar.inc(1);
        bar.set_message(case.name.clone());
        bench::measure(engine, case, effort)
    };
    let each = |case: &cases::Case| match (&args.kernels, engine) {
        (Which::These(kernels), Some(engine)) => {
            bar.inc(1);
            bar.set_message(case.name.clone());
            bench::measure_each(engine, kernels, case, effort)
        }
        _ => Ok(vec![one(case)?]),
    };
    let whole = |model: &Model| {
        let mut reports = model.cases.iter().map(one).collect::<Result<Vec<_>>>()?;
        bar.inc(1);
        bar.set_message("the whole model");
        reports.push(model.whole(engine, &reports, effort)?);
        Ok(reports)
    };
    let report = || -> Result<Report> {
        Ok(Report {
            date: date::today(),
            machine: machine::machine(),
            device: engine.map(Device::of),
            threads: rayon::current_num_threads(),
            simd: wgpool::host::simd_level(),
            quick: args.quick,
            host: Ceilings::of_host()?,
            gpu: engine.map(Ceilings::of_gpu).transpose()?,
            cases: [
                wanted.iter().map(each).collect::<Result<Vec<_>>>()?.concat(),
                models.iter().map(whole).collect::<Result<Vec<_>>>()?.concat(),
            ]
            .concat(),
            scaling: (rows.iter())
                .map(|(name, row)| Ok(Scaling::new(name, row.iter().map(one).collect::<Result<_>>()?)))
                .collect::<Result<_>>()?,
            fusion: (pairs.iter())
                .filter_map(|case| {
                    bar.inc(1);
                    bar.set_message(case.name.clone());
                    bench::measure_fusion(engine, case, effort).transpose()
                })
                .collect::<Result<_>>()?,
        })
    };
    let report = report();
    bar.finish_and_clear();
    report
}
