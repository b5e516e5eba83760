//! `other/elementwise.wgsl`: formulas, whose steps are written out.

use std::fmt;

use crate::elementwise::{BinaryFunction, UnaryFunction};
use crate::kernel::common::*;
use crate::problem::{Access, MOST_AXES};
use crate::spec::Elementwise as Formula;

const INPUTS: usize = Formula::MOST_INPUTS;
const STEPS: usize = Formula::MOST_STEPS;
/// Numbers of the uniform block: three a step.
const NUMBERS: usize = 3 * STEPS;
/// Functions of a kernel that is one of [`Kernel::every`].
const IN_A_ROW: usize = 5;

/// A formula on inputs that lie in some way. Lengths and numbers are parameters.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Elementwise {
    /// Type of the elements; steps compute in f32.
    pub dtype: DType,
    /// The steps; behind the last there are none.
    pub steps: [Option<Code>; STEPS],
    /// How each input lies.
    pub inputs: [Option<Access>; INPUTS],
    /// Axes of the output.
    pub axes: u8,
    /// Whether an invocation computes four neighbours.
    pub four: bool,
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// A function of one operand.
    Unary(UnaryFunction, Term),
    /// A function of two.
    Binary(BinaryFunction, Term, Term),
    /// Of a condition, what is taken where it holds, and what else.
    Select(Term, Term, Term),
    /// An activation of an operand, and the first of its two parameters.
    Activation(ActivationKind, Term, Term),
}

/// An operand, as a number: inputs, then steps, then numbers of the uniform block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Term(u8);

impl Term {
    /// An input.
    pub fn input(i: usize) -> Term {
        Term(i as u8)
    }

    /// The result of a step.
    pub fn step(i: usize) -> Term {
        Term((INPUTS + i) as u8)
    }

    /// A number of the uniform block.
    pub fn number(i: usize) -> Term {
        Term((INPUTS + STEPS + i) as u8)
    }
}

/// As kernels write it.
impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = usize::from(self.0);
        match (at.checked_sub(INPUTS), at.checked_sub(INPUTS + STEPS)) {
            (None, _) => write!(f, "x_{at}"),
            (Some(step), None) => write!(f, "s_{step}"),
            (_, Some(i)) => write!(f, "params.numbers[{}].{}", i / 4, ["x", "y", "z", "w"][i % 4]),
        }
    }
}

/// As it is called in kernels.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Code::Unary(function, a) => write!(f, "{}_of({a})", function.name()),
            Code::Binary(function, a, b) if a == b => write!(f, "{}_of({a}, again({b}))", function.name()),
            Code::Binary(function, a, b) => write!(f, "{}_of({a}, {b})", function.name()),
            Code::Select(condition, yes, no) => write!(f, "select({no}, {yes}, !is_zero({condition}))"),
            Code::Activation(kind, a, first) => {
                let second = Term(first.0 + 1);
                write!(f, "{}({a}, vec2<f32>({first}, {second}))", activation(kind))
            }
        }
    }
}

/// The function of an activation, of which there may be several.
fn activation(kind: ActivationKind) -> String {
    format!("activate_{}", kind.name().replace('-', "_"))
}

/// The formula, then how inputs lie.
impl fmt::Debug for Elementwise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Elementwise({:?}", self.dtype)?;
        self.steps().try_for_each(|step| write!(f, ",{}", step.to_string().replace(", ", ",")))?;
        self.inputs().try_for_each(|(_, access)| write!(f, ",{access:?}"))?;
        write!(f, ",{} axes{})", self.axes, if self.four { ",vec4" } else { "" })
    }
}

impl Kernel for Elementwise {
    fn row(&self) -> Row {
        let kernel = *self;
        let buffers = (self.inputs().count() as u32, 1);
        let own = &[EACH, shader!("other/elementwise.wgsl")];
        typed(ElementwiseParams::BLOCK, self.dtype, own, buffers).written(move |mark| kernel.lines(mark))
    }

