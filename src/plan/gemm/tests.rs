//! What hardware runs for which shapes.

use crate::dtype::DType;
use crate::kernel::{Cooperative, GemmParams, GemmTile, KernelKey, Side};
use crate::plan::{Caps, Plan};
use crate::spec::{Accuracy, Conv, ConvPool, Op, Padding, Pool};
use crate::tensor::TensorDesc;

/// Tile, tiles and parts of a plan for hardware; nothing where the general kernel was chosen.
fn chosen(plan: &Plan) -> Option<(GemmTile, u32, u32)> {
    plan.steps.iter().find_map(|step| match step.kernel {
        KernelKey::ConvGemm(kernel) => {
            let params: GemmParams = bytemuck::pod_read_unaligned(&step.params);
            Some((kernel.tile, params.tiles / params.parts, params.parts))
        }
        _ => None,
    })
}

fn conv(conv: &Conv, x: [usize; 4], w: [usize; 4]) -> Plan {
    let inputs = [TensorDesc::f32(x), TensorDesc::f32(w)];
    Plan::new(&conv.clone().into(), &inputs, &Caps::default()).unwrap()
}

fn pad(n: usize) -> Conv {
    Conv::new().padding(Padding::symmetric([n]))
}

#[test]
fn the_rule_on_the_shapes_that_benchmarks_run() {
    use GemmTile::{Large, Small};
    let cases = [
        ("C1", pad(3).stride([2]), [1, 3, 224, 224], [64, 3, 7, 7], Some((Large, 196, 1))),
        ("C2", pad(1), [1, 64, 56, 56], [64, 64, 3, 3], Some((Small, 196, 1))),
        ("C3", Conv::new(), [1, 256, 56, 56], [64, 256, 1, 1], Some((Small, 196, 1))),
        ("C4", pad(1), [1, 256, 14, 14], [256, 256, 3, 3], Some((Large, 16, 8))),
        ("C5", pad(1).groups(144), [1, 144, 56, 56], [144, 1, 3, 3], None),
        ("C6", pad(2), [16, 32, 10, 10], [64, 32, 5, 5], Some((Small, 100, 2))),
        ("C7", Conv::new(), [1, 3, 224, 224], [10, 3, 3, 3], None),
        ("C8", pad(1), [1, 64, 224, 224], [64, 64, 3, 3], Some((Large, 784, 1))),
    ];
    for (name, spec, x, w, expected) in cases {
        assert_eq!(chosen(&conv(&spec, x, w)), expected, "{name}");
    }
}

#[test]
fn cooperative_matrices_take_16_bit_floats_alone() {
    let cooperative = Some(Cooperative { side: Side::Sixteen, subgroup: 32 });
    let caps = Caps { cooperative, f16: true, ..Caps::default() };
    let chosen = |dtype, x: [usize; 4], w: [usize; 4]| {
        let inputs = [x, w].map(|shape| TensorDesc { shape: shape.into(), dtype });
        let plan = Plan::new(&pad(1).into(), &inputs, &caps).unwrap();
        plan.steps.iter().find_map(|step| match step.kernel {
            KernelKey::ConvGemm(kernel) => {
                let params: GemmParams = bytemuck::pod_read_unaligned(&step.params);
                Some((kernel.cooperative, params.tiles / params.parts, params.parts))
            }
            _ => None,
        })
    };
    let (c2, c4) = (([1, 64, 56, 56], [64, 64, 3, 3]), ([1, 256, 14, 14], [256, 256, 3, 3]));
    assert_eq!(chosen(DType::F16, c2.0, c2.1), Some((cooperative, 49, 2)));
    assert_eq!(chosen(DType::F16, c4.0, c4.1), Some((cooperative, 16, 8)));
    assert_eq!(chosen(DType::F32, c2.0, c2.1), Some((None, 196, 1)));
    // Sixteen channels fill a quarter of a tile, and half of a smaller one.
    assert_eq!(chosen(DType::F16, c2.0, [16, 64, 3, 3]), Some((None, 98, 2)));
}

#[test]
fn subgroups_that_load_no_whole_rows_have_no_cooperative_matrices() {
    let inputs =
        [vec![1, 64, 56, 56], vec![64, 64, 3, 3]].map(|shape| TensorDesc { shape, dtype: DType::F16 });
    for subgroup in [0, 1, 12, 4096, u32::MAX] {
        let cooperative = Some(Cooperative { side: Side::Sixteen, subgroup });
        let caps = Caps { cooperative, f16: true, ..Caps::default() };
        let plan = Plan::new(&pad(1).into(), &inputs, &caps).unwrap();
        let kernels = || plan.steps.iter().map(|step| step.kernel);
        let of_matrices = |key| matches!(key, KernelKey::ConvGemm(k) if k.cooperative.is_some());
        assert!(!kernels().any(of_matrices), "{subgroup}");
        assert!(kernels().all(|key| !key.source().is_empty()));
    }
}

#[test]
fn cooperative_matrices_come_before_winograd() {
    let op = pad(1).accuracy(Accuracy::Tile).into();
    let inputs =
        [vec![4, 256, 56, 56], vec![256, 256, 3, 3]].map(|shape| TensorDesc { shape, dtype: DType::F16 });
    let by_winograd = |cooperative| {
        let caps = Caps { cooperative, f16: true, ..Caps::default() };
        let plan = Plan::new(&op, &inputs, &caps).unwrap();
        plan.steps.iter().any(|step| matches!(step.kernel, KernelKey::WinogradInput(_)))
    };
    assert!(by_winograd(None));
    assert!(!by_winograd(Some(Cooperative { side: Side::Sixteen, subgroup: 32 })));
}

