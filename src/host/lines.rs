//! Lines of numbers, multiplied and added by name of the instruction.
//!
//! Compilers keep sums of plain arrays in registers or do not, by small changes of the loop around them, and where they do not it is
//! a hundred times slower.

use super::simd::{Simd, mul_add};

/// Numbers of a cache line, and of a register of AVX-512.
pub(super) const LANES: usize = 16;

/// A cache line.
pub(super) type Line = [f32; LANES];

/// `sum += x * line`, of lines that fill registers: eights of numbers for AVX2, sixteens for AVX-512.
///
/// # Safety
/// `simd` is what [`wide`](super::simd::wide) passes.
#[inline(always)]
pub(super) unsafe fn mul_add_line<const N: usize>(simd: Simd, x: f32, line: &[f32; N], sum: &mut [f32; N]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::*;
        if simd == Simd::Avx512 && N.is_multiple_of(16) {
            for (line, sum) in line.as_chunks::<16>().0.iter().zip(sum.as_chunks_mut::<16>().0) {
                // SAFETY: the CPU has the registers, as the caller says; both chunks have as many numbers.
                unsafe {
                    let total = _mm512_loadu_ps(sum.as_ptr());
                    let total = _mm512_fmadd_ps(_mm512_set1_ps(x), _mm512_loadu_ps(line.as_ptr()), total);
                    _mm512_storeu_ps(sum.as_mut_ptr(), total);
                }
            }
            return;
        }
        if simd >= Simd::Avx2 && N.is_multiple_of(8) {
            for (line, sum) in line.as_chunks::<8>().0.iter().zip(sum.as_chunks_mut::<8>().0) {
                // SAFETY: the same.
                unsafe {
                    let total = _mm256_loadu_ps(sum.as_ptr());
                    let total = _mm256_fmadd_ps(_mm256_set1_ps(x), _mm256_loadu_ps(line.as_ptr()), total);
                    _mm256_storeu_ps(sum.as_mut_ptr(), total);
                }
            }
            return;
        }
    }
    for (sum, line) in sum.iter_mut().zip(line) {
        *sum = mul_add(simd, x, *line, *sum);
    }
}

/// `sum += a * b`, number by number, of lines that fill registers as those of [`mul_add_line`].
///
/// # Safety
/// `simd` is what [`wide`](super::simd::wide) passes.
#[cfg(feature = "gradients")]
#[inline(always)]
pub(super) unsafe fn mul_add_lines<const N: usize>(
    simd: Simd,
    a: &[f32; N],
    b: &[f32; N],
    sum: &mut [f32; N],
) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::*;
        if simd == Simd::Avx512 && N.is_multiple_of(16) {
            let factors = a.as_chunks::<16>().0.iter().zip(b.as_chunks::<16>().0);
            for ((a, b), sum) in factors.zip(sum.as_chunks_mut::<16>().0) {
                // SAFETY: the CPU has the registers, as the caller says; the chunks have as many numbers.
                unsafe {
                    let total = _mm512_loadu_ps(sum.as_ptr());
                    let total =
                        _mm512_fmadd_ps(_mm512_loadu_ps(a.as_ptr()), _mm512_loadu_ps(b.as_ptr()), total);
                    _mm512_storeu_ps(sum.as_mut_ptr(), total);
                }
            }
            return;
        }
        if simd >= Simd::Avx2 && N.is_multiple_of(8) {
            let factors = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0);
            for ((a, b), sum) in factors.zip(sum.as_chunks_mut::<8>().0) {
                // SAFETY: the same.
                unsafe {
                    let total = _mm256_loadu_ps(sum.as_ptr());
                    let total =
                        _mm256_fmadd_ps(_mm256_loadu_ps(a.as_ptr()), _mm256_loadu_ps(b.as_ptr()), total);
                    _mm256_storeu_ps(sum.as_mut_ptr(), total);
                }
            }
            return;
        }
    }
    for ((sum, a), b) in sum.iter_mut().zip(a).zip(b) {
        *sum = mul_add(simd, *a, *b, *sum);
    }
}

/// `out = line + bias`, and `floor` where that is less: NaN stays NaN.
///
/// # Safety
/// `simd` is what [`wide`](super::simd::wide) passes.
#[inline(always)]
pub(super) unsafe fn raised_line<const N: usize>(
    simd: Simd,
    line: &[f32; N],
    bias: f32,
    floor: f32,
    out: &mut [f32; N],
) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::*;
        if simd == Simd::Avx512 && N.is_multiple_of(16) {
            for (line, out) in line.as_chunks::<16>().0.iter().zip(out.as_chunks_mut::<16>().0) {
                // SAFETY: the CPU has the registers, as the caller says; both chunks have as many numbers.
                unsafe {
                    let sum = _mm512_add_ps(_mm512_loadu_ps(line.as_ptr()), _mm512_set1_ps(bias));
                    // Of two numbers of which one is NaN it is the second.
                    _mm512_storeu_ps(out.as_mut_ptr(), _mm512_max_ps(_mm512_set1_ps(floor), sum));
                }
            }
            return;
        }
        if simd >= Simd::Avx2 && N.is_multiple_of(8) {
            for (line, out) in line.as_chunks::<8>().0.iter().zip(out.as_chunks_mut::<8>().0) {
                // SAFETY: the same.
                unsafe {
                    let sum = _mm256_add_ps(_mm256_loadu_ps(line.as_ptr()), _mm256_set1_ps(bias));
                    _mm256_storeu_ps(out.as_mut_ptr(), _mm256_max_ps(_mm256_set1_ps(floor), sum));
                }
            }
            return;
        }
    }
    let _ = simd;
    for (out, line) in out.iter_mut().zip(line) {
        let sum = line + bias;
        *out = if sum < floor { floor } else { sum };
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
