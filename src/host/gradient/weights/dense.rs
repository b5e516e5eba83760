//! The gradient of a dense layer's kernel: the rows of a batch are the terms of its sums.

use rayon::prelude::*;

use super::CHAINS;
use crate::error::Result;
use crate::host::conv::gemm::{Matrix, multiply};
use crate::host::output::Scattered;
use crate::host::simd::mul_add;
use crate::host::sum::CHAIN;
use crate::memory;
use crate::problem::ConvWork;

/// Features of a task: with their rows of a chain they stay in the cache.
const FEATURES: usize = 1 << 11;

/// Fewer outputs are multiples of rows that are added up, more a product of matrices.
const FEW: usize = 6;

pub(super) fn applies(conv: &ConvWork) -> bool {
    let unit = conv.axes.iter().all(|a| (a.input, a.kernel, a.output, a.pad_before) == (1, 1, 1, 0));
    unit && conv.groups == 1 && conv.input.c == 1 && (conv.kernel.i == 1 || conv.kernel.o == 1)
}

pub(super) fn dense(conv: &ConvWork, x: &[f32], g: &[f32]) -> Result<Vec<f32>> {
    let (features, outs) = (conv.group_in, conv.group_out);
    let out = Scattered::new(features * outs)?;
    let task = |task: usize| -> Result<()> {
        let first = task * FEATURES;
        let count = FEATURES.min(features - first);
        let mut totals = memory::filled(0f64, count * outs)?;
        let mut latest = memory::filled(0f32, count * outs)?;
        let mut chains = 0;
        for row in (0..conv.batch).step_by(CHAIN) {
            let rows = row..conv.batch.min(row + CHAIN);
            let x = Matrix { data: &x[first..], row: conv.input.n, column: 1 }.from(row, 0);
            let g = Matrix { data: g, row: conv.output.n, column: conv.output.c }.from(row, 0);
            // The sums lie as the kernel does.
            match conv.kernel.i == 1 {
                true if outs < FEW => multiples(x, g, [rows.len(), count, outs], chains > 0, &mut latest),
                true => multiply([outs, rows.len(), count], g.transposed(), x, chains > 0, &mut latest),
                false => multiply([count, rows.len(), outs], x.transposed(), g, chains > 0, &mut latest),
            }
            chains += 1;
            if chains == CHAINS || rows.end == conv.batch {
                totals.iter_mut().zip(&latest).for_each(|(total, &sum)| *total += f64::from(sum));
                chains = 0;
            }
        }
        latest.iter_mut().zip(&totals).for_each(|(sum, &total)| *sum = total as f32);
        match conv.kernel.i == 1 {
            true => {
                for (o, sums) in latest.chunks_exact(count).enumerate() {
                    // SAFETY: each feature of each output belongs to one task.
                    unsafe { out.write(o * conv.kernel.o + first, sums) };
                }
            }
            // SAFETY: the same.
            false => unsafe { out.write(first * conv.kernel.i, &latest) },
        }
        Ok(())
    };
    (0..features.div_ceil(FEATURES)).into_par_iter().try_for_each(task)?;
    // SAFETY: the tasks cover all features of all outputs.
    Ok(unsafe { out.finish() })
}

/// Adds multiples of the rows of `x` to the sums, `[output][feature]`, or sets these.
fn multiples(x: Matrix, g: Matrix, [rows, count, outs]: [usize; 3], add: bool, sums: &mut [f32]) {
    /// Features whose sums stay in registers.
    const BLOCK: usize = 64;
    wide!(|simd| for (o, sums) in sums.chunks_exact_mut(count).enumerate().take(outs) {
        for (first, sums) in (0..).step_by(BLOCK).zip(sums.chunks_mut(BLOCK)) {
            let mut latest = [0f32; BLOCK];
            if add {
                latest[..sums.len()].copy_from_slice(sums);
            }
            for row in 0..rows {
                let (x, g) = (&x.data[row * x.row + first..], g.data[row * g.row + o * g.column]);
                if let Some(x) = x.first_chunk::<BLOCK>() {
                    for i in 0..BLOCK {
                        latest[i] = mul_add(simd, g, x[i], latest[i]);
                    }
                } else {
                    for (sum, x) in latest.iter_mut().zip(x).take(sums.len()) {
                        *sum = mul_add(simd, g, *x, *sum);
                    }
                }
            }
            sums.copy_from_slice(&latest[..sums.len()]);
        }
    });
}