    fn every() -> Vec<Elementwise> {
        let of = |steps: &[Code], inputs: &[Access], axes, (dtype, four)| Elementwise {
            dtype,
            steps: std::array::from_fn(|i| steps.get(i).copied()),
            inputs: std::array::from_fn(|i| inputs.get(i).copied()),
            axes,
            four,
        };
        // All functions, some in a row.
        let before = |i: usize| if i == 0 { Term::input(0) } else { Term::step(i - 1) };
        let unary = UnaryFunction::ALL.chunks(IN_A_ROW).map(|functions| {
            functions.iter().enumerate().map(|(i, &f)| Code::Unary(f, before(i))).collect::<Vec<_>>()
        });
        let binary = BinaryFunction::ALL.chunks(IN_A_ROW).map(|functions| {
            functions.iter().enumerate().map(|(i, &f)| Code::Binary(f, before(i), Term::input(0))).collect()
        });
        let activations = ActivationKind::ALL.chunks(IN_A_ROW).map(|kinds| {
            let kinds = kinds.iter().filter(|&&kind| kind != ActivationKind::PRelu).enumerate();
            kinds.map(|(i, &kind)| Code::Activation(kind, before(i), Term::number(2 * i))).collect()
        });
        let select = vec![Code::Select(Term::input(0), Term::number(0), Term::number(1))];
        let rows = unary.chain(binary).chain(activations).chain([select]);
        let mut every: Vec<_> =
            rows.map(|steps| of(&steps, &[Access::Same], 1, (DType::F32, false))).collect();
        let chain = [
            Code::Binary(BinaryFunction::Multiply, Term::input(0), Term::input(1)),
            Code::Binary(BinaryFunction::Power, Term::step(0), Term::input(2)),
            Code::Binary(BinaryFunction::Divide, Term::step(1), Term::step(1)),
        ];
        for variant in pairs(FLOATS, [false, true]) {
            every.push(of(&chain, &[Access::Across, Access::Along, Access::One], 4, variant));
            every.push(of(&chain, &[Access::Same; 3], 1, variant));
        }
        every
    }
}

impl Elementwise {
    fn steps(&self) -> impl Iterator<Item = Code> {
        self.steps.into_iter().map_while(|step| step)
    }

    fn inputs(&self) -> impl Iterator<Item = (usize, Access)> {
        self.inputs.into_iter().map_while(|access| access).enumerate()
    }

    /// Whether four neighbours of an input are read at once.
    fn by_fours(&self, access: Access) -> bool {
        self.four && matches!(access, Access::Same | Access::Along)
    }

    /// The lines for a mark in the text.
    fn lines(&self, mark: &str) -> Vec<String> {
        match mark {
            "buffers" => self.buffers(),
            "formula" => self.formula(),
            "places" => self.places(),
            "result" => self.result(),
            "functions" => self.functions(),
            _ => Vec::new(),
        }
    }

    fn buffers(&self) -> Vec<String> {
        let elements = |fours: bool| if fours { "Elements" } else { "Word" };
        let inputs = self.inputs().map(|(i, access)| {
            let elements = elements(self.by_fours(access));
            format!("@group(0) @binding({}) var<storage, read> input_{i}: array<{elements}>;", i + 1)
        });
        let (last, elements) = (self.inputs().count() + 1, elements(self.four));
        let output =
            format!("@group(0) @binding({last}) var<storage, read_write> output: array<{elements}>;");
        let alias = self.four.then(|| "alias Elements = vec4<Word>;".to_owned());
        alias.into_iter().chain(inputs).chain([output]).collect()
    }

    /// The formula as a function.
    fn formula(&self) -> Vec<String> {
        let inputs: Vec<String> = self.inputs().map(|(i, _)| format!("x_{i}: f32")).collect();
        let mut lines = vec![format!("fn formula({}) -> f32 {{", inputs.join(", "))];
        lines.extend(self.steps().enumerate().map(|(i, step)| format!("    let s_{i} = kept({step});")));
        let last = Term::step(self.steps().count().saturating_sub(1));
        lines.extend([format!("    return {last};"), "}".to_owned()]);
        lines
    }

