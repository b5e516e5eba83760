//! Splitting a batch, or the planes of one image, whose tensors do not fit one binding into parts that do.

use super::{Caps, Part};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::geometry::{MAX_SPATIAL, Strides};
#[cfg(feature = "gradients")]
use crate::problem::GradientWork;
use crate::problem::{IntegerWork, PoolWork, Problem, Work};
use crate::spec::{IndexNumbering, Layout};
use crate::tensor::TensorDesc;

/// Parts that a batch is divided into at most. With the bindings that WebGPU promises, these hold 8 GiB.
const MOST_PARTS: u64 = 64;

/// The strides of images with one channel, if planes lie one after another: every plane is then such an image.
fn of_planes(strides: &Strides, channels: usize, space: [usize; MAX_SPATIAL]) -> Option<Strides> {
    let planes_first = *strides == Strides::of(Layout::Nchw, channels, space);
    planes_first.then(|| Strides::of(Layout::Nchw, 1, space))
}

fn pool_by_planes(w: &mut PoolWork) {
    let (from, to) = (w.axes.map(|a| a.input), w.axes.map(|a| a.output));
    let strides = of_planes(&w.input, w.channels, from).zip(of_planes(&w.output, w.channels, to));
    if let Some(strides) = strides {
        (w.input, w.output) = strides;
        (w.batch, w.channels) = (w.batch * w.channels, 1);
    }
}

/// The same work in the smallest units that it can be divided into: pooling computes each plane by itself.
fn in_units(work: &Work) -> Work {
    let mut work = work.clone();
    match &mut work {
        Work::Pool(w) => pool_by_planes(w),
        Work::Fractional(w) => pool_by_planes(&mut w.pool),
        Work::Unpool(w) => {
            let strides = of_planes(&w.input, w.channels, w.in_space).zip(of_planes(
                &w.output,
                w.channels,
                w.out_space,
            ));
            if let Some(strides) = strides {
                (w.input, w.output) = strides;
                (w.batch, w.channels) = (w.batch * w.channels, 1);
            }
        }
        #[cfg(feature = "gradients")]
        Work::Gradient(GradientWork::Pool(w)) => pool_by_planes(&mut w.pool),
        _ => {}
    }
    work
}

/// The units that a problem can be divided into (planes, images, rows, elements), and which of its inputs are so divided;
/// nothing where its units depend on each other.
fn units(work: &Work) -> Option<(usize, u32)> {
    if let Work::Elementwise(w) = work {
        let outer = w.axes.first()?;
        let divided = outer.strides.iter().enumerate().filter(|&(_, &stride)| stride > 0);
        return Some((outer.length, divided.map(|(i, _)| 1 << i).sum()));
    }
    if let Work::Conv(conv) = work {
        let residual = conv.residual_input().map_or(0, |at| 1 << at);
        return Some((conv.batch, 1 | residual));
    }
    // The first ones.
    first_units(work).map(|(units, inputs)| (units, (1 << inputs) - 1))
}

fn first_units(work: &Work) -> Option<(usize, u32)> {
    let per_plane =
        |numbering: Option<IndexNumbering>| matches!(numbering, None | Some(IndexNumbering::PerPlane));
    let images = |inputs| work.conv().map(|conv| (conv.batch, inputs));
    match work {
        Work::Pool(w) if per_plane(w.indices) => Some((w.batch, 1)),
        Work::Fractional(w) if per_plane(w.pool.indices) => Some((w.pool.batch, 2)),
        Work::Unpool(w) if w.numbering == IndexNumbering::PerPlane => Some((w.batch, 2)),
        Work::Conv(_) | Work::ConvTranspose(_) | Work::ConvPool(_) | Work::ConvInteger(_) => images(1),
        Work::Deform(w) => images(2 + u32::from(w.mask)),
        Work::Col2Im(w) => Some((w.planes, 1)),
        Work::Causal(w) => images(1 + u32::from(w.state)),
        Work::Softmax(w) => Some((w.outer, 1)),
        Work::Arg(w) => Some((w.outer, 1)),
        Work::Resize(w) => w.axes.first().filter(|axis| !axis.changed).map(|axis| (axis.length, 1)),
        Work::Reduce(w) => Some((w.outermost()?.length, 1)),
        Work::Activation(w) => Some((w.elements / w.unit().max(1), 1)),
        #[cfg(feature = "gradients")]
        Work::Gradient(w) => gradient_units(w),
        Work::Pool(_)
        | Work::Fractional(_)
        | Work::Unpool(_)
        | Work::RoiAlign(_)
        | Work::MaxRoi(_)
        | Work::Elementwise(_)
        | Work::Strided(_) => None,
    }
}

/// Weights are sums over all images, which are not divided.
#[cfg(feature = "gradients")]
fn gradient_units(work: &GradientWork) -> Option<(usize, u32)> {
    let per_plane =
        |numbering: Option<IndexNumbering>| matches!(numbering, None | Some(IndexNumbering::PerPlane));
    match work {
        GradientWork::Pool(w) if per_plane(w.pool.indices) => Some((w.pool.batch, w.inputs())),
        GradientWork::Unpool(w) if w.numbering == IndexNumbering::PerPlane => Some((w.batch, 2)),
        GradientWork::Activation(w) => Some((w.elements, 2)),
        GradientWork::Softmax(w) => Some((w.outer, 2)),
        GradientWork::Pool(_) | GradientWork::Unpool(_) | GradientWork::Weights(_) => None,
        GradientWork::RoiAlign(_) | GradientWork::Dropout(_) => None,
        // The loss is a sum over all rows, and its gradient is a number for all.
        GradientWork::CrossEntropy(_) | GradientWork::CrossEntropyGradient(_) => None,
    }
}

