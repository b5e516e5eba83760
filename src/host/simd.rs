//! Running loops with the widest registers that the machine has.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

/// The registers that the host path's loops are compiled for.
///
/// Loops are compiled for each of them; the widest that the CPU has are used, unless [`limit_simd`] says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Simd {
    /// What the target has at least: SSE2 on x86-64, NEON on AArch64.
    Baseline,
    /// AVX2 and FMA: 16 registers of 8 numbers.
    Avx2,
    /// AVX-512 (F, VL, BW, DQ): 32 registers of 16 numbers.
    Avx512,
}

/// The level in use as a number, or more than any while it is not known.
static LEVEL: AtomicU8 = AtomicU8::new(u8::MAX);

/// The widest registers that the CPU has.
fn detected() -> Simd {
    #[cfg(target_arch = "x86_64")]
    {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq");
        if avx2 && avx512 {
            return Simd::Avx512;
        }
        if avx2 {
            return Simd::Avx2;
        }
    }
    Simd::Baseline
}

/// The name, in lower case: `avx512`.
impl fmt::Display for Simd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Simd::Baseline => "baseline",
            Simd::Avx2 => "avx2",
            Simd::Avx512 => "avx512",
        })
    }
}

/// The registers that the host path uses now.
///
/// ```
/// use wgpool::host::{Simd, limit_simd, simd_level};
/// limit_simd(Simd::Baseline);
/// assert_eq!(simd_level().to_string(), "baseline");
/// ```
pub fn level() -> Simd {
    match LEVEL.load(Ordering::Relaxed) {
        0 => Simd::Baseline,
        1 => Simd::Avx2,
        2 => Simd::Avx512,
        _ => limit_simd(Simd::Avx512),
    }
}

/// From now on, the host path uses at most these registers, in all threads; what the CPU lacks is never used. Says which are used.
///
/// For comparisons, and for tests of what another machine runs. Results of different registers may differ by rounding, within the bounds of
/// [`reference`](crate::reference).
///
/// ```
/// use wgpool::host::{Simd, limit_simd};
/// assert!(limit_simd(Simd::Avx2) <= Simd::Avx2);
/// limit_simd(Simd::Avx512);
/// ```
pub fn limit_simd(most: Simd) -> Simd {
    let level = most.min(detected());
    LEVEL.store(level as u8, Ordering::Relaxed);
    level
}

/// Runs `f` compiled for the registers in use.
///
/// `f` must be a closure marked `#[inline(always)]`, as `wide!` marks it, that calls nothing but functions which are
/// inlined too: only what is inlined here is compiled for the wider registers. Its argument is a constant in each of the
/// copies: sizes that depend on it are too.
#[inline(always)]
pub fn wide<R>(f: impl FnOnce(Simd) -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma")]
        fn avx2<R>(f: impl FnOnce(Simd) -> R) -> R {
            f(Simd::Avx2)
        }
        #[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512bw,avx512dq")]
        fn avx512<R>(f: impl FnOnce(Simd) -> R) -> R {
            f(Simd::Avx512)
        }
        match level() {
            // SAFETY: the CPU has the features that the function is compiled for.
            Simd::Avx512 => return unsafe { avx512(f) },
            // SAFETY: the same.
            Simd::Avx2 => return unsafe { avx2(f) },
            Simd::Baseline => {}
        }
    }
    f(Simd::Baseline)
}

/// `a * b + c`, rounded once where that is an instruction; where it is not, it would be a slow library call. `simd` is what [`wide`] passes.
#[inline(always)]
pub fn mul_add(simd: Simd, a: f32, b: f32, c: f32) -> f32 {
    if simd > Simd::Baseline || cfg!(target_arch = "aarch64") { a.mul_add(b, c) } else { a * b + c }
}

/// [`wide`] of a closure, marked as it must be.
macro_rules! wide {
    (|$simd:pat_param| $body:expr) => {
        $crate::host::simd::wide(
            #[inline(always)]
            |$simd| $body,
        )
    };
}
