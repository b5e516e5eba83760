//! Convolution by its definition.

use super::Exact;
use super::tile;
use super::tolerance::{SUM, of_chain};
use crate::error::Result;
use crate::geometry::{positions, taps_inside};
use crate::memory;
use crate::problem::{ConvWork, Epilogue};

pub(super) fn conv(
    work: &ConvWork,
    x: &[f64],
    w: &[f64],
    epilogue: Epilogue<f64>,
    y: &mut Exact,
) -> Result<()> {
    for_each_output(work, |n, o, position| {
        let at = work.output.at(n, o, position);
        (y.values[at], y.bound[at]) = sum(work, [x, w], epilogue, (n, o), position);
    });
    let unfinite = Unfinite::of(work, w)?;
    if !unfinite.is_empty() {
        y.or_nan = memory::filled(false, y.values.len())?;
        for_each_output(work, |n, o, at| {
            y.or_nan[work.output.at(n, o, at)] = unfinite.meets_padding(work, o, at);
        });
    }
    if work.by_tiles() {
        tile::widen(work, x, w, epilogue, y)?;
    }
    for_each_output(work, |n, o, at| {
        let at = work.output.at(n, o, at);
        (y.values[at], y.bound[at]) = epilogue.activated(o, (y.values[at], y.bound[at]));
    });
    Ok(())
}

/// Calls `f` with the image, channel and position of every output.
fn for_each_output(work: &ConvWork, mut f: impl FnMut(usize, usize, [usize; 3])) {
    for n in 0..work.batch {
        for o in 0..work.out_channels() {
            positions(work.axes.map(|a| a.output)).for_each(|at| f(n, o, at));
        }
    }
}

/// For each output channel, the first and the last tap on each axis whose weight is infinite or NaN for some input channel;
/// none if all weights are finite.
pub(super) struct Unfinite(Vec<Option<[[usize; 2]; 3]>>);

impl Unfinite {
    pub fn of(work: &ConvWork, w: &[f64]) -> Result<Unfinite> {
        if w.iter().all(|w| w.is_finite()) {
            return Ok(Unfinite(Vec::new()));
        }
        let mut found = memory::filled(None, work.out_channels())?;
        for (o, found) in found.iter_mut().enumerate() {
            for tap in positions(work.axes.map(|a| a.kernel)) {
                if (0..work.group_in).any(|i| !w[work.kernel.at(o, i, tap)].is_finite()) {
                    let ends = found.get_or_insert(tap.map(|tap| [tap; 2]));
                    for ([first, last], tap) in ends.iter_mut().zip(tap) {
                        (*first, *last) = (tap.min(*first), tap.max(*last));
                    }
                }
            }
        }
        Ok(Unfinite(found))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them lies outside the input in the window at `at`.
    pub fn meets_padding(&self, work: &ConvWork, o: usize, at: [usize; 3]) -> bool {
        let Some(Some(ends)) = self.0.get(o) else { return false };
        (0..3).any(|i| {
            let inside = work.axes[i].taps_inside(at[i]);
            ends[i].iter().any(|tap| !inside.contains(tap))
        })
    }
}

/// Output channel `o` of image `n` at one position, and its bound before it is stored.
pub(super) fn element(
    work: &ConvWork,
    xw: [&[f64]; 2],
    epilogue: Epilogue<f64>,
    channel: (usize, usize),
    at: [usize; 3],
) -> (f64, f64) {
    let (sum, bound) = sum(work, xw, epilogue, channel, at);
    let bound = match work.by_tiles() {
        true => tile::element(work, xw, epilogue, channel, [at[1], at[2]], bound),
        false => bound,
    };
    epilogue.activated(channel.1, (sum, bound))
}

/// The sum before its activation, and its bound from its own window.
fn sum(
    work: &ConvWork,
    [x, w]: [&[f64]; 2],
    epilogue: Epilogue<f64>,
    (n, o): (usize, usize),
    position: [usize; 3],
) -> (f64, f64) {
    let group = o / work.group_out;
    let residual = epilogue.residual_at(work.output.at(n, o, position));
    let mut sum = epilogue.bias_of(o) + residual;
    let mut magnitude = epilogue.bias_of(o).abs() + residual.abs();
    let mut terms = usize::from(epilogue.residual.is_some());
    taps_inside(&work.axes, position).for_each(|(tap, at)| {
        for i in 0..work.group_in {
            let c = group * work.group_in + i;
            let product = x[work.input.at(n, c, at)] * w[work.kernel.at(o, i, tap)];
            sum += product;
            magnitude += product.abs();
        }
        terms += work.group_in;
    });
    let bound = SUM * magnitude;
    (sum, if work.by_chains() { bound.max(of_chain(terms, magnitude)) } else { bound })
}

/// Transposed convolution: every input element is added, times the kernel, to the outputs that the convolution with
/// `work.axes` would read for it.
pub(super) fn transposed(
    work: &ConvWork,
    x: &[f64],
    w: &[f64],
    epilogue: Epilogue<f64>,
    y: &mut Exact,
) -> Result<()> {
    let [inputs, outputs] = [work.axes.map(|a| a.output), work.axes.map(|a| a.input)];
    let [_, height, width] = outputs;
    for n in 0..work.batch {
        for o in 0..work.out_channels() {
            let group = o / work.group_out;
            let mut sums = memory::filled(epilogue.bias_of(o), outputs.iter().product())?;
            let mut magnitudes = memory::collected(sums.iter().map(|s| s.abs()))?;
            for from in positions(inputs) {
                taps_inside(&work.axes, from).for_each(|(tap, [d, h, column])| {
                    let at = (d * height + h) * width + column;
                    for i in 0..work.group_in {
                        let c = group * work.group_in + i;
                        // The kernel's first channels are the input's: those of all groups.
                        let weight = w[work.kernel.at(o % work.group_out, c, tap)];
                        let product = x[work.input.at(n, c, from)] * weight;
                        sums[at] += product;
                        magnitudes[at] += product.abs();
                    }
                });
            }
            for ((sum, magnitude), at) in sums.into_iter().zip(magnitudes).zip(positions(outputs)) {
                let to = work.output.at(n, o, at);
                (y.values[to], y.bound[to]) = epilogue.activated(o, (sum, SUM * magnitude));
            }
        }
    }
    // As the convolution that it is, it has padding.
    let Some(turned) = work.turned() else { return Ok(()) };
    let unfinite = Unfinite::of(&turned, &work.turned_kernel(&turned, w)?)?;
    if !unfinite.is_empty() {
        y.or_nan = memory::filled(false, y.values.len())?;
        for_each_output(&turned, |n, o, at| {
            y.or_nan[turned.output.at(n, o, at)] = unfinite.meets_padding(&turned, o, at);
        });
    }
    Ok(())
}
