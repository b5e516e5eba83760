//! Where windows lie: the only place that computes output lengths and window bounds.
//!
//! One- and two-dimensional operations are three-dimensional ones with unit axes in front, so every path
//! works on `[Axis; 3]`. Rules: PyTorch's pooling and convolution shape formulas, ONNX `MaxPool` and `Conv`.

use std::fmt;
use std::ops::Range;

use crate::error::{Error, Result};
use crate::spec::{Layout, Padding};

/// The most spatial axes an operation has.
pub const MAX_SPATIAL: usize = 3;

/// Every length, stride, dilation and padding must stay below this, so that positions fit an `i32` on the GPU.
pub const MAX_LENGTH: usize = i32::MAX as usize;

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

/// The parameters of one axis before its padding and output length are known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AxisSpec {
    pub input: usize,
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
}

/// Padding of one axis.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AxisPadding {
    Same { upper: bool },
    Explicit { before: usize, after: usize },
}

impl fmt::Display for AxisPadding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AxisPadding::Same { upper: true } => f.write_str("same upper"),
            AxisPadding::Same { upper: false } => f.write_str("same lower"),
            AxisPadding::Explicit { before, after } => write!(f, "{before} + {after}"),
        }
    }
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

    /// Places windows on axis number `index` of `op`.
    pub(crate) fn sliding(
        op: &'static str,
        index: usize,
        spec: AxisSpec,
        padding: AxisPadding,
        ceil_mode: bool,
    ) -> Result<Axis> {
        let AxisSpec { input, kernel, stride, dilation } = spec;
        let lengths = [("input", input), ("window", kernel), ("stride", stride), ("dilation", dilation)];
        check_lengths(op, index, &lengths)?;
        let too_large = |what| {
            let rule = "spans and padded lengths must stay below 2^31";
            let values = format!(
                "{op}, axis {index}: input {input}, window {kernel}, stride {stride}, dilation {dilation}, \
                 padding {padding}"
            );
            Error::too_large(what, values, rule)
        };
        let span = (kernel - 1)
            .checked_mul(dilation)
            .and_then(|s| s.checked_add(1))
            .filter(|&s| s <= MAX_LENGTH)
            .ok_or_else(|| too_large("window"))?;

        let (pad_before, pad_after, same_output) = match padding {
            AxisPadding::Explicit { before, after } => (before, after, None),
            AxisPadding::Same { upper } => {
                let output = input.div_ceil(stride);
                let total = (output.saturating_sub(1) * stride + span).saturating_sub(input);
                let (small, large) = (total / 2, total - total / 2);
                let (before, after) = if upper { (small, large) } else { (large, small) };
                (before, after, Some(output))
            }
        };
        let padded = input
            .checked_add(pad_before)
            .and_then(|l| l.checked_add(pad_after))
            .filter(|&l| l <= MAX_LENGTH)
            .ok_or_else(|| too_large("padded input"))?;
        // In ceil mode a window may overhang the end by less than a stride; it is then the only one.
        let overhang = span.saturating_sub(padded);
        if overhang > 0 && !(ceil_mode && overhang < stride) {
            return Err(Error::Window {
                op,
                axis: index,
                window: span,
                kernel,
                dilation,
                padded,
                input,
                before: pad_before,
                after: pad_after,
            });
        }
        let output = same_output.unwrap_or_else(|| {
            output_length(input, pad_before, padded.saturating_sub(span), stride, ceil_mode)
        });
        // The last window may overhang the padding in ceil mode: its far end must be addressable too.
        if (output - 1).checked_mul(stride).is_none_or(|s| s > MAX_LENGTH - span) {
            return Err(too_large("last window"));
        }
        Ok(Axis { input, kernel, stride, dilation, pad_before, pad_after, output, adaptive: false })
    }

    /// `output` windows that cover the input: number `o` goes from `floor(o * input / output)` to
    /// `ceil((o + 1) * input / output)`, as PyTorch's adaptive pooling. There may be more windows than elements.
    pub(crate) fn adaptive(op: &'static str, index: usize, input: usize, output: usize) -> Result<Axis> {
        check_lengths(op, index, &[("input", input), ("output size", output)])?;
        let longest = input.div_ceil(output) + usize::from(!input.is_multiple_of(output));
        Ok(Axis { input, kernel: longest.min(input), output, adaptive: true, ..Axis::UNIT })
    }

    /// Elements between the first and the last tap of a window, both included.
    pub fn span(&self) -> usize {
        self.dilation * (self.kernel - 1) + 1
    }

    /// Which taps of windows lie on one position: see [`Meeting`].
    pub(crate) fn meeting(&self) -> Meeting {
        let common = gcd(self.stride, self.dilation);
        let step = self.stride / common;
        Meeting { common, step, inverse: inverse(self.dilation / common % step, step) }
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
    fn places(&self, o: usize) -> impl Iterator<Item = (usize, usize)> + Clone + use<> {
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

/// Refuses lengths on axis number `index` of `op` that are 0, or too large for positions.
pub(crate) fn check_lengths(op: &'static str, index: usize, lengths: &[(&'static str, usize)]) -> Result<()> {
    match lengths.iter().find(|(_, length)| !(1..=MAX_LENGTH).contains(length)) {
        None => Ok(()),
        Some(&(name, length)) => {
            let rule = format!("on axis {index} it must be from 1 to {MAX_LENGTH}");
            Err(Error::parameter(op, name, length, rule))
        }
    }
}

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

