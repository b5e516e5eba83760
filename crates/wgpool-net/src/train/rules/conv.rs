//! Convolutions and fully connected layers.

use super::activation;
use super::context::{ByInput, Context};
use crate::axes::channel_axis;
use crate::graph::Value;
use wgpool::error::Result;
use wgpool::spec::gradient::{
    ConvInputGradient, ConvTransposeInputGradient, ConvTransposeWeightsGradient, ConvWeightsGradient,
    DenseInputGradient, DenseWeightsGradient,
};
use wgpool::spec::{Activation, Conv, ConvTranspose, Dense, KernelLayout, Op};

/// Spatial lengths of a kernel.
fn window(layout: KernelLayout, shape: &[usize]) -> Vec<usize> {
    let window = match layout {
        KernelLayout::Oihw => shape.get(2..),
        KernelLayout::Hwio => shape.get(..shape.len().saturating_sub(2)),
    };
    window.unwrap_or_default().to_vec()
}

/// Whether the step reads a bias, and whether a residual behind it.
fn extras(context: &Context<'_>) -> (bool, bool) {
    let conv = context.step.problem().and_then(|problem| problem.work.conv());
    conv.map_or((context.step.inputs.len() > 2, false), |conv| (conv.bias, conv.residual))
}

fn set(all: &mut ByInput, at: usize, gradient: Value) {
    if let Some(place) = all.get_mut(at) {
        *place = Some(gradient);
    }
}

/// The gradients of a product of an input and a kernel, perhaps with a bias along `axis`: operations by kernel and by input.
fn linear(
    context: &mut Context<'_>,
    gradient: Value,
    bias: Option<usize>,
    by_kernel: impl Into<Op>,
    by_input: impl Into<Op>,
) -> Result<ByInput> {
    let mut all = context.none();
    if context.needs(1) {
        let x = context.input(0)?;
        let found = context.one(by_kernel, &[x, gradient])?;
        set(&mut all, 1, found);
    }
    if let Some(axis) = bias
        && context.needs(2)
    {
        let found = context.sum_but(gradient, axis)?;
        set(&mut all, 2, found);
    }
    if context.needs(0) {
        let w = context.input(1)?;
        let found = context.one(by_input, &[gradient, w])?;
        set(&mut all, 0, found);
    }
    Ok(all)
}

pub(super) fn conv(context: &mut Context<'_>, spec: &Conv) -> Result<ByInput> {
    let gradient = activation::behind(context, spec.activation)?;
    let (bias, residual) = extras(context);
    let of = Conv { activation: Activation::None, residual: false, ..spec.clone() };
    let (input, window) = (context.shape(0)?, window(spec.kernel_layout, &context.shape(1)?));
    let bias = bias.then(|| channel_axis(spec.layout, input.len()));
    let by_kernel = ConvWeightsGradient::new(of.clone(), window);
    let mut all = linear(context, gradient, bias, by_kernel, ConvInputGradient::new(of, input))?;
    if residual {
        set(&mut all, context.step.inputs.len().saturating_sub(1), gradient);
    }
    Ok(all)
}

pub(super) fn transposed(context: &mut Context<'_>, spec: &ConvTranspose) -> Result<ByInput> {
    let gradient = activation::behind(context, spec.activation)?;
    let of = ConvTranspose { activation: Activation::None, ..spec.clone() };
    let (input, window) = (context.shape(0)?, window(spec.kernel_layout, &context.shape(1)?));
    let bias = Some(channel_axis(spec.layout, input.len()));
    let by_kernel = ConvTransposeWeightsGradient::new(of.clone(), window);
    linear(context, gradient, bias, by_kernel, ConvTransposeInputGradient::new(of, input))
}

pub(super) fn dense(context: &mut Context<'_>, spec: &Dense) -> Result<ByInput> {
    let gradient = activation::behind(context, spec.activation)?;
    let of = Dense { activation: Activation::None, ..*spec };
    let last = context.graph.desc(gradient)?.shape.len().saturating_sub(1);
    linear(context, gradient, Some(last), DenseWeightsGradient { of }, DenseInputGradient { of })
}
