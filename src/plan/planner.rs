//! What planning needs beside the work: the device, the operation's name for errors, and numbers in the shaders' 32 bits.

use super::caps::Caps;
use super::grid;
use crate::activation::{Activation, ActivationKind};
use crate::error::{Error, Result};
use crate::geometry::{Axis, Meeting};

/// Nothing, or the reason why not.
pub(super) type Verdict = Result<(), &'static str>;

/// A kernel's activation and its parameters in the block; those of PReLU are how many numbers its slope has, for
/// `lib/slopes.wgsl` in two parts that floats hold.
pub(super) fn activation_of(activation: Activation, slope: usize) -> (ActivationKind, [f32; 2]) {
    let (kind, parameters) = ActivationKind::of(activation);
    let parts = [(slope >> 16) as f32, (slope & 0xffff) as f32];
    (kind, if kind == ActivationKind::PRelu { parts } else { parameters })
}

/// For which operation, and for which device.
#[derive(Clone, Debug)]
pub(crate) struct Planner {
    pub op: &'static str,
    pub caps: Caps,
}

impl Planner {
    pub fn new(op: &'static str, caps: &Caps) -> Planner {
        Planner { op, caps: caps.clone() }
    }

    /// A number that must fit a shader's `u32`.
    pub fn u32(&self, value: usize) -> Result<u32> {
        u32::try_from(value).map_err(|_| self.too_large(value))
    }

    /// A number that must fit a shader's `i32`.
    pub fn i32<T>(&self, value: T) -> Result<i32>
    where
        T: Copy + std::fmt::Display,
        i32: TryFrom<T>,
    {
        i32::try_from(value).map_err(|_| self.too_large(value))
    }

    fn too_large(&self, value: impl std::fmt::Display) -> Error {
        Error::TooLarge {
            what: "shader parameter",
            values: format!("{}: {value}", self.op),
            rule: "shaders count in 32 bits",
        }
    }

    /// Three numbers of the spatial axes and a fourth.
    pub fn vec4(&self, [d, h, w]: [usize; 3], fourth: usize) -> Result<[u32; 4]> {
        Ok([self.u32(d)?, self.u32(h)?, self.u32(w)?, self.u32(fourth)?])
    }

    /// The same, signed, with 0 as the fourth.
    pub fn ivec4(&self, [d, h, w]: [usize; 3]) -> Result<[i32; 4]> {
        Ok([self.i32(d)?, self.i32(h)?, self.i32(w)?, 0])
    }

    /// Where taps of windows lie on one position, for `lib/reached.wgsl`: common divisor, step and inverse of each axis.
    pub fn meeting(&self, axes: &[Axis; 3]) -> Result<[[u32; 4]; 3]> {
        let of = |member: fn(Meeting) -> usize| self.vec4(each(axes, |a| member(a.meeting())), 1);
        Ok([of(|m| m.common)?, of(|m| m.step)?, of(|m| m.inverse)?])
    }

    /// The grid for `workgroups` of the fixed size.
    pub fn workgroups(&self, workgroups: u64) -> Result<[u32; 3]> {
        grid::workgroups(self.op, workgroups, &self.caps)
    }

    /// The grid for at least `count` invocations.
    pub fn invocations(&self, count: u64) -> Result<[u32; 3]> {
        self.workgroups(count.div_ceil(u64::from(crate::kernel::WORKGROUP)))
    }

    /// The error of a kernel whose steps are asked for where it does not apply.
    pub fn refused(&self, kernel: &str, reason: &str) -> Error {
        Error::Kernel { op: self.op, kernel: kernel.to_owned(), reason: reason.to_owned() }
    }

    /// What kernels for GPUs cost on a software adapter.
    pub fn on_gpu(&self) -> Verdict {
        if self.caps.software { Err("it is made for GPUs, and this is a software adapter") } else { Ok(()) }
    }

    /// Whether kernels may read tensors through uniform bindings.
    pub fn paged(&self) -> Verdict {
        if self.caps.paged { Ok(()) } else { Err("tensors are not read through uniform bindings here") }
    }
}

/// One member of each axis.
pub(super) fn each(axes: &[Axis; 3], member: impl Fn(&Axis) -> usize) -> [usize; 3] {
    [member(&axes[0]), member(&axes[1]), member(&axes[2])]
}
