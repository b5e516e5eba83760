//! Deformable convolution by its definition.

use super::Exact;
use super::tolerance::{EPS, SUM};
use crate::geometry::positions;
use crate::problem::{DeformWork, Epilogue};

/// `tensors` are the input, the offsets, the mask if there is one, the kernel, and what its epilogue has.
pub(super) fn deform(work: &DeformWork, tensors: &[Vec<f64>], y: &mut Exact) {
    let conv = &work.conv;
    let (mask, weights) = tensors[2..].split_at(usize::from(work.mask));
    let [x, offsets] = [&tensors[0], &tensors[1]];
    let epilogue = Epilogue::of(conv, &weights[1..]);
    let channels_of_offsets = conv.in_channels() / work.offset_groups;
    for n in 0..conv.batch {
        for o in 0..conv.out_channels() {
            for (p, out) in positions(conv.axes.map(|a| a.output)).enumerate() {
                let mut sum = epilogue.bias_of(o);
                // The absolute values that are summed up, and those that rounded weights of the interpolation move.
                let (mut magnitude, mut moved) = (sum.abs(), 0.0);
                for i in 0..conv.group_in {
                    let c = o / conv.group_out * conv.group_in + i;
                    for (tap, place) in positions(conv.axes.map(|a| a.kernel)).enumerate() {
                        let at = (n * work.offset_groups + c / channels_of_offsets) * conv.taps() + tap;
                        let offset = |axis: usize| offsets[(at * work.rank + axis) * conv.pixels() + p];
                        let sample = sample(work, x, (n, c), out, place, offset);
                        let mask = mask.first().map_or(1.0, |mask| mask[at * conv.pixels() + p]);
                        let weight = weights[0][conv.kernel.at(o, i, place)];
                        sum += weight * (mask * sample.value);
                        magnitude += (weight * mask * sample.magnitude).abs();
                        moved += (weight * mask * sample.corners).abs();
                    }
                }
                let to = conv.output.at(n, o, out);
                // One bound for the sum of the products, one for the interpolation in each of them.
                let bound = 2.0 * SUM * magnitude + 2.0 * EPS * moved;
                (y.values[to], y.bound[to]) = epilogue.activated(o, (sum, bound));
            }
        }
    }
}

/// An interpolated value.
struct Sample {
    value: f64,
    /// The sum of the absolute values that it is the sum of.
    magnitude: f64,
    /// The sum of the absolute values of the elements around it.
    corners: f64,
}

/// The value of a moved tap. Its position is that of 32-bit floats, in which places and offsets are given.
fn sample(
    work: &DeformWork,
    x: &[f64],
    (n, c): (usize, usize),
    out: [usize; 3],
    tap: [usize; 3],
    offset: impl Fn(usize) -> f64,
) -> Sample {
    let mut sample = Sample { value: 0.0, magnitude: 0.0, corners: 0.0 };
    let axes = &work.conv.axes;
    let first = axes.len() - work.rank;
    let mut low = [0i64; 3];
    let mut weight = [0.0; 3];
    for axis in first..axes.len() {
        let place = axes[axis].start(out[axis]) + (tap[axis] * axes[axis].dilation) as isize;
        let at = place as f32 + offset(axis - first) as f32;
        let outside = at.is_nan() || at <= -1.0 || at >= axes[axis].input as f32;
        if outside {
            return sample;
        }
        low[axis] = at.floor() as i64;
        weight[axis] = f64::from(at) - f64::from(at.floor());
    }
    for corner in 0..1usize << work.rank {
        let high = [corner >> 2 & 1, corner >> 1 & 1, corner & 1];
        let mut at = [0; 3];
        let mut part = 1.0;
        let mut inside = true;
        for axis in 0..3 {
            let position = low[axis] + high[axis] as i64;
            inside &= (0..axes[axis].input as i64).contains(&position);
            at[axis] = position as usize;
            part *= if high[axis] == 1 { weight[axis] } else { 1.0 - weight[axis] };
        }
        if inside {
            let element = x[work.conv.input.at(n, c, at)];
            sample.value += part * element;
            sample.magnitude += (part * element).abs();
            sample.corners += element.abs();
        }
    }
    sample
}
