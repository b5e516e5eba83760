//! What pooling does to the elements of a window: an associative operation with a neutral element.

use std::marker::PhantomData;

use crate::error::Result;
use crate::memory;

/// Joins elements in row-major order.
pub(super) trait Reduce: Sync {
    type T: Copy + Default + PartialEq + Send + Sync;
    /// The result for a window without elements.
    const NEUTRAL: Self::T;
    /// Whether an element may be joined twice without a difference.
    const IDEMPOTENT: bool;
    fn join(a: Self::T, b: Self::T) -> Self::T;
    /// The result for a slice of which `joined` was found in any order.
    fn in_order(joined: Self::T, _slice: &[Self::T]) -> Self::T {
        joined
    }
}

/// Types that have maxima.
pub(super) trait Ordered: Copy + Default + PartialOrd + Send + Sync {
    const LOWEST: Self;
}

impl Ordered for f32 {
    const LOWEST: Self = f32::NEG_INFINITY;
}

impl Ordered for u8 {
    const LOWEST: Self = u8::MIN;
}

impl Ordered for i8 {
    const LOWEST: Self = i8::MIN;
}

/// The maximum: NaN if there is any, the first of equal elements (which tells -0 from +0).
pub(super) struct Max<T>(PhantomData<T>);

impl<T: Ordered> Reduce for Max<T> {
    type T = T;
    const NEUTRAL: T = T::LOWEST;
    const IDEMPOTENT: bool = true;

    #[inline(always)]
    fn join(a: T, b: T) -> T {
        // NaN alone differs from itself; a NaN in `a` stays because nothing is larger.
        #[allow(clippy::eq_op)]
        let nan = b != b;
        let larger = if b > a { b } else { a };
        if nan { b } else { larger }
    }

    fn in_order(joined: T, slice: &[T]) -> T {
        // Only zeros have different representations that are equal.
        if joined != T::default() {
            return joined;
        }
        slice.iter().copied().find(|&v| v == joined).unwrap_or(joined)
    }
}

/// The sum.
pub(super) struct Sum<T>(PhantomData<T>);

impl Reduce for Sum<f32> {
    type T = f32;
    const NEUTRAL: f32 = 0.0;
    const IDEMPOTENT: bool = false;

    #[inline(always)]
    fn join(a: f32, b: f32) -> f32 {
        a + b
    }
}

impl Reduce for Sum<f64> {
    type T = f64;
    const NEUTRAL: f64 = 0.0;
    const IDEMPOTENT: bool = false;

    #[inline(always)]
    fn join(a: f64, b: f64) -> f64 {
        a + b
    }
}

/// The most elements that are joined in one chain: it bounds the rounding error of sums.
const CHAIN: usize = 16;

/// Joins a contiguous slice.
pub(super) fn slice<R: Reduce>(s: &[R::T]) -> R::T {
    R::in_order(halves::<R>(s), s)
}

/// Joins each `out.len()`th part of a contiguous slice.
pub(super) fn slices<R: Reduce>(s: &[R::T], out: &mut [R::T]) {
    let len = s.len() / out.len().max(1);
    if len == 0 || len > SHORT {
        for (i, out) in out.iter_mut().enumerate() {
            *out = slice::<R>(&s[i * len..][..len]);
        }
        return;
    }
    wide!(|_| {
        for (out, s) in out.chunks_mut(GROUP).zip(s.chunks(len * GROUP)) {
            group::<R>(s, len, out);
        }
    });
}

/// Short slices that are joined at a time.
const GROUP: usize = 16;

/// [`slices`] of a group: each in lanes, then neighbouring lanes of them all, which keeps every register full.
#[inline(always)]
fn group<R: Reduce>(s: &[R::T], len: usize, out: &mut [R::T]) {
    let mut lanes = [R::NEUTRAL; 8 * GROUP];
    for (lanes, s) in lanes.as_chunks_mut::<8>().0.iter_mut().zip(s.chunks_exact(len)) {
        let mut joined = [R::NEUTRAL; 8];
        for block in s.as_chunks::<8>().0 {
            for i in 0..8 {
                joined[i] = R::join(joined[i], block[i]);
            }
        }
        *lanes = joined;
    }
    let lanes: [R::T; 4 * GROUP] = pairs::<R, _>(&lanes);
    let lanes: [R::T; 2 * GROUP] = pairs::<R, _>(&lanes);
    let lanes: [R::T; GROUP] = pairs::<R, _>(&lanes);
    for ((out, joined), s) in out.iter_mut().zip(lanes).zip(s.chunks_exact(len)) {
        let joined = s.as_chunks::<8>().1.iter().fold(joined, |a, &b| R::join(a, b));
        *out = R::in_order(joined, s);
    }
}

/// Joins neighbours.
#[inline(always)]
fn pairs<R: Reduce, const N: usize>(s: &[R::T]) -> [R::T; N] {
    let mut out = [R::NEUTRAL; N];
    for (out, pair) in out.iter_mut().zip(s.as_chunks::<2>().0) {
        *out = R::join(pair[0], pair[1]);
    }
    out
}

