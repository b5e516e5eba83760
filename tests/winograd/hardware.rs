//! The kernels for hardware, on whatever adapter there is.

use crate::inputs::{conv, inputs, with};
use wgpool::kernel::{KernelKey, WinogradOutput};
use wgpool::{
    Activation, Caps, Conv, ConvPool, DType, Data, Engine, KernelLayout, Layout, Op, Padding, Plan, Pool,
    Tensor, TensorDesc,
};
use wgpool_testing::support::{check_gpu, describe, engine, with_target_workgroups};
use wgpool_testing::verify::random::{Case, Rng};

/// Plans the algorithm wherever it can be, whether or not it is reckoned to be faster.
pub fn eager(engine: &Engine) -> Engine {
    let mut caps = engine.caps().clone();
    (caps.flops_per_byte, caps.flops_per_dispatch) = (0, 0);
    engine.with_caps(caps)
}

/// Whether a plan takes the algorithm, and pools in it.
pub fn taken(plan: &Plan) -> Option<bool> {
    plan.steps.iter().find_map(|step| match step.kernel {
        KernelKey::WinogradOutput(WinogradOutput { pool, .. }) => Some(pool),
        _ => None,
    })
}

/// A case for each way through the kernels: pooling, layout, groups and type.
pub fn cases(rng: &mut Rng, f16: bool) -> Vec<(Case, bool)> {
    let mut cases = Vec::new();
    for pooled in [false, true] {
        for layout in [Layout::Nchw, Layout::Nhwc] {
            for groups in [1, 2] {
                for &dtype in Op::from(conv()).types() {
                    if dtype == DType::F16 && !f16 {
                        continue;
                    }
                    // Tiles and channels fill more than half of the product's tiles.
                    let group_in = 16 * rng.between(1, 3) - rng.between(0, 2);
                    let group_out = rng.between(30, 32);
                    let [n, height, width] = [rng.between(2, 3), rng.between(19, 23), rng.between(21, 30)];
                    let (c, o) = (groups * group_in, groups * group_out);
                    let x = match layout {
                        Layout::Nchw => vec![n, c, height, width],
                        Layout::Nhwc => vec![n, height, width, c],
                    };
                    let (kernel_layout, w) = match rng.one_in(2) {
                        true => (KernelLayout::Oihw, vec![o, group_in, 3, 3]),
                        false => (KernelLayout::Hwio, vec![3, 3, group_in, o]),
                    };
                    let padding = match rng.between(0, 2) {
                        0 => Padding::Valid,
                        1 => Padding::SameUpper,
                        _ => Padding::Explicit { before: vec![3, 1], after: vec![0, 2] },
                    };
                    let activation = Activation::LeakyRelu { alpha: 0.3 };
                    let conv = Conv { padding, groups, activation, layout, kernel_layout, ..conv() };
                    let op = match pooled {
                        true => ConvPool { conv, pool: Pool::max([2]).layout(layout) }.into(),
                        false => Op::from(conv),
                    };
                    let shapes = if rng.one_in(3) { vec![x, w] } else { vec![x, w, vec![o]] };
                    let kind = rng.between(0, 2);
                    let inputs = shapes.iter().map(|shape| {
                        let few = shape.iter().product::<usize>() / 5 + 1;
                        let mut value = || match kind {
                            0 if rng.one_in(few) => {
                                [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][rng.between(0, 2)]
                            }
                            1 => rng.unit() as f32,
                            _ => (2.0 * rng.unit() - 1.0) as f32,
                        };
                        let values = (0..shape.iter().product()).map(|_| f64::from(value()));
                        Tensor::new(shape, Data::nearest(dtype, values).unwrap()).unwrap()
                    });
                    let inputs = inputs.collect();
                    cases.push((Case { op, inputs }, pooled));
                }
            }
        }
    }
    cases
}

#[test]
fn every_way_through_the_kernels() {
    let hardware = eager(&engine().with_gpu_kernels());
    let mut rng = Rng::new(7);
    let mut failures = Vec::new();
    for round in 0..3 {
        for (case, pooled) in cases(&mut rng, hardware.caps().f16) {
            let engine = with_target_workgroups(&hardware, [1, 128, 100_000][round]);
            let descs: Vec<TensorDesc> = case.inputs.iter().map(Tensor::desc).collect();
            assert_eq!(taken(&engine.plan(&case.op, &descs).unwrap()), Some(pooled), "{}", describe(&case));
            if let Err(reason) = check_gpu(&engine, &case) {
                failures.push(format!("{}\n    {reason}", describe(&case)));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn what_is_not_finite_stays_in_its_windows() {
    let hardware = eager(&engine().with_gpu_kernels());
    let rng = &mut Rng::new(9);
    for pooled in [false, true] {
        let conv = conv().padding(Padding::symmetric([1])).activation(Activation::Relu);
        let op = match pooled {
            true => ConvPool { conv, pool: Pool::max([2]) }.into(),
            false => Op::from(conv),
        };
        let tensors = inputs(rng, [1, 20, 19, 30], 33);
        let all = |x: Tensor, w: Tensor, b: Tensor| Case { op: op.clone(), inputs: vec![x, w, b] };
        for values in [[f32::NAN, f32::INFINITY], [f32::INFINITY, f32::NEG_INFINITY], [3e37, -3e37]] {
            let at: Vec<usize> = (0..6).map(|_| rng.between(0, 20 * 19 * 30 - 1)).collect();
            let [x, w, b] = tensors.clone().try_into().unwrap();
            let cases = [
                all(with(&x, &at, |i| values[i % 2]), w.clone(), b.clone()),
                all(x.clone(), with(&w, &[5, 20 * 9 * 3 + 17], |i| values[i]), b.clone()),
                all(x, w, with(&b, &[1, 8], |i| values[i])),
            ];
            for case in cases {
                check_gpu(&hardware, &case).unwrap_or_else(|reason| panic!("{values:?}, {pooled}: {reason}"));
            }
        }
    }
}

#[test]
fn the_rule_weighs_bytes_and_dispatches() {
    let plan = |conv: Conv, n: usize, c: usize, side: usize, caps: &Caps| {
        let shapes = [vec![n, c, side, side], vec![c, c, 3, 3]].map(TensorDesc::f32);
        taken(&Plan::new(&conv.padding(Padding::symmetric([1])).into(), &shapes, caps).unwrap()).is_some()
    };
    let (caps, mut large) = (Caps::default(), Caps::default());
    (large.flops_per_byte, large.flops_per_dispatch) = (20, 100_000_000);
    let mut software = caps.clone();
    software.software = true;
    // Its last kernel binds five storage buffers.
    let (mut few, mut enough) = (caps.clone(), caps.clone());
    (few.max_storage_buffers, enough.max_storage_buffers) = (4, 5);
    assert!(plan(conv(), 4, 256, 56, &caps));
    assert!(!plan(Conv::new(), 4, 256, 56, &caps));
    assert!(!plan(conv().stride([2]), 4, 256, 56, &caps));
    assert!(!plan(conv(), 4, 256, 56, &software));
    assert!(!plan(conv(), 4, 256, 56, &few) && plan(conv(), 4, 256, 56, &enough));
    // Few channels move too much, small images are not worth the dispatches.
    assert!(!plan(conv(), 4, 64, 112, &caps));
    assert!(!plan(conv(), 4, 96, 112, &caps) && plan(conv(), 4, 96, 112, &large));
    assert!(!plan(conv(), 1, 256, 14, &caps));
}
