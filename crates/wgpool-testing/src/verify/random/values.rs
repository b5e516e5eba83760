//! Random elements that the operation at hand can compute with.

use super::Rng;
use wgpool::problem::{GradientWork, PoolGradientWork, Problem, RoiAlignWork, RoiShape, UnpoolWork, Work};
use wgpool::spec::{IndexNumbering, PoolKind};
use wgpool::tensor::{DType, Data, Tensor, TensorDesc};

/// The inputs of a problem.
pub(super) fn inputs(rng: &mut Rng, problem: &Problem) -> Vec<Tensor> {
    let mut tensors: Vec<Draft> =
        problem.inputs.iter().map(|desc| draft(rng, desc, scale(problem, desc))).collect();
    match (&problem.work, tensors.as_mut_slice()) {
        (Work::Gradient(work), drafts) => of_gradient(rng, work, drafts),
        (Work::Unpool(work), [_, indices]) => indices.data = Data::I32(legal_indices(rng, work)),
        (Work::Fractional(_), [_, samples]) => {
            let n = samples.data.len();
            samples.data = Data::F32((0..n).map(|_| sample(rng)).collect());
        }
        (Work::RoiAlign(work), [x, regions, images]) => {
            let shape = &work.shape;
            let coarse = regions_of(rng, work, regions);
            if (whole(shape) || coarse)
                && let Data::F32(x) = &mut x.data
            {
                // A sample that lies on a pixel may be rounded to either side, which says nothing of infinities there.
                x.iter_mut().filter(|x| !x.is_finite()).for_each(|x| *x = 0.0);
            }
            images.data = Data::I32((0..shape.regions).map(|_| number(rng, shape) as i32).collect());
        }
        (Work::MaxRoi(work), [_, regions]) => {
            let shape = &work.shape;
            let row = |_| {
                let [a, b, c, d] = region(rng, shape, true);
                [number(rng, shape) as f32, a, b, c, d]
            };
            regions.data = Data::F32((0..shape.regions).flat_map(row).collect());
        }
        (Work::ConvInteger(work), [_, _, _, _, scales, bias @ ..]) => {
            // Scales that spread the usual sums over more than the range of bytes, some of them halves so that sums lie
            // between two bytes.
            let terms = (work.conv.group_in * work.conv.taps()) as f64;
            let halves = rng.one_in(2);
            let largest = 1.0 / terms.sqrt() / 32.0;
            let mut scale = || match halves {
                true => 2f64.powi(-(rng.between(1, 12) as i32)),
                false => largest * (2.0 * rng.unit() - 0.5),
            };
            let n = scales.data.len();
            scales.data = Data::F32((0..n).map(|_| scale() as f32).collect());
            if let [bias] = bias {
                let n = bias.data.len();
                bias.data = Data::I32((0..n).map(|_| rng.between(0, 20_000) as i32 - 10_000).collect());
            }
        }
        (Work::Deform(_), [_, offsets, ..]) => {
            let n = offsets.data.len();
            let quarters = rng.one_in(2);
            let mut offset = || match rng.between(0, 40) {
                0 => [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e9, -1e9][rng.between(0, 4)],
                _ if quarters => (12.0 * rng.unit()).floor() / 4.0 - 1.5,
                _ => 5.0 * rng.unit() - 2.5,
            };
            offsets.data = Data::F32((0..n).map(|_| offset() as f32).collect());
        }
        (Work::Resize(_), [x]) => {
            // Weights near zero, which are rounded to either side, say nothing of infinities.
            let finite =
                (0..x.data.len()).filter_map(|i| x.data.get(i)).map(|x| if x.is_finite() { x } else { 0.0 });
            x.data = nearest(x.data.dtype(), finite);
        }
        (Work::Pool(work), [x]) => {
            if matches!(work.kind, PoolKind::Lp { .. } | PoolKind::LpTorch { .. }) && rng.one_in(3) {
                whole_range(rng, x);
            }
            // Roots of what is left of terms of both signs are no numbers that two paths agree on.
            if let PoolKind::LpTorch { p } = work.kind
                && p != 1.0
                && p != 2.0
            {
                let absolute = (0..x.data.len()).filter_map(|i| x.data.get(i)).map(f64::abs);
                x.data = nearest(x.data.dtype(), absolute);
            }
        }
        _ => {}
    }
    // Elements of the types and as many as the problem asks for.
    tensors.into_iter().filter_map(|draft| Tensor::new(&draft.shape, draft.data).ok()).collect()
}

