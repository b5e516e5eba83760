//! Cases that take a given way through the kernels that compute patches.

use wgpool::kernel::{DepthwisePatch, KernelKey, Patch, PoolPatch, Reduce};
use wgpool::{
    Activation, Caps, Conv, DType, Data, KernelLayout, Layout, Op, Padding, Plan, Pool, PoolKind, Tensor,
    TensorDesc,
};
use wgpool_testing::verify::random::{Case, Rng};

/// What is computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    Pool(Reduce),
    Depthwise,
}

/// What tells the ways through the kernels apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Way {
    pub what: What,
    /// Four columns, four channels, one column, one channel.
    pub fours: bool,
    pub channels_last: bool,
    /// Whether windows share rows.
    pub shared: bool,
    pub dtype: DType,
}

/// The patch of a kernel that computes patches.
pub fn patch(key: &KernelKey) -> Option<Patch> {
    match *key {
        KernelKey::PoolPatch(PoolPatch { patch, .. })
        | KernelKey::DepthwisePatch(DepthwisePatch { patch, .. }) => Some(patch),
        _ => None,
    }
}

fn way(plan: &Plan) -> Option<Way> {
    let [step] = plan.steps.as_slice() else { return None };
    let what = match step.kernel {
        KernelKey::PoolPatch(PoolPatch { reduce, .. }) => What::Pool(reduce),
        _ => What::Depthwise,
    };
    let Patch { dtype, shared, across, .. } = patch(&step.kernel)?;
    let (fours, channels_last) = (across.fours(), across.channels_last());
    Some(Way { what, fours, channels_last, shared: shared > 0, dtype })
}

/// Every way, in turns of all types of floats that the device has.
pub fn ways(f16: bool) -> Vec<Way> {
    let mut ways = Vec::new();
    let pools = [Reduce::Max, Reduce::Average, Reduce::AveragePadded].map(What::Pool);
    for what in pools.into_iter().chain([What::Depthwise]) {
        for fours in [true, false] {
            for channels_last in [false, true] {
                for shared in [true, false] {
                    let halves = if f16 { DType::F16 } else { DType::F32 };
                    let dtype = [DType::F32, DType::BF16, halves][ways.len() % 3];
                    ways.push(Way { what, fours, channels_last, shared, dtype });
                }
            }
        }
    }
    ways
}

/// The kernel that a way goes through.
pub fn kernel(way: Way) -> &'static str {
    if way.what == What::Depthwise { "depthwise/patch" } else { "pool/patch" }
}

/// A case that takes `wanted`, where its kernel is forced.
pub fn case(rng: &mut Rng, caps: &Caps, wanted: Way) -> Case {
    let (op, descs) = spec(rng, wanted);
    let plan = Plan::new(&op, &descs, caps).unwrap_or_else(|error| panic!("{op:?} on {descs:?}: {error}"));
    assert_eq!(way(&plan), Some(wanted), "{op:?} on {descs:?}");
    let kind = rng.between(0, 4);
    let inputs = descs.iter().map(|desc| tensor(rng, desc, kind)).collect();
    Case { op, inputs }
}

/// The length of an input, and its padding, on which windows of `taps` give so many outputs: without padding, where the
/// last window may reach behind the end, or as many elements as outputs by strides.
fn axis(
    rng: &mut Rng,
    [taps, stride]: [usize; 2],
    outputs: usize,
    by_strides: bool,
    ceil_mode: bool,
) -> [usize; 3] {
    if !by_strides && rng.one_in(3) {
        let behind = if ceil_mode { rng.between(0, taps.min(stride) - 1) } else { 0 };
        return [(outputs - 1) * stride + taps - behind, 0, 0];
    }
    let padding = taps.saturating_sub(stride);
    let before = rng.between(0, padding);
    [outputs * stride, before, padding - before]
}

