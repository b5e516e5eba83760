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
    /// The windows that have a tap on a position, in order: the taps that lie there are [`Meeting::step`] apart, and so their
    /// windows are equally far from each other. Of windows that divide the input all between the first and the last.
    #[cfg(feature = "gradients")]
    pub(crate) fn windows_on(&self, position: usize) -> std::iter::StepBy<std::ops::Range<usize>> {
        if self.adaptive {
            let (input, output) = (self.input as u128, self.output as u128);
            let first = (position as u128 * output / input) as usize;
            let end = ((position as u128 + 1) * output).div_ceil(input) as usize;
            return (first..end.min(self.output)).step_by(1);
        }
        let Meeting { common, step, inverse } = self.meeting();
        let reach = position + self.pad_before;
        let nearest = (reach / common % step) as u128 * inverse as u128 % step as u128;
        // Taps before these are those of windows behind the last.
        let least = reach.saturating_sub((self.output - 1) * self.stride).div_ceil(self.dilation);
        let tap = nearest as usize + least.saturating_sub(nearest as usize).div_ceil(step) * step;
        let end = self.kernel.min(reach / self.dilation + 1);
        if !reach.is_multiple_of(common) || tap >= end {
            return (0..0).step_by(1);
        }
        let (apart, others) = (self.dilation / common, (end - 1 - tap) / step);
        let last = (reach - tap * self.dilation) / self.stride;
        (last - others * apart..last + 1).step_by(apart)
    }

    /// The windows whose tap `tap` lies inside the input, where they slide.
    pub(crate) fn windows_of(&self, tap: usize) -> std::ops::Range<usize> {
        let ahead = tap * self.dilation;
        let first = self.pad_before.saturating_sub(ahead).div_ceil(self.stride);
        let end = (self.input + self.pad_before).saturating_sub(ahead).div_ceil(self.stride).min(self.output);
        first.min(end)..end
    }

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

    /// Windows of all kinds over short inputs.
    fn all_sorts() -> impl Iterator<Item = Axis> {
        let numbers = |n: usize| (1..=n).flat_map(move |a| (1..=n).map(move |b| (a, b)));
        numbers(6).flat_map(move |(stride, dilation)| {
            numbers(5).flat_map(move |(kernel, output)| {
                (0..4).map(move |pad_before| Axis {
                    input: 13,
                    kernel,
                    stride,
                    dilation,
                    pad_before,
                    output,
                    ..Axis::UNIT
                })
            })
        })
    }

    #[test]
    #[cfg(feature = "gradients")]
    fn windows_that_meet_are_those_of_brute_force() {
        let divided = |input, output| Axis { input, output, kernel: 1, adaptive: true, ..Axis::UNIT };
        let adaptive = (1..12).flat_map(|i| (1..12).map(move |o| divided(i, o)));
        for axis in all_sorts().chain(adaptive) {
            for position in 0..axis.input {
                let on = |o: &usize| axis.taps_inside(*o).any(|t| axis.position(*o, t) == Some(position));
                let expected: Vec<usize> = (0..axis.output).filter(on).collect();
                let found: Vec<usize> = axis.windows_on(position).collect();
                assert_eq!(found, expected, "{axis:?}, position {position}");
            }
        }
    }

    #[test]
    fn windows_of_a_tap_are_those_of_brute_force() {
        for axis in all_sorts() {
            for tap in 0..axis.kernel {
                let inside = |o: &usize| axis.position(*o, tap).is_some();
                let expected: Vec<usize> = (0..axis.output).filter(inside).collect();
                let found: Vec<usize> = axis.windows_of(tap).collect();
                assert_eq!(found, expected, "{axis:?}, tap {tap}");
            }
        }
    }

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
