//! Problems of axes made longer or shorter.

use super::{Problem, Work, only_input};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::spec::strided::row_major;
use crate::spec::{NearestRounding, Resize, ResizeCoordinates, ResizeMode};
use crate::tensor::{TensorDesc, checked_elements};

/// Axes that may be left when neighbours are joined that keep their length, and axes that may change it.
const MOST_AXES: usize = 8;
const MOST_CHANGED: usize = 4;

/// A number of which the lower 64 bits are a fraction.
const ONE: i128 = 1 << 64;

/// Interpolation with every length and position known.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ResizeWork {
    /// Type of the elements; sums are kept in f32.
    pub dtype: DType,
    /// How elements are interpolated.
    pub mode: ResizeMode,
    /// The axes, outermost first; neighbours that keep their length are joined.
    pub axes: Vec<ResizeAxis>,
}

impl ResizeWork {
    /// Elements that one is made of at most.
    pub fn taps(&self) -> usize {
        let along: usize = match self.mode {
            ResizeMode::Nearest(_) => 1,
            ResizeMode::Linear => 2,
            ResizeMode::Cubic { .. } => 4,
        };
        self.axes.iter().filter(|axis| axis.changed).map(|_| along).product()
    }

    /// The same of so many elements of the first axis, whose length does not change.
    pub(crate) fn take_outermost(&mut self, count: usize) {
        if let Some(axis) = self.axes.first_mut() {
            (axis.length, axis.input) = (count, count);
        }
    }
}

/// An axis of both tensors. Element `i` of the output lies at `i * scale + shift` of the input; both have 64 bits of fraction,
/// and the shift half of one of the 32 bits that positions have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResizeAxis {
    /// Elements of the output.
    pub length: usize,
    /// Elements of the input.
    pub input: usize,
    /// Distance between them.
    pub stride: usize,
    /// From an element of the output to the next.
    pub scale: i128,
    /// The first element, and what rounds.
    pub shift: i128,
    /// Whether elements lie elsewhere than in the input.
    pub changed: bool,
}

/// The elements that one is made of along an axis, each with its weight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taps {
    taps: [(usize, f64); 4],
    count: usize,
}

impl Taps {
    pub fn each(&self) -> &[(usize, f64)] {
        &self.taps[..self.count]
    }
}

impl ResizeAxis {
    /// Where element `i` lies: a whole number, and a fraction of 32 bits.
    pub(crate) fn position(&self, i: usize) -> (isize, u32) {
        let at = (i as i128).saturating_mul(self.scale).saturating_add(self.shift) >> 32;
        ((at >> 32) as isize, at as u32)
    }

    /// What element `i` is made of. One that lies on an element is that one.
    pub(crate) fn taps(&self, mode: ResizeMode, i: usize) -> Taps {
        let (whole, part) = self.position(i);
        let clamped = |at: isize| at.clamp(0, self.input as isize - 1) as usize;
        let one = |at: isize| Taps { taps: [(clamped(at), 1.0); 4], count: 1 };
        if let ResizeMode::Nearest(rounding) = mode {
            return one(whole + isize::from(is_next(rounding, part)));
        }
        if part == 0 {
            return one(whole);
        }
        let f = f64::from(part) / 2f64.powi(32);
        let ResizeMode::Cubic { coefficient, exclude_outside } = mode else {
            let taps = [(clamped(whole), 1.0 - f), (clamped(whole + 1), f), (0, 0.0), (0, 0.0)];
            return Taps { taps, count: 2 };
        };
        let weights = [
            cubic(coefficient, 1.0 + f),
            cubic(coefficient, f),
            cubic(coefficient, 1.0 - f),
            cubic(coefficient, 2.0 - f),
        ];
        let mut taps = [0, 1, 2, 3].map(|tap| (whole + tap as isize - 1, weights[tap]));
        if exclude_outside {
            let inside = |at: isize| (0..self.input as isize).contains(&at);
            taps.iter_mut().filter(|(at, _)| !inside(*at)).for_each(|(_, weight)| *weight = 0.0);
            let all: f64 = taps.iter().map(|(_, weight)| weight).sum();
            taps.iter_mut().for_each(|(_, weight)| *weight /= all);
        }
        Taps { taps: taps.map(|(at, weight)| (clamped(at), weight)), count: 4 }
    }
}

/// Whether the nearest is the second of two elements.
fn is_next(rounding: NearestRounding, part: u32) -> bool {
    match rounding {
        NearestRounding::RoundPreferFloor => part > 1 << 31,
        NearestRounding::RoundPreferCeil => part >= 1 << 31,
        NearestRounding::Floor => false,
        NearestRounding::Ceil => part > 0,
    }
}

/// The weight of an element so far away.
fn cubic(coefficient: f32, distance: f64) -> f64 {
    let (a, d) = (f64::from(coefficient), distance);
    match d <= 1.0 {
        true => ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0,
        false => ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a,
    }
}

