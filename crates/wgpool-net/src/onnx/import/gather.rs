//! `Gather` whose indices come when the program runs.

use std::borrow::Cow;
use std::sync::Arc;

use super::call::Call;
use super::items::Item;
use crate::custom::{Failure, Gpu, Input, Node, Operator, Wgsl};
use wgpool::error::Result;
use wgpool::tensor::{DType, Data, Tensor, TensorDesc};

/// Elements along an axis, from where indices say. A negative index counts from the end. One that is outside is an error in ONNX, of which a GPU
/// cannot tell: everywhere it is the nearest that there is.
struct Gather {
    shader: Cow<'static, str>,
}

/// The step of a node, whose first input is gathered along `axis`.
pub(super) fn gather<'a>(call: &mut Call<'_, 'a>, axis: usize) -> Result<Vec<Item<'a>>> {
    let inputs = [call.any(0)?, call.any(1)?];
    let node = Node { given: vec![true; 2], ..Node::new("", "Gather").attribute("axis", axis as i64) };
    let made = call.graph().custom_of(Arc::new(Gather { shader: SHADER.into() }), node, &inputs)?;
    let ty = call.element_type(0)?;
    Ok(made.into_iter().map(|value| Item::Run(value, ty)).collect())
}

/// What is gathered: the axes before the one that is indexed as one, its length, those behind it as one, and the number of indices.
struct Geometry {
    axis: usize,
    outer: usize,
    length: usize,
    inner: usize,
    count: usize,
}

impl Geometry {
    fn of(node: &Node, [x, indices]: [&TensorDesc; 2]) -> Result<Geometry, Failure> {
        let axis = usize::try_from(node.int_or("axis", 0)?)?;
        let (Some(&length), count) = (x.shape.get(axis), indices.elements()) else {
            return Err(format!("there is no axis {axis} of {x}").into());
        };
        if indices.dtype != DType::I32 {
            return Err(format!("its indices are {indices}, but must be integers").into());
        }
        if length == 0 && count > 0 {
            return Err(format!("there is nothing along axis {axis} of {x} for {count} indices").into());
        }
        let product = |axes: &[usize]| axes.iter().product();
        let (outer, inner) = (product(x.shape.get(..axis).unwrap_or_default()), x.shape.get(axis + 1..));
        Ok(Geometry { axis, outer, length, inner: product(inner.unwrap_or_default()), count })
    }

    /// Which element along the axis an index is.
    fn place(&self, index: i32) -> usize {
        let length = i64::try_from(self.length).unwrap_or(i64::MAX);
        let index = i64::from(index);
        let from_begin = if index < 0 { index + length } else { index };
        usize::try_from(from_begin.clamp(0, (length - 1).max(0))).unwrap_or_default()
    }

    fn elements(&self) -> usize {
        self.outer * self.count * self.inner
    }

    fn picked<T: Copy>(&self, x: &[T], indices: &[i32]) -> Result<Vec<T>, Failure> {
        let mut picked = Vec::new();
        picked.try_reserve_exact(self.elements())?;
        for outer in 0..self.outer {
            for &index in indices {
                let begin = (outer * self.length + self.place(index)) * self.inner;
                picked.extend_from_slice(x.get(begin..begin + self.inner).unwrap_or_default());
            }
        }
        Ok(picked)
    }
}

fn two<T>(inputs: &[T]) -> Result<[&T; 2], Failure> {
    match inputs {
        [x, indices] => Ok([x, indices]),
        other => Err(format!("it takes 2 inputs, but {} are given", other.len()).into()),
    }
}

/// An invocation writes a word of the output, of one, two or four elements.
const SHADER: &str = "
struct Block { words: u32, elements: u32, length: u32, inner: u32, count: u32, lanes: u32 }
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> indices: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> block: Block;

fn place(index: i32) -> u32 {
    let length = i32(block.length);
    return u32(clamp(select(index, index + length, index < 0), 0, length - 1));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let number = id.x + id.y * groups.x * 64u;
    if (number >= block.words) { return; }
    let bits = 32u / block.lanes;
    var word = 0u;
    for (var lane = 0u; lane < block.lanes; lane++) {
        let at = number * block.lanes + lane;
        if (at >= block.elements) { break; }
        let row = at / block.inner;
        let outer = row / block.count;
        let from_row = outer * block.length + place(indices[row % block.count]);
        let source = from_row * block.inner + at % block.inner;
        let element = extractBits(x[source / block.lanes], (source % block.lanes) * bits, bits);
        word = insertBits(word, element, lane * bits, bits);
    }
    y[number] = word;
}";