/// What gradients are computed of: indices of elements that windows have, norms that are not negative, and numbers where a slope
/// of 0 meets them.
fn of_gradient(rng: &mut Rng, work: &GradientWork, drafts: &mut [Draft]) {
    let finite = |draft: &mut Draft, of: fn(f64) -> f64| {
        let numbers = (0..draft.data.len()).filter_map(|i| draft.data.get(i));
        draft.data = nearest(draft.data.dtype(), numbers.map(|x| if x.is_finite() { of(x) } else { 1.0 }));
    };
    match (work, drafts) {
        (GradientWork::Pool(work), [_, indices]) => indices_of(rng, work, indices),
        (GradientWork::Pool(pooling), [gradient, x, norms]) => {
            finite(gradient, |g| g);
            // Powers of negative numbers whose exponent is not whole are no numbers.
            let is_whole = !matches!(pooling.pool.kind, PoolKind::LpTorch { p } if p.fract() != 0.0);
            finite(x, if is_whole || rng.one_in(4) { |x| x } else { f64::abs });
            // Norms are no less than the largest element, or 0.
            let largest =
                (0..x.data.len()).filter_map(|i| x.data.get(i)).fold(0.0, |a: f64, x| a.max(x.abs()));
            let norm = |v: f64| if v == 0.0 { 0.0 } else { largest * (1.0 + v.abs() / (1.0 + v.abs())) };
            let drawn = (0..norms.data.len()).filter_map(|i| norms.data.get(i));
            norms.data =
                nearest(norms.data.dtype(), drawn.map(|v| norm(if v.is_finite() { v } else { 1.0 })));
        }
        (GradientWork::Dropout(_), [state]) => {
            // Any bits.
            let mut word = || (rng.between(0, 0xffff) << 16 | rng.between(0, 0xffff)) as u32 as i32;
            state.data = Data::I32((0..4).map(|_| word()).collect());
        }
        (GradientWork::Unpool(work), [_, indices]) => indices.data = Data::I32(legal_indices(rng, work)),
        (GradientWork::Activation(_), [gradient, x]) => {
            finite(gradient, |g| g);
            // One of them no number, which some activations hand the gradient of on.
            if rng.one_in(2) && !x.data.is_empty() {
                let at = rng.between(0, x.data.len() - 1);
                let numbers =
                    (0..x.data.len()).filter_map(|i| if i == at { Some(f64::NAN) } else { x.data.get(i) });
                x.data = nearest(x.data.dtype(), numbers);
            }
        }
        (GradientWork::RoiAlign(work), [gradient, regions, images]) => {
            finite(gradient, |g| g);
            regions_of(rng, work, regions);
            let images_of = (0..work.shape.regions).map(|_| number(rng, &work.shape) as i32);
            images.data = Data::I32(images_of.collect());
        }
        (
            GradientWork::CrossEntropy(work) | GradientWork::CrossEntropyGradient(work),
            [gradients @ .., logits, target],
        ) => {
            gradients.iter_mut().for_each(|draft| finite(draft, |g| g));
            finite(logits, |x| x.clamp(-200.0, 200.0));
            if work.probabilities {
                finite(target, |t| t.abs().min(1.0));
            } else {
                let label = |_| rng.between(0, work.rows.length - 1) as i32;
                target.data = Data::I32((0..target.data.len()).map(label).collect());
            }
        }
        _ => {}
    }
}

/// PReLU's slopes of sums: numbers, since others make infinities or none of a sum near 0, as it is rounded, and small ones, which
/// keep 16-bit floats in their range.
pub(super) fn slopes(rng: &mut Rng, desc: &TensorDesc) -> Option<Tensor> {
    let drawn = loop {
        let drawn = draft(rng, desc, 1.0);
        if (0..desc.elements()).all(|i| drawn.data.get(i).is_some_and(f64::is_finite)) {
            break drawn;
        }
    };
    Tensor::new(&drawn.shape, drawn.data).ok()
}

