//! The rows of the matrices: a group's input channels by taps, as the shader counts them.

use crate::geometry::Axis;
use crate::kernel::GemmTaps;
use crate::plan::planner::each;
use crate::problem::ConvWork;
use crate::spec::Layout;

pub(super) fn rows(work: &ConvWork) -> usize {
    work.group_in * work.taps()
}

/// The lengths that a row's number counts, from the fastest on, and their strides in the kernel.
pub(super) fn row_order(work: &ConvWork, layout: Layout) -> [(usize, usize); 4] {
    let [d, h, w] = each(&work.axes, |a| a.kernel);
    let [sd, sh, sw] = work.kernel.space;
    let channel = (work.group_in, work.kernel.i);
    match layout {
        Layout::Nchw => [(w, sw), (h, sh), (d, sd), channel],
        Layout::Nhwc => [channel, (w, sw), (h, sh), (d, sd)],
    }
}

/// Whether every window along an axis is one element of the input.
fn is_point(a: &Axis) -> bool {
    a.kernel == 1 && a.pad_before == 0 && (a.output - 1) * a.stride < a.input
}

pub(super) fn taps_of(work: &ConvWork) -> GemmTaps {
    match work.axes.each_ref().map(is_point) {
        [true, true, true] => GemmTaps::Point,
        [true, _, _] => GemmTaps::Plane,
        _ => GemmTaps::Volume,
    }
}

/// `loaded` as a row's number: depth, height, width, channel.
pub(super) fn step(work: &ConvWork, loaded: usize) -> [usize; 4] {
    if taps_of(work) == GemmTaps::Point {
        return [0, 0, 0, loaded];
    }
    let mut rest = loaded;
    let order = row_order(work, work.layout);
    let mut digits = order.map(|(length, _)| {
        let digit = rest % length;
        rest /= length;
        digit
    });
    // The slowest has no end that rows before the last could reach.
    digits[3] += rest * order[3].0;
    match (work.layout, digits) {
        (Layout::Nchw, [w, h, d, c]) => [d, h, w, c],
        (Layout::Nhwc, [c, w, h, d]) => [d, h, w, c],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{Problem, Work};
    use crate::spec::Conv;
    use crate::tensor::TensorDesc;

    #[test]
    fn rows_are_counted_as_the_shader_counts_them() {
        let step_of = |x: [usize; 4], w: [usize; 4], layout| {
            let spec = Conv::new().layout(layout);
            let inputs = [TensorDesc::f32(x), TensorDesc::f32(w)];
            let Work::Conv(work) = Problem::new(&spec.into(), &inputs).unwrap().work else {
                panic!("no convolution");
            };
            step(&work, 8)
        };
        // Depth, height, width, channel of row 8.
        assert_eq!(step_of([1, 4, 9, 9], [8, 4, 3, 3], Layout::Nchw), [0, 2, 2, 0]);
        assert_eq!(step_of([1, 4, 9, 9], [8, 4, 2, 3], Layout::Nchw), [0, 0, 2, 1]);
        assert_eq!(step_of([1, 9, 9, 3], [8, 3, 2, 2], Layout::Nhwc), [0, 1, 0, 2]);
        assert_eq!(step_of([1, 4, 9, 9], [8, 4, 1, 1], Layout::Nchw), [0, 0, 0, 8]);
    }
}
