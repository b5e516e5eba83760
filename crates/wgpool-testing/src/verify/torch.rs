//! Functions of `torch.nn.functional` as operations of this library.

use serde_json::{Map, Value};

use super::array::Array;
use super::attributes::{Attributes, whole};
use super::call::{Call, Refusal, Role};
use wgpool::error::{Error, Result};
use wgpool::spec::{
    AdaptivePool, Conv, ConvTranspose, FractionalMaxPool, IndexNumbering, MaxUnpool, Op, Padding, Pool,
    PoolKind,
};

/// The name of these operations in errors.
const OP: &str = "torch function";

/// The functions there are, without the number of axes they end in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    MaxPool,
    AvgPool,
    LpPool,
    AdaptiveMax,
    AdaptiveAvg,
    Fractional,
    Unpool,
    Conv,
    ConvTranspose,
}

/// The function a name stands for, its number of spatial axes, and whether the name itself asks for indices.
fn function(name: &str) -> Option<(Function, usize, bool)> {
    let name = name.rsplit('.').next().unwrap_or(name);
    let (name, indices) = match name.strip_suffix("_with_indices") {
        Some(name) => (name, true),
        None => (name, false),
    };
    let name = name.strip_suffix('d')?;
    let rank = match name.chars().last() {
        Some('1') => 1,
        Some('2') => 2,
        Some('3') => 3,
        _ => return None,
    };
    let function = match name.get(..name.len() - 1)? {
        "max_pool" => Function::MaxPool,
        "avg_pool" => Function::AvgPool,
        "lp_pool" => Function::LpPool,
        "adaptive_max_pool" => Function::AdaptiveMax,
        "adaptive_avg_pool" => Function::AdaptiveAvg,
        "fractional_max_pool" => Function::Fractional,
        "max_unpool" => Function::Unpool,
        "conv" => Function::Conv,
        "conv_transpose" => Function::ConvTranspose,
        _ => return None,
    };
    Some((function, rank, indices))
}

/// The call that `name` with these attributes and inputs makes; `outputs` are as many as are wanted.
///
/// # Errors
/// [`Refusal::Unsupported`] for another function, [`Refusal::Error`] where PyTorch's rules are broken.
pub fn call(name: &str, map: &Map<String, Value>, inputs: &[Array], outputs: usize) -> Result<Call, Refusal> {
    let Some((function, rank, named_indices)) = function(name) else {
        return Err(Refusal::Unsupported(format!("{name} is not a function of this library")));
    };
    let args = Attributes { op: OP, map };
    let [x, more @ ..] = inputs else { return Err(arity("at least one tensor", 0).into()) };
    let mut x = x.clone();
    let drop_batch = x.shape.len() == rank + 1;
    if drop_batch {
        x.shape.insert(0, 1);
    } else if x.shape.len() != rank + 2 {
        return Err(Error::Rank {
            op: OP,
            tensor: "the input",
            got: x.shape.len(),
            shape: x.shape,
            rule: format!("{rank} spatial axes stand behind the channels, with or without a batch"),
        }
        .into());
    }
    let wants_indices = named_indices || args.flag(&["return_indices"])? == Some(true) || outputs > 1;
    let indices = wants_indices.then_some(IndexNumbering::PerPlane);
    let mut negate = false;
    let mut tensors = vec![(Role::Data, x.clone())];
    let op: Op = match function {
        Function::MaxPool => {
            let mut pool = window(args, PoolKind::Max, rank)?;
            pool.indices = indices;
            pool.into()
        }
        Function::AvgPool => {
            let count_include_pad = args.flag(&["count_include_pad"])?.unwrap_or(true);
            let mut divisor = None;
            if let Some(number) = args.int(&["divisor_override"])? {
                // A negative divisor is the positive one and another sign.
                negate = number < 0;
                divisor = Some(u32::try_from(number.unsigned_abs()).map_err(|_| {
                    Error::parameter(OP, "divisor_override", number, "its size must fit 32 bits")
                })?);
            }
            window(args, PoolKind::Average { count_include_pad, divisor }, rank)?.into()
        }
        Function::LpPool => {
            let p = args.float(&["norm_type", "p"])?.ok_or_else(|| args.missing("norm_type"))?;
            window(args, PoolKind::LpTorch { p: p as f32 }, rank)?.into()
        }
        Function::AdaptiveMax => {
            AdaptivePool { indices, ..AdaptivePool::max(adaptive_size(args, &x, rank)?) }.into()
        }
        Function::AdaptiveAvg => AdaptivePool::average(adaptive_size(args, &x, rank)?).into(),
        Function::Fractional => {
            let [samples, ..] = more else { return Err(arity("two tensors (input, samples)", 1).into()) };
            let mut samples = samples.clone();
            if drop_batch && samples.shape.len() == 2 {
                samples.shape.insert(0, 1);
            }
            tensors.push((Role::Place, samples));
            let window = kernel(args)?;
            let output = fractional_size(args, &x, rank)?;
            FractionalMaxPool { window, output, indices, layout: Default::default() }.into()
        }
        Function::Unpool => {
            let [positions, ..] = more else { return Err(arity("two tensors (input, indices)", 1).into()) };
            let mut positions = positions.clone();
            if drop_batch {
                positions.shape.insert(0, 1);
            }
            tensors.push((Role::Index, positions));
            MaxUnpool::new(unpooled_size(args, &x, rank)?).into()
        }
        Function::Conv | Function::ConvTranspose => {
            tensors.extend(more.iter().map(|t| (Role::Data, t.clone())));
            if function == Function::Conv { conv(args)? } else { transposed(args, &tensors, rank)? }
        }
    };
    Ok(Call { op, inputs: tensors, drop_batch, negate })
}

