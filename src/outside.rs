//! What lies outside the input: how much of it a path may copy or compute.
//!
//! Windows, strides, dilations and paddings may be far larger than the tensors. Copies of the input with its padding, and
//! loops over all taps, are fast where little of that is outside; elsewhere paths go through the taps inside alone
//! ([`Axis::taps_inside`]). So memory and work are bounded by the tensors and by the taps that lie on them.

use crate::geometry::{Axis, MAX_SPATIAL};

/// A copy may have so many times the elements of input and output.
pub(crate) const MOST_COPIED: usize = 8;

/// Loops may turn so many times as often as there are elements of input and output, and taps inside the input.
pub(crate) const MOST_TURNED: usize = 16;

/// What both may be beyond that.
pub(crate) const BESIDE: usize = 1 << 14;

/// How many planes windows slide over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planes {
    /// Of the input, in all images.
    pub input: usize,
    /// Of the output.
    pub output: usize,
    /// Pairs of both that are multiplied with each other.
    pub pairs: usize,
}

/// Whether little of what the windows cover is outside: what is copied with its padding, and loops over all taps, are
/// within the multiples above. It takes no longer for more windows, unless most of them reach outside.
pub(crate) fn is_little(axes: &[Axis; MAX_SPATIAL], planes: Planes) -> bool {
    // In 64-bit floats, whose range no product leaves.
    let plane = |length: &dyn Fn(&Axis) -> usize| axes.iter().map(|a| length(a) as f64).product::<f64>();
    let of = |planes: usize, length: &dyn Fn(&Axis) -> usize| planes as f64 * plane(length);
    let within = |cost: f64, most: usize, all: f64| cost <= most as f64 * all + BESIDE as f64;
    let elements = of(planes.input, &|a| a.input) + of(planes.output, &|a| a.output);
    let copied = of(planes.input, &|a| a.reach(a.output.max(1)).max(a.input));
    let turned = of(planes.pairs, &|a| a.output.saturating_mul(a.kernel));
    // Most windows mostly lie inside.
    let surely = of(planes.pairs, &|a| a.inside().len().saturating_mul(a.kernel));
    within(copied, MOST_COPIED, elements)
        && (within(turned, MOST_TURNED, elements + surely)
            || within(turned, MOST_TURNED, elements + of(planes.pairs, &Axis::touching)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SplitMix64.
    fn random(state: &mut u64, most: usize) -> usize {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % (most as u64 + 1)) as usize
    }

    /// Any windows that fit.
    fn axis(state: &mut u64) -> Axis {
        let magnitude =
            |state: &mut u64| 1 + random(state, 40) * random(state, 1) * [1, 1, 30][random(state, 2)];
        let (input, kernel, stride) = (1 + random(state, 40), magnitude(state), magnitude(state));
        let (dilation, output) = (magnitude(state), 1 + random(state, 40));
        let reach = (output - 1) * stride + (kernel - 1) * dilation + 1;
        let padding = reach.saturating_sub(input);
        let pad_before = random(state, padding);
        let pad_after = padding - pad_before;
        Axis { input, kernel, stride, dilation, pad_before, pad_after, output, adaptive: false }
    }

    /// Taps inside the input, by their definition.
    fn inside(a: &Axis, o: usize) -> Vec<usize> {
        (0..a.kernel).filter_map(|tap| a.position(o, tap)).collect()
    }

    #[test]
    fn trimmed_windows_have_the_same_elements() {
        let mut state = 1;
        let mut shorter = 0;
        for _ in 0..20_000 {
            let a = axis(&mut state);
            let trimmed = a.trimmed();
            shorter += usize::from(trimmed.kernel < a.kernel);
            assert!(trimmed.kernel <= a.kernel && trimmed.reach(a.output) <= a.reach(a.output));
            for o in 0..a.output {
                assert_eq!(inside(&a, o), inside(&trimmed, o), "{a:?}, {trimmed:?}, window {o}");
            }
            // One tap at either end may be left that no window has inside.
            let farthest = 2 * (a.output - 1) * a.stride + a.input + 2 * a.dilation;
            assert!(trimmed.span() <= farthest, "{a:?}, {trimmed:?}");
        }
        assert!(shorter > 5_000, "{shorter}");
    }

    #[test]
    fn taps_and_windows_inside_are_those_of_brute_force() {
        let mut state = 2;
        for _ in 0..5_000 {
            let a = axis(&mut state);
            let of_windows: Vec<usize> = (0..a.output).map(|o| inside(&a, o).len()).collect();
            assert_eq!(a.touching(), of_windows.iter().sum::<usize>(), "{a:?}");
            let whole: Vec<usize> = (0..a.output).filter(|&o| of_windows[o] == a.kernel).collect();
            assert_eq!(a.inside().collect::<Vec<_>>(), whole, "{a:?}");
        }
    }

    /// What is said to be little is, by counting taps one by one; and what has no padding is always little.
    #[test]
    fn little_is_little() {
        let mut state = 3;
        let (mut little, mut much) = (0, 0);
        for _ in 0..20_000 {
            let axes = [axis(&mut state), axis(&mut state), Axis::UNIT];
            let planes = 1 + random(&mut state, 2) * 50;
            let many = Planes { input: planes, output: planes, pairs: planes };
            let product = |f: &dyn Fn(&Axis) -> usize| axes.iter().map(f).product::<usize>() * planes;
            let elements = product(&|a| a.input) + product(&|a| a.output);
            let taps = product(&|a| (0..a.output).map(|o| inside(a, o).len()).sum());
            let turned = product(&|a| a.kernel * a.output);
            let copied = product(&|a| a.reach(a.output));
            let is = copied <= MOST_COPIED * elements + BESIDE
                && turned <= MOST_TURNED * (elements + taps) + BESIDE;
            let padded = product(&|a| a.reach(a.output).max(a.input));
            if is_little(&axes, many) {
                assert!(is, "{axes:?}: {copied} copied, {turned} gone through, {elements} and {taps}");
                little += 1;
            } else {
                assert!(!is || padded > copied, "{axes:?}");
                much += 1;
            }
            let plain = axes.map(|a| Axis { input: a.reach(a.output), pad_before: 0, pad_after: 0, ..a });
            assert!(is_little(&plain, many), "{plain:?}");
        }
        assert!(little > 3_000 && much > 3_000, "{little} {much}");
    }
}
