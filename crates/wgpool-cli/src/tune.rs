//! `wgpool tune`: measures which kernels are the fastest on this device, and keeps that in a file.

use std::io::Write;
use std::ops::ControlFlow;

use wgpool::plan::Tuning;
use wgpool::{Backend, Engine, Error, Problem, Result};
use wgpool_net::keras;
use wgpool_testing::bench::cases;

use super::args::{Place, TuneArgs};
use super::backends;
use super::document;
use super::files::{OutputFile, apart, tuning};
use super::terminal::{self, line};

/// Runs the command.
pub fn run(args: &TuneArgs, place: &Place, out: &mut dyn Write) -> Result<()> {
    apart(&[&args.out], args.model.iter().chain(&args.weights).map(AsRef::as_ref))?;
    let problems = problems(args)?;
    let mut file = OutputFile::create(&args.out)?;
    let Backend::Gpu(engine) = backends::open(place)?.backend else {
        let rule = "plans choose kernels on adapters alone";
        return Err(Error::parameter("tune", "--adapter", &place.choice, rule));
    };
    let bar = terminal::progress(problems.len(), "tuning");
    let mut measured = engine.tune(&problems, args.budget, |next| {
        bar.set_length(next.of as u64);
        bar.set_position(next.problem as u64);
        bar.set_message(next.kernel.unwrap_or(next.op).to_owned());
        ControlFlow::Continue(())
    })?;
    bar.finish_and_clear();
    for (class, fastest) in &measured.fastest {
        line(out, format_args!("{}: {class}", fastest.kernel))?;
    }
    let found = measured.fastest.len();
    // What was measured before, on this very device, stays known.
    if let Ok(before) = tuning::read(&args.out).and_then(|before| checked(&engine, before)) {
        let fresh = std::mem::replace(&mut measured.fastest, before.fastest);
        measured.fastest.extend(fresh);
    }
    let text = serde_json::to_string_pretty(&measured).map_err(|error| document(&args.out, error))?;
    file.write(text.as_bytes())?;
    file.publish()?;
    let (known, path) = (measured.fastest.len(), args.out.display());
    line(
        out,
        format_args!("{found} found faster than by the rules, {known} known: --tuning {path} takes them"),
    )
}

fn checked(engine: &Engine, tuning: Tuning) -> Result<Tuning> {
    engine.with_tuning(tuning.clone()).map(|_| tuning)
}

/// Those of a model, or the workloads of `bench`.
fn problems(args: &TuneArgs) -> Result<Vec<Problem>> {
    if let Some(model) = &args.model {
        let program = keras::load(model, args.weights.as_deref())?.program(args.batch)?;
        return Ok(program.steps.iter().filter_map(|step| step.problem().cloned()).collect());
    }
    let cases = if args.cases.is_empty() { cases::all() } else { cases::named(&args.cases)? };
    cases.iter().map(|case| Problem::new(&case.op, &case.descs())).collect()
}