/// How windows slide, in the frameworks' terms: one number for each spatial axis, or one for all.
pub(crate) struct Windows<'a> {
    pub stride: &'a [usize],
    pub dilation: &'a [usize],
    pub padding: &'a Padding,
}

impl Windows<'_> {
    /// Places windows of `window` taps on axes of the given lengths.
    pub(crate) fn over(
        &self,
        op: &'static str,
        lengths: &[usize],
        window: &[usize],
        ceil_mode: bool,
    ) -> Result<Vec<Axis>> {
        let rank = lengths.len();
        let stride = per_axis(op, "stride", self.stride, rank)?;
        let dilation = per_axis(op, "dilation", self.dilation, rank)?;
        let paddings = axis_paddings(op, self.padding, rank)?;
        (0..rank)
            .map(|i| {
                let (kernel, stride, dilation) = (window[i], stride[i], dilation[i]);
                let spec = AxisSpec { input: lengths[i], kernel, stride, dilation };
                Axis::sliding(op, i, spec, paddings[i], ceil_mode)
            })
            .collect()
    }
}

/// Windows that fit, where `room` is the padded length less the window's span.
fn output_length(input: usize, pad_before: usize, room: usize, stride: usize, ceil: bool) -> usize {
    if !ceil {
        return room / stride + 1;
    }
    let output = room.div_ceil(stride) + 1;
    // A last window that would start in the padding after the input is dropped, once.
    if (output - 1) * stride >= input + pad_before { output - 1 } else { output }
}

/// Lengths that max pooling may have had before: see [`MaxUnpool::output_of`](crate::MaxUnpool::output_of).
pub(crate) fn unpooled_lengths(
    input: &[usize],
    window: &[usize],
    stride: &[usize],
    padding: &[usize],
) -> Result<Vec<usize>> {
    let op = "max unpooling";
    let rank = input.len();
    let window = per_axis(op, "window", window, rank)?;
    let stride = per_axis(op, "stride", stride, rank)?;
    let padding = per_axis(op, "padding", padding, rank)?;
    (0..rank)
        .map(|i| {
            let length = |()| {
                let reach = input[i].checked_sub(1)?.checked_mul(stride[i])?.checked_add(window[i])?;
                reach.checked_sub(padding[i].checked_mul(2)?).filter(|&l| l > 0)
            };
            length(()).ok_or_else(|| {
                let rule = format!("(L - 1) * stride - 2 * padding + window must be positive on axis {i}");
                let [l, s, p, k] = [input[i], stride[i], padding[i], window[i]];
                Error::parameter(op, "output length", format_args!("({l} - 1) * {s} - 2 * {p} + {k}"), rule)
            })
        })
        .collect()
}

/// Refuses lengths that max pooling cannot have had before: see
/// [`MaxUnpool::check_output`](crate::MaxUnpool::check_output).
pub(crate) fn check_unpooled(
    input: &[usize],
    [window, stride, padding]: [&[usize]; 3],
    output: &[usize],
) -> Result<()> {
    let op = "max unpooling";
    let rank = input.len();
    let window = per_axis(op, "window", window, rank)?;
    let stride = per_axis(op, "stride", stride, rank)?;
    let padding = per_axis(op, "padding", padding, rank)?;
    let output = per_axis(op, "output", output, rank)?;
    for i in 0..rank {
        let [l, k, s, p, o] = [input[i], window[i], stride[i], padding[i], output[i]].map(|n| n as i128);
        let usual = (l - 1).saturating_mul(s).saturating_sub(2 * p).saturating_add(k);
        if (o - usual).abs() >= s {
            let rule = format!(
                "on axis {i} it must differ by less than the stride {s} from {usual}, which {l} windows of {k} span"
            );
            return Err(Error::parameter(op, "output", output, rule));
        }
    }
    Ok(())
}

