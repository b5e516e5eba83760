//! A workload as other programs can run it: every length and padding known, with its tensors and a checked result.

use serde_json::{Value, json};

use super::cases::Case;
use super::host::HostRun;
use wgpool::error::{Error, Result};
use wgpool::geometry::Axis;
use wgpool::problem::{ConvWork, PoolWork, Problem, Work};
use wgpool::spec::{Activation, PoolKind};
use wgpool::tensor::Tensor;
use wgpool::testing::Judge;

/// A workload with its tensors.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exported {
    /// What is computed; see [`export`].
    pub json: Value,
    /// The input, then kernel and bias of a convolution.
    pub inputs: Vec<Tensor>,
    /// The host path's result.
    pub output: Tensor,
    /// What the reference finds wrong with it.
    pub fault: Option<String>,
}

/// A workload's parameters, tensors and checked result.
///
/// The parameters are `name`, `bytes`, `flops`, `inputs` and `output` (shapes, NCHW and OIHW), and `conv` and `pool`, each
/// null if there is none, else with `window`, `stride`, `dilation`, `pad_before`, `pad_after` for each spatial axis,
/// outermost first: `conv` with `groups` and `activation` (null or `relu`), `pool` with `kind` (`max`, or `average` without
/// padding in the count, or `average_with_padding`). Pooling comes after convolution.
///
/// # Errors
/// Those of the operation; [`Error::Parameter`] for one that is neither convolution nor max or average pooling.
///
/// ```
/// let f2 = &wgpool_testing::bench::cases::named(&["F2".to_string()])?[0];
/// let exported = wgpool_testing::bench::export(f2)?;
/// assert_eq!(exported.json["conv"]["window"], serde_json::json!([3, 3]));
/// assert_eq!(exported.json["pool"]["kind"], "max");
/// assert_eq!(exported.output.shape(), [1, 10, 111, 111]);
/// assert_eq!(exported.fault, None);
/// # Ok::<(), wgpool::Error>(())
/// ```
pub fn export(case: &Case) -> Result<Exported> {
    let problem = Problem::new(&case.op, &case.descs())?;
    let inputs = case.tensors()?;
    let output = HostRun::new(std::slice::from_ref(&case.op), &inputs)?.run()?;
    let fault = Judge::new(&problem, &inputs)?.fault(std::slice::from_ref(&output))?;
    let spatial = output.shape().len().saturating_sub(2);
    let (conv, pool) = match &problem.work {
        Work::Pool(work) => (Value::Null, pool(case, work, spatial)?),
        Work::Conv(work) => (conv(case, work, spatial)?, Value::Null),
        Work::ConvPool(both) => (conv(case, &both.conv, spatial)?, pool(case, &both.pool, spatial)?),
        _ => return Err(unknown(case, "operation", problem.op)),
    };
    let json = json!({
        "name": case.name,
        "bytes": problem.inputs.iter().chain(&problem.outputs).map(|desc| desc.bytes()).sum::<usize>(),
        "flops": problem.flops(),
        "inputs": case.shapes,
        "output": output.shape(),
        "conv": conv,
        "pool": pool,
    });
    Ok(Exported { json, inputs, output, fault })
}

fn unknown(case: &Case, parameter: &'static str, value: impl std::fmt::Debug) -> Error {
    Error::parameter("export", parameter, value, format!("{} has no form that others know", case.name))
}

fn conv(case: &Case, work: &ConvWork, spatial: usize) -> Result<Value> {
    let activation = match work.activation {
        Activation::None => Value::Null,
        Activation::Relu => "relu".into(),
        other => return Err(unknown(case, "activation", other)),
    };
    let mut json = windows(&work.axes, spatial);
    json["groups"] = work.groups.into();
    json["activation"] = activation;
    Ok(json)
}

fn pool(case: &Case, work: &PoolWork, spatial: usize) -> Result<Value> {
    let kind = match work.kind {
        PoolKind::Max => "max",
        PoolKind::Average { count_include_pad: false, divisor: None } => "average",
        PoolKind::Average { count_include_pad: true, divisor: None } => "average_with_padding",
        other => return Err(unknown(case, "kind", other)),
    };
    // Windows that divide the input among them are known as a window alone where there is one.
    if work.indices.is_some() || work.axes.iter().any(|axis| axis.adaptive && axis.output > 1) {
        return Err(unknown(case, "pooling", work.indices));
    }
    let mut json = windows(&work.axes, spatial);
    json["kind"] = kind.into();
    Ok(json)
}

/// Of the last `spatial` axes: those in front of them are not there.
fn windows(axes: &[Axis], spatial: usize) -> Value {
    let axes = &axes[axes.len().saturating_sub(spatial)..];
    let each = |of: fn(&Axis) -> usize| axes.iter().map(of).collect::<Vec<_>>();
    json!({
        "window": each(|a| a.kernel),
        "stride": each(|a| a.stride),
        "dilation": each(|a| a.dilation),
        "pad_before": each(|a| a.pad_before),
        "pad_after": each(|a| a.pad_after),
    })
}