/// The longest slice that is joined in eight lanes.
const SHORT: usize = 128;

fn halves<R: Reduce>(s: &[R::T]) -> R::T {
    const WIDE: usize = 32;
    if s.len() > CHAIN * WIDE {
        let (a, b) = s.split_at((s.len() / 2).next_multiple_of(WIDE));
        return R::join(halves::<R>(a), halves::<R>(b));
    }
    wide!(|_| if s.len() > SHORT { lanes::<R, WIDE>(s) } else { lanes::<R, 8>(s) })
}

/// Joins every `LANES`th element, then the lanes.
#[inline(always)]
fn lanes<R: Reduce, const LANES: usize>(s: &[R::T]) -> R::T {
    let mut lanes = [R::NEUTRAL; LANES];
    let (blocks, rest) = s.as_chunks::<LANES>();
    for block in blocks {
        for (a, &b) in lanes.iter_mut().zip(block) {
            *a = R::join(*a, b);
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] = R::join(lanes[i], lanes[i + width]);
        }
        width /= 2;
    }
    rest.iter().fold(lanes[0], |a, &b| R::join(a, b))
}

/// Joins `count` elements `step` apart, in chains.
pub(super) fn strided<R: Reduce>(s: &[R::T], step: usize, count: usize) -> R::T {
    let mut total = R::NEUTRAL;
    let mut at = 0;
    while at < count {
        let end = (at + CHAIN).min(count);
        let chain = (at..end).fold(R::NEUTRAL, |a, i| R::join(a, s[i * step]));
        total = R::join(total, chain);
        at = end;
    }
    total
}

/// `out[i] = join(out[i], b[i])`.
pub(super) fn onto<R: Reduce>(out: &mut [R::T], b: &[R::T]) {
    wide!(|_| {
        for (o, &b) in out.iter_mut().zip(b) {
            *o = R::join(*o, b);
        }
    });
}

/// `out[i] = join(out[i], a[i], b[i])`.
fn two_onto<R: Reduce>(out: &mut [R::T], a: &[R::T], b: &[R::T]) {
    wide!(|_| {
        for ((o, &a), &b) in out.iter_mut().zip(a).zip(b) {
            *o = R::join(R::join(*o, a), b);
        }
    });
}

/// `out[i] = join(a[i], b[i])`.
pub(super) fn two<R: Reduce>(out: &mut [R::T], a: &[R::T], b: &[R::T]) {
    wide!(|_| {
        for ((o, &a), &b) in out.iter_mut().zip(a).zip(b) {
            *o = R::join(a, b);
        }
    });
}

/// `out[i] = join(a[i], b[i], c[i])`.
pub(super) fn three<R: Reduce>(out: &mut [R::T], a: &[R::T], b: &[R::T], c: &[R::T]) {
    wide!(|_| {
        for (((o, &a), &b), &c) in out.iter_mut().zip(a).zip(b).zip(c) {
            *o = R::join(R::join(a, b), c);
        }
    });
}

/// Joins rows `0..count` of `len` elements, `step` elements from one to the next, column by column into `out`.
///
/// `spare` is for the partial results that keep chains short.
pub(super) fn rows<R: Reduce>(
    rows: &[R::T],
    step: usize,
    count: usize,
    out: &mut [R::T],
    spare: &mut Vec<R::T>,
) -> Result<()> {
    let len = out.len();
    let row = |i: usize| &rows[i * step..][..len];
    match count {
        0 => out.fill(R::NEUTRAL),
        1 => out.copy_from_slice(row(0)),
        2 => two::<R>(out, row(0), row(1)),
        3 => three::<R>(out, row(0), row(1), row(2)),
        _ => {
            let levels = if R::IDEMPOTENT { 0 } else { count.div_ceil(CHAIN).next_power_of_two().ilog2() };
            memory::resize(spare, levels as usize * len, R::NEUTRAL)?;
            row_tree::<R>(rows, step, count, out, spare);
        }
    }
    Ok(())
}

/// [`rows`] by halves, until a half is short enough for one chain; `spare` has a row for each level.
fn row_tree<R: Reduce>(rows: &[R::T], step: usize, count: usize, out: &mut [R::T], spare: &mut [R::T]) {
    let len = out.len();
    let row = |i: usize| &rows[i * step..][..len];
    if count > CHAIN
        && let Some((right, spare)) = spare.split_at_mut_checked(len)
    {
        let half = count / 2;
        row_tree::<R>(rows, step, half, out, spare);
        row_tree::<R>(&rows[half * step..], step, count - half, right, spare);
        onto::<R>(out, right);
        return;
    }
    two::<R>(out, row(0), row(1));
    let mut i = 2;
    while i + 1 < count {
        two_onto::<R>(out, row(i), row(i + 1));
        i += 2;
    }
    if i < count {
        onto::<R>(out, row(i));
    }
}