/// A tensor whose elements may still change.
pub(super) struct Draft {
    shape: Vec<usize>,
    pub(super) data: Data,
}

/// An index for each window: of one of its elements, mostly of its first or last, which windows share.
fn indices_of(rng: &mut Rng, work: &PoolGradientWork, draft: &mut Draft) {
    let (pool, numbering) = (&work.pool, work.pool.indices.unwrap_or(IndexNumbering::PerPlane));
    let [depth, height, width] = pool.axes.map(|a| a.output);
    let mut indices = vec![-1; draft.data.len()];
    for (n, c) in (0..pool.batch).flat_map(|n| (0..pool.channels).map(move |c| (n, c))) {
        let samples = [rng.unit() as f32, rng.unit() as f32, rng.unit() as f32];
        for number in 0..depth * height * width {
            let window = [number / width / height, number / width % height, number % width];
            let mut place = |i: usize| -> Option<usize> {
                let (first, end) = match &work.fractional {
                    Some(axes) => {
                        let first = axes[i].start(window[i], samples[i]);
                        (first, first + axes[i].kernel)
                    }
                    None => {
                        let axis = &pool.axes[i];
                        let taps = axis.taps_inside(window[i]);
                        if taps.is_empty() {
                            return None;
                        }
                        let tap = match rng.between(0, 2) {
                            0 => taps.start,
                            1 => taps.end - 1,
                            _ => rng.between(taps.start, taps.end - 1),
                        };
                        return axis.position(window[i], tap);
                    }
                };
                Some(rng.between(first, end - 1))
            };
            let (Some(d), Some(h), Some(w)) = (place(0), place(1), place(2)) else { continue };
            if let Some(slot) = indices.get_mut(pool.output.at(n, c, window)) {
                *slot = pool.index(numbering, n, c, [d, h, w]) as i32;
            }
        }
    }
    draft.data = Data::I32(indices);
}

/// How large the largest values may be: products of f16 numbers must stay far from the end of their range, where
/// two kernels and one kernel legally differ.
fn scale(problem: &Problem, desc: &TensorDesc) -> f64 {
    if matches!(problem.work, Work::Gradient(GradientWork::Weights(_))) && desc.dtype == DType::F16 {
        return 2.0;
    }
    let convolves =
        matches!(problem.work, Work::Conv(_) | Work::ConvTranspose(_) | Work::ConvPool(_) | Work::Causal(_));
    if convolves && desc.dtype == DType::F16 { 4.0 } else { 1e4 }
}

/// Values of one of several kinds: plain, all negative, full of ties, huge, with NaN and infinities, zeros of both signs.
fn draft(rng: &mut Rng, desc: &TensorDesc, huge: f64) -> Draft {
    let kind = rng.between(0, 8);
    let mut value = || -> f64 {
        let plain = 2.0 * rng.unit() - 1.0;
        match kind {
            0 => -1.0 - rng.unit(),
            1 => (4.0 * plain).round(),
            2 => huge * plain,
            3 if rng.one_in(15) => [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0][rng.between(0, 4)],
            4 => rng.unit(),
            // Most windows' maxima are zeros, of which the first must stay.
            8 => [-0.0, 0.0, -1.0, -2.0][rng.between(0, 3)],
            _ => plain,
        }
    };
    let n = desc.elements();
    let data = match desc.dtype {
        DType::U8 => Data::U8((0..n).map(|_| rng.next_u64() as u8).collect()),
        DType::I8 => Data::I8((0..n).map(|_| rng.next_u64() as i8).collect()),
        DType::I32 => Data::I32((0..n).map(|_| rng.next_u64() as i32).collect()),
        float => nearest(float, (0..n).map(|_| value())),
    };
    Draft { shape: desc.shape.clone(), data }
}

