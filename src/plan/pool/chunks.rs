//! Dividing the windows of an operation into chunks whose input lies in one page each.

use crate::geometry::{Axis, Strides};
use crate::plan::loop_limit::{ENDED, Iterations};
use crate::plan::{PAGE, PAGES, Planner};

/// Shaders divide numbers below this, by [`factor_and_shift`].
const MOST: usize = 1 << BITS;
const BITS: u32 = 15;

/// Dispatches of an operation at most; what needs more is left to kernels that read storage.
const MOST_DISPATCHES: usize = 512;

/// A tensor of f32 as planes of rows one behind the other, and the windows on it. A row is a position on the first axis
/// that has more than one; for NHWC, a plane is an image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    /// The axis that rows are counted on and the two behind it, of which those that are not there have one position.
    pub axes: [Axis; 3],
    /// Distance between inputs along them and from plane to plane.
    pub strides: [usize; 4],
    /// Elements of a position: the channels, where they lie last.
    pub inner: usize,
    /// Planes of all images.
    planes: usize,
    /// Outputs of a row.
    row: usize,
}

/// A run of outputs, and the page that their windows lie in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Chunk {
    /// The page's first byte.
    pub page: u64,
    /// Where the first output's plane begins in the page, in elements.
    pub base: i64,
    /// The first output's row.
    pub row: usize,
    /// The first output, and how many there are.
    pub first: usize,
    pub count: usize,
}

/// Whether channels lie last. Planes of one element lie so in both orders; they are then planes.
pub(super) fn channels_last(input: &Strides, channels: usize) -> bool {
    channels > 1 && input.c == 1 && input.space[2] == channels
}

impl Rows {
    /// The rows of `batch` images of `channels`, where numbers are not too large for the shaders.
    pub fn of(
        axes: &[Axis; 3],
        batch: usize,
        channels: usize,
        input: &Strides,
    ) -> Result<Rows, &'static str> {
        let channels_last = channels_last(input, channels);
        let (in_image, inner) = if channels_last { (1, channels) } else { (channels, 1) };
        let first = axes.iter().position(|a| a.input > 1 || a.output > 1).unwrap_or(2);
        let order = match first {
            0 => [0, 1, 2],
            1 => [1, 0, 2],
            _ => [2, 0, 1],
        };
        let (strides, axes) = (order.map(|i| input.space[i]), order.map(|i| axes[i]));
        let ([along, middle, last], step) = (axes, strides[0]);
        let kernel = axes.map(|a| a.kernel);
        let row = middle.output * last.output * inner;
        // Taps are counted in floats, also those outside the input.
        let counted = kernel.iter().fold(1, |taps: usize, &n| taps.saturating_mul(n)) < 1 << 24;
        let small = row < MOST && axes.iter().all(|a| !a.adaptive && (a.kernel + 1) * a.dilation < MOST);
        if !small || !counted {
            return Err("rows or windows are too large, or adaptive");
        }
        Ok(Rows {
            axes,
            strides: [strides[0], strides[1], strides[2], along.input * step],
            inner,
            planes: batch * in_image,
            row,
        })
    }

    /// Chunks, [`PAGES`] of which make a dispatch; nothing if windows are larger than a page, or the chunks too many.
    ///
    /// `size` are the bytes of the tensor's buffer.
    pub fn chunks(&self, size: u64, p: &Planner) -> Result<Vec<Chunk>, &'static str> {
        let iterations = Iterations::default().at_taps(&self.axes);
        // Once for the largest, and perhaps once more for the first zero.
        let of_all = (0..PAGES).fold(Iterations::default(), |all, _| all.then(iterations).then(iterations));
        if !of_all.fit(p) {
            return Err(ENDED);
        }
        let large = "windows are larger than a uniform binding, or need too many of them";
        let fewest = self.chunks_up_to(usize::MAX, size, p).ok_or(large)?.len();
        // Every dispatch has a chunk for each page, all of about the same number of rows.
        let rows = self.planes * self.axes[0].output;
        self.chunks_up_to(rows.div_ceil(fewest.next_multiple_of(PAGES)), size, p).ok_or(large)
    }

    fn chunks_up_to(&self, most: usize, size: u64, p: &Planner) -> Option<Vec<Chunk>> {
        let outputs = self.axes[0].output;
        let rows = self.planes * outputs;
        let crosses = outputs < MOST / 2;
        let rows_divided = if crosses { MOST - outputs } else { MOST };
        let most = most.min((MOST - 1) / self.row).min(rows_divided).max(1);
        let mut chunks = Vec::new();
        let mut row = 0;
        while row < rows {
            // The shader finds the plane of a row by division, unless all rows are in one. The most rows that fit are
            // found by halving.
            let in_plane = if crosses { rows - row } else { outputs - row % outputs };
            let (mut fits, mut beyond) = (0, most.min(in_plane) + 1);
            while beyond - fits > 1 {
                let middle = fits.midpoint(beyond);
                match self.page(row, row + middle, size, p) {
                    Some(_) => fits = middle,
                    None => beyond = middle,
                }
            }
            let page = self.page(row, row + fits, size, p).filter(|_| fits > 0)?;
            if chunks.len() == PAGES * MOST_DISPATCHES {
                return None;
            }
            let base = (row / outputs * self.strides[3]) as i64 - page as i64 / 4;
            let (first, count) = (row * self.row, fits * self.row);
            chunks.push(Chunk { page, base, row: row % outputs, first, count });
            row += fits;
        }
        Some(chunks)
    }

    /// Where a page can begin in which the windows of the output rows `from..to` lie.
    fn page(&self, from: usize, to: usize, size: u64, p: &Planner) -> Option<u64> {
        let axis = &self.axes[0];
        let at = |row: usize, position: isize| {
            let position = position.clamp(0, axis.input as isize) as usize;
            4 * (row / axis.output * self.strides[3] + position * self.strides[0]) as u64
        };
        let last = to.max(1) - 1;
        let first_byte = at(from, axis.start(from % axis.output));
        let end = at(last, axis.start(last % axis.output) + axis.span() as isize);
        let alignment = u64::from(p.caps.uniform_alignment.max(4));
        let page = (first_byte / alignment * alignment).min(p.caps.padded(size) - PAGE);
        (end <= page + PAGE).then_some(page)
    }
}

/// What numbers below 2^15 are multiplied with, and then shifted right by, to divide them by `divisor`; the quotient is
/// 0 for larger divisors. (Granlund and Montgomery, "Division by invariant integers using multiplication", 1994.)
pub(super) fn factor_and_shift(divisor: u32) -> (u32, u32) {
    if divisor as usize >= MOST {
        return (0, 0);
    }
    let shift = BITS + divisor.max(1).next_power_of_two().trailing_zeros();
    ((1u32 << shift).div_ceil(divisor.max(1)), shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_divide_every_number() {
        for divisor in (1..300).chain((300..MOST as u32).step_by(61)).chain([MOST as u32 - 1]) {
            let (factor, shift) = factor_and_shift(divisor);
            for x in 0..MOST as u32 {
                assert_eq!(x.wrapping_mul(factor) >> shift, x / divisor, "{x} / {divisor}");
            }
        }
    }
}
