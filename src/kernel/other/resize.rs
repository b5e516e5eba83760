//! `other/resize.wgsl`.

use crate::kernel::common::*;
use crate::spec::ResizeMode;

/// Interpolation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Resize {
    /// How elements are interpolated.
    pub interpolation: Interpolation,
    /// Type of the elements.
    pub dtype: DType,
    /// Axes that it goes through.
    pub axes: u32,
}

/// How elements are interpolated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // as those of `ResizeMode`
#[non_exhaustive]
pub enum Interpolation {
    Nearest,
    Linear,
    Cubic,
    /// Without what is outside.
    CubicInside,
}

impl From<ResizeMode> for Interpolation {
    fn from(mode: ResizeMode) -> Interpolation {
        match mode {
            ResizeMode::Nearest(_) => Interpolation::Nearest,
            ResizeMode::Linear => Interpolation::Linear,
            ResizeMode::Cubic { exclude_outside: false, .. } => Interpolation::Cubic,
            ResizeMode::Cubic { exclude_outside: true, .. } => Interpolation::CubicInside,
        }
    }
}

impl Kernel for Resize {
    fn row(&self) -> Row {
        let mode = match self.interpolation {
            Interpolation::Nearest => 0,
            Interpolation::Linear => 1,
            Interpolation::Cubic | Interpolation::CubicInside => 2,
        };
        typed(ResizeParams::BLOCK, self.dtype, &[SUM, EACH, shader!("other/resize.wgsl")], (1, 1))
            .with("MODE", mode)
            .with("AXES", self.axes)
            .with("EXCLUDE_OUTSIDE", self.interpolation == Interpolation::CubicInside)
    }

    fn every() -> Vec<Resize> {
        use Interpolation::{Cubic, CubicInside, Linear, Nearest};
        let of = |(interpolation, (dtype, axes))| Resize { interpolation, dtype, axes };
        pairs([Nearest, Linear, Cubic, CubicInside], pairs(FLOATS, [2, 4])).map(of).collect()
    }
}

uniform! {
    /// Parameters of `other/resize.wgsl`. Of axes the last comes first.
    ResizeParams {
        /// Length, stride, elements of the input or 0 where all lie as they do there.
        axes: [[u32; 4]; 8],
        /// The lower and the upper half of the fraction, and the whole number.
        scale: [[u32; 4]; 8],
        /// The same.
        shift: [[u32; 4]; 8],
        /// Elements of the output.
        total: u32,
        /// The fraction from which on the nearest is the second of two elements; 0: never.
        next: u32,
        coefficient: f32,
        pad_0: u32,
    }
}
