//! Lines of 16 numbers, multiplied and added by name of the instruction.
//!
//! Compilers keep sums of plain arrays in registers or do not, by small changes of the loop around them, and where they do not it is
//! a hundred times slower.

use super::simd::{Simd, mul_add};

/// Numbers of a line, which fill a cache line.
pub(super) const LANES: usize = 16;

/// A line.
pub(super) type Line = [f32; LANES];

/// `sum += x * line`.
///
/// # Safety
/// `simd` is what [`wide`](super::simd::wide) passes.
#[inline(always)]
pub(super) unsafe fn mul_add_line(simd: Simd, x: f32, line: &Line, sum: &mut Line) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::*;
        let (line, sum) = (line.as_ptr(), sum.as_mut_ptr());
        match simd {
            // SAFETY: the CPU has the registers, as the caller says; both lines have 16 numbers.
            Simd::Avx512 => unsafe {
                let total = _mm512_fmadd_ps(_mm512_set1_ps(x), _mm512_loadu_ps(line), _mm512_loadu_ps(sum));
                return _mm512_storeu_ps(sum, total);
            },
            // SAFETY: the same, in halves.
            Simd::Avx2 => unsafe {
                let x = _mm256_set1_ps(x);
                for at in [0, LANES / 2] {
                    let line = _mm256_loadu_ps(line.add(at));
                    let total = _mm256_fmadd_ps(x, line, _mm256_loadu_ps(sum.add(at)));
                    _mm256_storeu_ps(sum.add(at), total);
                }
                return;
            },
            Simd::Baseline => {}
        }
    }
    for (sum, line) in sum.iter_mut().zip(line) {
        *sum = mul_add(simd, x, *line, *sum);
    }
}

/// `sum = latest`, or `sum += latest` if `add`.
///
/// # Safety
/// `simd` is what [`wide`](super::simd::wide) passes.
#[inline(always)]
pub(super) unsafe fn put_line(simd: Simd, latest: &Line, add: bool, sum: &mut Line) {
    if !add {
        *sum = *latest;
        return;
    }
    // SAFETY: as for this function. The product with one is exact.
    unsafe { mul_add_line(simd, 1.0, latest, sum) };
}
