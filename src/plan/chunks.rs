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
    /// The axis that rows are counted on and the two behind it, of which those that are not there have one position.
    pub axes: [Axis; 3],
    /// Distance between inputs along them and from plane to plane.
    pub strides: [usize; 4],
    /// Elements of a position: the channels, where they lie last.
    pub inner: usize,
    planes: usize,
    /// Output elements of a row.
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
    /// The first output element, and how many there are.
    pub first: usize,
    pub count: usize,
}

impl Rows {
    /// The rows of `batch` images of `channels`; nothing where numbers are too large for the shaders.
    pub fn of(axes: &[Axis; 3], batch: usize, channels: usize, input: &Strides) -> Option<Rows> {
        let channels_last = input.c == 1 && channels > 1;
        let (planes, inner) = if channels_last { (batch, channels) } else { (batch * channels, 1) };
        let first = axes.iter().position(|a| a.input > 1 || a.output > 1).unwrap_or(2);
        let [row, middle, last] = match first {
            0 => [0, 1, 2],
            1 => [1, 0, 2],
            _ => [2, 0, 1],
        };
        let strides = [row, middle, last].map(|i| input.space[i]);
        let axes = [row, middle, last].map(|i| axes[i]);
        let ([along, middle, last], step) = (axes, strides[0]);
        let longest = |a: &Axis| (a.output - 1) * a.stride + 2 * a.span() + a.input + a.pad_before + a.pad_after;
        let row = middle.output * last.output * inner;
        let small = row <= MOST && axes.iter().all(|a| !a.adaptive && longest(a) <= MOST);
        small.then_some(Rows {
            axes,
            strides: [strides[0], strides[1], strides[2], along.input * step],
            inner,
            planes,
            row,
        })
    }

    /// Chunks, `pages` of which make a dispatch; nothing if windows are larger than a page, or the chunks too many.
    ///
    /// `size` are the bytes of the tensor's buffer.
    pub fn chunks(&self, size: u64, pages: usize, caps: &Caps) -> Option<Vec<Chunk>> {
        let fewest = self.chunks_up_to(usize::MAX, size, pages, caps)?.len();
        // Every dispatch has a chunk for each page, all of about the same number of rows.
        let rows = self.planes * self.axes[0].output;
        self.chunks_up_to(rows.div_ceil(fewest.next_multiple_of(pages)), size, pages, caps)
    }

    fn chunks_up_to(&self, most: usize, size: u64, pages: usize, caps: &Caps) -> Option<Vec<Chunk>> {
        let outputs = self.axes[0].output;
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
            let base = (row / outputs * self.strides[3]) as i64 - page as i64 / 4;
            let (first, count) = (row * self.row, fits * self.row);
            chunks.push(Chunk { page, base, row: row % outputs, first, count });
            row += fits;
        }
        Some(chunks)
    }

    /// Where a page can begin in which the windows of the output rows `from..to` lie.
    fn page(&self, from: usize, to: usize, size: u64, caps: &Caps) -> Option<u64> {
        let axis = &self.axes[0];
        let at = |row: usize, position: isize| {
            let position = position.clamp(0, axis.input as isize) as usize;
            4 * (row / axis.output * self.strides[3] + position * self.strides[0]) as u64
        };
        let last = to.max(1) - 1;
        let first_byte = at(from, axis.start(from % axis.output));
        let end = at(last, axis.start(last % axis.output) + axis.span() as isize);
        let alignment = u64::from(caps.uniform_alignment.max(4));
        let page = (first_byte / alignment * alignment).min(caps.padded(size) - PAGE);
        (end <= page + PAGE).then_some(page)
    }
}
