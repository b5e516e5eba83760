//! Pooling and unpooling.

use super::super::array::{Array, Element};
use super::super::call::{Call, Refusal, Role};
use super::{Named, OP, Pass};
use wgpool::error::{Error, Result};
use wgpool::spec::gradient::{MaxUnpoolGradient, PoolGradient, Pooling, RoiAlignGradient};
use wgpool::spec::{
    AdaptivePool, FractionalMaxPool, GlobalPool, IndexNumbering, MaxUnpool, Padding, Pool, PoolKind,
    RoiAlign, RoiMode,
};

/// Sliding windows.
fn sliding(kind: PoolKind, pass: &Pass) -> Result<Pool> {
    let padding = match pass.args.lengths(&["padding"])? {
        Some(padding) => Padding::symmetric(padding),
        None => Padding::Explicit { before: pass.lengths("pad_before")?, after: pass.lengths("pad_after")? },
    };
    Ok(Pool::new(kind, pass.lengths("kernel")?)
        .stride(pass.lengths("stride")?)
        .dilation(pass.args.lengths(&["dilation"])?.unwrap_or_else(|| vec![1]))
        .padding(padding)
        .ceil_mode(pass.args.flag(&["ceil_mode"])?.unwrap_or(false)))
}

/// The gradient of `of`, from these inputs.
fn backward(
    of: impl Into<Pooling>,
    x: &Array,
    inputs: Vec<(Role, Array)>,
    pass: &mut Pass,
) -> Result<Named, Refusal> {
    Ok(vec![("grad_x", pass.one(call(of, x, inputs))?)])
}

fn call(of: impl Into<Pooling>, x: &Array, inputs: Vec<(Role, Array)>) -> Call {
    Call::new(PoolGradient::new(of, x.shape.clone()), inputs)
}

pub(super) fn maximum(name: &str, pass: &mut Pass) -> Result<Named, Refusal> {
    let (x, gradient) = (pass.input("x")?, pass.input("grad_output")?);
    // Cases that must be refused come without.
    let none = || Ok::<_, Error>(Array::unknown(Element::I32, &gradient.shape));
    let indices = pass.input("indices").or_else(|_| none())?;
    let numbering = IndexNumbering::PerPlane;
    let of: Pooling = match name {
        "max_pool" => sliding(PoolKind::Max, pass)?.indices(numbering).into(),
        "adaptive_max_pool" => AdaptivePool::max(pass.lengths("output_size")?).indices(numbering).into(),
        "fractional_max_pool" => {
            let (window, output) = (pass.lengths("kernel")?, pass.lengths("output_size")?);
            FractionalMaxPool { window, output, indices: Some(numbering), layout: Default::default() }.into()
        }
        _ => GlobalPool::max().into(),
    };
    backward(of, &x, vec![(Role::Data, gradient), (Role::Index, indices)], pass)
}

pub(super) fn average(name: &str, pass: &mut Pass) -> Result<Named, Refusal> {
    let (x, gradient) = (pass.input("x")?, pass.input("grad_output")?);
    let mut negate = false;
    let of: Pooling = match name {
        "avg_pool" => {
            let count_include_pad = pass.args.flag(&["count_include_pad"])?.unwrap_or(true);
            let divisor = pass.args.int(&["divisor_override"])?;
            // A negative divisor is the positive one and another sign.
            negate = divisor.is_some_and(|divisor| divisor < 0);
            let divisor = divisor.map(|divisor| {
                let rule = "its size must fit 32 bits";
                u32::try_from(divisor.unsigned_abs())
                    .map_err(|_| Error::parameter(OP, "divisor_override", divisor, rule))
            });
            sliding(PoolKind::Average { count_include_pad, divisor: divisor.transpose()? }, pass)?.into()
        }
        "adaptive_avg_pool" => AdaptivePool::average(pass.lengths("output_size")?).into(),
        _ => GlobalPool::average().into(),
    };
    let call = Call { negate, ..call(of, &x, vec![(Role::Data, gradient)]) };
    Ok(vec![("grad_x", pass.one(call)?)])
}

/// The norms are those of the forward pass.
pub(super) fn norm(name: &str, pass: &mut Pass) -> Result<Named, Refusal> {
    let (x, gradient) = (pass.input("x")?, pass.input("grad_output")?);
    let kind = PoolKind::Lp { p: pass.number("norm_type")? as f32 };
    let data = vec![(Role::Data, x.clone())];
    let (of, forward): (Pooling, Call) = match name {
        "lp_pool" => {
            let pool = sliding(kind, pass)?;
            (pool.clone().into(), Call::new(pool, data))
        }
        _ => {
            let pool = GlobalPool { kind, ..GlobalPool::max() };
            (pool.into(), Call::new(pool, data))
        }
    };
    let y = pass.one(forward)?;
    let inputs = vec![(Role::Data, gradient), (Role::Data, x.clone()), (Role::Data, y)];
    backward(of, &x, inputs, pass)
}

pub(super) fn unpool(pass: &mut Pass) -> Result<Named, Refusal> {
    let indices = pass.input("indices")?;
    let output = match pass.args.lengths(&["output_size"])? {
        Some(lengths) => lengths,
        None => {
            let space = indices.shape.get(2..).unwrap_or_default();
            let [window, stride, padding] =
                [pass.lengths("kernel")?, pass.lengths("stride")?, pass.lengths("padding")?];
            MaxUnpool::output_of(space, &window, &stride, &padding)?
        }
    };
    let of = MaxUnpool::new(output);
    let inputs = vec![(Role::Data, pass.input("grad_output")?), (Role::Index, indices)];
    Ok(vec![("grad_x", pass.one(Call::new(MaxUnpoolGradient { of }, inputs))?)])
}

pub(super) fn roi_align(pass: &mut Pass) -> Result<Named, Refusal> {
    let output = pass.lengths("output_size")?;
    let &[height, width] = output.as_slice() else {
        return Err(Error::parameter(OP, "output_size", output, "it must have two lengths").into());
    };
    let ratio = pass.args.int(&["sampling_ratio"])?.unwrap_or(0);
    let sampling_ratio = usize::try_from(ratio.max(0)).unwrap_or(0);
    let of = RoiAlign {
        output: [height, width],
        sampling_ratio,
        spatial_scale: pass.number("spatial_scale")? as f32,
        half_pixel: pass.args.flag(&["aligned"])?.unwrap_or(false),
        mode: RoiMode::Average,
        layout: Default::default(),
    };
    let input = pass.input("x")?.shape;
    let inputs = vec![
        (Role::Data, pass.input("grad_output")?),
        (Role::Place, pass.input("rois")?),
        (Role::Index, pass.input("batch_indices")?),
    ];
    Ok(vec![("grad_x", pass.one(Call::new(RoiAlignGradient { of, input }, inputs))?)])
}
