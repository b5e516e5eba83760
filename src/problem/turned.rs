//! A transposed convolution whose windows neighbour each other, as the convolution that it is: with the kernel turned round, and with
//! so much padding that every window that has an element's tap is met.

use super::{ConvWork, KernelStrides, StridedAxis, StridedWork};
use crate::error::Result;
use crate::geometry::{Axis, positions};
use crate::memory;

impl ConvWork {
    /// The convolution, whose kernel [`ConvWork::turned_kernel`] makes; nothing where windows have a stride, more was cut off than taps
    /// reach, or most of what windows cover would lie outside.
    pub(crate) fn turned(&self) -> Option<ConvWork> {
        let turned = |axis: &Axis| -> Option<Axis> {
            let axis = axis.plain();
            let pad_before = (axis.span() - 1).checked_sub(axis.pad_before).filter(|_| axis.stride == 1)?;
            let Axis { input, output, kernel, dilation, .. } = axis;
            let turned = Axis { input: output, kernel, dilation, pad_before, output: input, ..Axis::UNIT };
            let pad_after = turned.reach(input).saturating_sub(pad_before + output);
            Some(Axis { pad_after, ..turned })
        };
        let [d, h, w] = &self.axes;
        let axes = [turned(d)?, turned(h)?, turned(w)?];
        let taps = self.taps();
        let space = [taps / axes[0].kernel, axes[2].kernel, 1];
        let kernel = KernelStrides { o: self.group_in * taps, i: taps, space };
        let conv = ConvWork { axes, kernel, ..*self };
        conv.little_outside().then_some(conv)
    }

    /// The copy that turns the kernel round.
    pub(crate) fn turned_copy(&self) -> StridedWork {
        let (strides, window) = (self.kernel, self.axes.map(|a| a.kernel));
        let channels = [
            StridedAxis::of(self.groups, (self.group_in * strides.i) as isize),
            StridedAxis::of(self.group_out, strides.o as isize),
            StridedAxis::of(self.group_in, strides.i as isize),
        ];
        let taps = [0, 1, 2].map(|k| StridedAxis::of(window[k], -(strides.space[k] as isize)));
        let last = (0..3).map(|k| (window[k] - 1) * strides.space[k]).sum();
        StridedWork::copy(self.dtype, [channels, taps].concat(), last)
    }

    /// The kernel of a transposed convolution in the order of the convolution `turned`.
    pub(crate) fn turned_kernel<T: Copy + Default>(&self, turned: &ConvWork, w: &[T]) -> Result<Vec<T>> {
        let mut kernel =
            memory::filled(T::default(), turned.out_channels() * turned.group_in * turned.taps())?;
        let window = self.axes.map(|a| a.kernel);
        for o in 0..self.out_channels() {
            let (group, own) = (o / self.group_out, o % self.group_out);
            for i in 0..self.group_in {
                for tap in positions(window) {
                    let from = self.kernel.at(own, group * self.group_in + i, tap);
                    let to = [0, 1, 2].map(|k| window[k] - 1 - tap[k]);
                    kernel[turned.kernel.at(o, i, to)] = w[from];
                }
            }
        }
        Ok(kernel)
    }
}
