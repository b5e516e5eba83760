//! Devices that take subnormal numbers for zero, also where they compare them.

use wgpool::geometry::Axis;
use wgpool::problem::{PoolWork, Problem, Work};
use wgpool::reference::Exact;
use wgpool::spec::IndexNumbering;
use wgpool::tensor::{DType, Data, Tensor};

/// Where a window's largest elements are all subnormal, a device for which they equal zero may name another of them
/// than the largest. Puts the reference's index in place of such an index, and says how many there were.
///
/// Nothing else is forgiven: the named element lies in the same window, and it and the maximum are subnormal or zero.
pub fn settle_indices(problem: &Problem, x: &Tensor, exact: &[Exact], outputs: &mut [Tensor]) -> usize {
    let (Work::Pool(work), [values, indices], [_, output]) = (&problem.work, exact, outputs) else {
        return 0;
    };
    let (Some(numbering), Data::I32(got)) = (work.indices, output.data()) else { return 0 };
    let mut got = got.clone();
    let smallest_normal = match work.dtype {
        DType::F16 => 2f64.powi(-14),
        float if float.is_float() => f64::from(f32::MIN_POSITIVE),
        _ => return 0,
    };
    let tiny = |value: Option<f64>| value.is_some_and(|v| v.abs() < smallest_normal);
    let mut settled = 0;
    let [depth, height, width] = work.axes.map(|a| a.output);
    for plane in 0..work.batch * work.channels {
        let (n, c) = (plane / work.channels, plane % work.channels);
        for window in 0..depth * height * width {
            let window = [window / width / height, window / width % height, window % width];
            let at = work.output.at(n, c, window);
            let (Some(&expected), Some(slot)) = (indices.values.get(at), got.get_mut(at)) else { continue };
            if f64::from(*slot) == expected || !tiny(values.values.get(at).copied()) {
                continue;
            }
            let named = position(work, numbering, plane, *slot).filter(|&p| inside(&work.axes, window, p));
            if named.is_some_and(|p| tiny(x.data().get(work.input.at(n, c, p)))) {
                *slot = expected as i32;
                settled += 1;
            }
        }
    }
    if settled > 0
        && let Ok(named) = Tensor::new(output.shape(), Data::I32(got))
    {
        *output = named;
    }
    settled
}

/// The position that an index means, if it is in that plane.
fn position(work: &PoolWork, numbering: IndexNumbering, plane: usize, index: i32) -> Option<[usize; 3]> {
    let [depth, height, width] = work.axes.map(|a| a.input);
    let elements = depth * height * width;
    let first = if numbering == IndexNumbering::PerPlane { 0 } else { plane * elements };
    let i = usize::try_from(index).ok()?.checked_sub(first).filter(|&i| i < elements)?;
    Some(match numbering {
        IndexNumbering::WholeColumnMajor => [i % depth, i / depth % height, i / depth / height],
        _ => [i / width / height, i / width % height, i % width],
    })
}

/// Whether a window covers a position.
fn inside(axes: &[Axis; 3], window: [usize; 3], position: [usize; 3]) -> bool {
    axes.iter()
        .zip(window)
        .zip(position)
        .all(|((axis, o), at)| axis.taps_inside(o).any(|tap| axis.position(o, tap) == Some(at)))
}
