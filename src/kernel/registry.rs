//! The kernels' rows: the text, the constants and the bindings of each.

use super::compilers::Target;
use super::gemm::GemmFinish;
use super::key::{KernelKey, Reduce, Taps};
use super::patch::{Across, Patch};
use super::text::{
    ELEMENT, FOLD, INDEX, INSIDE, KEY, NO_INDICES, NUMBER, PLACE, POOLING, Paged, REACHED, ROI, SOFTMAX, SUM,
    TAPS, Text, prelude, shader,
};
use crate::activation::ActivationKind;
use crate::dtype::DType;
use crate::plan::PAGES;
use crate::plan::loop_limit::SIMD_LANES;

/// Invocations of a workgroup. It is below every device's limit (256 in WebGPU, 128 in some drivers).
pub const WORKGROUP: u32 = 64;

/// Invocations of a workgroup of the tiled convolution: one subgroup, so that few tiles occupy all cores.
pub const TILED_WORKGROUP: u32 = 8;

/// Outputs, or fours of them, that an invocation computes of a page one after another where it computes runs.
pub(super) const RUN: u32 = 4;

/// Pages of the input that depthwise convolutions read; kernel and bias take the rest.
pub(crate) const DEPTHWISE_PAGES: usize = PAGES - 2;

/// Buffers of a kernel: binding 0 is the uniform block, then come pages, then the storage buffers that it reads, then
/// those it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Bindings {
    /// Uniform bindings of tensors.
    pub pages: u32,
    /// Buffers it reads.
    pub reads: u32,
    /// Buffers it writes.
    pub writes: u32,
}

impl Bindings {
    /// The storage buffers.
    pub fn buffers(&self) -> u32 {
        self.reads + self.writes
    }
}

