//! Channels first: rows of the product are output channels, columns are pixels gathered from the image.

use std::borrow::Cow;

use rayon::prelude::*;

use super::gemm::{COLS, Packed, ROWS, Size, product, tile};
use super::padded::Padded;
use super::{kernel_taps, pixel, tap_offsets};
use crate::error::Result;
use crate::host::activation::apply;
use crate::host::output::{Scattered, fill};
use crate::host::simd::wide;
use crate::problem::ConvWork;

pub(super) fn conv(work: &ConvWork, image: &Padded, w: &[f32], bias: Option<&[f32]>) -> Result<Vec<f32>> {
    let weights = by_output(work, w)?;
    let terms = work.group_in * work.taps();
    let pixels = work.pixels();
    let columns = work.batch * pixels;
    let out = Scattered::new(work.output.n * work.batch)?;
    let taps = tap_offsets(work, image.taps);
    let offsets: Vec<usize> =
        (0..work.group_in).flat_map(|i| taps.iter().map(move |t| i * image.strides.c + t)).collect();
    let size = Size { panels: work.group_out.div_ceil(ROWS), strips: columns.div_ceil(COLS), terms };
    (0..work.groups).into_par_iter().try_for_each(|group| {
        let first = group * work.group_out;
        let channel = group * work.group_in * image.strides.c;
        product(
            size,
            |strip, packed| {
                let columns =
                    Columns::new(work, image, channel, strip * COLS..columns.min((strip + 1) * COLS));
                columns.pack(&image.data, &offsets, work.axes[2].stride, packed);
            },
            |panel, strip, packed| {
                let rows = panel * ROWS..work.group_out.min((panel + 1) * ROWS);
                // A short panel repeats its last row.
                let bases = std::array::from_fn(|r| (first + (rows.start + r).min(rows.end - 1)) * terms);
                let mut sums = tile(&weights, &bases, &[0], terms, packed);
                if let Some(bias) = bias {
                    for (sums, o) in sums.iter_mut().zip(first + rows.start..first + rows.end) {
                        sums.iter_mut().for_each(|s| *s += bias[o]);
                    }
                }
                apply(work.activation, sums[..rows.len()].as_flattened_mut());
                // Columns of one image are neighbours in the output.
                let mut from = strip * COLS;
                let end = columns.min(from + COLS);
                while from < end {
                    let (n, p) = (from / pixels, from % pixels);
                    let count = (end - from).min(pixels - p);
                    let at = from - strip * COLS;
                    for (sums, o) in sums.iter().zip(first + rows.start..first + rows.end) {
                        // SAFETY: every pixel of every channel belongs to one tile.
                        unsafe {
                            out.write(n * work.output.n + o * work.output.c + p, &sums[at..at + count])
                        };
                    }
                    from += count;
                }
            },
        )
    })?;
    // SAFETY: the tiles cover all pixels of all channels.
    Ok(unsafe { out.finish() })
}

/// The kernel with the weights of each output channel together, in the order input channel, tap.
fn by_output<'a>(work: &ConvWork, w: &'a [f32]) -> Result<Cow<'a, [f32]>> {
    let ks = work.kernel;
    let (taps, terms) = (work.taps(), work.group_in * work.taps());
    if ks.o == terms && (ks.i == taps || work.group_in == 1) && ks.space[2] == 1 {
        return Ok(Cow::Borrowed(w));
    }
    let offsets = kernel_taps(work);
    let packed = fill(work.out_channels() * terms, terms, 1 + 4096 / terms, |o, out: &mut [f32]| {
        for (i, out) in out.chunks_exact_mut(taps).enumerate() {
            for (out, tap) in out.iter_mut().zip(&offsets) {
                *out = w[o * ks.o + i * ks.i + tap];
            }
        }
    })?;
    Ok(Cow::Owned(packed))
}

/// Where the pixels of a strip lie in the image.
struct Columns {
    bases: [usize; COLS],
    count: usize,
    /// Pixels before the first that does not lie beside the one before it.
    first_run: usize,
    /// Whether those from there on lie beside each other again.
    two_runs: bool,
}

impl Columns {
    fn new(work: &ConvWork, image: &Padded, channel: usize, columns: std::ops::Range<usize>) -> Columns {
        let (pixels, width) = (work.pixels(), work.axes[2].output);
        let mut bases = [0; COLS];
        let count = columns.len();
        let (mut runs, mut first_run, mut at) = (0, count, 0);
        while at < count {
            let column = columns.start + at;
            let place = pixel(work, column % pixels);
            let base = channel + image.base(column / pixels, place);
            let run = (width - place[2]).min(count - at);
            for (i, slot) in bases[at..at + run].iter_mut().enumerate() {
                *slot = base + i * image.windows[2];
            }
            if runs == 0 {
                first_run = run;
            }
            (runs, at) = (runs + 1, at + run);
        }
        Columns { bases, count, first_run, two_runs: runs <= 2 }
    }

    /// Gathers the elements at `offsets` from each pixel's base.
    fn pack(&self, x: &[f32], offsets: &[usize], stride: usize, packed: &mut [Packed]) {
        let done = match stride {
            1 => self.pack_runs::<1>(x, offsets, packed),
            2 => self.pack_runs::<2>(x, offsets, packed),
            _ => 0,
        };
        for (out, offset) in packed[done..].iter_mut().zip(&offsets[done..]) {
            let (used, rest) = out.split_at_mut(self.count);
            for (out, base) in used.iter_mut().zip(&self.bases) {
                *out = x[base + offset];
            }
            rest.fill(0.0);
        }
    }

    /// The same for full strips of at most two runs, whose elements are read as contiguous slices; returns how
    /// many offsets were done before one whose slices would leave the image.
    fn pack_runs<const STRIDE: usize>(&self, x: &[f32], offsets: &[usize], packed: &mut [Packed]) -> usize {
        if self.count < COLS || !self.two_runs {
            return 0;
        }
        let reach = (COLS - 1) * STRIDE + 1;
        let split = self.first_run;
        let first = self.bases[0];
        wide(
            #[inline(always)]
            |_| {
                for (done, (out, offset)) in packed.iter_mut().zip(offsets).enumerate() {
                    let from = first + offset;
                    let Some(a) = x.get(from..from + reach) else { return done };
                    if split == COLS {
                        for (j, out) in out.iter_mut().enumerate() {
                            *out = a[j * STRIDE];
                        }
                        continue;
                    }
                    // The second run, moved back to where its first element has its place in the strip.
                    let Some(from) = (self.bases[split] + offset).checked_sub(split * STRIDE) else {
                        return done;
                    };
                    let Some(b) = x.get(from..from + reach) else { return done };
                    for (j, out) in out.iter_mut().enumerate() {
                        *out = if j < split { a[j * STRIDE] } else { b[j * STRIDE] };
                    }
                }
                offsets.len()
            },
        )
    }
}