#[test]
fn pooling_joins_where_tiles_stay_full_and_sums_whole() {
    let plan = |conv: Conv, pool: Pool, x: [usize; 4], w: [usize; 4]| {
        let inputs = [TensorDesc::f32(x), TensorDesc::f32(w)];
        let plan = Plan::new(&ConvPool { conv, pool }.into(), &inputs, &Caps::default()).unwrap();
        let kernels: Vec<_> = plan.steps.iter().filter(|s| !s.prepack).map(|s| s.kernel).collect();
        (chosen(&plan), kernels.len())
    };
    let (x, w) = ([1, 64, 112, 112], [64, 64, 3, 3]);
    let large = |tiles| Some((GemmTile::Large, tiles, 1));
    assert_eq!(plan(pad(1), Pool::max([2]), x, w), (large(196), 1), "F1");
    assert_eq!(plan(Conv::new(), Pool::max([2]), [1, 3, 224, 224], [10, 3, 3, 3]), (None, 1), "F2");
    // 37 x 37 windows of nine, seven to a tile.
    assert_eq!(plan(pad(1), Pool::average([3]), x, w), (large(196), 1), "3x3");
    // Two windows of 25 leave a fifth of the tile empty, which is still less than a quarter more work.
    assert_eq!(plan(pad(1), Pool::max([5]), x, w), (large(242), 1), "5x5");
    // A window of 36 leaves almost half of it empty; one of 81 fits no tile; overlapping ones compute twice.
    assert_eq!(plan(pad(1), Pool::max([6]), x, w), (large(196), 2), "6x6");
    assert_eq!(plan(pad(1), Pool::max([9]), x, w), (large(196), 2), "9x9");
    assert_eq!(plan(pad(1), Pool::max([3]).stride([2]), x, w), (large(196), 2), "3x3/2");
    // Divided sums, their addition, and pooling.
    let deep = plan(pad(1), Pool::max([2]), [1, 256, 14, 14], [256, 256, 3, 3]);
    assert_eq!(deep, (Some((GemmTile::Large, 16, 8)), 3), "few tiles");
}

#[test]
fn tiles_that_pool_are_small_where_fxc_may_compile_them() {
    let inputs = [TensorDesc::f32([1, 64, 112, 112]), TensorDesc::f32([64, 64, 3, 3])];
    let caps = Caps { fxc: true, ..Caps::default() };
    let together: Op = ConvPool { conv: pad(1), pool: Pool::max([2]) }.into();
    let tile = |op: &Op, caps: &Caps| chosen(&Plan::new(op, &inputs, caps).unwrap()).map(|(tile, ..)| tile);
    assert_eq!(tile(&together, &Caps::default()), Some(GemmTile::Large));
    assert_eq!(tile(&together, &caps), Some(GemmTile::Small));
    assert_eq!(tile(&pad(1).into(), &caps), Some(GemmTile::Large));
}

#[test]
fn sums_that_may_be_chains_take_eight_by_eight_an_invocation() {
    let chain = Accuracy::Chain;
    let c8 = |conv: Conv| [conv.clone().into(), ConvPool { conv, pool: Pool::max([2]) }.into()];
    let inputs = [TensorDesc::f32([1, 64, 224, 224]), TensorDesc::f32([64, 64, 3, 3])];
    for (accuracy, fxc, expected) in [
        (chain, false, GemmTile::Chain),
        (Accuracy::Element, false, GemmTile::Large),
        (chain, true, GemmTile::Large),
    ] {
        let caps = Caps { fxc, ..Caps::default() };
        let [alone, pooled] = c8(pad(1).accuracy(accuracy))
            .map(|op: Op| chosen(&Plan::new(&op, &inputs, &caps).unwrap()).map(|(tile, ..)| tile));
        assert_eq!(alone, Some(expected), "{accuracy:?}, FXC {fxc}");
        assert_eq!(pooled, Some(if fxc { GemmTile::Small } else { expected }), "{accuracy:?}, FXC {fxc}");
    }
    // Few tiles of long sums in parts, and tiles that are small.
    let c4 = conv(&pad(1).accuracy(chain), [1, 256, 14, 14], [256, 256, 3, 3]);
    assert_eq!(chosen(&c4), Some((GemmTile::Chain, 16, 8)));
    let c2 = conv(&pad(1).accuracy(chain), [1, 64, 56, 56], [64, 64, 3, 3]);
    assert_eq!(chosen(&c2), Some((GemmTile::Small, 196, 1)));
}

#[test]
fn software_adapters_and_small_bindings_keep_the_general_kernel() {
    let inputs = [TensorDesc::f32([1, 64, 56, 56]), TensorDesc::f32([64, 64, 3, 3])];
    let op = pad(1).into();
    let software = Caps { software: true, ..Caps::default() };
    assert_eq!(chosen(&Plan::new(&op, &inputs, &software).unwrap()), None);
    // The kernel fits, but 65 channels packed in tiles do not.
    let inputs = [TensorDesc::f32([1, 64, 8, 8]), TensorDesc::f32([65, 64, 3, 3])];
    assert!(chosen(&Plan::new(&op, &inputs, &Caps::default()).unwrap()).is_some());
    let narrow = Caps { max_binding: 65 * 64 * 9 * 4, ..Caps::default() };
    assert_eq!(chosen(&Plan::new(&op, &inputs, &narrow).unwrap()), None);
}
