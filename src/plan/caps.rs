//! What a device offers, as far as plans depend on it.

use std::sync::Arc;

use super::kernels::Kernels;
use super::tuning::Tuning;
use crate::error::{Error, Result};
use crate::kernel::{Cooperative, KernelKey, PAGE, PAGES};
use crate::tensor::TensorDesc;

/// The features and limits of a device that plans depend on.
///
/// The default is what WebGPU promises on every device.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Caps {
    /// Workgroups in one dimension of a dispatch.
    pub max_workgroups: u32,
    /// Bytes of one storage binding.
    pub max_binding: u64,
    /// Storage buffers that one kernel may bind.
    pub max_storage_buffers: u32,
    /// Bytes of one buffer.
    pub max_buffer: u64,
    /// What offsets of storage bindings must be multiples of.
    pub offset_alignment: u32,
    /// 16-bit floats in shaders.
    pub f16: bool,
    /// Whether the adapter computes on the CPU.
    pub software: bool,
    /// Whether kernels may read tensors in pages: uniform bindings of [`PAGE`] bytes, which drivers that compute on
    /// the CPU load from many times faster than from storage.
    pub paged: bool,
    /// What offsets of uniform bindings must be multiples of.
    pub uniform_alignment: u32,
    /// Multiply-adds from which on a convolution in register tiles pays.
    /// Building the pipeline of a tile takes llvmpipe up to a second and SwiftShader ten, so that other drivers than
    /// llvmpipe have none.
    pub min_macs_for_tiles: u64,
    /// Iterations of loops that an invocation may make in all: llvmpipe before Mesa 25 ends them after some 65,000, and the
    /// result would be wrong. It is a driver's, so that it holds for the kernels of hardware on that driver too.
    pub loop_limit: u64,
    /// Whether a software adapter loads from storage fast, what all invocations share too, as SwiftShader does, and llvmpipe from
    /// Mesa 26 on, several times faster than before: convolution of few channels is then computed in patches, whose weights are
    /// such loads, instead of through pages.
    pub fast_storage_loads: bool,
    /// Whether FXC may be what compiles shaders, the compiler of Direct3D 12 where there is no DXC. Devices do not tell: it
    /// may be where they have none of the features that DXC alone brings, subgroups and 16-bit floats. Plans then have
    /// kernels alone that FXC builds in a second or so (`KernelKey::suits_fxc`).
    pub fxc: bool,
    /// Whether shaders can exchange values within subgroups, which all have eight invocations.
    pub subgroups_of_eight: bool,
    /// Cooperative matrices that convolutions of 16-bit floats may use;
    /// [`Engine::with_cooperative`](crate::Engine::with_cooperative) asks the adapter for them. Those that
    /// do not [fit](Cooperative::fits) are not used.
    pub cooperative: Option<Cooperative>,
    /// Workgroups that keep the device busy: work is divided until there are as many. Devices do not tell; it is
    /// [`TARGET_WORKGROUPS`] unless [`Engine::with_caps`](crate::Engine::with_caps) says otherwise. Fewer suit small GPUs.
    pub target_workgroups: u32,
    /// FLOPs that the device computes in the time in which it moves a byte to or from memory. Devices do not tell either:
    /// it is [`FLOPS_PER_BYTE`] unless said otherwise.
    pub flops_per_byte: u32,
    /// FLOPs that it computes in the time that a dispatch takes by itself; [`FLOPS_PER_DISPATCH`] unless said otherwise.
    pub flops_per_dispatch: u64,
    /// What was measured on the device, which plans then choose by; [`Engine::tune`](crate::Engine::tune) does it. Kernels that are
    /// forced go before it.
    pub tuning: Option<Arc<Tuning>>,
    /// Which kernels plans may take: all, unless some are forced, by name or family.
    pub kernels: Kernels,
}

/// What the general kernel computes on llvmpipe in some ten milliseconds.
const MIN_MACS_FOR_TILES: u64 = 2_000_000;

/// Workgroups that keep a large GPU busy.
pub const TARGET_WORKGROUPS: u32 = 128;

/// 3.6 TFLOP/s at 100 GB/s, which integrated GPUs have; large GPUs have about 20.
pub const FLOPS_PER_BYTE: u32 = 36;

/// One and a half microseconds at 67 TFLOP/s, which large GPUs have.
pub const FLOPS_PER_DISPATCH: u64 = 100_000_000;

impl Default for Caps {
    fn default() -> Self {
        let limits = wgpu::Limits::default();
        Caps {
            max_workgroups: limits.max_compute_workgroups_per_dimension,
            max_binding: limits.max_storage_buffer_binding_size,
            max_storage_buffers: limits.max_storage_buffers_per_shader_stage,
            max_buffer: limits.max_buffer_size,
            offset_alignment: limits.min_storage_buffer_offset_alignment,
            f16: false,
            software: false,
            paged: false,
            uniform_alignment: limits.min_uniform_buffer_offset_alignment,
            min_macs_for_tiles: u64::MAX,
            loop_limit: u64::MAX,
            fast_storage_loads: false,
            fxc: false,
            subgroups_of_eight: false,
            cooperative: None,
            target_workgroups: TARGET_WORKGROUPS,
            flops_per_byte: FLOPS_PER_BYTE,
            flops_per_dispatch: FLOPS_PER_DISPATCH,
            tuning: None,
            kernels: Kernels::ALL,
        }
    }
}

