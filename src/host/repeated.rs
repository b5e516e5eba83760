//! Reductions to few outputs that lie side by side, such as sums over all but the last axis: rows follow each other in memory, so that
//! several are one long row.

use super::output::{WORTH_SHARING, try_fill};
use super::rows::Rows;
use crate::error::Result;
use crate::memory;
use crate::problem::ReduceWork;

/// Numbers of several rows that are known at a time, at most.
const KNOWN: usize = 512;

/// Parts that an output's rows are divided into at most: they are joined in order, so that results do not depend on the threads.
const PARTS: usize = 64;

/// What `add` makes of the elements of each output, beginning with `start`, in parts that `join` joins. The last kept axis lies side by
/// side, and the last reduced one steps from one of its rows to the next.
pub(super) fn repeated<S: Copy + Default + Send + Sync>(
    work: &ReduceWork,
    x: &[f32],
    numbers: &[f32],
    start: S,
    add: impl Fn(S, f32, f32) -> S + Copy + Sync + Send,
    join: impl Fn(S, S) -> S + Copy + Sync + Send,
) -> Result<Vec<S>> {
    let ([outer @ .., last], [before @ .., row]) = (work.kept.as_slice(), work.reduced.as_slice()) else {
        return Ok(Vec::new());
    };
    let (width, count) = (last.length, work.length());
    let pieces = work.outputs() / width;
    let parts = (count * width / WORTH_SHARING).clamp(1, PARTS.min(count));
    // As many rows as keep the adders busy.
    let rows = (KNOWN / width).clamp(1, 16);
    let all = try_fill(
        pieces * parts * width,
        width,
        WORTH_SHARING.div_ceil(count * width / parts),
        |i, out: &mut [S]| {
            let (piece, part) = (i / parts, i % parts);
            let base = Rows::whole(outer, 0, piece).at();
            let mut own = memory::filled(0f32, rows * width)?;
            if !numbers.is_empty() {
                for own in own.chunks_exact_mut(width) {
                    own.copy_from_slice(&numbers[piece * width..][..width]);
                }
            }
            let mut known = memory::filled(start, rows * width)?;
            let (mut at, end) = (part * count / parts, (part + 1) * count / parts);
            while at < end {
                let length = (row.length - at % row.length).min(end - at);
                let first =
                    Rows::whole(before, base, at / row.length).at() + (at % row.length * width) as isize;
                let x = &x[first as usize..][..length * width];
                wide!(|_| for x in x.chunks(rows * width) {
                    for ((known, &x), &number) in known.iter_mut().zip(x).zip(&own) {
                        *known = add(*known, x, number);
                    }
                });
                at += length;
            }
            out.fill(start);
            for known in known.chunks_exact(width) {
                out.iter_mut().zip(known).for_each(|(out, &known)| *out = join(*out, known));
            }
            Ok(())
        },
    )?;
    if parts == 1 {
        return Ok(all);
    }
    let mut joined = memory::room(pieces * width)?;
    for piece in all.chunks_exact(parts * width) {
        joined.extend(
            (0..width).map(|i| piece[i..].iter().step_by(width).fold(start, |all, &part| join(all, part))),
        );
    }
    Ok(joined)
}
