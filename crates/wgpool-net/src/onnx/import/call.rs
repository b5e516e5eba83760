//! A node with what it reads.

use std::rc::Rc;

use super::items::{Constant, Import, Item};
use crate::graph::{Graph, Value};
use crate::onnx::refused::quoted;
use crate::onnx::{ElementType, Node};
use wgpool::error::{Refusal, Result};
use wgpool::spec::Op;
use wgpool::tensor::{Data, Tensor};

pub(super) struct Call<'i, 'a> {
    pub node: Node<'a>,
    pub inputs: Vec<Option<Item<'a>>>,
    pub import: &'i mut Import<'a>,
}

impl<'a> Call<'_, 'a> {
    pub fn opset(&self) -> i64 {
        self.import.opset
    }

    pub fn graph(&mut self) -> &mut Graph {
        &mut self.import.graph
    }

    /// Whether an input is given.
    pub fn has(&self, at: usize) -> bool {
        self.inputs.get(at).is_some_and(Option::is_some)
    }

    /// Refuses other numbers of inputs.
    pub fn arity(&self, least: usize, most: usize) -> Result<()> {
        let given = self.inputs.len();
        let missing = (0..least).find(|&at| !self.has(at));
        if given > most || missing.is_some() {
            let expected = if least == most { least.to_string() } else { format!("{least} to {most}") };
            let reason = format!("it takes {expected} inputs, but {given} are given");
            return Err(self.node.refused(Refusal::Structure, reason));
        }
        Ok(())
    }

    fn item(&self, at: usize) -> Result<&Item<'a>> {
        let item = self.inputs.get(at).and_then(Option::as_ref);
        item.ok_or_else(|| self.node.refused(Refusal::Structure, format!("input {at} is missing")))
    }

    pub fn element_type(&self, at: usize) -> Result<ElementType> {
        self.item(at).map(Item::element_type)
    }

    /// An input as a program computes with it.
    pub fn any(&mut self, at: usize) -> Result<Value> {
        let item = self.item(at)?.clone();
        let label = self.node.label();
        self.import.value(&item, &label)
    }

    /// An input of floats of the first one's type. Integers are refused, which are not computed with when a program runs.
    pub fn value(&mut self, at: usize) -> Result<Value> {
        let (ty, first) = (self.element_type(at)?, self.element_type(0)?);
        if ty != first && self.node.op_type() != "Where" {
            let reason = format!("input {at} is {ty}, but the first is {first}");
            return Err(self.node.refused(Refusal::Type, reason));
        }
        if !matches!(ty, ElementType::F32 | ElementType::F16 | ElementType::BF16) {
            let reason = format!("input {at} is {ty}, but it computes with float, float16 and bfloat16");
            return Err(self.node.refused(Refusal::Unsupported, reason));
        }
        self.any(at)
    }

    pub fn optional(&mut self, at: usize) -> Result<Option<Value>> {
        if self.has(at) { self.value(at).map(Some) } else { Ok(None) }
    }

    pub fn shape(&self, at: usize) -> Result<Vec<usize>> {
        Ok(match self.item(at)? {
            Item::Known(tensor) => tensor.shape().to_vec(),
            Item::Run(value, _) => self.import.graph.desc(*value)?.shape.clone(),
        })
    }

    pub fn rank(&self, at: usize) -> Result<usize> {
        self.shape(at).map(|shape| shape.len())
    }

    /// Whether an input's numbers are known.
    pub fn is_known(&self, at: usize) -> Result<bool> {
        Ok(matches!(self.item(at)?, Item::Known(_)))
    }

    /// An input whose numbers are known.
    pub fn known(&self, at: usize) -> Result<Rc<Constant<'a>>> {
        match self.item(at)? {
            Item::Known(tensor) => {
                tensor.compute_with();
                Ok(tensor.clone())
            }
            Item::Run(..) => {
                let reason = format!("input {at} must be known before the program runs");
                Err(self.node.refused(Refusal::Unsupported, reason))
            }
        }
    }

    /// A list of integers, whose numbers are known.
    pub fn integers(&self, at: usize) -> Result<Vec<i64>> {
        let tensor = self.known(at)?;
        tensor.i64s().ok_or_else(|| {
            let reason = format!("input {at} is {}, but must be integers", tensor.elements());
            self.node.refused(Refusal::Type, reason)
        })
    }

    /// A list of integers from an attribute, or from the input that newer versions of the operator have.
    pub fn list(&self, attribute: &str, input: usize) -> Result<Option<Vec<i64>>> {
        match self.has(input) {
            true => self.integers(input).map(Some),
            false => self.node.ints(attribute),
        }
    }

    /// A number of floats that is known.
    pub fn scalar(&self, at: usize) -> Result<f32> {
        let tensor = self.known(at)?;
        match tensor.f64s().as_slice() {
            &[number] => Ok(number as f32),
            _ => Err(self.node.refused(Refusal::Shape, format!("input {at} must be one number"))),
        }
    }

    /// Lengths, none of them negative.
    pub fn lengths(&self, what: &str, list: &[i64]) -> Result<Vec<usize>> {
        let length = |&length: &i64| {
            usize::try_from(length).map_err(|_| {
                self.node.refused(Refusal::Shape, format!("{what} {list:?} must not be negative"))
            })
        };
        list.iter().map(length).collect()
    }

    /// A word of a list.
    pub fn word(&self, attribute: &str, usual: &'a str, known: &[&str]) -> Result<&'a str> {
        let word = self.node.text_or(attribute, usual)?;
        if known.contains(&word) {
            return Ok(word);
        }
        let reason = format!("attribute {attribute} is {}, but must be one of {known:?}", quoted(word));
        Err(self.node.refused(Refusal::Structure, reason))
    }

    /// Adds an operation with one output of the first input's type.
    pub fn one(&mut self, op: impl Into<Op>, inputs: &[Value]) -> Result<Vec<Item<'a>>> {
        let ty = self.element_type(0)?;
        let value = self.graph().one(op, inputs)?;
        Ok(vec![Item::Run(value, ty)])
    }

    /// The input under another shape.
    pub fn reshaped(&mut self, shape: Vec<usize>) -> Result<Vec<Item<'a>>> {
        let (x, ty) = (self.any(0)?, self.element_type(0)?);
        let value = self.graph().reshape(x, shape)?;
        Ok(vec![Item::Run(value, ty)])
    }

    /// Numbers under a shape, in the type of a value of floats.
    pub fn constant(&mut self, like: Value, shape: &[usize], numbers: Vec<f64>) -> Result<Value> {
        let dtype = self.graph().desc(like)?.dtype;
        let tensor = Tensor::new(shape, Data::nearest(dtype, numbers)?)?;
        Ok(self.graph().constant(tensor))
    }

    /// A value of the first input's type.
    pub fn one_of(&self, value: Value) -> Result<Vec<Item<'a>>> {
        Ok(vec![Item::Run(value, self.element_type(0)?)])
    }
}
