//! Running loops with the widest registers that the machine has.

/// Runs `f` compiled for AVX2 and FMA where the CPU has them, else for the baseline of the target.
///
/// `f` must be a closure marked `#[inline(always)]`, as `wide!` marks it, that calls nothing but functions which are
/// inlined too: only what is inlined here is compiled for the wider registers. Its argument says whether `f32::mul_add`
/// is one instruction; where it is not, it would be a slow library call.
#[inline(always)]
pub fn wide<R>(f: impl FnOnce(bool) -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma")]
        fn avx2<R>(f: impl FnOnce(bool) -> R) -> R {
            f(true)
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the CPU has the features that the function is compiled for.
            return unsafe { avx2(f) };
        }
    }
    f(cfg!(target_arch = "aarch64"))
}

/// `a * b + c`; `fma` is what [`wide`] passes.
#[inline(always)]
pub fn mul_add(fma: bool, a: f32, b: f32, c: f32) -> f32 {
    if fma { a.mul_add(b, c) } else { a * b + c }
}

/// [`wide`] of a closure, marked as it must be.
macro_rules! wide {
    (|$fma:pat_param| $body:expr) => {
        $crate::host::simd::wide(
            #[inline(always)]
            |$fma| $body,
        )
    };
}