/// Numbers of every magnitude that the type has, or all of nearly one: their powers leave the range of any float.
fn whole_range(rng: &mut Rng, x: &mut Draft) {
    let (least, most) = if x.data.dtype() == DType::F16 { (-14.0, 15.0) } else { (-126.0, 126.0) };
    let alike = rng.one_in(2).then(|| least + (most - least) * rng.unit());
    let mut value = || {
        let exponent = match alike {
            Some(middle) => (middle + 2.0 * rng.unit() - 1.0).clamp(least, most),
            None => least + (most - least) * rng.unit(),
        };
        let sign = if rng.one_in(2) { -1.0 } else { 1.0 };
        sign * exponent.exp2()
    };
    x.data = nearest(x.data.dtype(), (0..x.data.len()).map(|_| value()));
}

/// Elements of the type; none, so that there is no such tensor, where there is no memory for them.
fn nearest(dtype: DType, numbers: impl Iterator<Item = f64>) -> Data {
    Data::nearest(dtype, numbers).unwrap_or(Data::F32(Vec::new()))
}

/// A sample of fractional pooling, sometimes at an end of its range.
fn sample(rng: &mut Rng) -> f32 {
    match rng.between(0, 7) {
        0 => 0.0,
        1 => 1.0 - f32::EPSILON / 2.0,
        // 24 bits: a longer fraction could round to 1.
        _ => (rng.next_u64() >> 40) as f32 / (1u32 << 24) as f32,
    }
}

/// Indices inside the plane of each element; some name the same element.
fn legal_indices(rng: &mut Rng, work: &UnpoolWork) -> Vec<i32> {
    let mut indices = vec![0; work.batch * work.channels * work.in_space.iter().product::<usize>()];
    let [depth, height, width] = work.indexed;
    let most: Vec<usize> = work.indexed.iter().zip(work.out_space).map(|(&a, b)| a.min(b)).collect();
    let crowded = rng.one_in(3);
    work.for_each_input(|n, c, at| {
        let mut place = |axis: usize| {
            let most: usize = if crowded { most[axis].min(2) } else { most[axis] };
            rng.between(0, most - 1)
        };
        let (d, h, w) = (place(0), place(1), place(2));
        let plane = (n * work.channels + c) * depth * height * width;
        let index = match work.numbering {
            IndexNumbering::PerPlane => (d * height + h) * width + w,
            IndexNumbering::WholeRowMajor => plane + (d * height + h) * width + w,
            _ => plane + (w * height + h) * depth + d,
        };
        if let Some(slot) = indices.get_mut(work.input.at(n, c, at)) {
            *slot = index as i32;
        }
    });
    indices
}

/// Regions; whether they may have quarters.
fn regions_of(rng: &mut Rng, work: &RoiAlignWork, regions: &mut Draft) -> bool {
    let shape = &work.shape;
    let [by, bx] = shape.bins;
    let coarse = [by, bx, work.sampling_ratio].iter().all(|n| n.is_power_of_two());
    regions.data = Data::F32((0..shape.regions).flat_map(|_| region(rng, shape, coarse)).collect());
    coarse
}

/// The number of an image.
fn number(rng: &mut Rng, shape: &RoiShape) -> usize {
    rng.between(0, shape.batch.max(1) - 1)
}

/// Whether regions have whole coordinates, as those that come from images have: their products with the scale are rounded,
/// and lie on pixels and halves.
fn whole(shape: &RoiShape) -> bool {
    shape.spatial_scale.log2().fract() != 0.0
}

/// `x1, y1, x2, y2` of a region that may reach beyond its image or, seldom, end before it starts.
///
/// `coarse` also gives quarters: samples then fall exactly on pixels and borders, which is a fair question only
/// where no division is rounded.
fn region(rng: &mut Rng, shape: &RoiShape, coarse: bool) -> [f32; 4] {
    let [height, width] = shape.space.map(|l| l as f64);
    let quarters = coarse && rng.one_in(2);
    let mut along = |length: f64| {
        let mut place = || {
            let at = rng.unit() * (length + 4.0) - 2.0;
            let at = (if quarters { (4.0 * at).round() / 4.0 } else { at }) / f64::from(shape.spatial_scale);
            if whole(shape) { at.round() } else { at }
        };
        let (a, b) = (place(), place());
        let swapped = (b < a) != rng.one_in(10);
        if swapped { (b, a) } else { (a, b) }
    };
    let ((x1, x2), (y1, y2)) = (along(width), along(height));
    [x1, y1, x2, y2].map(|v| v as f32)
}