fn arity(expected: &'static str, got: usize) -> Error {
    Error::Arity { op: OP, expected, got }
}

fn kernel(args: Attributes<'_>) -> Result<Vec<usize>> {
    args.lengths(&["kernel_size", "kernel"])?.ok_or_else(|| args.missing("kernel_size"))
}

fn window(args: Attributes<'_>, kind: PoolKind, rank: usize) -> Result<Pool> {
    let window = kernel(args)?;
    let dilation = args.lengths(&["dilation"])?.unwrap_or_else(|| vec![1]);
    let padding = args.lengths(&["padding"])?.unwrap_or_else(|| vec![0]);
    // PyTorch refuses padding of more than half a window.
    for axis in 0..rank {
        let at = |list: &[usize]| list.get(axis).or(list.first()).copied().unwrap_or(0);
        let reach = at(&window).saturating_sub(1).saturating_mul(at(&dilation)).saturating_add(1);
        if at(&padding) > reach / 2 {
            let rule = format!("on axis {axis} it must be at most half of the window's {reach}");
            return Err(Error::parameter(OP, "padding", padding, rule));
        }
    }
    Ok(Pool::new(kind, window.clone())
        .stride(args.lengths(&["stride"])?.unwrap_or(window))
        .dilation(dilation)
        .padding(Padding::symmetric(padding))
        .ceil_mode(args.flag(&["ceil_mode"])?.unwrap_or(false)))
}

/// Lengths of the spatial axes.
fn space(x: &Array) -> &[usize] {
    x.shape.get(2..).unwrap_or_default()
}

/// Numbers of windows; null keeps an axis as long as it is.
fn adaptive_size(args: Attributes<'_>, x: &Array, rank: usize) -> Result<Vec<usize>> {
    let Some(value) = args.raw(&["output_size"]) else { return Err(args.missing("output_size")) };
    let list = match value {
        Value::Array(list) if list.len() == rank => list.clone(),
        Value::Array(list) if list.len() == 1 => vec![list.first().cloned().unwrap_or_default(); rank],
        Value::Array(_) => {
            let rule = "it must have one number for each spatial axis";
            return Err(Error::parameter(OP, "output_size", value.to_string(), rule));
        }
        one => vec![one.clone(); rank],
    };
    let length = |(one, &input): (&Value, &usize)| match one {
        Value::Null => Some(input),
        one => whole(one).and_then(|v| usize::try_from(v).ok()),
    };
    let lengths = list.iter().zip(space(x)).map(length).collect::<Option<Vec<usize>>>();
    lengths.ok_or_else(|| {
        Error::parameter(OP, "output_size", value.to_string(), "lengths must be whole and not negative")
    })
}

