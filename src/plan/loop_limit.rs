//! How many iterations the loops of an invocation make.
//!
//! llvmpipe before Mesa 25 ends every loop of an invocation after 65,535 iterations in all, and the result is wrong. A loop
//! iterates once more to find its end, and then goes through the loops inside it, each of which iterates once for nothing.
//! Invocations in the lanes of one vector iterate as often as the one that iterates most.

use super::planner::Planner;
use crate::error::{Error, Result};
use crate::geometry::Axis;

/// Why more iterations are refused.
pub(crate) const RULE: &str =
    "llvmpipe before Mesa 25 ends an invocation's loops after 65,535 iterations; the host path takes it";

/// Why a kernel does not apply.
pub(super) const ENDED: &str = "the driver would end its loops before they are done";

/// Iterations of the loops that an invocation runs, at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Iterations {
    /// In all.
    pub count: u64,
    /// Where a loop around them finds its end.
    idle: u64,
}

impl Iterations {
    /// A loop that does this `times` times.
    pub fn repeated(self, times: usize) -> Iterations {
        let idle = self.idle.saturating_add(1);
        let count = (times as u64).saturating_mul(self.count.saturating_add(1)).saturating_add(idle);
        Iterations { count, idle }
    }

    /// This, then `next`.
    pub fn then(self, next: Iterations) -> Iterations {
        Iterations { count: self.count.saturating_add(next.count), idle: self.idle.saturating_add(next.idle) }
    }

    /// A loop for each axis, the last one innermost, that do this with each tap of a window inside the input.
    pub fn at_taps(self, axes: &[Axis; 3]) -> Iterations {
        let inside = |axis: &Axis| axis.kernel.min(axis.input.div_ceil(axis.dilation));
        axes.iter().rev().fold(self, |iterations, axis| iterations.repeated(inside(axis)))
    }

    /// A loop for each axis, the last one innermost, that do this with each tap that some window has on a position:
    /// `taps_on` in `lib/reached.wgsl`.
    pub fn at_windows(self, axes: &[Axis; 3]) -> Iterations {
        /// Products modulo larger numbers are summed bit by bit.
        const MOST: usize = 1 << 16;
        const BITS: u64 = 33;
        let reached = |axis: &Axis| {
            let met = axis.meeting();
            let windows = axis.output.div_ceil(axis.dilation / met.common);
            axis.kernel.div_ceil(met.step).min(windows)
        };
        let bits = axes.iter().filter(|axis| axis.meeting().step > MOST).count() as u64 * BITS;
        axes.iter().rev().fold(self, |iterations, axis| iterations.repeated(reached(axis))).more(bits)
    }

    /// A loop over `channels` in parts of 32: `add_tap` in `lib/convolve.wgsl`.
    pub fn of_channels(channels: usize) -> Iterations {
        const PART: usize = 32;
        let mut iterations = Iterations::default().repeated(PART).repeated(channels / PART);
        if !channels.is_multiple_of(PART) {
            iterations.count += channels as u64 % PART as u64 + 2;
        }
        iterations
    }

    /// This, and as many iterations more.
    pub fn more(self, count: u64) -> Iterations {
        Iterations { count: self.count.saturating_add(count), ..self }
    }

    /// A loop over `count` elements that `share` invocations divide among them.
    pub fn shared(count: usize, share: u32) -> Iterations {
        Iterations::default().repeated(count.div_ceil(share.max(1) as usize))
    }

    /// What `share` invocations hold made one value, by halves.
    pub fn folded(share: u32) -> Iterations {
        Iterations::default().repeated(share.max(1).ilog2() as usize)
    }

    /// Whether the device runs them all.
    pub fn fit(self, p: &Planner) -> bool {
        self.count <= p.caps.loop_limit
    }

    /// Refuses more than the device runs.
    pub fn check(self, p: &Planner) -> Result<()> {
        if self.fit(p) {
            return Ok(());
        }
        Err(Error::TooLarge {
            what: "window, plane or row on a software adapter",
            values: format!("{}: {} iterations of loops", p.op, self.count),
            rule: RULE,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What llvmpipe of Mesa 22.3.6 was measured to run to the end.
    #[test]
    fn turns_are_those_that_llvmpipe_counts() {
        let body = Iterations::default();
        let most = |iterations: &dyn Fn(usize) -> Iterations| {
            (0..).take_while(|&n| iterations(n).count <= 65_535).last()
        };
        assert_eq!(most(&|n| body.repeated(1000).then(body.repeated(n))), Some(64_533));
        assert_eq!(most(&|n| body.repeated(1).repeated(n)), Some(21_844));
        assert_eq!(most(&|n| body.repeated(10).repeated(n)), Some(5_461));
        assert_eq!(most(&|n| body.repeated(n).repeated(10)), Some(6_551));
        assert_eq!(most(&|n| body.repeated(n).repeated(10).repeated(10)), Some(653));
        assert_eq!(most(&|n| body.repeated(1).repeated(1).repeated(n)), Some(10_922));
    }

    #[test]
    fn channels_are_counted_in_parts() {
        // A loop over parts, and in each the channels and an end; then an end, and one loop for nothing.
        assert_eq!(Iterations::of_channels(1).count, 1 + 2 + 2);
        assert_eq!(Iterations::of_channels(32).count, 1 + 33 + 2);
        assert_eq!(Iterations::of_channels(40).count, 1 + 33 + 1 + 9 + 2);
    }
}