impl Operator for Gather {
    fn outputs(&self, node: &Node, inputs: &[Input<'_>]) -> Result<Vec<TensorDesc>, Failure> {
        let [x, indices] = two(inputs)?.map(Input::desc);
        let axis = Geometry::of(node, [x, indices])?.axis;
        let mut shape = x.shape.clone();
        shape.splice(axis..=axis, indices.shape.iter().copied());
        Ok(vec![TensorDesc { shape, dtype: x.dtype }])
    }

    fn host(&self, node: &Node, inputs: &[&Tensor]) -> Result<Vec<Tensor>, Failure> {
        let [x, indices] = two(inputs)?;
        let geometry = Geometry::of(node, [&x.desc(), &indices.desc()])?;
        let Data::I32(list) = indices.data() else { return Err("its indices must be i32".into()) };
        let data: Data = match x.data() {
            Data::F32(x) => geometry.picked(x, list)?.into(),
            Data::F16(x) => geometry.picked(x, list)?.into(),
            Data::BF16(x) => geometry.picked(x, list)?.into(),
            Data::I32(x) => geometry.picked(x, list)?.into(),
            Data::U8(x) => geometry.picked(x, list)?.into(),
            Data::I8(x) => geometry.picked(x, list)?.into(),
            other => return Err(format!("elements of the type {} are not gathered", other.dtype()).into()),
        };
        let mut shape = x.shape().to_vec();
        shape.splice(geometry.axis..=geometry.axis, indices.shape().iter().copied());
        Ok(vec![Tensor::new(&shape, data)?])
    }

    fn gpu(&self, node: &Node, inputs: &[TensorDesc], _: &[TensorDesc]) -> Result<Option<Gpu>, Failure> {
        let [x, indices] = two(inputs)?;
        let geometry = Geometry::of(node, [x, indices])?;
        let lanes = 4 / x.dtype.size().clamp(1, 4);
        let words = geometry.elements().div_ceil(lanes);
        // What is counted in i32 along the axis.
        i32::try_from(geometry.length)?;
        let Geometry { length, inner, count, .. } = geometry;
        let mut block = Vec::new();
        for number in [words, geometry.elements(), length, inner.max(1), count.max(1), lanes] {
            block.extend(u32::try_from(number)?.to_le_bytes());
        }
        Ok(Some(Wgsl::new(self.shader.clone()).uniform(block).invocations(words, 64).into()))
    }

    fn kernel(&self) -> Option<&'static str> {
        Some("onnx/gather")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Graph;
    use wgpool::Backend;
    use wgpool_testing::support;

    #[test]
    fn wrong_shaders_are_noticed() {
        let backend = Backend::Gpu(support::engine().clone());
        let x = Tensor::new(&[2, 3, 3], (0..18u8).collect::<Vec<_>>()).unwrap();
        let indices = Tensor::new(&[5], vec![2, 0, -2, 7, -9]).unwrap();
        let is_noticed = |from: &str, to: &str| {
            assert!(SHADER.contains(from), "{from}");
            let mut g = Graph::new("gather");
            let inputs = [g.input("x", x.desc()), g.input("i", indices.desc())];
            let node = Node::new("", "Gather").attribute("axis", 1);
            let y = g.custom(Gather { shader: SHADER.replace(from, to).into() }, node, &inputs).unwrap();
            g.output("y", y[0]);
            let program = g.finish().unwrap();
            program.check(&[&x, &indices], |step, inputs| step.run(&backend, inputs)).unwrap().is_some()
        };
        assert!(!is_noticed("lane", "lane"));
        for (from, to) in [
            ("length - 1)", "length - 2)"),
            ("index < 0", "index < -5"),
            (", 0, length", ", 1, length"),
            ("row % block.count", "row / block.count"),
            ("outer * block.length", "outer * block.count"),
            ("+ at % block.inner", ""),
            ("source % block.lanes", "lane"),
            ("lane * bits, bits", "lane, bits"),
            ("number >= block.words", "number + 1u >= block.words"),
        ] {
            assert!(is_noticed(from, to), "{from} -> {to}");
        }
    }
}