fn fractional_size(args: Attributes<'_>, x: &Array, rank: usize) -> Result<Vec<usize>> {
    if let Some(lengths) = args.lengths(&["output_size"])? {
        return Ok(lengths);
    }
    let Some(value) = args.raw(&["output_ratio"]) else { return Err(args.missing("output_size")) };
    let ratios: Option<Vec<f64>> = match value {
        Value::Array(list) => list.iter().map(Value::as_f64).collect(),
        one => one.as_f64().map(|ratio| vec![ratio; rank]),
    };
    match ratios {
        Some(ratios) if ratios.len() == rank && ratios.iter().all(|r| *r > 0.0 && *r < 1.0) => {
            Ok(space(x).iter().zip(ratios).map(|(&l, ratio)| (l as f64 * ratio) as usize).collect())
        }
        _ => Err(Error::parameter(OP, "output_ratio", value.to_string(), "it must lie between 0 and 1")),
    }
}

/// Lengths that max pooling may have had before.
fn unpooled_size(args: Attributes<'_>, x: &Array, rank: usize) -> Result<Vec<usize>> {
    let window = kernel(args)?;
    let stride = args.lengths(&["stride"])?.unwrap_or_else(|| window.clone());
    let padding = args.lengths(&["padding"])?.unwrap_or_else(|| vec![0]);
    let Some(wanted) = args.lengths(&["output_size"])? else {
        return MaxUnpool::output_of(space(x), &window, &stride, &padding);
    };
    // Batch and channels may stand in front.
    let wanted = match wanted.len() {
        n if n == rank + 2 => wanted.get(2..).unwrap_or_default().to_vec(),
        n if n == rank + 1 && rank > 1 => wanted.get(1..).unwrap_or_default().to_vec(),
        _ => wanted,
    };
    MaxUnpool::check_output(space(x), &window, &stride, &padding, &wanted)?;
    Ok(wanted)
}

fn conv(args: Attributes<'_>) -> Result<Op> {
    let stride = args.lengths(&["stride"])?.unwrap_or_else(|| vec![1]);
    let padding = match args.word(&["padding"]) {
        Some("valid") => Padding::Valid,
        Some("same") if stride.iter().all(|&s| s == 1) => Padding::SameUpper,
        Some("same") => {
            return Err(Error::parameter(OP, "stride", stride, "padding `same` takes stride 1 alone"));
        }
        Some(other) => return Err(Error::parameter(OP, "padding", other, "it must be `valid` or `same`")),
        None => Padding::symmetric(args.lengths(&["padding"])?.unwrap_or_else(|| vec![0])),
    };
    Ok(Conv { stride, padding, dilation: dilation(args)?, groups: groups(args)?, ..Conv::new() }.into())
}

fn dilation(args: Attributes<'_>) -> Result<Vec<usize>> {
    Ok(args.lengths(&["dilation"])?.unwrap_or_else(|| vec![1]))
}

fn groups(args: Attributes<'_>) -> Result<usize> {
    let groups = args.int(&["groups", "group"])?.unwrap_or(1);
    usize::try_from(groups).map_err(|_| Error::parameter(OP, "groups", groups, "it must be positive"))
}

fn transposed(args: Attributes<'_>, inputs: &[(Role, Array)], rank: usize) -> Result<Op> {
    let stride = args.lengths(&["stride"])?.unwrap_or_else(|| vec![1]);
    let dilation = dilation(args)?;
    let padding = args.lengths(&["padding"])?.unwrap_or_else(|| vec![0]);
    let mut output_padding = args.lengths(&["output_padding"])?.unwrap_or_else(|| vec![0]);
    if let (Some(wanted), [(_, x), (_, weight), ..]) = (args.lengths(&["output_size"])?, inputs) {
        let wanted = wanted.get(wanted.len().saturating_sub(rank)..).unwrap_or_default();
        output_padding = Vec::with_capacity(rank);
        for (axis, ((&length, &input), &taps)) in wanted.iter().zip(space(x)).zip(space(weight)).enumerate() {
            let at = |list: &[usize]| list.get(axis).or(list.first()).copied().unwrap_or(0) as i128;
            let least =
                (input as i128 - 1) * at(&stride) - 2 * at(&padding) + at(&dilation) * (taps as i128 - 1) + 1;
            let extra = length as i128 - least;
            if extra < 0 || extra >= at(&stride) {
                let rule = format!("on axis {axis} it must be from {least} to {}", least + at(&stride) - 1);
                return Err(Error::parameter(OP, "output_size", wanted, rule));
            }
            output_padding.push(extra as usize);
        }
    }
    Ok(ConvTranspose {
        stride,
        dilation,
        padding: Padding::symmetric(padding),
        output_padding,
        groups: groups(args)?,
        ..ConvTranspose::new()
    }
    .into())
}
