//! Which workloads are timed.

use wgpool::{DType, Error, Result};
use wgpool_testing::bench::{cases, cases::Case, workloads};

use crate::args::{AccuracyArg, BenchArgs};
use crate::files::read_bytes;

/// Those that are named, else all of the table, else none where something else is timed.
pub fn cases(args: &BenchArgs) -> Result<Vec<Case>> {
    let mut wanted = own(args)?;
    let is_else = !wanted.is_empty() || args.model.is_some() || args.scaling || args.fusion;
    match args.cases.as_slice() {
        [] if is_else => {}
        [] => wanted = cases::all(),
        names => wanted.splice(0..0, cases::named(names)?).for_each(drop),
    }
    let wanted =
        wanted.into_iter().map(|case| if case.dtype == DType::F32 { case.of(args.dtype) } else { case });
    with_accuracy(args, wanted.collect())
}

/// Those of the person at the command line: each of --op on each of --shape, and those of --specs.
fn own(args: &BenchArgs) -> Result<Vec<Case>> {
    let mut own = Vec::new();
    for op in &args.ops {
        for shape in &args.shapes {
            own.push(workloads::parse(&format!("W{}", own.len() + 1), op, &shape.0)?);
        }
    }
    if let Some(path) = &args.specs {
        own.extend(workloads::from_json(&path.display().to_string(), &read_bytes(path)?)?);
    }
    Ok(own)
}

/// The cases with the accuracy that was asked for; an error if none of those that were named has another.
pub fn with_accuracy(args: &BenchArgs, cases: Vec<Case>) -> Result<Vec<Case>> {
    let (name, with): (_, fn(&Case) -> Option<Case>) = match args.accuracy {
        AccuracyArg::Element => return Ok(cases),
        AccuracyArg::Tile => ("--accuracy tile", Case::by_tile),
        AccuracyArg::Chain => ("--accuracy chain", Case::by_chain),
    };
    let changed: Vec<Case> = cases.iter().filter_map(with).collect();
    if changed.is_empty() && !cases.is_empty() {
        let reason = "none of these cases is a convolution that it permits another algorithm for";
        return Err(Error::Document { document: name.into(), reason: reason.into() });
    }
    Ok(changed)
}
