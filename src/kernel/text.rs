//! What the texts of kernels are put together from.

use super::conv_patch::ConvPatch;
use super::cooperative::Cooperative;
use super::key::Taps;
use super::patch::Patch;
use super::tiled::Tile;
use super::winograd;
use crate::activation::ActivationKind;
use crate::dtype::DType;

/// A file of the folder `shaders`.
macro_rules! shader {
    ($file:literal) => {
        include_str!(concat!("../../shaders/", $file))
    };
}
pub(crate) use shader;

pub(crate) const INDEX: &str = shader!("lib/index.wgsl");
pub(crate) const NUMBER: &str = shader!("lib/number.wgsl");
pub(super) const SUM: &str = shader!("lib/sum.wgsl");
pub(super) const ELEMENT: &str = shader!("lib/element.wgsl");
pub(super) const PLACE: &str = shader!("lib/place.wgsl");
pub(super) const TAPS: &str = shader!("lib/taps.wgsl");
pub(super) const REACHED: &str = shader!("lib/reached.wgsl");
pub(super) const POOLING: &str = shader!("lib/pooling.wgsl");
pub(super) const FOLD: &str = shader!("lib/fold.wgsl");
pub(super) const SOFTMAX: &str = shader!("lib/softmax.wgsl");
pub(super) const KEY: &str = shader!("lib/key.wgsl");
pub(super) const INSIDE: &str = shader!("lib/inside.wgsl");
pub(super) const ROI: &str = shader!("lib/roi.wgsl");
pub(super) const NO_INDICES: &str = shader!("lib/no_indices.wgsl");
const SLIDING: &str = shader!("lib/pages.wgsl");

/// A shader's text before it is put together.
pub(super) enum Text {
    /// Parts one behind the other.
    Parts(Vec<&'static str>),
    /// A tiled convolution, and its activation.
    Tile(Tile, ActivationKind),
    /// Parts, and around the lines of a patch a text that has places for them.
    Patch(Patch, Vec<&'static str>, &'static str),
    /// The same with those of a convolution of few channels.
    ConvPatch(ConvPatch, Vec<&'static str>, &'static str),
    /// The same with those of products of cooperative matrices.
    Cooperative(Cooperative, Vec<&'static str>, &'static str),
    /// Parts, and a text with places for the lines of Winograd's transforms.
    Winograd(Vec<&'static str>, &'static str),
    /// A kernel that reads a tensor through pages.
    Paged(Paged),
}

/// A kernel's own text, and what it does with each page, once for each: uniform buffers can be neither passed to
/// functions nor numbered at run time. `PAGE` in the text becomes the page's number.
pub(super) struct Paged {
    pub taps: Taps,
    pub pages: usize,
    /// Whether an invocation computes a run of outputs of a page before it turns to the next page.
    pub runs: bool,
    pub own: Vec<&'static str>,
    pub of_each: [&'static str; 2],
}

impl Text {
    pub(super) fn write(&self) -> String {
        match self {
            Text::Parts(parts) => parts.concat(),
            Text::Tile(tile, activation) => {
                let own =
                    tile.source(shader!("conv/register_tile.wgsl"), shader!("conv/register_tile_page.wgsl"));
                [INDEX, NUMBER, activation.wgsl(), shader!("lib/four.wgsl"), KEY, &own].concat()
            }
            Text::Patch(patch, parts, template) => parts.concat() + &patch.source(template),
            Text::ConvPatch(patch, parts, template) => parts.concat() + &patch.source(template),
            Text::Cooperative(matrices, parts, template) => {
                let enable = "enable wgpu_cooperative_matrix;\n".to_owned();
                enable + &parts.concat() + &matrices.source(template)
            }
            Text::Winograd(parts, template) => parts.concat() + &winograd::source(template),
            Text::Paged(paged) => paged.write(),
        }
    }
}

impl Paged {
    fn write(&self) -> String {
        let (width, load) = match self.taps.fours() {
            false => (shader!("lib/one.wgsl"), shader!("lib/page_one.wgsl")),
            true => (shader!("lib/four.wgsl"), shader!("lib/page_four.wgsl")),
        };
        let count = match self.taps {
            Taps::Any | Taps::Pairs => String::new(),
            Taps::Few { .. } => shader!("lib/few_taps.wgsl").to_owned(),
            Taps::Columns { .. } => [shader!("lib/few_taps.wgsl"), shader!("lib/columns.wgsl")].concat(),
        };
        let page = load.to_owned() + &filled(&self.of_each.concat(), |name| self.columns(name));
        let pages: String = (0..self.pages).map(|number| page.replace("PAGE", &number.to_string())).collect();
        let own = filled(&self.own.concat(), |_| self.pools());
        [INDEX, NUMBER, SUM, width, &count, SLIDING, &own, &pages].concat()
    }

    /// What is made of a row whose columns four windows share: the largest, or sums of values or products.
    fn columns(&self, name: &str) -> Vec<String> {
        let Taps::Columns { side, stride } = self.taps else { return Vec::new() };
        let mut lines = Vec::new();
        for four in 0..(3 * stride + side).div_ceil(4) {
            let column = format!("place.column + {}", 4 * four);
            let loaded = format!("load_PAGE(row + four_from({column}))");
            lines.push(format!("let x{four} = {loaded};"));
            lines.push(match name {
                "orders" => {
                    format!("let order{four} = select(vec4<u32>(0u), order_of(x{four}), inside({column}));")
                }
                _ => format!("let in{four} = inside({column}) & vec4<bool>(in_row);"),
            });
        }
        // Maxima take the last tap first.
        let taps = (0..side).map(|tap| if name == "orders" { side - 1 - tap } else { tap });
        for tap in taps {
            let columns = [0, 1, 2, 3].map(|window| window * stride + tap);
            let of =
                |name: &str| columns.map(|column| format!("{name}{}[{}]", column / 4, column % 4)).join(", ");
            let (x, inside) = (of("x"), of("in"));
            lines.push(match name {
                "orders" => format!("take(&largest, vec4<u32>({}), vec4<f32>({x}));", of("order")),
                "values" => format!("sum += select(vec4<f32>(), vec4<f32>({x}), vec4<bool>({inside}));"),
                _ => format!(
                    "sum += select(vec4<f32>(), vec4<f32>({x}) * weight(weights_at + {tap} * params.weight_step.z), \
                     vec4<bool>({inside}));"
                ),
            });
        }
        lines
    }

    /// Pools in each page.
    fn pools(&self) -> Vec<String> {
        let in_page = |page| match self.runs {
            false => format!("    pool_{page}(place_of(first));"),
            true => format!(
                "    for (var i = 0u; i < RUN; i++) {{ pool_{page}(place_of(first + i * SIMD_LANES)); }}"
            ),
        };
        (0..self.pages).map(in_page).collect()
    }
}

/// `template` with the lines that `lines` has for each of its lines marked `//: name`.
pub(super) fn filled(template: &str, lines: impl Fn(&str) -> Vec<String>) -> String {
    let mut text = String::new();
    for line in template.lines() {
        match line.trim_start().strip_prefix("//: ") {
            None => text.push_str(line),
            Some(name) => text.push_str(&lines(name).join("\n")),
        }
        text.push('\n');
    }
    text
}

/// The two lines that make a kernel read and write elements of one type.
pub(crate) fn prelude(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 | DType::I32 => shader!("lib/f32.wgsl"),
        DType::F16 => shader!("lib/f16.wgsl"),
        DType::U8 => shader!("lib/u8.wgsl"),
        DType::I8 => shader!("lib/i8.wgsl"),
    }
}
