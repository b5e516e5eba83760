//! Which windows lie on a position.

use super::Axis;

/// Which taps lie on a position: where window `o` has tap `t`, `o * stride + t * dilation` is its distance from the first
/// window's start. That must be a multiple of `common`, and those taps are `step` apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meeting {
    /// The common divisor of stride and dilation.
    pub common: usize,
    /// The stride divided by it: so many taps further the next window lies on the position.
    pub step: usize,
    /// Times the dilation divided by it, this is 1 modulo `step`: the first tap is the distance divided by `common`,
    /// times this, modulo `step`.
    pub inverse: usize,
}

impl Axis {
    /// Which taps of windows lie on one position: see [`Meeting`].
    pub(crate) fn meeting(&self) -> Meeting {
        let common = gcd(self.stride, self.dilation);
        let step = self.stride / common;
        Meeting { common, step, inverse: inverse(self.dilation / common % step, step) }
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// What `a` is to be multiplied with to be 1 modulo `m`, if both have no common divisor.
fn inverse(a: usize, m: usize) -> usize {
    // Euclid's algorithm: r = s * a modulo m all along.
    let (mut r, mut s) = ((m as i128, a as i128), (0i128, 1i128));
    while r.1 > 0 {
        let quotient = r.0 / r.1;
        r = (r.1, r.0 - quotient * r.1);
        s = (s.1, s.0 - quotient * s.1);
    }
    s.0.rem_euclid(m as i128) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_that_meet_are_those_of_brute_force() {
        for (stride, dilation) in (1..9).flat_map(|s| (1..9).map(move |d| (s, d))) {
            let axis = Axis { input: 60, kernel: 5, stride, dilation, output: 6, ..Axis::UNIT };
            let Meeting { common, step, inverse } = axis.meeting();
            for position in 0..60 {
                let meets =
                    |t: usize| (0..6).any(|o| o * stride + t * dilation == position) && t < axis.kernel;
                let found: Vec<usize> = (0..5).filter(|&t| meets(t)).collect();
                let first = (position / common % step) * inverse % step;
                let least = position.saturating_sub(5 * stride).div_ceil(dilation);
                let end = axis.kernel.min(position / dilation + 1);
                let taps = (first..end).step_by(step).filter(|&t| t >= least);
                let expected: Vec<usize> =
                    if position.is_multiple_of(common) { taps.collect() } else { vec![] };
                assert_eq!(found, expected, "{axis:?}, position {position}");
            }
        }
        let far = Axis { stride: (1 << 31) - 1, dilation: 1_000_003, ..Axis::UNIT }.meeting();
        assert_eq!(far.inverse * 1_000_003 % ((1 << 31) - 1), 1);
    }
}
