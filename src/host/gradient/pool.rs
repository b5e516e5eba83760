//! Gradients of pooling: windows give theirs to the elements that made them, plane by plane in 64-bit floats. Planes that lie
//! between each other, since channels are last, are of one task.

use super::super::output::{WORTH_SHARING, fill, try_fill};
use super::super::unpool::Place;
use crate::error::{Error, Result};
use crate::geometry::{Axis, MAX_SPATIAL, positions};
use crate::host::element;
use crate::memory;
use crate::problem::PoolGradientWork;
use crate::spec::PoolKind;
use crate::tensor::{DType, Data, Tensor};

/// The elements of indices.
pub(super) fn indices_of(indices: &Data) -> Result<&[i32]> {
    match indices {
        Data::I32(indices) => Ok(indices),
        other => {
            let rule = format!("it must be {}", DType::I32);
            Err(Error::dtype("gradient", "the indices", other.dtype(), rule))
        }
    }
}

pub(super) fn pool(work: &PoolGradientWork, g: &[f32], others: &[&Tensor]) -> Result<Vec<f32>> {
    match (work.pool.kind, others) {
        (PoolKind::Max, [indices]) if work.lie_apart() => apart(work, g, indices_of(indices.data())?),
        (PoolKind::Max, [indices]) => maximum(work, g, indices_of(indices.data())?),
        (PoolKind::Lp { p }, [x, norms]) => {
            let (x, norms) = (element::floats(x)?, element::floats(norms)?);
            spread(work, |from, to, _| share(g[from], x[to], norms[from], f64::from(p)))
        }
        (PoolKind::LpTorch { p }, [x, norms]) => {
            let (x, norms) = (element::floats(x)?, element::floats(norms)?);
            spread(work, |from, to, inside| {
                work.norm_scale(inside) * torch(g[from], x[to], norms[from], f64::from(p))
            })
        }
        _ => spread(work, |from, _, divisor| f64::from(g[from]) / divisor),
    }
}

/// Hands `give` image, channels and the sums of each plane, or of each image whose planes lie between each other; the sums are
/// the output.
fn by_planes(
    work: &PoolGradientWork,
    give: impl Fn(usize, std::ops::Range<usize>, &mut [f64]) -> Result<()> + Sync + Send,
) -> Result<Vec<f32>> {
    let pool = &work.pool;
    let apart = if pool.input.space[MAX_SPATIAL - 1] == 1 { pool.channels } else { 1 };
    let (chunk, together) = (pool.input.n / apart, pool.channels / apart);
    try_fill(pool.batch * pool.input.n, chunk, WORTH_SHARING.div_ceil(chunk), |i, out: &mut [f32]| {
        let mut sums = memory::filled(0f64, chunk)?;
        let first = i % apart * together;
        give(i / apart, first..first + together, &mut sums)?;
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = sum as f32;
        }
        Ok(())
    })
}

/// Each gradient goes to the element that its index names.
fn maximum(work: &PoolGradientWork, g: &[f32], indices: &[i32]) -> Result<Vec<f32>> {
    let unpooling = work.unpooling();
    let place = Place::new(&unpooling);
    let step = work.pool.input.space[MAX_SPATIAL - 1];
    by_planes(work, |n, channels, sums| {
        let first = channels.start;
        for c in channels {
            let shift = (c - first) * work.pool.input.c;
            positions(unpooling.in_space).for_each(|window| {
                let from = unpooling.input.at(n, c, window);
                if let Some(at) = place.of(indices[from], n, c) {
                    sums[at * step + shift] += f64::from(g[from]);
                }
            });
        }
        Ok(())
    })
}

