//! Loops over elements that are numbers of their own or all the same one.

/// Operands of a loop.
#[derive(Clone, Copy)]
pub(crate) enum Values<'a> {
    /// One for each element.
    Each(&'a [f32]),
    /// The same for all.
    One(f32),
}

/// Makes each element what `f`, a closure marked `#[inline(always)]`, makes of the operands and of what it was.
#[inline(always)]
pub(crate) fn zip(a: Values<'_>, b: Values<'_>, out: &mut [f32], f: impl Fn(f32, f32, f32) -> f32) {
    use Values::{Each, One};
    match (a, b) {
        (Each(a), Each(b)) => wide!(|_| {
            for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
                *out = f(a, b, *out);
            }
        }),
        (Each(a), One(b)) => wide!(|_| {
            for (out, &a) in out.iter_mut().zip(a) {
                *out = f(a, b, *out);
            }
        }),
        (One(a), Each(b)) => wide!(|_| {
            for (out, &b) in out.iter_mut().zip(b) {
                *out = f(a, b, *out);
            }
        }),
        (One(a), One(b)) => wide!(|_| {
            for out in out.iter_mut() {
                *out = f(a, b, *out);
            }
        }),
    }
}
