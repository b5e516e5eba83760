//! Cooperative matrices, which wgpu calls experimental: what the adapter and the device must have, and how to ask.

use super::Engine;
use super::adapters::{Search, find, open};
use crate::choice::Choice;
use crate::error::{Error, Result};
use crate::kernel::{Cooperative, Side};
use crate::plan::Caps;

/// What a device must be opened with.
const FEATURES: wgpu::Features = wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX
    .union(wgpu::Features::SUBGROUP)
    .union(wgpu::Features::SHADER_F16);

/// Opens the first adapter that `choice` allows, as [`open_device_async`](super::open_device_async) does, with
/// cooperative matrices for convolutions of 16-bit floats.
///
/// They are experimental in wgpu, which is why it asks for the token that only unsafe code makes.
///
/// # Errors
/// Those of [`open_device_async`](super::open_device_async), and [`Error::Feature`] where the adapter has no
/// cooperative matrices that kernels use; see [`Engine::with_cooperative`].
///
/// ```no_run
/// use wgpool::{Choice, engine};
/// // SAFETY: this program accepts what wgpu says of experimental features.
/// let token = unsafe { wgpu::ExperimentalFeatures::enabled() };
/// let search = engine::Search::default();
/// let engine = pollster::block_on(engine::open_cooperative_async(&Choice::Gpu, search, token))?;
/// assert!(engine.caps().cooperative.is_some());
/// # Ok::<(), wgpool::Error>(())
/// ```
pub async fn open_cooperative_async(
    choice: &Choice,
    search: Search,
    experimental: wgpu::ExperimentalFeatures,
) -> Result<Engine> {
    let missing = Error::Feature { op: "cooperative matrices", feature: "EXPERIMENTAL_COOPERATIVE_MATRIX" };
    let adapter = find(choice, search).await?;
    if !adapter.features().contains(FEATURES) {
        return Err(missing);
    }
    let (device, queue) = open(&adapter, FEATURES, experimental).await?;
    let engine = Engine::from_device(&device, &queue).with_cooperative(&adapter);
    if engine.caps().cooperative.is_none() {
        return Err(missing);
    }
    Ok(engine)
}

impl Engine {
    /// The same device with cooperative matrices for convolutions of 16-bit floats; sums stay in 32 bits.
    ///
    /// `adapter` is the one that the device was opened on, with the features `EXPERIMENTAL_COOPERATIVE_MATRIX`,
    /// `SUBGROUP` and `SHADER_F16`. Without them, or where the adapter has no matrices of 8 by 8 or 16 by 16 such
    /// elements and subgroups of one size, plans are those of [`Engine::from_device`]:
    /// [`Caps::cooperative`] tells.
    #[must_use]
    pub fn with_cooperative(&self, adapter: &wgpu::Adapter) -> Engine {
        let offered = match self.device().features().contains(FEATURES) {
            true => adapter.cooperative_matrix_properties(),
            false => Vec::new(),
        };
        let info = self.device().adapter_info();
        let limits = self.device().limits();
        let cooperative = best(&offered, info.subgroup_min_size, info.subgroup_max_size).filter(|c| {
            c.memory() <= limits.max_compute_workgroup_storage_size
                && c.workgroup() <= limits.max_compute_invocations_per_workgroup
        });
        self.with_caps(Caps { cooperative, ..self.caps().clone() })
    }
}

/// The largest square matrices of 16-bit floats with sums in 32 bits.
///
/// Subgroups must have one size: a workgroup is divided among them.
fn best(offered: &[wgpu::CooperativeMatrixProperties], least: u32, most: u32) -> Option<Cooperative> {
    let square = |side: Side| {
        let n = side as u32;
        offered.iter().any(|p| {
            (p.m_size, p.n_size, p.k_size) == (n, n, n)
                && p.ab_type == wgpu::CooperativeScalarType::F16
                && p.cr_type == wgpu::CooperativeScalarType::F32
        })
    };
    let side = [Side::Sixteen, Side::Eight].into_iter().find(|&side| square(side))?;
    Some(Cooperative { side, subgroup: least }).filter(|c| least == most && c.fits())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wgpu::CooperativeScalarType::{F16, F32};

    fn offer(n: u32, ab_type: wgpu::CooperativeScalarType, k: u32) -> wgpu::CooperativeMatrixProperties {
        wgpu::CooperativeMatrixProperties {
            m_size: n,
            n_size: n,
            k_size: k,
            ab_type,
            cr_type: F32,
            saturating_accumulation: false,
        }
    }

    #[test]
    fn the_largest_square_matrices_are_taken() {
        let both = [offer(8, F16, 8), offer(16, F16, 16), offer(16, F32, 16)];
        let taken = |side, subgroup| Some(Cooperative { side, subgroup });
        assert_eq!(best(&both, 32, 32), taken(Side::Sixteen, 32));
        assert_eq!(best(&both[..1], 8, 8), taken(Side::Eight, 8));
        assert_eq!(best(&both, 32, 64), None, "subgroups of several sizes");
        assert_eq!(best(&[offer(16, F16, 8)], 32, 32), None, "no squares");
        assert_eq!(best(&[offer(16, F32, 16)], 32, 32), None, "32-bit factors");
        assert_eq!(best(&both, 256, 256), None, "more rows than a step has");
    }
}