    /// The functions that steps call, each once.
    fn functions(&self) -> Vec<String> {
        let mut functions: Vec<String> = Vec::new();
        for step in self.steps() {
            let text = match step {
                Code::Unary(function, _) => function.function().wgsl.to_owned(),
                Code::Binary(function, ..) => function.function().wgsl.to_owned(),
                Code::Select(..) => String::new(),
                Code::Activation(kind, ..) => {
                    kind.wgsl().replace("fn activate(", &format!("fn {}(", activation(kind)))
                }
            };
            for function in text.split_inclusive("\n}\n").map(str::trim).filter(|text| !text.is_empty()) {
                if !functions.iter().any(|known| known == function) {
                    functions.push(function.to_owned());
                }
            }
        }
        functions
    }

    /// Where inputs that do not lie as the output are read.
    fn places(&self) -> Vec<String> {
        let elsewhere = |(_, access): &(usize, Access)| matches!(access, Access::Along | Access::Across);
        if !self.inputs().any(|input| elsewhere(&input)) {
            return Vec::new();
        }
        let mut lines = vec!["var rest = number;".to_owned()];
        for axis in (1..self.axes).rev() {
            lines.push(format!("let c_{axis} = rest % params.axes[{}].x;", 2 * axis));
            lines.push(format!("rest /= params.axes[{}].x;", 2 * axis));
        }
        lines.push("let c_0 = rest;".to_owned());
        for (i, access) in self.inputs().filter(elsewhere) {
            let last = if access == Access::Along { self.axes } else { self.axes - 1 };
            let terms: Vec<String> =
                (0..last).map(|axis| format!("c_{axis} * {}", stride(axis, i))).collect();
            lines.push(format!("let at_{i} = {};", terms.join(" + ")));
        }
        lines
    }

    fn result(&self) -> Vec<String> {
        let load = |(i, access): (usize, Access)| {
            let at = match access {
                Access::Same => "number".to_owned(),
                Access::One => "0u".to_owned(),
                Access::Along | Access::Across => format!("at_{i}"),
            };
            match self.by_fours(access) {
                true => format!("let v_{i} = vec4<f32>(input_{i}[{at}]);"),
                false => format!("let v_{i} = unpack(input_{i}[{at}], 0u);"),
            }
        };
        let value = |lane: &str| {
            let of = |(i, access)| format!("v_{i}{}", if self.by_fours(access) { lane } else { "" });
            format!("formula({})", self.inputs().map(of).collect::<Vec<_>>().join(", "))
        };
        let mut lines: Vec<String> = self.inputs().map(load).collect();
        lines.extend(match self.four {
            true => {
                let lanes = [("x", ".x"), ("y", ".y"), ("z", ".z"), ("w", ".w")];
                let values = lanes.map(|(name, lane)| format!("let y_{name} = {};", value(lane)));
                let store = "output[number] = Elements(vec4<f32>(y_x, y_y, y_z, y_w));".to_owned();
                values.into_iter().chain([store]).collect::<Vec<_>>()
            }
            false => vec![format!("output[number] = pack(vec4<f32>({}));", value(""))],
        });
        lines
    }
}

/// The stride of an input along an axis.
fn stride(axis: u8, input: usize) -> String {
    let (half, member) = [(0, "y"), (0, "z"), (0, "w"), (1, "x"), (1, "y"), (1, "z")][input];
    format!("params.axes[{}].{member}", 2 * axis + half)
}

uniform! {
    /// Parameters of `other/elementwise.wgsl`.
    ElementwiseParams {
        /// Two vectors an axis: its length, and the strides of the inputs. Vectors of four are counted where they are read.
        axes: [[u32; 4]; 2 * MOST_AXES],
        /// The numbers of the formula.
        numbers: [[f32; 4]; NUMBERS / 4],
        /// Invocations that have work.
        total: u32,
        /// 0, which compilers do not know.
        nothing: u32,
        /// The bits of NaN, which no constant may hold.
        nan: u32,
        /// Minus infinity.
        lowest: f32,
    }
}
