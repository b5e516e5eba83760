//! Where rows of a tensor lie whose axes have strides.

use crate::problem::{MOST_AXES, StridedAxis};
use crate::spec::PadMode;

/// Rows of some axes in order, and where each lies; nothing where it is outside.
pub(super) struct Rows<'a> {
    axes: &'a [StridedAxis],
    outside: PadMode,
    index: [usize; MOST_AXES],
    /// Where the first elements of what is inside each axis lie.
    bases: [Option<isize>; MOST_AXES + 1],
}

impl<'a> Rows<'a> {
    pub fn new(axes: &'a [StridedAxis], outside: PadMode, offset: isize, row: usize) -> Rows<'a> {
        let (mut index, mut rest) = ([0; MOST_AXES], row);
        for (index, axis) in index[..axes.len()].iter_mut().zip(axes).rev() {
            (*index, rest) = (rest % axis.length, rest / axis.length);
        }
        let mut rows = Rows { axes, outside, index, bases: [Some(offset); MOST_AXES + 1] };
        rows.place(0);
        rows
    }

    /// Rows of axes of which nothing is outside.
    pub fn whole(axes: &'a [StridedAxis], offset: isize, row: usize) -> Rows<'a> {
        Rows::new(axes, PadMode::Edge, offset, row)
    }

    /// Places the axes from `first` on.
    fn place(&mut self, first: usize) {
        for (i, axis) in self.axes.iter().enumerate().skip(first) {
            let position = axis.position(self.index[i], self.outside);
            self.bases[i + 1] =
                self.bases[i].zip(position).map(|(base, at)| base + at as isize * axis.stride);
        }
    }

    pub fn base(&self) -> Option<isize> {
        self.bases[self.axes.len()]
    }

    /// Where a row of which nothing is outside lies.
    pub fn at(&self) -> isize {
        self.base().unwrap_or(0)
    }

    pub fn advance(&mut self) {
        for (i, axis) in self.axes.iter().enumerate().rev() {
            self.index[i] += 1;
            if self.index[i] < axis.length {
                return self.place(i);
            }
            self.index[i] = 0;
        }
    }
}