/// Scale and shift of an axis whose output has `length` elements, and its input `input`.
fn placed(coordinates: ResizeCoordinates, [input, length]: [usize; 2], factor: Option<f32>) -> (i128, i128) {
    let quotient = |a: usize, b: usize| (((a as i128) << 65) / b as i128 + 1) >> 1;
    let of = |number: f64| (number * ONE as f64).round() as i128;
    let scale = factor.map_or(quotient(input, length), |factor| of(1.0 / f64::from(factor)));
    let half_pixel = (scale, scale / 2 - ONE / 2);
    match coordinates {
        ResizeCoordinates::PytorchHalfPixel | ResizeCoordinates::AlignCorners if length == 1 => (0, 0),
        ResizeCoordinates::HalfPixel | ResizeCoordinates::PytorchHalfPixel => half_pixel,
        ResizeCoordinates::Asymmetric => (scale, 0),
        ResizeCoordinates::AlignCorners => {
            // The output's length as the factor has it, before it was rounded down.
            let steps = factor.map(|factor| f64::from(factor) * input as f64 - 1.0);
            let between = |steps: f64| if steps > 0.0 { of((input - 1) as f64 / steps) } else { 0 };
            (steps.map_or_else(|| quotient(input - 1, length - 1), between), 0)
        }
        ResizeCoordinates::HalfPixelSymmetric => {
            // The output is the middle of one that would have a fraction of an element more.
            let fraction =
                factor.map_or(0.0, |factor| 1.0 - length as f64 / (f64::from(factor) * input as f64));
            (scale, half_pixel.1.saturating_add(of(input as f64 / 2.0 * fraction)))
        }
    }
}

pub(super) fn resize(spec: &Resize, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "resize";
    let x = only_input(op, inputs)?;
    let rank = x.shape.len();
    let each = format!("it must have a number for each axis of shape {:?}", x.shape);
    if spec.shape.len() != rank {
        return Err(Error::parameter(op, "shape", &spec.shape, each));
    }
    let factors = spec.scales.as_deref();
    if factors.is_some_and(|factors| factors.len() != rank) {
        return Err(Error::parameter(op, "scales", factors, each));
    }
    if let ResizeMode::Cubic { coefficient, .. } = spec.mode
        && !coefficient.is_finite()
    {
        return Err(Error::parameter(op, "coefficient", coefficient, "it must be a number"));
    }
    checked_elements("output", &spec.shape)?;
    let mut axes: Vec<ResizeAxis> = Vec::new();
    for (axis, stride) in row_major(&x.shape)?.into_iter().enumerate() {
        let [input, length] = [x.shape[axis], spec.shape[axis]];
        if input == 0 && length > 0 {
            let rule = format!("axis {axis} must have elements for the {length} of the output");
            return Err(Error::shape(op, "the input", &x.shape, rule));
        }
        let factor = factors.map(|factors| factors[axis]);
        // Positions that are far outside what 32 bits count are no positions of a factor that ONNX means.
        if factor.is_some_and(|factor| !(1e-9..=1e9).contains(&factor)) {
            return Err(Error::parameter(op, "scales", factors, "each must be positive, from 1e-9 to 1e9"));
        }
        let (scale, shift) =
            if length == 0 { (ONE, 0) } else { placed(spec.coordinates, [input, length], factor) };
        let changed = input != length || (scale, shift) != (ONE, 0);
        let next = ResizeAxis {
            length,
            input,
            stride: stride.unsigned_abs(),
            scale,
            shift: shift.saturating_add(1 << 31),
            changed,
        };
        let ends = [next.position(0).0, next.position(length.saturating_sub(1)).0];
        if ends.iter().any(|&at| i32::try_from(at).is_err()) || input > i32::MAX as usize && changed {
            let values = format!("axis {axis} of {input} elements, {length} in the output");
            return Err(Error::too_large("position", values, "positions are counted in 32 bits"));
        }
        match axes.last_mut() {
            Some(outer) if !outer.changed && !changed => {
                *outer = ResizeAxis { length: outer.length * length, input: outer.input * input, ..next };
            }
            _ => axes.push(next),
        }
    }
    if axes.is_empty() {
        axes.push(ResizeAxis { length: 1, input: 1, stride: 1, scale: ONE, shift: 1 << 31, changed: false });
    }
    let changed = axes.iter().filter(|axis| axis.changed).count();
    if axes.len() > MOST_AXES || changed > MOST_CHANGED {
        let rule = format!(
            "{changed} axes change and {} are left when others are joined; {MOST_CHANGED} and {MOST_AXES} are the most",
            axes.len()
        );
        return Err(Error::rank(op, "the input", &x.shape, rule));
    }
    let outputs = vec![TensorDesc { shape: spec.shape.clone(), dtype: x.dtype }];
    let work = ResizeWork { dtype: x.dtype, mode: spec.mode, axes };
    Ok(Problem { op, inputs: inputs.to_vec(), outputs, work: Work::Resize(work) })
}
