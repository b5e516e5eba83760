//! Convolution and pooling, tile by tile, so that the tensor between them stays in the cache.

use std::ops::Range;

use rayon::prelude::*;

use super::conv::{Planes, Target, Weights, winograd};
use super::kept::with_kept;
use super::output::{Scattered, WORTH_SHARING};
use super::{conv, element, pool};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::geometry::{Axis, MAX_SPATIAL, Strides};
use crate::memory;
use crate::problem::{ConvPoolWork, ConvWork, Epilogue, PoolWork};
use crate::spec::Layout;
use crate::tensor::Data;

/// Elements of the convolution's result in a tile.
const TILE: usize = 1 << 15;

/// Computes a convolution with its pooling; `packed` is what [`conv::pack`] made of the weights.
pub(super) fn conv_pool(
    work: &ConvPoolWork,
    x: &[f32],
    w: &[f32],
    epilogue: Epilogue<f32>,
    packed: Option<&Weights>,
) -> Result<Data> {
    let job = Job { work, x, w, epilogue, packed, cut: cut(work) };
    if let Some(Weights::Transformed(weights)) = packed
        && winograd::pools(&work.conv, &work.pool)
    {
        // The largest of rounded numbers is the largest, rounded.
        let pooled = winograd::conv(&work.conv, Some(&work.pool), [x, w], epilogue, weights)?;
        return element::stored(work.conv.dtype, pooled);
    }
    if let (Some(Weights::Packed(weights)), DType::F32) = (packed, work.conv.dtype)
        && let Some(tiles) = job.tiles()?
        && let Some(y) = job.planes(weights, &tiles)?
    {
        return Ok(Data::F32(y));
    }
    match work.conv.dtype {
        DType::F16 => Ok(Data::F16(job.run(|data| if let Data::F16(v) = data { Some(v) } else { None })?)),
        _ => Ok(Data::F32(job.run(|data| if let Data::F32(v) = data { Some(v) } else { None })?)),
    }
}

/// The outermost axis that is there at all: the ranges of it that tiles take are contiguous in each channel.
fn cut(work: &ConvPoolWork) -> usize {
    let there = |(c, p): (&Axis, &Axis)| c.input > 1 || c.output > 1 || p.output > 1;
    work.conv.axes.iter().zip(&work.pool.axes).position(there).unwrap_or(0)
}

/// The part of an axis that `windows` cover, and the axis with these windows alone; none if they cover nothing.
fn part(a: &Axis, windows: &Range<usize>) -> Option<(Range<usize>, Axis)> {
    let (start, last) = (a.start(windows.start), a.start(windows.end.checked_sub(1)?));
    let from = usize::try_from(start).unwrap_or(0);
    let to = usize::try_from(last + a.span() as isize).unwrap_or(0).min(a.input);
    let axis = Axis {
        input: to.checked_sub(from).filter(|&length| length > 0)?,
        pad_before: from.checked_add_signed(-start)?,
        // Behind the input's end, padding counts in averages; elsewhere no window reaches the part's end.
        pad_after: if to == a.input { a.pad_after } else { 0 },
        output: windows.len(),
        ..*a
    };
    Some((from..to, axis))
}

struct Job<'a> {
    work: &'a ConvPoolWork,
    x: &'a [f32],
    w: &'a [f32],
    epilogue: Epilogue<'a, f32>,
    packed: Option<&'a Weights>,
    cut: usize,
}

/// Buffers of a task.
#[derive(Default)]
struct Buffers {
    conv: conv::Scratch,
    between: Vec<f32>,
    pooled: Vec<f32>,
}

/// One tile: windows of the pooling on the cut axis.
struct Tile {
    image: usize,
    windows: Range<usize>,
    /// Positions of the convolution's result that they cover.
    between: Range<usize>,
    /// Positions of the input that they depend on.
    rows: Range<usize>,
    conv: ConvWork,
    pool: PoolWork,
}

