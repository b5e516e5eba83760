//! Gradients of pooling and unpooling by their definition.

use crate::error::Result;
use crate::geometry::{positions, taps_inside};
use crate::memory;
use crate::problem::{PoolGradientWork, UnpoolWork};
use crate::reference::Exact;
use crate::reference::tolerance::{EPS, SUM};
use crate::spec::PoolKind;

/// What powers of exponents that are not small whole numbers add to a bound, per unit of the power, of the exponent of the result,
/// and of [`EPS`]: see [`pool`](crate::reference) of the forward pass.
const POWER: f64 = 5.0;

pub(super) fn pool(work: &PoolGradientWork, g: &[f64], others: &[Vec<f64>], y: &mut Exact) -> Result<()> {
    match (work.pool.kind, others) {
        (PoolKind::Max, [indices]) => maximum(&work.unpooling(), g, indices, y),
        (PoolKind::Lp { p }, [x, norms]) => {
            let smallest = y.desc.dtype.row().float.as_ref().map_or(0.0, |float| float.smallest_normal);
            spread(work, y, |from, to, _| {
                share(g[from], x[to].signum(), [x[to], norms[from]], f64::from(p), smallest)
            });
            Ok(())
        }
        (PoolKind::LpTorch { p }, [x, norms]) => {
            let smallest = y.desc.dtype.row().float.as_ref().map_or(0.0, |float| float.smallest_normal);
            spread(work, y, |from, to, o| {
                let scale = work.norm_scale(work.divisor(o));
                let (value, bound) = torch(g[from], [x[to], norms[from]], f64::from(p), smallest);
                (scale * value, scale * (bound + SUM * value.abs()))
            });
            Ok(())
        }
        _ => {
            spread(work, y, |from, _, o| {
                let share = g[from] / work.divisor(o);
                (share, SUM * share.abs())
            });
            Ok(())
        }
    }
}

/// Each gradient is added to the element that its index names; one alone is copied.
fn maximum(work: &UnpoolWork, g: &[f64], indices: &[f64], y: &mut Exact) -> Result<()> {
    let mut terms = memory::filled(0u32, y.values.len())?;
    work.for_each_input(|n, c, from| {
        let from = work.input.at(n, c, from);
        if let Some(to) = work.position(indices[from] as i64, n, c) {
            let to = work.output.at(n, c, to);
            y.values[to] += g[from];
            y.bound[to] += SUM * g[from].abs();
            terms[to] += 1;
        }
    });
    for (bound, _) in y.bound.iter_mut().zip(terms).filter(|(_, terms)| *terms < 2) {
        *bound = 0.0;
    }
    Ok(())
}

/// Adds to each element, and to its bound, what each window that has it gives: `share` of the window's and the element's places in
/// memory and the window's number.
fn spread(work: &PoolGradientWork, y: &mut Exact, share: impl Fn(usize, usize, [usize; 3]) -> (f64, f64)) {
    let pool = &work.pool;
    for n in 0..pool.batch {
        for c in 0..pool.channels {
            for o in positions(pool.axes.map(|a| a.output)) {
                let from = pool.output.at(n, c, o);
                taps_inside(&pool.axes, o).for_each(|(_, position)| {
                    let to = pool.input.at(n, c, position);
                    let (value, bound) = share(from, to, o);
                    y.values[to] += value;
                    y.bound[to] += bound;
                });
            }
        }
    }
}

/// What an element gets of the gradient of PyTorch's norm, before what its sum is multiplied by: powers have their signs.
fn torch(g: f64, [x, norm]: [f64; 2], p: f64, smallest_normal: f64) -> (f64, f64) {
    if p == 1.0 {
        return (g, SUM * g.abs());
    }
    let sign = match p.fract() == 0.0 {
        _ if x >= 0.0 => 1.0,
        true if p % 2.0 == 0.0 => -1.0,
        true => 1.0,
        false => f64::NAN,
    };
    share(g, sign, [x, norm], p, smallest_normal)
}

/// What an element gets of the gradient of a norm, where its power has this sign.
fn share(g: f64, sign: f64, [x, norm]: [f64; 2], p: f64, smallest_normal: f64) -> (f64, f64) {
    let (magnitude, norm) = (x.abs(), norm.abs());
    if norm == 0.0 || magnitude == 0.0 {
        return (0.0, 0.0);
    }
    let power = (magnitude / norm).powf(p - 1.0);
    let value = g * sign * if p == 1.0 { 1.0 } else { power };
    let exponent = ((p - 1.0) * (magnitude / norm).log2()).abs();
    // Near 1 WGSL permits a logarithm to be off by 2^-21, of which the power makes as much as its exponent says.
    let by_power =
        if [1.0, 2.0, 3.0].contains(&p) { 0.0 } else { EPS * (POWER * exponent + 3.0 * (p - 1.0)) };
    // A device may take a subnormal number for zero, which no power is proportional to.
    let flushed = if magnitude.min(norm) < smallest_normal && p != 1.0 { value.abs() } else { 0.0 };
    // Nor is it of a power that is one.
    let flushed = flushed + 2.0 * g.abs() * f64::from(f32::MIN_POSITIVE);
    (value, (2.0 * SUM + by_power) * value.abs() + flushed)
}

/// Each value gets the gradient of the element that its index names.
pub(super) fn unpool(work: &UnpoolWork, g: &[f64], indices: &[f64], y: &mut Exact) {
    work.for_each_input(|n, c, to| {
        let to = work.input.at(n, c, to);
        if let Some(from) = work.position(indices[to] as i64, n, c) {
            y.values[to] = g[work.output.at(n, c, from)];
        }
    });
}
