//! Products of few rows or few columns: reading the weights is all their cost, so they are read in order, once.

use crate::error::Result;
use crate::host::output::{WORTH_SHARING, fill};
use crate::host::simd::mul_add;
use crate::host::sum::{CHAIN, dot};
use crate::memory;
use crate::problem::{ConvWork, Epilogue};

/// How a dense layer is computed without tiles.
#[derive(Clone, Copy)]
pub(super) enum Plan {
    /// The weights of an output are contiguous: a dot product for each.
    Dots,
    /// The weights of an input are contiguous: their multiples are added up.
    Multiples,
    /// The same of few inputs, row by row.
    FewTerms,
}

/// Rows or columns from which on tiles are worth it.
const FEW: usize = 4;

/// Elements of the sum that a task takes.
const PIECE: usize = 1 << 14;

/// A way without tiles, if the work is a dense layer and one is better.
pub(super) fn plan(work: &ConvWork) -> Option<Plan> {
    let unit = work.axes.iter().all(|a| (a.input, a.kernel, a.output, a.pad_before) == (1, 1, 1, 0));
    if !unit || work.groups != 1 {
        return None;
    }
    let few_rows = work.batch < FEW;
    if work.kernel.i == 1 && (few_rows || work.group_out < FEW) {
        return Some(Plan::Dots);
    }
    if work.kernel.o == 1 && work.group_in < FEW {
        return Some(Plan::FewTerms);
    }
    (work.kernel.o == 1 && few_rows).then_some(Plan::Multiples)
}

pub(super) fn dense(
    work: &ConvWork,
    plan: Plan,
    x: &[f32],
    w: &[f32],
    epilogue: Epilogue<f32>,
) -> Result<Vec<f32>> {
    let (terms, outputs) = (work.group_in, work.group_out);
    let len = work.batch * outputs;
    if let Plan::FewTerms = plan {
        return few_terms(work, x, w, epilogue);
    }
    // Sums of pieces, [piece][row][output]: few outputs alone would not occupy all threads.
    let (piece, partial) = match plan {
        Plan::Dots => {
            let pieces = terms.div_ceil(PIECE);
            let batch = WORTH_SHARING.div_ceil(terms.min(PIECE));
            let partial = fill(pieces * len, 1, batch, |i, out: &mut [f64]| {
                let (piece, row, o) = (i / len, i / outputs % work.batch, i % outputs);
                let range = piece * PIECE..terms.min((piece + 1) * PIECE);
                let w = &w[o * work.kernel.o..][range.clone()];
                out.fill(dot(&x[row * terms..][range], w));
            })?;
            (PIECE, partial)
        }
        Plan::Multiples | Plan::FewTerms => {
            let threads = 4 * rayon::current_num_threads();
            let piece = terms.div_ceil(threads).max(WORTH_SHARING.div_ceil(outputs)).max(CHAIN);
            let pieces = terms.div_ceil(piece);
            let partial = fill(pieces * len, len, 1, |i, out: &mut [f64]| {
                let range = i * piece..terms.min((i + 1) * piece);
                let w = &w[range.start * outputs..range.end * outputs];
                for (row, out) in out.chunks_exact_mut(outputs).enumerate() {
                    multiples(&x[row * terms..][range.clone()], w, out);
                }
            })?;
            (piece, partial)
        }
    };
    let pieces = terms.div_ceil(piece);
    let sum = |i: usize| (0..pieces).map(|p| partial[p * len + i]).sum::<f64>();
    let with_bias = |i: usize| sum(i) + f64::from(epilogue.bias_of(i % outputs));
    let mut y = memory::collected((0..len).map(|i| with_bias(i) as f32))?;
    epilogue.activate(&mut y, 0, [outputs, 1]);
    Ok(y)
}

/// Outputs that are multiples of few rows of weights.
fn few_terms(work: &ConvWork, x: &[f32], w: &[f32], epilogue: Epilogue<f32>) -> Result<Vec<f32>> {
    let (terms, outputs) = (work.group_in, work.group_out);
    fill(work.batch * outputs, outputs, WORTH_SHARING.div_ceil(outputs), |row, out: &mut [f32]| {
        let x = &x[row * terms..][..terms];
        if let Some(bias) = epilogue.bias {
            out.copy_from_slice(bias);
        }
        wide!(|simd| for (&x, w) in x.iter().zip(w.chunks_exact(outputs)) {
            for (out, &w) in out.iter_mut().zip(w) {
                *out = mul_add(simd, x, w, *out);
            }
        });
        epilogue.activate(out, 0, [outputs, 1]);
    })
}

/// Adds `x[i]` times row `i` of `w` for all `i`.
fn multiples(x: &[f32], w: &[f32], out: &mut [f64]) {
    const BLOCK: usize = 64;
    let outputs = out.len();
    wide!(|simd| {
        for (x, w) in x.chunks(CHAIN).zip(w.chunks(CHAIN * outputs)) {
            for (at, out) in (0..).step_by(BLOCK).zip(out.chunks_mut(BLOCK)) {
                let mut sums = [0f32; BLOCK];
                for (&x, w) in x.iter().zip(w.chunks_exact(outputs)) {
                    let w = &w[at..][..out.len()];
                    if let Some(w) = w.first_chunk::<BLOCK>() {
                        for j in 0..BLOCK {
                            sums[j] = mul_add(simd, x, w[j], sums[j]);
                        }
                    } else {
                        for (sum, &w) in sums.iter_mut().zip(w) {
                            *sum = mul_add(simd, x, w, *sum);
                        }
                    }
                }
                for (out, sum) in out.iter_mut().zip(sums) {
                    *out += f64::from(sum);
                }
            }
        }
    });
}