/// Iterations of an invocation's loops that llvmpipe runs before Mesa 25: 65,535, less what short loops around those that
/// plans count may take.
const LLVMPIPE_LOOP_LIMIT: u64 = 65_000;

fn is_llvmpipe(info: &wgpu::AdapterInfo) -> bool {
    info.name.contains("llvmpipe")
}

/// Whether the driver is llvmpipe of a Mesa before this one, or of one that does not say which.
fn is_llvmpipe_before(mesa: u32, info: &wgpu::AdapterInfo) -> bool {
    let (_, version) = info.driver_info.split_once("Mesa ").unwrap_or_default();
    let (major, _) = version.split_once('.').unwrap_or_default();
    is_llvmpipe(info) && !major.parse::<u32>().is_ok_and(|major| major >= mesa)
}

/// Whether loads from storage are fast; see [`Caps::fast_storage_loads`].
fn loads_fast(info: &wgpu::AdapterInfo) -> bool {
    info.device_type == wgpu::DeviceType::Cpu && !is_llvmpipe_before(26, info)
}

/// Other software drivers run loops to their end.
fn loop_limit(info: &wgpu::AdapterInfo) -> u64 {
    if is_llvmpipe_before(25, info) { LLVMPIPE_LOOP_LIMIT } else { u64::MAX }
}

/// Whether FXC may be what compiles shaders; see [`Caps::fxc`].
fn may_be_fxc(backend: wgpu::Backend, features: wgpu::Features) -> bool {
    let of_dxc = wgpu::Features::SUBGROUP | wgpu::Features::SHADER_F16;
    backend == wgpu::Backend::Dx12 && !features.intersects(of_dxc)
}

impl Caps {
    /// What `device` was opened with.
    pub fn of(device: &wgpu::Device) -> Caps {
        let limits = device.limits();
        let info = device.adapter_info();
        let software = info.device_type == wgpu::DeviceType::Cpu;
        let uniforms = limits.max_uniform_buffers_per_shader_stage as usize > PAGES
            && limits.max_uniform_buffer_binding_size >= PAGE;
        let fxc = may_be_fxc(info.backend, device.features());
        Caps {
            max_workgroups: limits.max_compute_workgroups_per_dimension,
            max_binding: limits.max_storage_buffer_binding_size,
            max_storage_buffers: limits.max_storage_buffers_per_shader_stage,
            max_buffer: limits.max_buffer_size,
            offset_alignment: limits.min_storage_buffer_offset_alignment,
            f16: device.features().contains(wgpu::Features::SHADER_F16),
            software,
            paged: software && uniforms && !fxc,
            uniform_alignment: limits.min_uniform_buffer_offset_alignment,
            min_macs_for_tiles: if is_llvmpipe(&info) { MIN_MACS_FOR_TILES } else { u64::MAX },
            loop_limit: loop_limit(&info),
            fast_storage_loads: loads_fast(&info),
            fxc,
            subgroups_of_eight: device.features().contains(wgpu::Features::SUBGROUP)
                && (info.subgroup_min_size, info.subgroup_max_size) == (8, 8),
            cooperative: None,
            target_workgroups: TARGET_WORKGROUPS,
            flops_per_byte: FLOPS_PER_BYTE,
            flops_per_dispatch: FLOPS_PER_DISPATCH,
            tuning: None,
            kernels: Kernels::ALL,
        }
    }

    /// The same limits, but the kernels that hardware would run: to test them on a software adapter.
    ///
    /// [`Caps::loop_limit`] stays that of the driver.
    #[must_use]
    pub fn with_gpu_kernels(&self) -> Caps {
        Caps { software: false, paged: false, ..self.clone() }
    }

    /// The same device, for plans whose inputs lie in buffers of these usages.
    ///
    /// Plans take inputs to lie in buffers as [`Engine::upload`](crate::Engine::upload_async) and
    /// [`Engine::tensor_buffer`](crate::Engine::tensor_buffer_async) make them: where kernels read tensors in pages
    /// ([`Caps::paged`]), these have the usage `UNIFORM` beside `STORAGE`, and [`Caps::padded`] bytes from an offset that
    /// is a multiple of [`Caps::uniform_alignment`]. For buffers without `UNIFORM`, plans have kernels that read storage
    /// alone; so they have for shorter ones, if `STORAGE` is all that is said of them. Elsewhere nothing changes.
    ///
    /// ```
    /// use wgpool::{Caps, Plan, Pool, TensorDesc};
    /// use wgpu::BufferUsages;
    /// let mut caps = Caps::default();
    /// (caps.software, caps.paged) = (true, true);
    /// let pages = |caps: &Caps| -> wgpool::Result<usize> {
    ///     let plan = Plan::new(&Pool::average([3, 3]).dilation([2, 2]).into(), &[TensorDesc::f32([1, 10, 26, 26])], caps)?;
    ///     Ok(plan.steps.iter().map(|step| step.pages.len()).sum())
    /// };
    /// let uniform = caps.for_buffers(BufferUsages::STORAGE | BufferUsages::UNIFORM);
    /// assert!(pages(&caps)? > 0 && pages(&uniform)? > 0);
    /// assert_eq!(pages(&caps.for_buffers(BufferUsages::STORAGE | BufferUsages::COPY_DST))?, 0);
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    #[must_use]
    pub fn for_buffers(&self, usages: wgpu::BufferUsages) -> Caps {
        Caps { paged: self.paged && usages.contains(wgpu::BufferUsages::UNIFORM), ..self.clone() }
    }

