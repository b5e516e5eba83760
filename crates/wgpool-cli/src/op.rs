//! `wgpool op`: one operation on arrays in files.

use std::io::Write;
use std::time::Instant;

use wgpool::{Problem, Result, Tensor, TensorDesc};

use super::args::{OpArgs, Place};
use super::backends;
use super::files::{self, OutputFile};
use super::terminal::{self, block, line};

/// Runs the command.
pub fn run(args: &OpArgs, place: &Place, out: &mut dyn Write) -> Result<()> {
    let arguments = args.operation.arguments();
    let paths = arguments.files();
    let tensors: Vec<Tensor> =
        paths.inputs.iter().map(|path| files::read_tensor(path)).collect::<Result<_>>()?;
    let descs: Vec<TensorDesc> = tensors.iter().map(Tensor::desc).collect();
    let op = arguments.op(descs.first().map_or(&[], |input| &input.shape))?;
    let problem = Problem::new(&op, &descs)?;
    files::distinct(&paths.outputs)?;
    // Every file is opened before anything is computed, and appears only when all results are there.
    let mut files: Vec<OutputFile> =
        paths.outputs.iter().map(|path| OutputFile::create_for_tensor(path)).collect::<Result<_>>()?;

    let backend = backends::open_with(place, &args.kernels)?;
    let inputs: Vec<&Tensor> = tensors.iter().collect();
    let start = Instant::now();
    let results = backend.run(&op, &inputs)?;
    let took = start.elapsed();
    for (result, file) in results.iter().zip(&mut files) {
        file.write_tensor(result)?;
    }
    files.into_iter().try_for_each(OutputFile::publish)?;

    let shapes: Vec<String> = results.iter().map(|r| format!("{} {:?}", r.dtype(), r.shape())).collect();
    let from = format!("{} {:?}", tensors[0].dtype(), tensors[0].shape());
    let (took, name) = (terminal::duration(took), backend.name());
    line(out, format_args!("{}: {from} -> {} in {took} on {name}", problem.op, shapes.join(" and ")))?;
    if args.explain {
        line(out, "")?;
        block(out, backend.explain(&op, &descs)?)?;
    }
    Ok(())
}
