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
use wgpool::spec::{Activation, Conv, ConvTranspose, Dense, KernelLayout};

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

pub(super) fn conv(context: &mut Context<'_>, spec: &Conv) -> Result<ByInput> {
    let gradient = activation::behind(context, spec.activation)?;
    let (bias, residual) = extras(context);
    let of = Conv { activation: Activation::None, residual: false, ..spec.clone() };
    let mut all = context.none();
    let (input, kernel) = (context.shape(0)?, context.shape(1)?);
    if context.needs(1) {
        let x = context.input(0)?;
        let window = window(spec.kernel_layout, &kernel);
        let by_kernel = context.one(ConvWeightsGradient::new(of.clone(), window), &[x, gradient])?;
        set(&mut all, 1, by_kernel);
    }
    if bias && context.needs(2) {
        let by_bias = context.sum_but(gradient, channel_axis(spec.layout, input.len()))?;
        set(&mut all, 2, by_bias);
    }
    if residual {
        set(&mut all, context.step.inputs.len().saturating_sub(1), gradient);
    }
    if context.needs(0) {
        let w = context.input(1)?;
        let by_x = context.one(ConvInputGradient::new(of, input), &[gradient, w])?;
        set(&mut all, 0, by_x);
    }
    Ok(all)
}

pub(super) fn transposed(context: &mut Context<'_>, spec: &ConvTranspose) -> Result<ByInput> {
    let gradient = activation::behind(context, spec.activation)?;
    let of = ConvTranspose { activation: Activation::None, ..spec.clone() };
    let mut all = context.none();
    let (input, kernel) = (context.shape(0)?, context.shape(1)?);
    if context.needs(1) {
        let x = context.input(0)?;
        let window = window(spec.kernel_layout, &kernel);
        let by_kernel = context.one(ConvTransposeWeightsGradient::new(of.clone(), window), &[x, gradient])?;
        set(&mut all, 1, by_kernel);
    }
    if context.needs(2) {
        let by_bias = context.sum_but(gradient, channel_axis(spec.layout, input.len()))?;
        set(&mut all, 2, by_bias);
    }
    if context.needs(0) {
        let w = context.input(1)?;
        let by_x = context.one(ConvTransposeInputGradient::new(of, input), &[gradient, w])?;
        set(&mut all, 0, by_x);
    }
    Ok(all)
}

pub(super) fn dense(context: &mut Context<'_>, spec: &Dense) -> Result<ByInput> {
    let gradient = activation::behind(context, spec.activation)?;
    let of = Dense { activation: Activation::None, ..*spec };
    let mut all = context.none();
    if context.needs(1) {
        let x = context.input(0)?;
        let by_kernel = context.one(DenseWeightsGradient { of }, &[x, gradient])?;
        set(&mut all, 1, by_kernel);
    }
    if context.needs(2) {
        let last = context.graph.desc(gradient)?.shape.len().saturating_sub(1);
        let by_bias = context.sum_but(gradient, last)?;
        set(&mut all, 2, by_bias);
    }
    if context.needs(0) {
        let w = context.input(1)?;
        let by_x = context.one(DenseInputGradient { of }, &[gradient, w])?;
        set(&mut all, 0, by_x);
    }
    Ok(all)
}
