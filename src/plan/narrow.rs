//! Lengths and strides in the shaders' 32 bits.

use crate::error::{Error, Result};
use crate::geometry::{Axis, Meeting};

/// A number that must fit a shader's `u32`.
pub(crate) fn u32_of(op: &'static str, value: usize) -> Result<u32> {
    u32::try_from(value).map_err(|_| too_large(op, value))
}

/// A number that must fit a shader's `i32`.
pub(super) fn i32_of<T>(op: &'static str, value: T) -> Result<i32>
where
    T: Copy + std::fmt::Display,
    i32: TryFrom<T>,
{
    i32::try_from(value).map_err(|_| too_large(op, value))
}

fn too_large(op: &'static str, value: impl std::fmt::Display) -> Error {
    Error::TooLarge {
        what: "shader parameter",
        values: format!("{op}: {value}"),
        rule: "shaders count in 32 bits",
    }
}

/// Three numbers of the spatial axes and a fourth.
pub(super) fn vec4(op: &'static str, [d, h, w]: [usize; 3], fourth: usize) -> Result<[u32; 4]> {
    Ok([u32_of(op, d)?, u32_of(op, h)?, u32_of(op, w)?, u32_of(op, fourth)?])
}

/// The same, signed, with 0 as the fourth.
pub(super) fn ivec4(op: &'static str, [d, h, w]: [usize; 3]) -> Result<[i32; 4]> {
    Ok([i32_of(op, d)?, i32_of(op, h)?, i32_of(op, w)?, 0])
}

/// Where taps of windows lie on one position, for `lib/reached.wgsl`: common divisor, step and inverse of each axis.
pub(super) fn meeting(op: &'static str, axes: &[Axis; 3]) -> Result<[[u32; 4]; 3]> {
    let of = |member: fn(Meeting) -> usize| vec4(op, each(axes, |a| member(a.meeting())), 1);
    Ok([of(|m| m.common)?, of(|m| m.step)?, of(|m| m.inverse)?])
}

/// One member of each axis.
pub(super) fn each(axes: &[Axis; 3], member: impl Fn(&Axis) -> usize) -> [usize; 3] {
    [member(&axes[0]), member(&axes[1]), member(&axes[2])]
}
