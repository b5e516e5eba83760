//! Batch normalisation in training.

use super::super::array::Array;
use super::super::call::{Call, Refusal, Role};
use super::{Named, OP, Pass};
use wgpool::error::{Error, Result};
use wgpool::spec::gradient::{BatchNormTraining, RunningVariance};
use wgpool::spec::{Elementwise, Op};

fn data(arrays: &[&Array]) -> Vec<(Role, Array)> {
    arrays.iter().map(|&array| (Role::Data, array.clone())).collect()
}

pub(super) fn batch_norm(pass: &mut Pass) -> Result<Named, Refusal> {
    let (x, gradient) = (pass.input("x")?, pass.input("grad_output")?);
    let rank = x.shape.len();
    let axis = pass.args.int(&["axis"])?.unwrap_or(1);
    let axis = usize::try_from(axis).ok().filter(|&axis| axis < rank);
    let axis = axis.ok_or_else(|| Error::parameter(OP, "axis", axis, "the input must have it"))?;
    let norm = BatchNormTraining { axis, rank, epsilon: pass.number("eps")? as f32 };
    let momentum = pass.number("momentum")?;
    let channels = x.shape[axis];
    let elements = x.values.len() / channels.max(1);
    // A number for each channel, with axes of one element beside it, and without.
    let mut apart = vec![1; rank];
    apart[axis] = channels;
    let spread = |array: Array| Array { shape: apart.clone(), ..array };
    let flat = |array: &Array| Array { shape: vec![channels], ..array.clone() };
    let gamma = spread(pass.input("gamma")?);
    let beta = spread(pass.input("beta")?);
    let mean_before = spread(pass.input("running_mean")?);
    let variance_before = spread(pass.input("running_var")?);
    let mut of = |op: Op, inputs: &[&Array]| pass.one(Call::new(op, data(inputs)));
    let formula = |formula: Elementwise| Op::from(formula);

    let mean = of(norm.mean().into(), &[&x])?;
    let squares = of(formula(norm.centred_squares()), &[&x, &mean])?;
    let variance = of(norm.mean().into(), &[&squares])?;
    let scale = of(formula(norm.scale()), &[&variance])?;
    let normalised = of(formula(norm.normalised()), &[&x, &mean, &scale])?;
    let y = of(formula(norm.output()), &[&normalised, &gamma, &beta])?;
    let running_mean = of(formula(norm.running(momentum, 1.0)), &[&mean_before, &mean])?;
    let mut running = |rule| {
        let factor = norm.variance_factor(rule, elements);
        of(formula(norm.running(momentum, factor)), &[&variance_before, &variance])
    };
    let unbiased = running(RunningVariance::Unbiased)?;
    let biased = running(RunningVariance::Biased)?;

    let by_beta = of(norm.sum().into(), &[&gradient])?;
    let products = of(formula(Elementwise::multiply()), &[&gradient, &normalised])?;
    let by_gamma = of(norm.sum().into(), &[&products])?;
    let taken = of(formula(norm.taken(elements)), &[&normalised, &by_beta, &by_gamma])?;
    let factor = of(formula(Elementwise::multiply()), &[&gamma, &scale])?;
    let by_input = of(formula(norm.gradient()), &[&gradient, &taken, &factor])?;
    Ok(vec![
        ("y", y),
        ("saved_mean", flat(&mean)),
        ("saved_invstd", flat(&scale)),
        ("running_mean", flat(&running_mean)),
        ("running_var", flat(&unbiased)),
        ("running_var_biased", flat(&biased)),
        ("grad_x", by_input),
        ("grad_gamma", flat(&by_gamma)),
        ("grad_beta", flat(&by_beta)),
    ])
}
