//! What follows the sums of a convolution in kernels of its own: the residual where the convolution's kernel adds none, and both
//! residual and PReLU on devices that bind too few buffers for them beside all others.

use super::request::Request;
use crate::dtype::DType;
use crate::error::Result;
use crate::plan::candidate::Solution;
use crate::plan::other::{elementwise, pointwise};
use crate::plan::{Plan, Planner, Slot, Steps, pool};
use crate::problem::{ActivationWork, ConvWork, Problem, Work};
use crate::spec::{Activation, Elementwise, Op};
use crate::tensor::TensorDesc;

/// The steps of a convolution of any kind: its sums, residual and activation of them, and their pooling. Not those of 16 bits, which
/// would be rounded twice.
pub(in crate::plan) fn apart(p: &Planner, work: &Work) -> Result<Option<Steps>> {
    let (mut sums, pool) = match work {
        Work::ConvPool(both) => (Work::Conv(both.conv), Some(&both.pool)),
        other => (other.clone(), None),
    };
    let conv = match &mut sums {
        Work::Conv(conv) | Work::ConvTranspose(conv) => conv,
        Work::Deform(work) => &mut work.sampled,
        Work::Causal(work) => &mut work.conv,
        _ => return Ok(None),
    };
    let whole = *conv;
    if whole.dtype != DType::F32 {
        return Ok(None);
    }
    *conv = conv.without_residual();
    let mut all = Plan::steps(p, &sums)?;
    let pooled = pool.map(|pool| (pool, scratch(&mut all, &whole)));
    finish(p, &whole, &mut all, pooled.map_or(Slot::Output(0), |(_, between)| between))?;
    if let Some((pool, between)) = pooled {
        all.append(pool::steps(p, pool, between, Slot::Output(0))?);
    }
    Ok(Some(all))
}

/// How a candidate whose kernels add no residual computes a convolution with one: that without it, and the sum behind it.
pub(super) fn behind<'a>(
    request: &'a Request,
    p: &'a Planner,
    solve: fn(&'a Request, &'a Planner) -> Result<Solution<'a>, &'static str>,
) -> Result<Solution<'a>, &'static str> {
    let Some(plain) = request.plain() else { return solve(request, p) };
    if request.work.dtype != DType::F32 {
        return Err("its sums would be rounded to 16 bits before the residual is added");
    }
    Ok(solve(plain, p)?.then(move |mut all| {
        finish(p, &request.work, &mut all, request.to)?;
        Ok(all)
    }))
}

/// Memory for another tensor of the output's size.
fn scratch(all: &mut Steps, work: &ConvWork) -> Slot {
    let desc = TensorDesc { shape: vec![work.batch * work.output.n], dtype: work.dtype };
    all.scratch.push(desc.buffer_size());
    Slot::Scratch(all.scratch.len() - 1)
}

/// Lets steps that write sums with bias to the output write them to memory, and adds what makes `to` of them.
fn finish(p: &Planner, work: &ConvWork, all: &mut Steps, to: Slot) -> Result<()> {
    let sums = scratch(all, work);
    let written = all.steps.iter_mut().flat_map(|step| &mut step.slots);
    written.filter(|slot| **slot == Slot::Output(0)).for_each(|slot| *slot = sums);
    let ConvWork { batch, dtype, output, activation, slope, .. } = *work;
    let elements = batch * output.n;
    let mut from = sums;
    if let Some(residual) = work.residual_input() {
        let formula = match activation {
            Activation::None | Activation::PRelu => Elementwise::add(),
            activation => Elementwise::add().then_activation(activation),
        };
        let added = if activation == Activation::PRelu { scratch(all, work) } else { to };
        let desc = TensorDesc { shape: vec![elements], dtype };
        let problem = Problem::new(&Op::from(formula), &[desc.clone(), desc])?;
        if let Work::Elementwise(work) = &problem.work {
            let mut steps = elementwise::steps(p, work)?;
            for step in &mut steps {
                step.slots = vec![from, Slot::Input(residual), added];
                step.why = "the residual, which the convolution's kernel does not add";
            }
            all.append(steps.into());
        }
        from = added;
    }
    if from != to {
        let activated = ActivationWork { dtype, elements, activation, slope, run: output.c };
        all.append(pointwise::activation(p, &activated, [from, to])?.into());
    }
    Ok(())
}