impl Job<'_> {
    /// Tiles of which neither part leaves the thread that computes it; none if the pooling cannot be done so.
    fn planes(&self, weights: &conv::Packed, tiles: &[Tile]) -> Result<Option<Vec<f32>>> {
        let ConvPoolWork { conv, pool, .. } = self.work;
        let unit: usize = conv.axes[self.cut + 1..].iter().map(|a| a.output).product();
        let rest: usize = pool.axes[self.cut + 1..].iter().map(|a| a.output).product();
        let longest = tiles.iter().map(|t| t.conv.axes[self.cut].output).max().unwrap_or(1);
        let planes = Planes::new(conv, self.x, weights, self.epilogue, longest)?;
        let out = Scattered::new(pool.batch * pool.output.n)?;
        let task = |tile: &Tile| {
            with_kept(|buffers: &mut Buffers| {
                let channel = tile.conv.axes[self.cut].output * unit;
                let between = std::mem::take(&mut buffers.between);
                let between = Scattered::again(between, conv.out_channels() * channel)?;
                let pixels = tile.between.start * unit..tile.between.end * unit;
                let target = Target { out: &between, image: 0, channel, origin: pixels.start };
                for group in 0..conv.groups {
                    let blocks = 0..weights.blocks;
                    let images = tile.image..tile.image + 1;
                    let part = conv::Tile { images, pixels: pixels.clone(), group, blocks };
                    planes.tile(&mut buffers.conv, &part, target)?;
                }
                // SAFETY: all blocks of all groups were computed, for all pixels.
                buffers.between = unsafe { between.finish() };
                let length = tile.windows.len() * rest;
                memory::resize(&mut buffers.pooled, pool.channels * length, 0.0)?;
                if !pool::pool_into(&tile.pool, &buffers.between, &mut buffers.pooled)? {
                    return Ok(false);
                }
                for (c, y) in buffers.pooled.chunks_exact(length).enumerate() {
                    let at = tile.image * pool.output.n + c * pool.output.c + tile.windows.start * rest;
                    // SAFETY: every window of every channel belongs to one tile.
                    unsafe { out.write(at, y) };
                }
                Ok(true)
            })
        };
        let all = tiles.par_iter().map(task).try_reduce(|| true, |one, other| Ok(one && other))?;
        // SAFETY: the tiles cover all windows of all channels, if all were pooled.
        Ok(all.then(|| unsafe { out.finish() }))
    }

    fn run<E: Copy + Send>(&self, typed: impl Fn(Data) -> Option<Vec<E>> + Sync) -> Result<Vec<E>> {
        // Winograd's tiles begin where the whole output does.
        let by_tiles = matches!(self.packed, Some(Weights::Transformed(_)));
        let Some(tiles) = self.tiles()?.filter(|_| !by_tiles) else { return self.whole(typed) };
        let pool = &self.work.pool;
        let out = Scattered::new(pool.batch * pool.output.n)?;
        let rest: usize = pool.axes[self.cut + 1..].iter().map(|a| a.output).product();
        let (channels, inner) = match self.work.conv.layout {
            Layout::Nchw => (pool.channels, 1),
            Layout::Nhwc => (1, pool.channels),
        };
        tiles.par_iter().try_for_each(|tile| {
            let y = typed(self.tile(tile)?).ok_or_else(|| self.wrong_type())?;
            let length = tile.windows.len() * rest * inner;
            for (c, y) in y.chunks_exact(length).enumerate().take(channels) {
                let at = tile.image * pool.output.n + c * pool.output.c + tile.windows.start * rest * inner;
                // SAFETY: every window of every channel belongs to one tile.
                unsafe { out.write(at, y) };
            }
            Ok(())
        })?;
        // SAFETY: the tiles cover all windows of all channels.
        Ok(unsafe { out.finish() })
    }

    /// One operation after the other, on the whole batch.
    fn whole<E>(&self, typed: impl Fn(Data) -> Option<Vec<E>>) -> Result<Vec<E>> {
        let between = conv::conv(&self.work.conv, self.x, self.w, self.epilogue, self.packed)?;
        let pooled = pool::pool(&self.work.pool, &element::stored(self.work.conv.dtype, between)?)?;
        pooled.into_iter().next().and_then(typed).ok_or_else(|| self.wrong_type())
    }

    fn wrong_type(&self) -> Error {
        let rule = "it must be f32 or f16";
        Error::dtype("convolution with pooling", "the tensor between", self.work.between.dtype, rule)
    }

    /// The tiles of all images; none if some of them would lie in the padding alone, or there is too little to tile.
    fn tiles(&self) -> Result<Option<Vec<Tile>>> {
        let ConvPoolWork { conv, pool, .. } = self.work;
        let (a, between) = (&pool.axes[self.cut], conv.output.n);
        if conv.batch * between < WORTH_SHARING {
            return Ok(None);
        }
        // Rows that two tiles share are computed twice: tiles are long beside what they share.
        let row = (between / a.input).max(1);
        let shared = a.span().saturating_sub(a.stride);
        let rows = (TILE / row).max(8 * shared).max(a.span());
        let length = (rows / a.stride).clamp(1, a.output);
        let mut tiles = Vec::new();
        for image in 0..conv.batch {
            for start in (0..a.output).step_by(length) {
                let Some(tile) = self.plan(image, start..a.output.min(start + length)) else {
                    return Ok(None);
                };
                memory::extend(&mut tiles, [tile])?;
            }
        }
        Ok(Some(tiles))
    }

    fn plan(&self, image: usize, windows: Range<usize>) -> Option<Tile> {
        let ConvPoolWork { conv, pool, .. } = self.work;
        let (mut conv, mut pool) = (*conv, *pool);
        let (between, pool_axis) = part(&pool.axes[self.cut], &windows)?;
        let (rows, conv_axis) = part(&conv.axes[self.cut], &between)?;
        (conv.axes[self.cut], pool.axes[self.cut]) = (conv_axis, pool_axis);
        (conv.batch, pool.batch) = (1, 1);
        let strides = |channels, space: [usize; MAX_SPATIAL]| Strides::of(conv.layout, channels, space);
        conv.input = strides(conv.in_channels(), conv.axes.map(|a| a.input));
        conv.output = strides(conv.out_channels(), conv.axes.map(|a| a.output));
        (pool.input, pool.output) = (conv.output, strides(pool.channels, pool.axes.map(|a| a.output)));
        Some(Tile { image, windows, between, rows, conv, pool })
    }

    fn tile(&self, tile: &Tile) -> Result<Data> {
        let whole = &self.work.conv;
        let rest: usize = whole.axes[self.cut + 1..].iter().map(|a| a.input).product();
        let (channels, inner) = match whole.layout {
            Layout::Nchw => (whole.in_channels(), 1),
            Layout::Nhwc => (1, whole.in_channels()),
        };
        let rows = |c: usize| {
            let from = tile.image * whole.input.n + c * whole.input.c + tile.rows.start * rest * inner;
            &self.x[from..][..tile.rows.len() * rest * inner]
        };
        let between = if channels == 1 || tile.rows.len() == whole.axes[self.cut].input {
            let x = &self.x[tile.image * whole.input.n..];
            let x = if channels == 1 { rows(0) } else { &x[..whole.input.n] };
            conv::conv(&tile.conv, x, self.w, self.epilogue, self.packed)?
        } else {
            let mut copied = memory::room(channels * tile.rows.len() * rest * inner)?;
            (0..channels).for_each(|c| copied.extend_from_slice(rows(c)));
            conv::conv(&tile.conv, &copied, self.w, self.epilogue, self.packed)?
        };
        let pooled = pool::pool(&tile.pool, &element::stored(whole.dtype, between)?)?;
        pooled.into_iter().next().ok_or_else(|| self.wrong_type())
    }
}
