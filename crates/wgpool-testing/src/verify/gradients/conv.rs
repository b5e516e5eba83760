//! Convolutions, and fully connected layers.

use serde_json::Value;

use super::super::array::Array;
use super::super::attributes::Attributes;
use super::super::call::{Call, Refusal, Role};
use super::{Named, OP, Pass, activation};
use wgpool::error::{Error, Result};
use wgpool::spec::gradient::{
    ActivationGradient, ConvInputGradient, ConvTransposeInputGradient, ConvTransposeWeightsGradient,
    ConvWeightsGradient, DenseInputGradient, DenseWeightsGradient, PoolGradient,
};
use wgpool::spec::{
    Activation, Conv, ConvTranspose, Dense, DenseLayout, IndexNumbering, Op, Padding, Pool, PoolKind, Reduce,
    ReduceKind,
};

fn data(arrays: impl IntoIterator<Item = Array>) -> Vec<(Role, Array)> {
    arrays.into_iter().map(|array| (Role::Data, array)).collect()
}

/// Lengths of the spatial axes.
fn space(array: &Array) -> Vec<usize> {
    array.shape.get(2..).unwrap_or_default().to_vec()
}

fn groups(args: Attributes) -> Result<usize> {
    let groups = args.int(&["groups"])?.unwrap_or(1);
    usize::try_from(groups).map_err(|_| Error::parameter(OP, "groups", groups, "it must be positive"))
}

/// The gradients by input and kernel, which these operations give, and by the bias if it is asked for.
fn all(
    [by_input, by_kernel]: [Op; 2],
    channel: isize,
    [x, weight, gradient]: [Array; 3],
    pass: &mut Pass,
) -> Result<Named, Refusal> {
    let rank = gradient.shape.len() as isize;
    let mut named = vec![
        ("grad_x", pass.one(Call::new(by_input, data([gradient.clone(), weight])))?),
        ("grad_weight", pass.one(Call::new(by_kernel, data([x, gradient.clone()])))?),
    ];
    if pass.wants("grad_bias") {
        let others: Vec<isize> = (0..rank).filter(|&axis| axis != channel.rem_euclid(rank)).collect();
        let sum = Reduce::new(ReduceKind::Sum, others);
        named.push(("grad_bias", pass.one(Call::new(sum, data([gradient])))?));
    }
    Ok(named)
}

fn three(pass: &Pass) -> Result<[Array; 3]> {
    Ok([pass.input("x")?, pass.input("weight")?, pass.input("grad_output")?])
}

fn spec(args: Attributes) -> Result<Conv> {
    let lengths = |name| args.lengths(&[name])?.ok_or_else(|| args.missing(name));
    let padding = Padding::Explicit { before: lengths("pad_before")?, after: lengths("pad_after")? };
    let conv = Conv::new().stride(lengths("stride")?).dilation(lengths("dilation")?);
    Ok(conv.padding(padding).groups(groups(args)?))
}

pub(super) fn conv(pass: &mut Pass) -> Result<Named, Refusal> {
    let (of, tensors) = (spec(pass.args)?, three(pass)?);
    let by_input = ConvInputGradient::new(of.clone(), tensors[0].shape.clone());
    let by_kernel = ConvWeightsGradient::new(of, space(&tensors[1]));
    all([by_input.into(), by_kernel.into()], 1, tensors, pass)
}

pub(super) fn transposed(pass: &mut Pass) -> Result<Named, Refusal> {
    let tensors = three(pass)?;
    let of = ConvTranspose {
        stride: pass.lengths("stride")?,
        dilation: pass.lengths("dilation")?,
        padding: Padding::symmetric(pass.lengths("padding")?),
        output_padding: pass.lengths("output_padding")?,
        groups: groups(pass.args)?,
        ..ConvTranspose::new()
    };
    let by_input = ConvTransposeInputGradient::new(of.clone(), tensors[0].shape.clone());
    let by_kernel = ConvTransposeWeightsGradient::new(of, space(&tensors[1]));
    all([by_input.into(), by_kernel.into()], 1, tensors, pass)
}

pub(super) fn dense(pass: &mut Pass) -> Result<Named, Refusal> {
    let kernel_layout = match pass.args.word(&["weight_layout"]) {
        Some("in_out") => DenseLayout::InOut,
        _ => DenseLayout::OutIn,
    };
    let of = Dense { kernel_layout, ..Dense::new() };
    let by = [DenseInputGradient { of }.into(), DenseWeightsGradient { of }.into()];
    let tensors = three(pass)?;
    all(by, -1, tensors, pass)
}

/// Convolution, activation and pooling, forwards step by step and backwards.
pub(super) fn conv_pool(pass: &mut Pass) -> Result<Named, Refusal> {
    let part = |name: &'static str| match pass.args.raw(&[name]) {
        Some(Value::Object(map)) => Ok(Attributes { op: OP, map }),
        _ => Err(pass.args.missing(name)),
    };
    let (conv, pool) = (spec(part("conv")?)?, part("pool")?);
    let of = match pass.args.word(&["activation"]) {
        None | Some("none") => Activation::None,
        Some(name) => activation::named(name, pass)?
            .ok_or_else(|| Refusal::Unsupported(format!("the activation {name} is not known")))?,
    };
    let lengths = |name| pool.lengths(&[name])?.ok_or_else(|| pool.missing(name));
    let is_max = pool.word(&["kind"]) == Some("max");
    let kind = match is_max {
        true => PoolKind::Max,
        false => PoolKind::Average {
            count_include_pad: pool.flag(&["count_include_pad"])?.unwrap_or(true),
            divisor: None,
        },
    };
    let mut pooling = Pool::new(kind, lengths("kernel")?)
        .stride(lengths("stride")?)
        .padding(Padding::symmetric(lengths("padding")?))
        .ceil_mode(pool.flag(&["ceil_mode"])?.unwrap_or(false));
    pooling.indices = is_max.then_some(IndexNumbering::PerPlane);

    let [x, weight, gradient] = three(pass)?;
    let sums = data([x.clone(), weight.clone()].into_iter().chain(pass.input("bias").ok()));
    let sums = pass.one(Call::new(conv.clone(), sums))?;
    let active = pass.one(Call::new(of, data([sums.clone()])))?;
    let mut pooled = pass.all(Call::new(pooling.clone(), data([active])))?;
    let indices = if is_max { pooled.pop() } else { None };
    let y = pooled.pop().ok_or_else(|| Error::parameter(OP, "outputs", 0, "there must be one"))?;

    let mut inputs = data([gradient]);
    inputs.extend(indices.map(|indices| (Role::Index, indices)));
    let gradient = pass.one(Call::new(PoolGradient::new(pooling, sums.shape.clone()), inputs))?;
    let gradient = pass.one(Call::new(ActivationGradient { of }, data([gradient, sums])))?;
    let by_input = ConvInputGradient::new(conv.clone(), x.shape.clone());
    let by_kernel = ConvWeightsGradient::new(conv, space(&weight));
    let mut named = all([by_input.into(), by_kernel.into()], 1, [x, weight, gradient], pass)?;
    named.push(("y", y));
    Ok(named)
}