/// An `override` constant of a shader, and its value.
type Constant = (&'static str, f64);

/// All there is to know about a kernel.
struct Row {
    text: Text,
    /// Type of the elements.
    dtype: DType,
    workgroup: u32,
    /// Constants beside the workgroup's size.
    constants: Vec<Constant>,
    bindings: Bindings,
}

impl KernelKey {
    /// The shader's text.
    pub fn source(&self) -> String {
        self.source_for(Target::HERE)
    }

    /// The shader's text for what parses it.
    pub fn source_for(&self, target: Target) -> String {
        target.enable(self).to_owned() + &self.row().text.write() + &self.block().wgsl()
    }

    /// The values of the shader's `override` constants.
    pub fn overrides(&self) -> Vec<(&'static str, f64)> {
        let Row { workgroup, constants, .. } = self.row();
        [vec![constant("WORKGROUP", workgroup)], constants].concat()
    }

    /// How many buffers it reads and writes; textures do not count.
    pub fn bindings(&self) -> Bindings {
        self.row().bindings
    }

    /// Whether it needs 16-bit floats on the device.
    pub fn needs_f16(&self) -> bool {
        self.row().dtype == DType::F16
    }

    fn row(&self) -> Row {
        match *self {
            KernelKey::Pool { reduce, dtype, indices, channels_last, adaptive } => {
                let store = if indices { shader!("lib/indices.wgsl") } else { NO_INDICES };
                let own = [SUM, ELEMENT, TAPS, POOLING, store, shader!("pool/sliding.wgsl")];
                Row {
                    constants: vec![
                        constant("REDUCE", reduce as u32),
                        constant("CHANNELS_LAST", channels_last),
                        constant("ADAPTIVE", adaptive),
                    ],
                    ..typed(dtype, &own, (1, 1 + u32::from(indices)))
                }
            }
            KernelKey::PoolPlane { reduce, dtype, share } => Row {
                constants: vec![constant("REDUCE", reduce as u32), constant("SHARE", share)],
                ..typed(dtype, &[SUM, POOLING, FOLD, shader!("pool/plane.wgsl")], (1, 1))
            },
            KernelKey::PoolPages { reduce, taps, runs } => {
                let window = match taps {
                    Taps::Any => shader!("pool/uniform_loops.wgsl"),
                    Taps::Pairs => shader!("pool/uniform_pairs.wgsl"),
                    Taps::Few { .. } => shader!("pool/uniform_taps.wgsl"),
                    Taps::Columns { .. } => shader!("pool/uniform_columns.wgsl"),
                };
                let run = if runs { shader!("lib/run.wgsl") } else { shader!("lib/no_run.wgsl") };
                let own = vec![shader!("lib/first_max.wgsl"), run, shader!("pool/uniform.wgsl")];
                let of_each = [window, shader!("pool/uniform_each.wgsl")];
                let constants = vec![constant("REDUCE", reduce as u32)];
                paged(Paged { taps, pages: PAGES, runs, own, of_each }, constants)
            }
            KernelKey::DepthwisePages { activation, channels_last, taps } => {
                let window = match taps {
                    Taps::Any => shader!("depthwise/uniform_loops.wgsl"),
                    Taps::Few { .. } | Taps::Pairs => shader!("depthwise/uniform_taps.wgsl"),
                    Taps::Columns { .. } => shader!("depthwise/uniform_columns.wgsl"),
                };
                let finish = match taps.fours() {
                    false => shader!("depthwise/finish_one.wgsl"),
                    true => shader!("depthwise/finish_four.wgsl"),
                };
                let own = vec![activation.wgsl(), shader!("depthwise/uniform.wgsl"), finish];
                let of_each = [window, shader!("depthwise/uniform_each.wgsl")];
                let constants = vec![constant("CHANNELS_LAST", channels_last)];
                paged(Paged { taps, pages: DEPTHWISE_PAGES, runs: false, own, of_each }, constants)
            }
            KernelKey::PoolPatch { reduce, patch } => Row {
                constants: vec![constant("REDUCE", reduce as u32)],
                ..of_patch(patch, &pooled_windows(reduce), shader!("pool/patch.wgsl"), (1, 1))
            },
            KernelKey::DepthwisePatch { activation, patch } => {
                let weights = match patch.across {
                    Across::Channels => shader!("lib/weights_four.wgsl"),
                    _ => shader!("lib/weights_one.wgsl"),
                };
                let finish = match patch.across.fours() {
                    false => shader!("depthwise/finish_one.wgsl"),
                    true => shader!("depthwise/finish_four.wgsl"),
                };
                let own = [activation.wgsl(), weights, finish];
                of_patch(patch, &own, shader!("depthwise/patch.wgsl"), (3, 1))
            }
            KernelKey::Fractional { indices, channels_last } => {
                let store = if indices { shader!("lib/indices_4.wgsl") } else { NO_INDICES };
                Row {
                    constants: vec![constant("CHANNELS_LAST", channels_last)],
                    ..plain(&[ELEMENT, store, shader!("pool/fractional.wgsl")], (2, 1 + u32::from(indices)))
                }
            }
            KernelKey::Unpool { stage, dtype } => {
                let text = Text::Parts(vec![prelude(dtype), INDEX, shader!("pool/unpool.wgsl")]);
                Row { constants: vec![constant("STAGE", stage)], ..row(dtype, text, (2, 2)) }
            }
            KernelKey::RoiAlign => plain(&[SUM, ROI, shader!("pool/roi_align.wgsl")], (3, 1)),
            KernelKey::MaxRoi => plain(&[ROI, shader!("pool/roi_max.wgsl")], (2, 1)),
            KernelKey::Conv { dtype, activation, channels_last } => Row {
                constants: vec![constant("CHANNELS_LAST", channels_last)],
                ..convolution(dtype, activation, &[shader!("conv/direct.wgsl")])
            },
            KernelKey::ConvTranspose { dtype, activation, channels_last } => Row {
                constants: vec![constant("CHANNELS_LAST", channels_last)],
                ..convolution(dtype, activation, &[REACHED, shader!("conv/transpose.wgsl")])
            },
            KernelKey::ConvPool { dtype, activation, channels_last, reduce } => Row {
                constants: vec![constant("CHANNELS_LAST", channels_last), constant("REDUCE", reduce as u32)],
                ..convolution(dtype, activation, &[POOLING, shader!("conv/pooled.wgsl")])
            },
            KernelKey::ConvTiled { tile, activation, first, last } => {
                let row = row(DType::F32, Text::Tile(tile, activation), (0, 1));
                Row {
                    workgroup: TILED_WORKGROUP,
                    constants: vec![constant("FIRST", first), constant("LAST", last)],
                    bindings: Bindings { pages: 2 * tile.pages, ..row.bindings },
                    ..row
                }
            }
            KernelKey::PackInput => plain(&[shader!("pack/input.wgsl")], (1, 1)),
            KernelKey::PackWeights { dtype } => typed(dtype, &[shader!("pack/weights.wgsl")], (2, 1)),
            KernelKey::ConvGemm(kernel) => {
                let output = match kernel.finish {
                    GemmFinish::Partial => shader!("lib/gemm_partial.wgsl"),
                    _ => shader!("lib/gemm_output.wgsl"),
                };
                let lines = [
                    prelude(kernel.dtype),
                    INDEX,
                    NUMBER,
                    SUM,
                    TAPS,
                    POOLING,
                    kernel.activation.wgsl(),
                    shader!("lib/gemm.wgsl"),
                    output,
                    shader!("lib/gemm_finish.wgsl"),
                    shader!("lib/gemm_pool.wgsl"),
                ];
                let text = match kernel.cooperative {
                    None => Text::Parts([&lines[..], &[shader!("conv/gemm.wgsl")]].concat()),
                    Some(matrices) => {
                        Text::Cooperative(matrices, lines.into(), shader!("conv/cooperative.wgsl"))
                    }
                };
                Row {
                    workgroup: kernel.workgroup(),
                    constants: vec![
                        constant("CHANNELS_LAST", kernel.channels_last),
                        constant("TILE", kernel.tile as u32),
                        constant("TAPS", kernel.taps as u32),
                        constant("FINISH", kernel.finish as u32),
                    ],
                    ..row(kernel.dtype, text, (3, 1))
                }
            }
            KernelKey::ConvPatch(patch) => {
                let activation = patch.activation.wgsl();
                let shared =
                    [prelude(patch.dtype), INDEX, NUMBER, shader!("lib/four.wgsl"), INSIDE, activation];
                let parts = [&shared[..], patch.pool.map_or(&[], of_windows)].concat();
                let reduce = patch.pool.map(|reduce| constant("REDUCE", reduce as u32));
                let text = Text::ConvPatch(patch, parts, shader!("conv/few_channels.wgsl"));
                Row { constants: reduce.into_iter().collect(), ..row(patch.dtype, text, (3, 1)) }
            }
            KernelKey::PackGemm { dtype } => {
                let text = Text::Parts(vec![prelude(dtype), INDEX, shader!("pack/gemm.wgsl")]);
                row(dtype, text, (1, 1))
            }
            KernelKey::ConvParts { dtype, activation } => {
                typed(dtype, &[activation.wgsl(), shader!("conv/parts.wgsl")], (2, 1))
            }
            KernelKey::ConvInteger { dtype, channels_last } => Row {
                constants: vec![constant("CHANNELS_LAST", channels_last)],
                ..typed(dtype, &[ELEMENT, TAPS, PLACE, shader!("conv/integer.wgsl")], (3, 1))
            },
            KernelKey::PackInteger { dtype } => typed(dtype, &[shader!("pack/integer.wgsl")], (2, 1)),
            KernelKey::Requantize { dtype } => typed(dtype, &[shader!("conv/requantize.wgsl")], (3, 1)),
            KernelKey::DeformSamples => plain(&[shader!("conv/deform_samples.wgsl")], (3, 1)),
            KernelKey::Col2Im { dtype } => {
                typed(dtype, &[SUM, REACHED, shader!("other/col2im.wgsl")], (1, 1))
            }
            KernelKey::CausalSequence { dtype } => {
                typed(dtype, &[shader!("conv/causal_sequence.wgsl")], (2, 2))
            }
            KernelKey::WinogradWeights { dtype } => {
                winograd(dtype, &[], shader!("winograd/weights.wgsl"), (1, 1))
            }
            KernelKey::WinogradInput { dtype } => {
                winograd(dtype, &[], shader!("winograd/input.wgsl"), (1, 1))
            }
            KernelKey::WinogradOutput { dtype, activation, pool } => Row {
                constants: vec![constant("POOL", pool)],
                ..winograd(dtype, &[NUMBER, SUM, activation.wgsl()], shader!("winograd/output.wgsl"), (4, 1))
            },
            KernelKey::Dense { dtype, activation } => {
                typed(dtype, &[SUM, activation.wgsl(), shader!("conv/dense.wgsl")], (3, 1))
            }
            KernelKey::Frame(kernel) => Row {
                constants: kernel.overrides().into_iter().collect(),
                ..row(kernel.dtype(), Text::Parts(kernel.text()), kernel.buffers())
            },
            KernelKey::Softmax => plain(&[SUM, SOFTMAX, shader!("other/softmax.wgsl")], (1, 1)),
            KernelKey::SoftmaxRows => Row {
                constants: vec![constant("SHARE", WORKGROUP)],
                ..plain(&[SUM, FOLD, SOFTMAX, shader!("other/softmax_rows.wgsl")], (1, 1))
            },
            KernelKey::Activation { activation } => {
                plain(&[activation.wgsl(), shader!("other/activation.wgsl")], (1, 1))
            }
        }
    }
}

impl std::fmt::Display for KernelKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

fn constant(name: &'static str, value: impl Into<f64>) -> Constant {
    (name, value.into())
}

/// A kernel that binds some buffers to read and some to write, and has no constants of its own.
fn row(dtype: DType, text: Text, (reads, writes): (u32, u32)) -> Row {
    let bindings = Bindings { pages: 0, reads, writes };
    Row { text, dtype, workgroup: WORKGROUP, constants: Vec::new(), bindings }
}

/// A kernel of f32 alone.
fn plain(own: &[&'static str], buffers: (u32, u32)) -> Row {
    row(DType::F32, Text::Parts([&[INDEX, NUMBER], own].concat()), buffers)
}

/// A kernel of elements of any type.
fn typed(dtype: DType, own: &[&'static str], buffers: (u32, u32)) -> Row {
    row(dtype, Text::Parts([&[prelude(dtype), INDEX, NUMBER], own].concat()), buffers)
}

/// A kernel on top of `lib/convolve.wgsl`.
fn convolution(dtype: DType, activation: ActivationKind, own: &[&'static str]) -> Row {
    let shared = [ELEMENT, TAPS, PLACE, activation.wgsl(), shader!("lib/convolve.wgsl")];
    typed(dtype, &[&shared, own].concat(), (3, 1))
}

/// A kernel of Winograd's algorithm.
fn winograd(dtype: DType, own: &[&'static str], template: &'static str, buffers: (u32, u32)) -> Row {
    let shared = [prelude(dtype), INDEX, shader!("lib/winograd.wgsl")];
    row(dtype, Text::Winograd([&shared, own].concat(), template), buffers)
}

/// What becomes of a patch's windows.
fn of_windows(reduce: Reduce) -> &'static [&'static str] {
    match reduce {
        Reduce::Max => &[KEY, shader!("lib/patch_max.wgsl")],
        _ => &[shader!("lib/patch_mean.wgsl")],
    }
}

/// The same of a tensor, not of sums: the sign of a zero is then the first one's.
fn pooled_windows(reduce: Reduce) -> Vec<&'static str> {
    let first = match reduce {
        Reduce::Max => shader!("lib/patch_first.wgsl"),
        _ => shader!("lib/patch_any.wgsl"),
    };
    [of_windows(reduce), &[first]].concat()
}

/// A kernel whose invocations compute patches.
fn of_patch(patch: Patch, own: &[&'static str], template: &'static str, buffers: (u32, u32)) -> Row {
    let width = if patch.across.fours() { shader!("lib/four.wgsl") } else { shader!("lib/one.wgsl") };
    let shared = [prelude(patch.dtype), INDEX, NUMBER, width, INSIDE, shader!("lib/patch.wgsl")];
    row(patch.dtype, Text::Patch(patch, [&shared, own].concat(), template), buffers)
}

/// A kernel that reads f32 through pages.
fn paged(text: Paged, constants: Vec<Constant>) -> Row {
    let side = text.taps.side().map(|side| constant("TAPS", side));
    let bindings = Bindings { pages: PAGES as u32, reads: 0, writes: 1 };
    let run = [constant("RUN", RUN), constant("SIMD_LANES", SIMD_LANES as u32)];
    let run = text.runs.then_some(run).into_iter().flatten();
    let constants = constants.into_iter().chain(side).chain(run).collect();
    // As many outputs a workgroup either way.
    let workgroup = if text.runs { WORKGROUP / RUN } else { WORKGROUP };
    Row { constants, bindings, workgroup, ..row(DType::F32, Text::Paged(text), (0, 1)) }
}
