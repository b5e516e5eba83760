//! Comparisons of integers, which are exact where floats would round.

use std::sync::Arc;

use super::call::Call;
use super::items::Item;
use crate::custom::{Failure, Gpu, Input, Node, Operator, Wgsl};
use crate::graph::Value;
use crate::onnx::ElementType;
use wgpool::error::Result;
use wgpool::problem::{BroadcastAxis, Problem, Work};
use wgpool::spec::{Elementwise, Op};
use wgpool::tensor::{DType, Data, Tensor, TensorDesc};

/// Whether elements of a type are compared here.
pub(super) fn is_integer(ty: ElementType) -> bool {
    matches!(ty, ElementType::I32 | ElementType::I64 | ElementType::U8 | ElementType::I8)
}

/// Two tensors of integers, broadcast: 1 where the comparison holds, else 0.
struct Comparison {
    /// The operator of ONNX, what it is in WGSL, and on the CPU.
    name: &'static str,
    sign: &'static str,
    holds: fn(i64, i64) -> bool,
    shader: &'static str,
}

/// The step that compares two values.
pub(super) fn compare<'a>(call: &mut Call<'_, 'a>, inputs: [Value; 2]) -> Result<Vec<Item<'a>>> {
    let of = |name, sign, holds: fn(i64, i64) -> bool| Comparison { name, sign, holds, shader: SHADER };
    let comparison = match call.node.op_type() {
        "Equal" => of("Equal", "==", |a, b| a == b),
        "Greater" => of("Greater", ">", |a, b| a > b),
        "GreaterOrEqual" => of("GreaterOrEqual", ">=", |a, b| a >= b),
        "Less" => of("Less", "<", |a, b| a < b),
        _ => of("LessOrEqual", "<=", |a, b| a <= b),
    };
    let node = Node { given: vec![true; 2], ..Node::new("", comparison.name) };
    let made = call.graph().custom_of(Arc::new(comparison), node, &inputs)?;
    Ok(made.into_iter().map(|value| Item::Run(value, ElementType::Bool)).collect())
}

/// The axes of two tensors that are broadcast, and the shape, by the rules of formulas.
fn axes(inputs: [&TensorDesc; 2]) -> Result<(Vec<BroadcastAxis>, Vec<usize>), Failure> {
    if inputs[0].dtype != inputs[1].dtype {
        return Err(format!("it is given {} and {}, which are of two types", inputs[0], inputs[1]).into());
    }
    let floats = inputs.map(|desc| TensorDesc::f32(desc.shape.clone()));
    let problem = Problem::new(&Op::from(Elementwise::add()), &floats)?;
    match (problem.work, problem.outputs.into_iter().next()) {
        (Work::Elementwise(work), Some(output)) => Ok((work.axes, output.shape)),
        _ => Err("it makes no tensor".into()),
    }
}

fn two<T>(inputs: &[T]) -> Result<[&T; 2], Failure> {
    match inputs {
        [a, b] => Ok([a, b]),
        other => Err(format!("it takes 2 inputs, but {} are given", other.len()).into()),
    }
}

/// An integer of a tensor.
fn integer(data: &Data, at: usize) -> i64 {
    match data {
        Data::I32(list) => list.get(at).map_or(0, |&number| number.into()),
        Data::U8(list) => list.get(at).map_or(0, |&number| number.into()),
        Data::I8(list) => list.get(at).map_or(0, |&number| number.into()),
        _ => 0,
    }
}

/// Elements of an output element are read from words of one or four, `sign` being the comparison.
const SHADER: &str = "
struct Block { elements: u32, axes: u32, bits: u32, is_signed: u32, lengths_and_strides: array<vec4<u32>, 8> }
@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read> b: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> block: Block;

fn integer(word: u32, lane: u32) -> i32 {
    let at = lane * block.bits;
    if (block.is_signed != 0u) { return extractBits(bitcast<i32>(word), at, block.bits); }
    return bitcast<i32>(extractBits(word, at, block.bits));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let number = id.x + id.y * groups.x * 64u;
    if (number >= block.elements) { return; }
    var rest = number;
    var at = vec2<u32>(0u);
    for (var n = block.axes; n > 0u; n--) {
        let axis = block.lengths_and_strides[n - 1u];
        at += (rest % axis.x) * axis.yz;
        rest /= axis.x;
    }
    let lanes = 32u / block.bits;
    let x_a = integer(a[at.x / lanes], at.x % lanes);
    let x_b = integer(b[at.y / lanes], at.y % lanes);
    y[number] = select(0.0, 1.0, x_a SIGN x_b);
}";

