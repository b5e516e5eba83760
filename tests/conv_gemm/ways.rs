//! Convolutions that take a given way through the kernels that multiply matrices.

use wgpool::kernel::{ConvGemm, Cooperative, GemmFinish, GemmTaps, GemmTile, KernelKey};
use wgpool::plan::Caps;
use wgpool::{
    Accuracy, Activation, Conv, ConvPool, DType, Data, Engine, KernelLayout, Layout, Op, Padding, Plan, Pool,
    Tensor, TensorDesc,
};
use wgpool_testing::support::{forced, with_target_workgroups};
use wgpool_testing::verify::random::{Case, Rng, residual};

/// What tells the ways through the kernel apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Way {
    pub tile: GemmTile,
    pub cooperative: Option<Cooperative>,
    pub taps: GemmTaps,
    pub finish: GemmFinish,
    pub channels_last: bool,
    pub dtype: DType,
}

/// The product of matrices in a plan, if there is one.
pub fn product(plan: &Plan) -> Option<ConvGemm> {
    plan.steps.iter().find_map(|step| match step.kernel {
        KernelKey::ConvGemm(kernel) => Some(kernel),
        _ => None,
    })
}

/// Every way, in turns of all types of floats that the device has; of cooperative matrices, where they are
/// on, theirs alone.
pub fn ways(caps: &Caps) -> Vec<Way> {
    use GemmFinish::*;
    let mut ways = Vec::new();
    for finish in [Store, Partial, Max, Average, AveragePadded] {
        for tile in [GemmTile::Large, GemmTile::Small, GemmTile::Chain] {
            for taps in [GemmTaps::Plane, GemmTaps::Volume, GemmTaps::Point] {
                for channels_last in [false, true] {
                    let halves = if caps.f16 { DType::F16 } else { DType::F32 };
                    let dtype = [DType::F32, halves, DType::BF16][(ways.len() + ways.len() / 6) % 3];
                    ways.push(Way { tile, cooperative: None, taps, finish, channels_last, dtype });
                }
            }
        }
    }
    let Some(cooperative) = caps.cooperative else { return ways };
    let of_matrices = |way: Way| Way { cooperative: Some(cooperative), dtype: DType::F16, ..way };
    ways.into_iter().filter(|way| way.tile == cooperative.tile()).map(of_matrices).collect()
}

/// The kernel that a way goes through.
fn kernel(way: Way) -> String {
    let pooled = !matches!(way.finish, GemmFinish::Store | GemmFinish::Partial);
    let table = if pooled { "conv_pool" } else { "conv" };
    format!("{table}/{}", if way.cooperative.is_some() { "cooperative" } else { "gemm" })
}

/// A case that takes `way`, and an engine that plans it so: sums are divided for a device that so few tiles do not fill.
/// Nearly every case fills its tiles; of ten, one does.
pub fn case(rng: &mut Rng, engine: &Engine, way: Way) -> (Engine, Case) {
    let engine = forced(engine, &kernel(way));
    for _ in 0..10 {
        let (op, descs) = spec(rng, way);
        let taken = |engine: &Engine| {
            let plan = engine.plan(&op, &descs);
            let plan = plan.unwrap_or_else(|error| panic!("{op:?} on {descs:?}: {error}"));
            let ConvGemm { dtype, channels_last, tile, cooperative, taps, finish, .. } = product(&plan)?;
            Some(Way { tile, cooperative, taps, finish, channels_last, dtype })
        };
        let mut engines = (1..=128).map(|fill| with_target_workgroups(&engine, fill));
        let Some(engine) = engines.find(|engine| taken(engine) == Some(way)) else { continue };
        let kind = rng.between(0, 3);
        let inputs = descs.iter().map(|desc| tensor(rng, desc, kind)).collect();
        return (engine, Case { op, inputs });
    }
    panic!("no case is planned as {way:?}");
}