/// Each gradient is put where its index names, since windows have no element in common.
fn apart(work: &PoolGradientWork, g: &[f32], indices: &[i32]) -> Result<Vec<f32>> {
    let pool = &work.pool;
    let unpooling = work.unpooling();
    let place = Place::new(&unpooling);
    // Planes, or images whose planes lie between each other.
    let together = if pool.input.space[MAX_SPATIAL - 1] == 1 { 1 } else { pool.channels };
    let (images, chunk) = (pool.channels / together, pool.input.n / pool.channels * together);
    let windows = pool.output.n / images;
    fill(pool.batch * pool.input.n, chunk, WORTH_SHARING.div_ceil(chunk), |i, out: &mut [f32]| {
        let (n, first) = (i / images, i % images * together);
        let range = i * windows..(i + 1) * windows;
        let (g, indices) = (g[range.clone()].chunks_exact(together), indices[range].chunks_exact(together));
        for (g, indices) in g.zip(indices) {
            for (c, (&g, &index)) in g.iter().zip(indices).enumerate() {
                let at = place.of(index, n, first + c).and_then(|at| out.get_mut(at * together + c));
                if let Some(slot) = at {
                    *slot = g;
                }
            }
        }
    })
}

/// A window along an axis: the first of its elements, how many there are, and its part of a mean's divisor.
#[derive(Clone, Copy)]
struct Window {
    first: usize,
    count: usize,
    taps: f64,
}

fn windows(axis: &Axis, kind: PoolKind) -> Result<Vec<Window>> {
    let of = |o: usize| {
        let inside = axis.taps_inside(o);
        let taps = match kind {
            PoolKind::Average { count_include_pad: true, .. } => axis.taps_padded(o),
            _ => inside.len(),
        };
        let first = axis.position(o, inside.start).unwrap_or(0);
        Window { first, count: inside.len(), taps: taps as f64 }
    };
    memory::collected((0..axis.output).map(of))
}

/// Each window gives each of its elements `share` of the window's and the element's places in memory, and of what a mean is
/// divided by.
fn spread(
    work: &PoolGradientWork,
    share: impl Fn(usize, usize, f64) -> f64 + Sync + Send,
) -> Result<Vec<f32>> {
    let pool = &work.pool;
    let [planes, rows, columns] = &pool.axes;
    let (planes, rows, columns) =
        (windows(planes, pool.kind)?, windows(rows, pool.kind)?, windows(columns, pool.kind)?);
    let steps = pool.axes.map(|a| a.dilation);
    let along = |window: &Window, axis: usize| {
        let step = steps[axis];
        (0..window.count).map({
            let first = window.first;
            move |i| first + i * step
        })
    };
    let given = match pool.kind {
        PoolKind::Average { divisor: Some(divisor), .. } => Some(f64::from(divisor)),
        _ => None,
    };
    by_planes(work, |n, channels, sums| {
        let first = channels.start * pool.input.c;
        for c in channels {
            positions(pool.axes.map(|a| a.output)).for_each(|o| {
                let (plane, row, column) = (&planes[o[0]], &rows[o[1]], &columns[o[2]]);
                let from = pool.output.at(n, c, o);
                let divisor = given.unwrap_or(plane.taps * row.taps * column.taps);
                for d in along(plane, 0) {
                    for h in along(row, 1) {
                        for w in along(column, 2) {
                            let at = pool.input.at(0, c, [d, h, w]);
                            sums[at - first] += share(from, n * pool.input.n + at, divisor);
                        }
                    }
                }
            });
        }
        Ok(())
    })
}

/// What an element gets of the gradient of PyTorch's norm, before what its sum is multiplied by: powers have their signs.
fn torch(g: f32, x: f32, norm: f32, p: f64) -> f64 {
    let g = f64::from(g);
    match p == 1.0 {
        true => g,
        false if norm == 0.0 || x == 0.0 => 0.0,
        false => {
            // A power of a whole exponent keeps the sign of the base, or is positive; of another it is NaN.
            let sign = if x < 0.0 { (-1f64).powf(p - 1.0) } else { 1.0 };
            g * sign * (f64::from(x.abs()) / f64::from(norm.abs())).powf(p - 1.0)
        }
    }
}

/// What an element gets of the gradient of a norm.
fn share(g: f32, x: f32, norm: f32, p: f64) -> f64 {
    if norm == 0.0 || x == 0.0 {
        return 0.0;
    }
    let signed = f64::from(g) * f64::from(x.signum());
    match p == 1.0 {
        true => signed,
        false => signed * (f64::from(x.abs()) / f64::from(norm.abs())).powf(p - 1.0),
    }
}
