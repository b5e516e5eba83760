//! `other/strided.wgsl`.

use crate::kernel::common::*;
use crate::spec::PadMode;

/// A copy of elements from where strides say. It copies bits, whatever their type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Strided {
    /// Bytes that are copied as one: 16, 4, 2 or 1.
    pub unit: u32,
    /// Axes that it goes through.
    pub axes: u32,
    /// What stands outside the axes; nothing where all is inside.
    pub outside: Option<Outside>,
    /// Whether elements go elsewhere than one behind the other.
    pub scattered: bool,
}

/// What stands outside the axes; the numbers are those of `OUTSIDE` in the shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
#[allow(missing_docs)] // as those of `PadMode`
#[non_exhaustive]
pub enum Outside {
    Constant = 1,
    Reflect = 2,
    Edge = 3,
    Wrap = 4,
}

impl From<PadMode> for Outside {
    fn from(mode: PadMode) -> Outside {
        match mode {
            PadMode::Constant(_) => Outside::Constant,
            PadMode::Reflect => Outside::Reflect,
            PadMode::Edge => Outside::Edge,
            PadMode::Wrap => Outside::Wrap,
        }
    }
}

impl Kernel for Strided {
    fn row(&self) -> Row {
        let lanes = (4 / self.unit).max(1);
        let unit = if self.unit == 16 { "alias Unit = vec4<u32>;\n" } else { "alias Unit = u32;\n" };
        let store = match self.scattered && lanes > 1 {
            true => shader!("other/strided_parts.wgsl"),
            false => shader!("other/strided_words.wgsl"),
        };
        let text = vec![unit, INDEX, store, shader!("other/strided.wgsl")];
        row(StridedParams::BLOCK, DType::I32, text, (1, 1))
            .with("OUTSIDE", self.outside.map_or(0, |outside| outside as u32))
            .with("LANES", lanes)
            .with("AXES", self.axes)
            .with("SCATTERED", self.scattered)
    }

    fn every() -> Vec<Strided> {
        let modes = [Outside::Constant, Outside::Reflect, Outside::Edge, Outside::Wrap].map(Some);
        let ways = pairs([1, 2, 4, 8], [(None, false)])
            .chain(modes.map(|outside| (2, (outside, false))))
            .chain([(1, (None, true))]);
        let of = |(unit, (axes, (outside, scattered)))| Strided { unit, axes, outside, scattered };
        pairs([16, 4, 2, 1], ways).map(of).collect()
    }
}

uniform! {
    /// Parameters of `other/strided.wgsl`. Elements are those of its unit.
    StridedParams {
        /// The input's element at position 0 of each axis.
        offset: u32,
        /// Elements that are copied.
        total: u32,
        /// The output's element that the first goes to.
        to: u32,
        /// Elements that go one behind the other.
        run: u32,
        /// Elements of the output from the beginning of a run to that of the next.
        pitch: u32,
        /// Bits of the constant, as often as they fit.
        constant: u32,
        pad_0: u32,
        pad_1: u32,
        /// From the last: length, stride, elements before the first position, positions.
        axes: [[u32; 4]; 8],
    }
}
