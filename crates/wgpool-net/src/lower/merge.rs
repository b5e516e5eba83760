//! Layers that make one tensor of several.

use super::{Flow, Lowering, check_image};
use crate::graph::Value;
use crate::layer::Merge;
use wgpool::error::{Error, Result};
use wgpool::spec::{BinaryFunction, Concat, Elementwise, Operand};

impl Merge {
    /// What it takes, if that is another number of tensors.
    pub(super) fn refuses(self, given: usize) -> Option<&'static str> {
        match self {
            Merge::Subtract if given != 2 => Some("two inputs"),
            _ if given == 0 => Some("one input or more"),
            _ => None,
        }
    }

    /// The function of two tensors that is computed again and again.
    fn function(self) -> BinaryFunction {
        match self {
            Merge::Subtract => BinaryFunction::Subtract,
            Merge::Multiply => BinaryFunction::Multiply,
            Merge::Maximum => BinaryFunction::Maximum,
            Merge::Minimum => BinaryFunction::Minimum,
            Merge::Add | Merge::Average | Merge::Concatenate { .. } => BinaryFunction::Add,
        }
    }
}

impl Lowering<'_> {
    /// What comes of several tensors.
    pub(super) fn merge(&mut self, merge: Merge, inputs: &[Flow]) -> Result<()> {
        let mut values = Vec::with_capacity(inputs.len());
        for &input in inputs {
            self.x = input;
            self.in_order()?;
            values.push(self.x.value);
        }
        if let Merge::Concatenate { axis } = merge {
            self.x = self.graph.one(Concat { axis }, &values)?.into();
        } else {
            self.aligned(&mut values)?;
            self.x = self.folded(merge, &values)?.into();
        }
        check_image(self.shape_of(self.x)?)
    }

    /// Gives all tensors as many axes, by axes of length 1 behind the batch.
    fn aligned(&mut self, values: &mut [Value]) -> Result<()> {
        let shapes = values.iter().map(|&value| self.graph.desc(value).map(|desc| desc.shape.clone()));
        let shapes: Vec<Vec<usize>> = shapes.collect::<Result<_>>()?;
        let rank = shapes.iter().map(Vec::len).max().unwrap_or(0);
        let batch = shapes.first().and_then(|shape| shape.first().copied());
        for (value, mut shape) in values.iter_mut().zip(shapes) {
            if shape.first().copied() != batch {
                let rule = format!("its batch must be {} as the first one's", batch.unwrap_or(0));
                return Err(Error::shape("merging", "an input", &shape, rule));
            }
            let missing = rank - shape.len();
            shape.splice(1..1, std::iter::repeat_n(1, missing));
            *value = self.graph.reshape(*value, shape)?;
        }
        Ok(())
    }

    /// Two and more by the function of two, as many at once as a formula has.
    fn folded(&mut self, merge: Merge, values: &[Value]) -> Result<Value> {
        let [first, rest @ ..] = values else { return Ok(self.x.value) };
        let mut result = *first;
        let mut left = rest;
        loop {
            let (now, later) = left.split_at(left.len().min(Elementwise::MOST_INPUTS - 1));
            let mut formula = Elementwise { inputs: 1, steps: vec![] };
            for at in 1..=now.len() {
                formula = formula.then(merge.function(), Operand::Input(at));
            }
            if later.is_empty() && merge == Merge::Average {
                formula = formula.then(BinaryFunction::Divide, Operand::Number(values.len() as f32));
            }
            if !formula.steps.is_empty() {
                let inputs: Vec<Value> = std::iter::once(result).chain(now.iter().copied()).collect();
                result = self.graph.one(formula, &inputs)?;
            }
            if later.is_empty() {
                return Ok(result);
            }
            left = later;
        }
    }
}
