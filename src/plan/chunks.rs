//! Dividing the windows of an operation into chunks whose input lies in one page each.

use super::{Caps, PAGE};
use crate::geometry::{Axis, Strides};

/// Shaders find the place of a number by multiplication in 32-bit floats, which is exact below this.
const MOST: usize = 1 << 20;

/// Dispatches of an operation at most; what needs more is left to kernels that read storage.
const MOST_DISPATCHES: usize = 512;

/// A tensor of f32 as planes of rows one behind the other, and the windows on it. A row is a position on the first axis
/// that has more than one; for NHWC, a plane is an image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    axes: [Axis; 3],
    /// The axis that rows are counted on.
    axis: usize,
    /// Planes, elements of one in the input, and elements of a row there.
    planes: usize,
    plane: usize,
    in_row: usize,
    /// Output elements of a row.
    pub row: usize,
    /// Elements of a position: the channels, where they lie last.
    pub inner: usize,
}

/// A run of outputs, and the page that their windows lie in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Chunk {
    /// The page's first byte.
    pub page: u64,
    /// The first output's plane, and where that begins in the page, in elements.
    pub plane: usize,
    pub base: i64,
    /// The first output's position on each axis.
    pub start: [usize; 3],
    /// The first output element, and how many there are.
    pub first: usize,
    pub count: usize,
}

impl Rows {
    /// The rows of `batch` images of `channels`; nothing where numbers are too large for the shaders.
    pub fn of(axes: &[Axis; 3], batch: usize, channels: usize, input: &Strides) -> Option<Rows> {
        let channels_last = input.c == 1 && channels > 1;
        let (planes, inner) = if channels_last { (batch, channels) } else { (batch * channels, 1) };
        let axis = axes.iter().position(|a| a.input > 1 || a.output > 1).unwrap_or(2);
        let row = axes[axis + 1..].iter().map(|a| a.output).product::<usize>() * inner;
        let longest = |a: &Axis| (a.output - 1) * a.stride + 2 * a.span() + a.input + a.pad_before + a.pad_after;
        let small = row <= MOST && axes.iter().all(|a| !a.adaptive && longest(a) <= MOST);
        let in_row = input.space[axis];
        let plane = axes[axis].input * in_row;
        small.then_some(Rows { axes: *axes, axis, planes, plane, in_row, row, inner })
    }

    /// Chunks, `pages` of which make a dispatch; nothing if windows are larger than a page, or the chunks too many.
    ///
    /// `size` are the bytes of the tensor's buffer.
    pub fn chunks(&self, size: u64, pages: usize, caps: &Caps) -> Option<Vec<Chunk>> {
        let fewest = self.chunks_up_to(usize::MAX, size, pages, caps)?.len();
        // Every dispatch has a chunk for each page, all of about the same number of rows.
        let rows = self.planes * self.axes[self.axis].output;
        self.chunks_up_to(rows.div_ceil(fewest.next_multiple_of(pages)), size, pages, caps)
    }

    fn chunks_up_to(&self, most: usize, size: u64, pages: usize, caps: &Caps) -> Option<Vec<Chunk>> {
        let outputs = self.axes[self.axis].output;
        let rows = self.planes * outputs;
        let most = most.min(MOST / self.row).max(1);
        let mut chunks = Vec::new();
        let mut row = 0;
        while row < rows {
            // The most rows that fit are found by halving.
            let (mut fits, mut beyond) = (0, most.min(rows - row) + 1);
            while beyond - fits > 1 {
                let middle = fits.midpoint(beyond);
                match self.page(row, row + middle, size, caps) {
                    Some(_) => fits = middle,
                    None => beyond = middle,
                }
            }
            let page = self.page(row, row + fits, size, caps).filter(|_| fits > 0)?;
            if chunks.len() == pages * MOST_DISPATCHES {
                return None;
            }
            let plane = row / outputs;
            let mut start = [0; 3];
            start[self.axis] = row % outputs;
            let base = (plane * self.plane) as i64 - page as i64 / 4;
            let (first, count) = (row * self.row, fits * self.row);
            chunks.push(Chunk { page, plane, base, start, first, count });
            row += fits;
        }
        Some(chunks)
    }

    /// Where a page can begin in which the windows of the output rows `from..to` lie.
    fn page(&self, from: usize, to: usize, size: u64, caps: &Caps) -> Option<u64> {
        let axis = &self.axes[self.axis];
        let at = |row: usize, position: isize| {
            let position = position.clamp(0, axis.input as isize) as usize;
            4 * (row / axis.output * self.plane + position * self.in_row) as u64
        };
        let last = to.max(1) - 1;
        let first_byte = at(from, axis.start(from % axis.output));
        let end = at(last, axis.start(last % axis.output) + axis.span() as isize);
        let alignment = u64::from(caps.uniform_alignment.max(4));
        let page = (first_byte / alignment * alignment).min(caps.padded(size) - PAGE);
        (end <= page + PAGE).then_some(page)
    }
}