    /// The size of a buffer that holds `size` bytes and can be read in pages where kernels do so: the page in which
    /// the last byte lies is whole.
    pub fn padded(&self, size: u64) -> u64 {
        match self.paged {
            false => size,
            true => size.next_multiple_of(u64::from(self.uniform_alignment).max(4)).max(PAGE),
        }
    }

    /// Whether `kernel` binds no more storage buffers than the device has for one.
    pub(crate) fn can_bind(&self, kernel: &KernelKey) -> bool {
        kernel.bindings().buffers() <= self.max_storage_buffers
    }

    /// Refuses a kernel with more storage buffers than the device has for one.
    pub(crate) fn check_buffers(&self, op: &'static str, kernel: &KernelKey) -> Result<()> {
        if !self.can_bind(kernel) {
            let limit = "max_storage_buffers_per_shader_stage";
            let [needed, allowed] = [kernel.bindings().buffers(), self.max_storage_buffers].map(u64::from);
            return Err(Error::Limit { op, limit, needed, allowed });
        }
        Ok(())
    }

    /// Refuses more bytes than one binding of the device can hold.
    pub(crate) fn check_binding(&self, op: &'static str, needed: u64) -> Result<()> {
        if needed > self.max_binding {
            let limit = "max_storage_buffer_binding_size";
            return Err(Error::Limit { op, limit, needed, allowed: self.max_binding });
        }
        Ok(())
    }

    /// Refuses a tensor that no binding of the device can hold.
    pub(crate) fn check_tensor(&self, op: &'static str, desc: &TensorDesc) -> Result<()> {
        self.check_binding(op, desc.buffer_size())?;
        self.check_buffer(op, desc)
    }

    /// Refuses a tensor that no buffer of the device can hold, or whose elements shaders cannot number.
    pub(crate) fn check_buffer(&self, op: &'static str, desc: &TensorDesc) -> Result<()> {
        let needed = desc.buffer_size();
        if needed > self.max_buffer {
            let allowed = self.max_buffer;
            return Err(Error::Limit { op, limit: "max_buffer_size", needed, allowed });
        }
        // Shaders count elements in u32 and positions in i32.
        if desc.elements() > i32::MAX as usize {
            return Err(Error::TooLarge {
                what: "tensor on the GPU",
                values: format!("{op}: shape {:?}", desc.shape),
                rule: "it must have fewer than 2^31 elements",
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_drivers_are_known_by_their_version() {
        let known = |name: &str, driver_info: &str| {
            let mut info = wgpu::AdapterInfo::new(wgpu::DeviceType::Cpu, wgpu::Backend::Vulkan);
            (info.name, info.driver_info) = (name.to_owned(), driver_info.to_owned());
            (loop_limit(&info), loads_fast(&info))
        };
        let llvmpipe = "llvmpipe (LLVM 15.0.6, 256 bits)";
        assert_eq!(known(llvmpipe, "Mesa 22.3.6 (LLVM 15.0.6)"), (LLVMPIPE_LOOP_LIMIT, false));
        assert_eq!(known(llvmpipe, "4.5 (Core Profile) Mesa 22.3.6"), (LLVMPIPE_LOOP_LIMIT, false));
        assert_eq!(known(llvmpipe, "Mesa 25.0.7-2~bpo12+1 (LLVM 15.0.6)"), (u64::MAX, false));
        assert_eq!(known(llvmpipe, "Mesa 26.1.6-1 (LLVM 19.1.7)"), (u64::MAX, true));
        assert_eq!(known(llvmpipe, ""), (LLVMPIPE_LOOP_LIMIT, false));
        assert_eq!(known("SwiftShader Device (Subzero)", ""), (u64::MAX, true));
    }

    #[test]
    fn fxc_has_neither_subgroups_nor_short_floats() {
        use wgpu::{Backend, Features};
        assert!(may_be_fxc(Backend::Dx12, Features::empty()));
        assert!(!may_be_fxc(Backend::Dx12, Features::SUBGROUP));
        assert!(!may_be_fxc(Backend::Dx12, Features::SHADER_F16));
        assert!(!may_be_fxc(Backend::Vulkan, Features::empty()));
    }
}
