//! Interpolation by its definition.

use super::Exact;
use super::tolerance::SUM;
use crate::problem::ResizeWork;

pub(super) fn resize(work: &ResizeWork, x: &[f64], y: &mut Exact) {
    for o in 0..y.values.len() {
        let (mut rest, mut taps) = (o, vec![(0, 1.0)]);
        let mut inexact = 0.0;
        for axis in work.axes.iter().rev() {
            let i = rest % axis.length;
            rest /= axis.length;
            if !axis.changed {
                taps.iter_mut().for_each(|(at, _)| *at += i * axis.stride);
                continue;
            }
            let along = axis.taps(work.mode, i);
            inexact += f64::from(u8::from(along.each().len() > 1));
            let with = |&(at, weight): &(usize, f64)| {
                along.each().iter().map(move |(i, w)| (at + i * axis.stride, weight * w))
            };
            taps = taps.iter().flat_map(with).collect();
        }
        y.values[o] = taps.iter().map(|&(at, weight)| weight * x[at]).sum();
        // Weights have errors of their own, along each axis of some units.
        let of_tap = |&(at, weight): &(usize, f64)| x[at].abs() * (weight.abs() + inexact);
        y.bound[o] = if inexact > 0.0 { SUM * taps.iter().map(of_tap).sum::<f64>() } else { 0.0 };
    }
}
