//! Results stay in their bounds on drivers that compute no better than WGSL promises. Software adapters compute better, so
//! what those drivers do is written into the shaders.

use wgpool::engine::ShaderEdit;
use wgpool::kernel::{self, KernelKey, PoolPlane, Reduce};
use wgpool::{
    DType, Data, Engine, GlobalPool, Layout, MaxRoiPool, Op, Pool, PoolKind, RoiAlign, RoiMode, Tensor,
};
use wgpool_testing::support::{check_gpu, describe, engine, is_wrong};
use wgpool_testing::verify::random::{Case, Family, Rng};

/// An engine of which `edit` changes shaders, `kernel`'s among them.
fn edited(kernel: KernelKey, edit: ShaderEdit) -> Engine {
    assert_ne!(edit(kernel, kernel.source()), kernel.source(), "{kernel} is not changed");
    engine().with_gpu_kernels().with_edited_shaders(edit)
}

/// Lp pooling that multiplies by the reciprocal of the largest magnitude, where subnormal numbers are taken for zero.
fn reciprocals(_: KernelKey, source: String) -> String {
    let library = "fn reciprocal(x: f32) -> f32 {
        let y = 1.0 / x;
        return select(y, 0.0, abs(y) < 0x1p-126f);
    }";
    match source.contains("(magnitude * unit) / divisor") {
        true => {
            source.replace("(magnitude * unit) / divisor", "magnitude * unit * reciprocal(divisor)") + library
        }
        false => source,
    }
}

#[test]
fn norms_are_right_though_the_reciprocal_of_the_largest_magnitude_is_no_normal_number() {
    let key = PoolPlane { reduce: Reduce::Lp, dtype: DType::F32, share: 8 }.into();
    let engine = edited(key, reciprocals);
    // No element is subnormal, or all are: what is flushed is then within the bound.
    for largest in [f32::MAX, 1e38, 1e20, 1.0, 1e-20, 5e-38, 1e-42] {
        let x: Vec<f32> = (0..64).map(|i| largest * [1.0, 0.5, -0.25, -1.0][i % 4]).collect();
        let x = Tensor::from_f32(&[1, 1, 8, 8], x).unwrap();
        for p in [1.5, 2.0, 3.0] {
            let kind = PoolKind::Lp { p };
            let sliding = Pool { kind, ..Pool::max([2, 2]) };
            let torch = Pool { kind: PoolKind::LpTorch { p: 2.0 }, ..Pool::max([2, 2]) };
            let global = GlobalPool { kind, layout: Layout::Nchw };
            for op in [Op::from(sliding), torch.into(), global.into()] {
                let case = Case { op, inputs: vec![x.clone()] };
                check_gpu(&engine, &case).unwrap_or_else(|e| panic!("{largest:e}: {}: {e}", describe(&case)));
            }
        }
    }
}

/// Region pooling whose divisions are off by two units in the last place.
fn divided(source: String, factor: &str) -> String {
    let bins = ("length / f32(bins)", "quotient(length, f32(bins))");
    let samples = (
        "(f32(i) + 0.5) * axis.bin / f32(axis.samples)",
        "quotient((f32(i) + 0.5) * axis.bin, f32(axis.samples))",
    );
    if !source.contains(bins.0) || !source.contains(samples.0) {
        return source;
    }
    let library = format!("fn quotient(a: f32, b: f32) -> f32 {{ return a / b * {factor}; }}");
    source.replace(bins.0, bins.1).replace(samples.0, samples.1) + &library
}

#[test]
fn regions_have_their_samples_whatever_a_division_is_rounded_to() {
    let edits: [ShaderEdit; 2] =
        [|_, source| divided(source, "0.9999998"), |_, source| divided(source, "1.0000002")];
    for (side, edit) in ["low", "high"].into_iter().zip(edits) {
        let engine = edited(kernel::RoiAlign { dtype: DType::F32 }.into(), edit);
        let mut rng = Rng::new(31);
        let random = (0..400).map(|_| Family::RoiAlign.case(&mut rng, false));
        for case in random.chain(whole_regions()) {
            check_gpu(&engine, &case).unwrap_or_else(|e| panic!("{side}: {}: {e}", describe(&case)));
        }
    }
}

