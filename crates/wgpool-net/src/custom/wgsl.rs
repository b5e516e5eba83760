//! An app's shader.

use std::borrow::Cow;

/// The most workgroups along an axis that every device has.
const MOST_WORKGROUPS: usize = 65535;

/// A compute shader that is one dispatch.
///
/// Its bindings are those of group 0, in this order: each input that is given, `var<storage, read>`; each output,
/// `var<storage, read_write>`; and then, if [`Wgsl::uniform`] has bytes, `var<uniform>`. Tensors are in row-major order, and their
/// bindings as long as they are, so that `arrayLength` counts their elements; those of 8 and 16 bits lie in words of 32
/// bits, the last filled up. No output shares memory with an input. What the shader does not write of an output is anything.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Wgsl {
    /// The module.
    pub source: Cow<'static, str>,
    /// The function that is called: `main` if nothing else is said.
    pub entry_point: Cow<'static, str>,
    /// The bytes of a uniform block, such as sizes and attributes, laid out as WGSL says; up to a multiple of 16 they are filled
    /// with zeros.
    pub uniform: Vec<u8>,
    /// Workgroups along each axis: one if nothing else is said. Where an axis has none, nothing runs.
    pub workgroups: [u32; 3],
}

impl Wgsl {
    /// A shader of one workgroup, whose entry point is `main`, without a uniform block.
    pub fn new(source: impl Into<Cow<'static, str>>) -> Wgsl {
        Wgsl { source: source.into(), entry_point: "main".into(), uniform: Vec::new(), workgroups: [1; 3] }
    }

    /// Names the function that is called.
    pub fn entry_point(mut self, name: impl Into<Cow<'static, str>>) -> Wgsl {
        self.entry_point = name.into();
        self
    }

    /// Sets the bytes of the uniform block.
    pub fn uniform(mut self, bytes: impl Into<Vec<u8>>) -> Wgsl {
        self.uniform = bytes.into();
        self
    }

    /// Sets the workgroups along each axis.
    pub fn workgroups(mut self, workgroups: [u32; 3]) -> Wgsl {
        self.workgroups = workgroups;
        self
    }

    /// Sets the workgroups to at least so many invocations, `size` to a workgroup: along x, and where these are more than
    /// devices have, along y too. The number of an invocation is `id.x + id.y * num_workgroups.x * size`, and some are too many.
    pub fn invocations(self, count: usize, size: u32) -> Wgsl {
        let groups = count.div_ceil((size as usize).max(1));
        let rows = groups.div_ceil(MOST_WORKGROUPS);
        let along = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let x = if rows > 1 { groups.div_ceil(rows) } else { groups };
        self.workgroups([along(x), along(rows), 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invocations_are_enough_and_along_axes_that_devices_have() {
        for count in [0usize, 1, 63, 64, 65, 64 * 65535, 64 * 65535 + 1, 1 << 30, usize::from(u16::MAX) << 21]
        {
            let [x, y, z] = Wgsl::new("").invocations(count, 64).workgroups.map(|n| n as usize);
            assert!(x <= MOST_WORKGROUPS && y <= MOST_WORKGROUPS && z == 1);
            assert!(x * y * 64 >= count, "{count}: {x} x {y}");
            assert!(x * y * 64 < count + 64 * (y + 1).max(1), "{count}: {x} x {y}");
            assert_eq!(x * y == 0, count == 0);
        }
    }
}