impl Operator for Comparison {
    fn outputs(&self, _: &Node, inputs: &[Input<'_>]) -> Result<Vec<TensorDesc>, Failure> {
        Ok(vec![TensorDesc::f32(axes(two(inputs)?.map(Input::desc))?.1)])
    }

    fn host(&self, _: &Node, inputs: &[&Tensor]) -> Result<Vec<Tensor>, Failure> {
        let [a, b] = two(inputs)?;
        let (axes, shape) = axes([&a.desc(), &b.desc()])?;
        let elements = shape.iter().product();
        let mut holds = Vec::new();
        holds.try_reserve_exact(elements)?;
        holds.extend((0..elements).map(|number| {
            let mut rest = number;
            let mut at = [0, 0];
            for axis in axes.iter().rev() {
                let along = rest % axis.length;
                rest /= axis.length;
                at.iter_mut().zip(&axis.strides).for_each(|(at, stride)| *at += along * stride);
            }
            f32::from(u8::from((self.holds)(integer(a.data(), at[0]), integer(b.data(), at[1]))))
        }));
        Ok(vec![Tensor::from_f32(&shape, holds)?])
    }

    fn gpu(&self, _: &Node, inputs: &[TensorDesc], outputs: &[TensorDesc]) -> Result<Option<Gpu>, Failure> {
        let [a, b] = two(inputs)?;
        let elements = outputs.iter().map(TensorDesc::elements).sum();
        let (axes, _) = axes([a, b])?;
        let bits = 8 * a.dtype.size();
        let mut numbers = vec![elements, axes.len(), bits, usize::from(a.dtype != DType::U8)];
        for axis in &axes {
            numbers.extend([axis.length].into_iter().chain(axis.strides.iter().copied()).chain([0]).take(4));
        }
        numbers.resize(4 + 4 * 8, 0);
        let mut block = Vec::new();
        for number in numbers {
            block.extend(u32::try_from(number)?.to_le_bytes());
        }
        let shader = Wgsl::new(self.shader.replace("SIGN", self.sign));
        Ok(Some(shader.uniform(block).invocations(elements, 64).into()))
    }

    fn kernel(&self) -> Option<&'static str> {
        Some("onnx/compare")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Graph;
    use wgpool::Backend;
    use wgpool_testing::support;

    /// Whether a shader of `<` is seen to be wrong.
    fn is_noticed(from: &str, to: &str) -> bool {
        assert!(SHADER.contains(from), "{from}");
        let backend = Backend::Gpu(support::engine().clone());
        let shader: &'static str = SHADER.replace(from, to).leak();
        let a = Tensor::new(&[2, 3, 1], vec![-1i8, 0, 5, 100, -128, 127]).unwrap();
        let b = Tensor::new(&[3, 5], (-7..8i8).map(|n| n * 16).collect::<Vec<_>>()).unwrap();
        let mut g = Graph::new("compare");
        let inputs = [g.input("a", a.desc()), g.input("b", b.desc())];
        let comparison = Comparison { name: "Less", sign: "<", holds: |a, b| a < b, shader };
        let y = g.custom(comparison, Node::new("", "Less"), &inputs).unwrap();
        g.output("y", y[0]);
        let program = g.finish().unwrap();
        program.check(&[&a, &b], |step, inputs| step.run(&backend, inputs)).unwrap().is_some()
    }

    #[test]
    fn wrong_shaders_are_noticed() {
        assert!(!is_noticed("lanes", "lanes"));
        for (from, to) in [
            ("SIGN", "<="),
            ("SIGN", ">"),
            ("axis.yz", "axis.zy"),
            ("rest /= axis.x;", ""),
            ("n - 1u", "block.axes - n"),
            ("block.is_signed != 0u", "block.is_signed == 0u"),
            ("at.x % lanes", "0u"),
            ("at.y / lanes", "at.y"),
            ("lane * block.bits", "lane"),
            ("number >= block.elements", "number + 1u >= block.elements"),
        ] {
            assert!(is_noticed(from, to), "{from} -> {to}");
        }
    }
}
