//! Ways through tensors.

/// The distance of neighbours along each axis of a tensor in row-major order.
pub(super) fn strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1isize; shape.len()];
    let mut next = 1usize;
    for (stride, &length) in strides.iter_mut().zip(shape).rev() {
        *stride = next as isize;
        next = next.wrapping_mul(length);
    }
    strides
}

/// The elements of a tensor in the order of another shape, whose axes go on by strides.
pub(super) struct Walk {
    at: isize,
    left: usize,
    /// Length, stride, and where it is on it, of each axis.
    axes: Vec<(usize, isize, usize)>,
}

impl Walk {
    /// Through `elements` elements from `begin` on.
    pub fn new(begin: isize, elements: usize, shape: &[usize], strides: &[isize]) -> Walk {
        let axes = shape.iter().zip(strides).map(|(&length, &stride)| (length, stride, 0)).collect();
        Walk { at: begin, left: elements, axes }
    }

    /// Through a tensor that is repeated along axes to have the shape of as many or more.
    pub fn broadcast(from: &[usize], elements: usize, shape: &[usize]) -> Walk {
        let mut own = vec![0; shape.len().saturating_sub(from.len())];
        own.extend(
            strides(from).iter().zip(from).map(|(&stride, &length)| if length == 1 { 0 } else { stride }),
        );
        Walk::new(0, elements, shape, &own)
    }
}

impl Iterator for Walk {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let now = self.at;
        for (length, stride, index) in self.axes.iter_mut().rev() {
            *index += 1;
            self.at = self.at.wrapping_add(*stride);
            if index < length {
                break;
            }
            self.at = self.at.wrapping_sub(stride.wrapping_mul(*length as isize));
            *index = 0;
        }
        usize::try_from(now).ok()
    }
}