/// The same work on `count` units.
pub(super) fn with_units(work: &Work, count: usize) -> Work {
    let mut work = in_units(work);
    if let Some(conv) = work.conv_mut() {
        conv.batch = count;
    }
    match &mut work {
        Work::Pool(w) => w.batch = count,
        Work::Fractional(w) => w.pool.batch = count,
        Work::Unpool(w) => w.batch = count,
        Work::ConvPool(w) => {
            w.pool.batch = count;
            if let Some(batch) = w.between.shape.first_mut() {
                *batch = count;
            }
        }
        Work::Deform(w) => {
            w.sampled.batch = count;
            if let Some(batch) = w.samples.shape.first_mut() {
                *batch = count;
            }
        }
        Work::Col2Im(w) => w.planes = count,
        Work::Causal(w) => {
            if let Some(batch) = w.sequence.shape.first_mut() {
                *batch = count;
            }
        }
        Work::Softmax(w) => w.outer = count,
        Work::Arg(w) => w.outer = count,
        Work::Resize(w) => w.take_outermost(count),
        Work::Reduce(w) => w.take_outermost(count),
        Work::Activation(w) => w.elements = count * w.unit(),
        Work::Elementwise(w) => {
            if let Some(outer) = w.axes.first_mut() {
                outer.length = count;
            }
        }
        #[cfg(feature = "gradients")]
        Work::Gradient(w) => match w {
            GradientWork::Pool(w) => w.pool.batch = count,
            GradientWork::Unpool(w) => w.batch = count,
            GradientWork::Activation(w) => w.elements = count,
            GradientWork::Softmax(w) => w.outer = count,
            GradientWork::Weights(_) | GradientWork::RoiAlign(_) | GradientWork::Dropout(_) => {}
            GradientWork::CrossEntropy(_) | GradientWork::CrossEntropyGradient(_) => {}
        },
        Work::RoiAlign(_) | Work::MaxRoi(_) | Work::Strided(_) => {}
        Work::Conv(_) | Work::ConvTranspose(_) | Work::ConvInteger(_) => {}
    }
    work
}

/// What kernels keep of every unit in scratch memory that counts with the tensors.
fn between(problem: &Problem) -> Option<TensorDesc> {
    match &problem.work {
        Work::ConvPool(work) => Some(work.between.clone()),
        Work::Deform(work) => Some(work.samples.clone()),
        Work::Causal(work) => Some(work.sequence.clone()),
        // Who owns each output.
        Work::Unpool(_) => {
            let outputs = problem.outputs.first()?;
            Some(TensorDesc { dtype: DType::I32, ..outputs.clone() })
        }
        Work::ConvInteger(IntegerWork { requantize: Some(_), conv, .. }) => {
            let sums = problem.outputs.first()?;
            Some(TensorDesc { dtype: conv.dtype, ..sums.clone() })
        }
        _ => None,
    }
}

/// The parts that fit the device's bindings; one whole part where everything fits.
pub(super) fn parts(problem: &Problem, caps: &Caps) -> Result<Vec<Option<Part>>> {
    let op = problem.op;
    let too_large = |desc: &&TensorDesc| desc.buffer_size() > caps.max_binding;
    let between = between(problem);
    let all = || problem.inputs.iter().chain(&problem.outputs).chain(&between);
    let Some(largest) = all().filter(too_large).max_by_key(|d| d.buffer_size()) else {
        return Ok(vec![None]);
    };
    let refused = |needed| Error::Limit {
        op,
        limit: "max_storage_buffer_binding_size",
        needed,
        allowed: caps.max_binding,
    };
    let Some((units, inputs)) = units(&in_units(&problem.work)).filter(|&(units, _)| units > 0) else {
        return Err(refused(largest.buffer_size()));
    };
    // Kernels and biases are in every part.
    let is_divided = |i: usize| inputs >> i & 1 == 1;
    let each = || problem.inputs.iter().enumerate();
    if let Some((_, whole)) = each().find(|(i, desc)| !is_divided(*i) && too_large(desc)) {
        return Err(refused(whole.buffer_size()));
    }
    let divided: Vec<usize> = (each().filter(|(i, _)| is_divided(*i)).map(|(_, desc)| desc))
        .chain(&problem.outputs)
        .map(|desc| desc.bytes() / units)
        .collect();
    // Every part starts at an offset that the device can bind.
    let alignment = u64::from(caps.offset_alignment);
    let step = divided.iter().fold(1, |step, &unit| lcm(step, alignment / gcd(alignment, unit as u64)));
    let scratch = between.iter().map(|desc| desc.bytes() / units);
    let most_bytes = divided.iter().copied().chain(scratch).max().unwrap_or(0) as u64;
    // Whole words are bound, so a limit counts in whole words too.
    let most = (caps.max_binding & !3) / most_bytes.max(1) / step * step;
    if most == 0 || units as u64 / most >= MOST_PARTS {
        return Err(refused(most_bytes * step.min(units as u64)));
    }
    let most = most as usize;
    Ok((0..units)
        .step_by(most)
        .map(|first| Some(Part { first, count: most.min(units - first), of: units, inputs }))
        .collect())
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn lcm(a: u64, b: u64) -> u64 {
    a / gcd(a, b) * b
}