fn spec(rng: &mut Rng, way: Way) -> (Op, Vec<TensorDesc>) {
    let rank = if !way.shared && rng.one_in(5) { 1 } else { 2 };
    let window = match rng.between(0, 5) {
        0 => [rng.between(2, 7), rng.between(1, 7)],
        1 if way.shared => [rng.between(8, 16), rng.between(1, 3)],
        1 => [1, rng.between(5, 16)],
        _ => [rng.between(2, 3); 2],
    };
    // Four outputs or more are computed several at a time.
    let (down, rows) = match way.shared {
        true => (rng.between(1, (window[0] - 1).min(5)), rng.between(4, 8)),
        false => (window[0] + rng.between(0, 2), rng.between(1, 8)),
    };
    let columns = way.fours && !way.channels_last;
    let across = if rng.one_in(3) { rng.between(1, 4) } else { 1 };
    let width = if columns { 4 * rng.between(1, 6) } else { 4 * rng.between(0, 4) + rng.between(1, 3) };
    let ceil_mode = matches!(way.what, What::Pool(_)) && rng.one_in(2);
    let height = axis(rng, [window[0], down], rows, false, ceil_mode);
    let width = axis(rng, [window[1], across], width, columns, ceil_mode);
    let of = |i: usize| [height[i], width[i]][2 - rank..].to_vec();
    let (space, padding) = (of(0), Padding::Explicit { before: of(1), after: of(2) });
    let (window, stride) = (window[2 - rank..].to_vec(), [down, across][2 - rank..].to_vec());
    let layout = if way.channels_last { Layout::Nhwc } else { Layout::Nchw };
    let groups = match way.fours && way.channels_last {
        true => 4 * rng.between(1, 2),
        false => [2, 3, 5, 6][rng.between(0, 3)],
    };
    let multiplier = if way.channels_last { 1 } else { rng.between(1, 2) };
    let x = match layout {
        Layout::Nchw => [&[2, groups], space.as_slice()].concat(),
        Layout::Nhwc => [&[2], space.as_slice(), &[groups]].concat(),
    };
    let desc = |shape| TensorDesc { shape, dtype: way.dtype };
    let What::Pool(reduce) = way.what else {
        let out = groups * multiplier;
        let (kernel_layout, w) = match rng.one_in(2) {
            true => (KernelLayout::Oihw, [&[out, 1], window.as_slice()].concat()),
            false => (KernelLayout::Hwio, [window.as_slice(), &[1, out]].concat()),
        };
        let activation = Activation::LeakyRelu { alpha: 0.3 };
        let conv = Conv { stride, padding, groups, activation, layout, kernel_layout, ..Conv::new() };
        let mut shapes = vec![x, w];
        if !rng.one_in(4) {
            shapes.push(vec![out]);
        }
        return (conv.into(), shapes.into_iter().map(desc).collect());
    };
    let kind = match reduce {
        Reduce::Max => PoolKind::Max,
        _ => PoolKind::Average {
            count_include_pad: reduce == Reduce::AveragePadded,
            divisor: rng.one_in(4).then_some(7),
        },
    };
    let pool = Pool { kind, stride, padding, ceil_mode, layout, ..Pool::max(window) };
    (pool.into(), vec![desc(x)])
}

/// Plain values, all of one sign, subnormal, or some that are not finite; not both of the latter, because devices may
/// take a subnormal number for zero, whose product with infinity is NaN.
pub fn tensor(rng: &mut Rng, desc: &TensorDesc, kind: usize) -> Tensor {
    let few = desc.elements() / 4 + 1;
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0];
    let mut value = || match kind {
        0 => rng.unit() + 1.0,
        1 => -rng.unit() - 1.0,
        2 if rng.one_in(few) => odd[rng.between(0, 3)],
        3 if desc.dtype == DType::F32 => 1e-40 * rng.between(0, 9) as f64 - 4e-40,
        _ => 2.0 * rng.unit() - 1.0,
    };
    let n = desc.elements();
    Tensor::new(&desc.shape, Data::nearest(desc.dtype, (0..n).map(|_| value())).unwrap()).unwrap()
}