/// One value for each of `rank` axes; a single value stands for all of them.
pub(crate) fn per_axis(
    op: &'static str,
    name: &'static str,
    values: &[usize],
    rank: usize,
) -> Result<Vec<usize>> {
    match values {
        [one] => Ok(vec![*one; rank]),
        _ if values.len() == rank => Ok(values.to_vec()),
        _ => Err(Error::parameter(
            op,
            name,
            values,
            format!("it must hold one number, or one for each of the {rank} spatial axes"),
        )),
    }
}

/// The padding of each axis.
pub(crate) fn axis_paddings(op: &'static str, padding: &Padding, rank: usize) -> Result<Vec<AxisPadding>> {
    Ok(match padding {
        Padding::Valid => vec![AxisPadding::Explicit { before: 0, after: 0 }; rank],
        Padding::SameUpper => vec![AxisPadding::Same { upper: true }; rank],
        Padding::SameLower => vec![AxisPadding::Same { upper: false }; rank],
        Padding::Explicit { before, after } => {
            let before = per_axis(op, "padding before", before, rank)?;
            let after = per_axis(op, "padding after", after, rank)?;
            before
                .into_iter()
                .zip(after)
                .map(|(before, after)| AxisPadding::Explicit { before, after })
                .collect()
        }
    })
}

/// Every position of a space of these lengths, in row-major order.
pub(crate) fn positions(
    [depth, height, width]: [usize; MAX_SPATIAL],
) -> impl Iterator<Item = [usize; MAX_SPATIAL]> + Clone {
    let rows = (0..depth).flat_map(move |d| (0..height).map(move |h| [d, h]));
    rows.flat_map(move |[d, h]| (0..width).map(move |w| [d, h, w]))
}

/// The taps of window `o` that lie inside the input, each with its position, in row-major order.
pub(crate) fn taps_inside(
    axes: &[Axis; MAX_SPATIAL],
    o: [usize; MAX_SPATIAL],
) -> impl Iterator<Item = ([usize; MAX_SPATIAL], [usize; MAX_SPATIAL])> + Clone + use<> {
    let [planes, rows, columns] = [0, 1, 2].map(|i| axes[i].places(o[i]));
    let lines = planes.flat_map(move |d| rows.clone().map(move |h| [d, h]));
    lines.flat_map(move |[d, h]| columns.clone().map(move |w| ([d.0, h.0, w.0], [d.1, h.1, w.1])))
}

/// Puts `values` of up to three axes behind as many copies of `unit` as make three.
pub(crate) fn three<T: Copy>(values: &[T], unit: T) -> [T; MAX_SPATIAL] {
    let mut all = [unit; MAX_SPATIAL];
    for (slot, &value) in all.iter_mut().rev().zip(values.iter().rev()) {
        *slot = value;
    }
    all
}

/// Distance in elements between neighbours along each axis of an image batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Strides {
    /// Between images.
    pub n: usize,
    /// Between channels.
    pub c: usize,
    /// Between rows of each spatial axis.
    pub space: [usize; MAX_SPATIAL],
}

impl Strides {
    /// The strides of a dense batch.
    pub fn of(layout: Layout, channels: usize, space: [usize; MAX_SPATIAL]) -> Strides {
        let [d, h, w] = space;
        match layout {
            Layout::Nchw => Strides { n: channels * d * h * w, c: d * h * w, space: [h * w, w, 1] },
            Layout::Nhwc => {
                Strides { n: d * h * w * channels, c: 1, space: [h * w * channels, w * channels, channels] }
            }
        }
    }

    /// Flat position of an element.
    pub fn at(&self, n: usize, c: usize, [d, h, w]: [usize; MAX_SPATIAL]) -> usize {
        n * self.n + c * self.c + d * self.space[0] + h * self.space[1] + w * self.space[2]
    }
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
