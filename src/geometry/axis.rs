//! Windows along one axis: where they and their taps lie.

use std::ops::Range;

/// Windows along one spatial axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Axis {
    /// Length of the input.
    pub input: usize,
    /// Taps of the window.
    pub kernel: usize,
    /// Distance between windows.
    pub stride: usize,
    /// Distance between taps.
    pub dilation: usize,
    /// Padding before the input.
    pub pad_before: usize,
    /// Padding after the input.
    pub pad_after: usize,
    /// Number of windows.
    pub output: usize,
    /// Whether the windows divide the input among them instead of sliding along it.
    pub adaptive: bool,
}

impl Axis {
    /// An axis that is not there: one element, one window of one tap.
    pub const UNIT: Axis = Axis {
        input: 1,
        kernel: 1,
        stride: 1,
        dilation: 1,
        pad_before: 0,
        pad_after: 0,
        output: 1,
        adaptive: false,
    };

    /// Windows of one element each.
    pub(crate) fn elements(length: usize) -> Axis {
        Axis { input: length, output: length, ..Axis::UNIT }
    }

    /// Elements between the first and the last tap of a window, both included.
    pub fn span(&self) -> usize {
        self.dilation * (self.kernel - 1) + 1
    }

    /// Elements between the first tap of one window and the last of the `windows`th, both included.
    pub(crate) fn reach(&self, windows: usize) -> usize {
        (windows - 1) * self.stride + self.span()
    }

    /// Position of the first tap of window `o`; negative inside the padding.
    pub fn start(&self, o: usize) -> isize {
        if self.adaptive {
            return (o as u128 * self.input as u128 / self.output as u128) as isize;
        }
        (o * self.stride) as isize - self.pad_before as isize
    }

    /// Position of tap `tap` of window `o`, if it lies inside the input.
    pub fn position(&self, o: usize, tap: usize) -> Option<usize> {
        if self.adaptive && !self.taps_inside(o).contains(&tap) {
            return None;
        }
        let at = self.start(o) + (tap * self.dilation) as isize;
        usize::try_from(at).ok().filter(|&at| at < self.input)
    }

    /// The taps of window `o` that lie inside the input.
    pub fn taps_inside(&self, o: usize) -> Range<usize> {
        if self.adaptive {
            let end = ((o as u128 + 1) * self.input as u128).div_ceil(self.output as u128) as usize;
            return 0..end - self.start(o) as usize;
        }
        self.taps_before(o, self.input as isize, 0)
    }

    /// The taps of window `o` that lie inside the input, each with its position.
    pub(super) fn places(&self, o: usize) -> impl Iterator<Item = (usize, usize)> + Clone + use<> {
        let (start, dilation) = (self.start(o), self.dilation);
        // A tap inside the input has a position that is not negative.
        self.taps_inside(o).map(move |tap| (tap, (start + (tap * dilation) as isize) as usize))
    }

    /// Taps of all windows that lie inside the input, counted window by window.
    pub(crate) fn touching(&self) -> usize {
        (0..self.output).fold(0, |taps: usize, o| taps.saturating_add(self.taps_inside(o).len()))
    }

    /// The windows that lie inside the input with all of their taps; none of those that divide it among them.
    pub(crate) fn inside(&self) -> Range<usize> {
        let Some(room) = (self.input + self.pad_before).checked_sub(self.span()).filter(|_| !self.adaptive)
        else {
            return 0..0;
        };
        let first = self.pad_before.div_ceil(self.stride).min(self.output);
        first..(room / self.stride + 1).clamp(first, self.output)
    }

    /// The axis with 1 for the stride of a single window and for the dilation of a single tap: they say nothing, and may be of
    /// any size.
    pub(crate) fn plain(self) -> Axis {
        let stride = if self.output > 1 { self.stride } else { 1 };
        let dilation = if self.kernel > 1 { self.dilation } else { 1 };
        Axis { stride, dilation, ..self }
    }

    /// The axis without those first and last taps that lie outside the input in every window, as far as the padding
    /// before it can go with them, and without padding that no window reaches: the windows have the same elements, but
    /// [`Axis::taps_padded`] does not count what is gone.
    pub(crate) fn trimmed(self) -> Axis {
        let (Some(last), false) = (self.output.checked_sub(1), self.adaptive) else { return self };
        // Positions grow from window to window: the last has the first tap inside, and the first the last.
        let gone = self.taps_inside(last).start.min(self.pad_before / self.dilation).min(self.kernel - 1);
        let end = self.taps_inside(0).end.max(gone + 1);
        let pad_before = self.pad_before - gone * self.dilation;
        let axis = Axis { kernel: end - gone, pad_before, ..self }.plain();
        let pad_after = axis.reach(axis.output).saturating_sub(pad_before + axis.input);
        Axis { pad_after, ..axis }
    }

    /// The number of taps of window `o` inside the input or its padding, which is what an average with
    /// padding included divides by; the overhang that ceil mode adds is not counted.
    pub fn taps_padded(&self, o: usize) -> usize {
        if self.adaptive {
            return self.taps_inside(o).len();
        }
        let from = -(self.pad_before as isize);
        self.taps_before(o, (self.input + self.pad_after) as isize, from).len()
    }

    /// The taps of window `o` whose positions lie in `from..end`.
    fn taps_before(&self, o: usize, end: isize, from: isize) -> Range<usize> {
        let start = self.start(o);
        let dilation = self.dilation as isize;
        let first_at = |bound: isize| {
            let missing = (bound - start).max(0);
            (missing as usize).div_ceil(dilation as usize).min(self.kernel)
        };
        let (first, last) = (first_at(from), first_at(end));
        first..last.max(first)
    }
}