fn spec(rng: &mut Rng, way: Way) -> (Op, Vec<TensorDesc>) {
    let pooled = !matches!(way.finish, GemmFinish::Store | GemmFinish::Partial);
    let window = match way.taps {
        GemmTaps::Point => vec![1, 1],
        GemmTaps::Plane => vec![rng.between(1, 3), 3],
        GemmTaps::Volume => vec![2, rng.between(1, 3), 2],
    };
    let rank = window.len();
    let taps: usize = window.iter().product();
    // Parts of sums need long ones; and some others go through all levels of a sum.
    let rows = match way.finish {
        GemmFinish::Partial => rng.between(1290, 1400),
        GemmFinish::Store if rng.one_in(3) => rng.between(1100, 1200),
        _ => rng.between(40, 110),
    };
    let (group_in, groups) = (rows.div_ceil(taps), rng.between(1, 2));
    let group_out = match way.tile {
        GemmTile::Small => rng.between(17, 32),
        _ if rng.one_in(2) => rng.between(110, 125),
        _ => rng.between(49, 64),
    };
    let point = way.taps == GemmTaps::Point;
    let (stride, dilation) = (rng.between(1, 2), rng.between(1, 2));
    let padding = if point { 0 } else { rng.between(0, 1) };
    // Positions fill several tiles.
    let fewest = if rank == 2 { 8 } else { 4 };
    let space: Vec<usize> = (window.iter())
        .map(|taps| {
            let outputs = rng.between(fewest, fewest + 6 / rank);
            (outputs - 1) * stride + dilation * (taps - 1) + 1 - 2 * padding
        })
        .collect();
    let layout = if way.channels_last { Layout::Nhwc } else { Layout::Nchw };
    let channels = groups * group_in;
    let x = match layout {
        Layout::Nchw => [&[2, channels], space.as_slice()].concat(),
        Layout::Nhwc => [&[2], space.as_slice(), &[channels]].concat(),
    };
    let out = groups * group_out;
    let (kernel_layout, w) = match rng.one_in(2) {
        true => (KernelLayout::Oihw, [&[out, group_in], window.as_slice()].concat()),
        false => (KernelLayout::Hwio, [window.as_slice(), &[group_in, out]].concat()),
    };
    let conv = Conv {
        stride: vec![stride],
        dilation: vec![dilation],
        padding: Padding::symmetric([padding]),
        groups,
        activation: Activation::LeakyRelu { alpha: 0.3 },
        layout,
        kernel_layout,
        accuracy: if way.tile == GemmTile::Chain { Accuracy::Chain } else { Accuracy::Element },
        ..Conv::new()
    };
    let shapes = if rng.one_in(4) { vec![x, w] } else { vec![x, w, vec![out]] };
    let mut descs: Vec<_> = shapes.into_iter().map(|shape| TensorDesc { shape, dtype: way.dtype }).collect();
    if !pooled {
        let mut op = conv.into();
        let residual = residual(&mut op, &descs, rng.one_in(3));
        descs.extend(residual);
        return (op, descs);
    }
    // So small that tiles of both sizes are filled alike.
    let window = match rank {
        2 => [[1, 1], [1, 2], [2, 1], [2, 2], [1, 3], [3, 1]][rng.between(0, 5)].to_vec(),
        _ => (0..rank).map(|_| rng.between(1, 2)).collect(),
    };
    let pool = match way.finish {
        GemmFinish::Max => Pool::max(window.clone()),
        _ => Pool::average(window.clone()),
    };
    let pool = Pool {
        stride: window,
        padding: if rng.one_in(2) { Padding::Valid } else { Padding::symmetric([1]) },
        ceil_mode: rng.one_in(2),
        layout,
        kind: match pool.kind {
            wgpool::PoolKind::Average { .. } => wgpool::PoolKind::Average {
                count_include_pad: way.finish == GemmFinish::AveragePadded,
                divisor: rng.one_in(5).then_some(7),
            },
            kind => kind,
        },
        ..pool
    };
    (ConvPool { conv, pool }.into(), descs)
}

/// Plain values, positive ones that add up, or some that are not finite.
fn tensor(rng: &mut Rng, desc: &TensorDesc, kind: usize) -> Tensor {
    let few = desc.elements() / 6 + 1;
    let mut value = || match kind {
        0 => rng.unit(),
        1 if rng.one_in(few) => [f64::NAN, f64::INFINITY, f64::NEG_INFINITY][rng.between(0, 2)],
        _ => 2.0 * rng.unit() - 1.0,
    };
    let n = desc.elements();
    Tensor::new(&desc.shape, Data::nearest(desc.dtype, (0..n).map(|_| value())).unwrap()).unwrap()
}