/// A product and a subtraction in one, rounded once, as drivers may compute what is written as both: what the product loses
/// comes of halves of the factors. (The built-in function rounds twice on software adapters.)
const FUSED: &str = "fn fused(a: f32, b: f32, c: f32) -> f32 {
    let product = a * b;
    let a_high = bitcast<f32>(bitcast<u32>(a) & 0xfffff000u);
    let b_high = bitcast<f32>(bitcast<u32>(b) & 0xfffff000u);
    let a_low = a - a_high;
    let b_low = b - b_high;
    let lost = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
    return (product - c) + lost;
}";

/// Region pooling whose products are not rounded.
fn unrounded(key: KernelKey, source: String) -> String {
    match key {
        KernelKey::RoiAlign(_) => {
            let start = source.replace("scaled(start_at) - offset", "fused(start_at, params.scale, offset)");
            start.replace("scaled(end_at) - offset", "fused(end_at, params.scale, offset)") + FUSED
        }
        KernelKey::MaxRoi(_) => {
            source.replace("a - whole >= 0.5", "fused(abs(at), params.scale, whole) >= 0.5") + FUSED
        }
        _ => source,
    }
}

/// Both kinds of pooling of regions with whole coordinates, whose products with the scale lie next to whole pixels and to
/// halves.
fn whole_regions() -> Vec<Case> {
    let mut rng = Rng::new(5);
    let image = (0..24 * 24).map(|i| (i * 37 % 101) as f32).collect();
    let image = Tensor::from_f32(&[1, 1, 24, 24], image).unwrap();
    let (layout, count) = (Layout::Nchw, 200);
    let mut cases = Vec::new();
    for spatial_scale in [0.1f32, 0.31, 0.7] {
        let mut along = || {
            let start =
                (rng.between(0, (15.0 / spatial_scale) as usize) as f32) - (3.0 / spatial_scale).round();
            // Pixels of the region.
            let length = rng.between(1, 11) as f32;
            (start, start + (length / spatial_scale).round())
        };
        let regions: Vec<[f32; 4]> = (0..count)
            .map(|_| {
                let ((x1, x2), (y1, y2)) = (along(), along());
                [x1, y1, x2, y2]
            })
            .collect();
        let numbered = regions.iter().flat_map(|&[a, b, c, d]| [0.0, a, b, c, d]).collect();
        let numbered = Tensor::from_f32(&[count, 5], numbered).unwrap();
        let regions = Tensor::from_f32(&[count, 4], regions.concat()).unwrap();
        let numbers = Tensor::new(&[count], Data::I32(vec![0; count])).unwrap();
        let (sampling_ratio, mode, output) = (0, RoiMode::Average, [2, 3]);
        let align = RoiAlign { output, sampling_ratio, spatial_scale, half_pixel: true, mode, layout };
        cases.push(Case { op: align.into(), inputs: vec![image.clone(), regions, numbers] });
        let max = MaxRoiPool { output, spatial_scale, layout };
        cases.push(Case { op: max.into(), inputs: vec![image.clone(), numbered] });
    }
    cases
}

#[test]
fn coordinates_times_the_scale_are_rounded_before_anything_is_subtracted() {
    let mutant = edited(kernel::RoiAlign { dtype: DType::F32 }.into(), unrounded);
    edited(kernel::MaxRoi { dtype: DType::F32 }.into(), unrounded);
    let mut wrong = [0, 0];
    for case in whole_regions() {
        check_gpu(&engine().with_gpu_kernels(), &case).unwrap_or_else(|e| panic!("{}: {e}", describe(&case)));
        wrong[usize::from(matches!(case.op, Op::MaxRoiPool(_)))] += usize::from(is_wrong(&mutant, &case));
    }
    assert!(wrong.iter().all(|&n| n > 0), "{wrong:?}");
}

/// Without the clamp in it, drivers may do what the test above writes out.
#[test]
fn products_of_coordinates_stand_alone() {
    let dtype = DType::F32;
    for key in [KernelKey::from(kernel::RoiAlign { dtype }), kernel::MaxRoi { dtype }.into()] {
        let source = key.source();
        let products: Vec<&str> = source.lines().filter(|line| line.contains("* params.scale")).collect();
        assert_eq!(products, ["    return clamp(at * params.scale, -4e6, 4e6);"], "{key}");
    }
}
