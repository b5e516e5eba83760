//! Sums and dot products whose error does not grow with their length.

use super::simd::mul_add;

/// The most terms in one chain of additions; longer sums are sums of such chains.
pub(super) const CHAIN: usize = 64;

const LANES: usize = 32;

/// `sum a * b` of two slices of equal length.
///
/// Each lane adds [`CHAIN`] products, the lanes are added in pairs, and the totals in 64-bit floats.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f64 {
    let step = CHAIN * LANES;
    a.chunks(step).zip(b.chunks(step)).map(|(a, b)| f64::from(dot_block(a, b))).sum()
}

fn dot_block(a: &[f32], b: &[f32]) -> f32 {
    wide!(|simd| {
        let mut lanes = [0f32; LANES];
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        for (a, b) in a.iter().zip(b) {
            for ((sum, &a), &b) in lanes.iter_mut().zip(a).zip(b) {
                *sum = mul_add(simd, a, b, *sum);
            }
        }
        // A lane number known only at run time would keep the lanes in memory.
        let rest = a_rest.iter().zip(b_rest).fold(0.0, |sum, (&a, &b)| mul_add(simd, a, b, sum));
        let mut width = LANES / 2;
        while width > 0 {
            for i in 0..width {
                lanes[i] += lanes[i + width];
            }
            width /= 2;
        }
        lanes[0] + rest
    })
}
