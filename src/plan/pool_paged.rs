//! Pooling on software adapters, which reads its input through pages.

use super::chunks::Rows;
use super::pages::{self, PagedStep};
use super::{Caps, PAGES, Slot, Step, patch};
use crate::error::Result;
use crate::kernel::params::PagesParams;
use crate::kernel::{KernelKey, Reduce, Taps};
use crate::problem::PoolWork;
use crate::spec::PoolKind;
use crate::tensor::DType;

/// Pools the tensor in `from` into that in `to`, if the device reads pages and the work is one for them.
pub(super) fn steps(
    op: &'static str,
    work: &PoolWork,
    caps: &Caps,
    from: Slot,
    to: Slot,
) -> Result<Option<Vec<Step>>> {
    let kind = matches!(work.kind, PoolKind::Max | PoolKind::Average { .. });
    if !caps.paged || !kind || work.dtype != DType::F32 || work.indices.is_some() {
        return Ok(None);
    }
    let Some(rows) = Rows::of(&work.axes, work.batch, work.channels, &work.input) else { return Ok(None) };
    if patch::instead_of_pages(&work.axes, rows.taps, caps)
        && let Some(step) = patch::pool(op, work, caps, from, to)?
    {
        return Ok(Some(vec![step]));
    }
    let size = 4 * (work.batch * work.input.n) as u64;
    let Some(chunks) = rows.chunks(size, PAGES, caps) else { return Ok(None) };
    let params = PagesParams { divisor: super::pool::divisor(work), ..pages::params(op, &rows)? };
    let taps = taps(&rows, caps);
    let runs = caps.llvmpipe_25 && matches!(taps, Taps::Pairs | Taps::Few { side: 2, .. });
    let kernel = KernelKey::PoolPages { reduce: Reduce::from(work.kind), taps, runs };
    let step = PagedStep { kernel, params, from, count: PAGES, beside: &[], to };
    step.of_all(op, &chunks, caps).map(Some)
}

/// How the windows are gone through.
fn taps(rows: &Rows, caps: &Caps) -> Taps {
    let last = rows.axes[2];
    let touch =
        last.stride == 2 && last.dilation == 1 && last.pad_before == 0 && 2 * last.output <= last.input;
    let [row, middle, _, plane] = rows.strides;
    let whole = [row, middle, plane, caps.uniform_alignment as usize / 4].iter().all(|n| n.is_multiple_of(4));
    match rows.taps {
        Taps::Few { side: 2, fours: true } if touch && whole => Taps::Pairs,
        taps => taps,
    }
}
