//! `wgpool op`: one operation on arrays in files.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use wgpool::{
    Choice, Conv, Dense, GlobalPool, Op, Pool, PoolKind, Problem, Result, Softmax, Tensor, TensorDesc,
};

use super::args::{Common, OpArgs, Operation, WeightArgs, WindowArgs};
use super::files::{self, OutputFile};
use super::{backends, terminal};

/// An operation with the files it reads and writes.
struct Job<'a> {
    op: Op,
    common: &'a Common,
    weights: Option<&'a WeightArgs>,
    indices: Option<&'a Path>,
}

/// Runs the command.
pub fn run(args: &OpArgs, choice: &Choice, out: &mut dyn Write) -> Result<()> {
    let job = job(&args.operation);
    let mut tensors = vec![files::read_tensor(&job.common.input)?];
    if let Some(weights) = job.weights {
        tensors.push(files::read_tensor(&weights.kernel)?);
        if let Some(bias) = &weights.bias {
            tensors.push(files::read_tensor(bias)?);
        }
    }
    let descs: Vec<TensorDesc> = tensors.iter().map(Tensor::desc).collect();
    let problem = Problem::new(&job.op, &descs)?;
    // Both files are opened before anything is computed, and appear only when both results are there.
    let mut files = vec![OutputFile::create_for_tensor(&job.common.output)?];
    if let Some(indices) = job.indices {
        files.push(OutputFile::create_for_tensor(indices)?);
    }

    let opened = backends::open(choice)?;
    let inputs: Vec<&Tensor> = tensors.iter().collect();
    let start = Instant::now();
    let results = opened.backend.run(&job.op, &inputs)?;
    let took = start.elapsed();
    for (result, file) in results.iter().zip(&mut files) {
        file.write_tensor(result)?;
    }
    files.into_iter().try_for_each(OutputFile::publish)?;

    let shapes: Vec<String> = results.iter().map(|r| format!("{} {:?}", r.dtype(), r.shape())).collect();
    let from = format!("{} {:?}", tensors[0].dtype(), tensors[0].shape());
    let (took, name) = (terminal::duration(took), opened.backend.name());
    terminal::line(
        out,
        format_args!("{}: {from} -> {} in {took} on {name}", problem.op, shapes.join(" and ")),
    )
}

/// What the arguments ask for.
fn job(operation: &Operation) -> Job<'_> {
    let (op, common, weights, indices) = match operation {
        Operation::MaxPool(args) => {
            let pool = pool(PoolKind::Max, &args.window);
            let pool = if args.indices.is_some() { pool.indices(args.index_numbering.into()) } else { pool };
            (Op::from(pool), &args.common, None, args.indices.as_deref())
        }
        Operation::AvgPool(args) => {
            let kind = PoolKind::Average { count_include_pad: args.count_include_pad, divisor: args.divisor };
            (pool(kind, &args.window).into(), &args.common, None, None)
        }
        Operation::LpPool(args) => {
            (pool(PoolKind::Lp { p: args.p }, &args.window).into(), &args.common, None, None)
        }
        Operation::GlobalMaxPool(args) => {
            (GlobalPool::max().layout(args.layout.into()).into(), &args.common, None, None)
        }
        Operation::GlobalAvgPool(args) => {
            (GlobalPool::average().layout(args.layout.into()).into(), &args.common, None, None)
        }
        Operation::Conv(args) => {
            let conv = Conv::new()
                .stride(args.stride.0.clone())
                .dilation(args.dilation.0.clone())
                .padding(args.padding.clone())
                .groups(args.groups)
                .activation(args.weights.activation)
                .layout(args.layout.into())
                .kernel_layout(args.kernel_layout.into());
            (conv.into(), &args.common, Some(&args.weights), None)
        }
        Operation::Dense(args) => {
            let dense =
                Dense::new().activation(args.weights.activation).kernel_layout(args.kernel_layout.into());
            (dense.into(), &args.common, Some(&args.weights), None)
        }
        Operation::Softmax(args) => (Softmax { axis: args.axis }.into(), &args.common, None, None),
        Operation::Activation(args) => (args.function.into(), &args.common, None, None),
    };
    Job { op, common, weights, indices }
}

/// The pooling that the flags of its window describe.
fn pool(kind: PoolKind, args: &WindowArgs) -> Pool {
    let pool = Pool::new(kind, args.window.0.clone())
        .dilation(args.dilation.0.clone())
        .padding(args.padding.clone())
        .ceil_mode(args.ceil)
        .layout(args.layout.into());
    match &args.stride {
        Some(stride) => pool.stride(stride.0.clone()),
        None => pool,
    }
}
