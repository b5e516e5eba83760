//! A model as far as it is put together from a configuration.

use serde_json::Value;

use super::fields::{Fields, Outer, bad, excerpt};
use super::layers;
use crate::lower::{MOST_LAYERS, absent, shapes_behind};
use crate::{LayerKind, Model, Origin};
use wgpool::error::Result;
use wgpool::spec::Layout;

/// A model as far as it is put together.
pub(super) struct Building<'o> {
    pub model: Model,
    outer: Outer<'o>,
    /// The memory order of the layers that have one, and the first of them.
    format: Option<(Layout, String)>,
    /// The shapes of what each call gives, with the batch.
    shapes: Vec<Vec<Vec<usize>>>,
    /// Layers that are computed in all.
    size: usize,
}

impl<'o> Building<'o> {
    pub fn new(name: &str, outer: Outer<'o>) -> Building<'o> {
        Building { model: Model::branched(name), outer, format: None, shapes: vec![], size: 0 }
    }

    /// Adds an input of a shape that a document declares, or of the one that the model is called on.
    pub fn input(&mut self, name: &str, declared: Option<&Value>) -> Result<Origin> {
        let lengths = match (self.outer.shapes.get(self.model.inputs.len()), declared) {
            (Some(given), declared) => {
                let given = given.get(1..).unwrap_or_default();
                if !declared.is_none_or(|declared| fits(declared, given)) {
                    let declared = declared.map(excerpt).unwrap_or_default();
                    let reason = format!(
                        "its input {name} takes {declared}, but is given {given:?} without its batch"
                    );
                    return Err(bad(format!("model {}: {reason}", self.model.name)));
                }
                given.to_vec()
            }
            (None, Some(declared)) => input_shape(declared)?,
            (None, None) => {
                return Err(bad("no input shape: there is neither an InputLayer nor build_input_shape"));
            }
        };
        Ok(self.model.input(name, lengths))
    }

    /// Calls a layer, which `known` says is there already.
    pub fn call(&mut self, fields: &Fields<'_>, known: Option<usize>, inputs: Vec<Origin>) -> Result<Origin> {
        let mut shapes = Vec::with_capacity(inputs.len());
        for origin in &inputs {
            let shape = match origin {
                Origin::Input(input) => self.model.inputs.get(*input).map(|input| batched(&input.shape)),
                Origin::Call { call, output } => {
                    self.shapes.get(*call).and_then(|made| made.get(*output)).cloned()
                }
            };
            shapes.push(shape.ok_or_else(|| fields.error(format!("it {}", absent(origin))))?);
        }
        self.check_format(fields)?;
        let layer = layers::layer(fields, &shapes, &self.outer)?;
        self.size += if let LayerKind::Model(inner) = &layer.kind { inner.size() } else { 1 };
        if self.size > MOST_LAYERS {
            return Err(fields.error(format!("with it the model computes more than {MOST_LAYERS} layers")));
        }
        self.shapes.push(shapes_behind(&self.model.name, &layer, &shapes)?);
        let at = match known {
            None => {
                self.model.layers.push(layer);
                self.model.layers.len() - 1
            }
            Some(at) if self.model.layers.get(at) == Some(&layer) => at,
            Some(_) => {
                let rule =
                    "it is called on tensors of several shapes, for which it would be another layer each";
                return Err(fields.error(format!("{rule}; the last is {shapes:?}, with the batch")));
            }
        };
        Ok(self.model.call(at, &inputs))
    }

    fn check_format(&mut self, fields: &Fields<'_>) -> Result<()> {
        if !layers::has_layout(fields.class) {
            return Ok(());
        }
        let layout = fields.layout()?;
        match &self.format {
            Some((first, by)) if *first != layout => Err(fields.error(format!(
                "it has another data_format than layer {by}; a model must use one for all layers"
            ))),
            _ => {
                self.format = Some((layout, fields.layer.to_owned()));
                Ok(())
            }
        }
    }
}

fn batched(shape: &[usize]) -> Vec<usize> {
    std::iter::once(1).chain(shape.iter().copied()).collect()
}

/// Whether a declared shape, with its batch, permits one without.
fn fits(declared: &Value, given: &[usize]) -> bool {
    match declared.as_array().map(Vec::as_slice) {
        Some([_, lengths @ ..]) => {
            let fits = |(length, &n): (&Value, &usize)| length.is_null() || length.as_u64() == Some(n as u64);
            lengths.len() == given.len() && lengths.iter().zip(given).all(fits)
        }
        _ => false,
    }
}

/// An input's declared shape, without its batch.
fn input_shape(value: &Value) -> Result<Vec<usize>> {
    let shape = value.as_array().map(Vec::as_slice);
    let Some([batch, lengths @ ..]) = shape else {
        return Err(bad(format!("the input shape is {}, but it must be a list", excerpt(value))));
    };
    if !batch.is_null() && batch.as_u64().is_none() {
        return Err(bad(format!("the input's batch is {}, but it must be null or a number", excerpt(batch))));
    }
    let lengths = lengths.iter().map(|v| match v.as_u64() {
        Some(n) if (1..=i32::MAX as u64).contains(&n) => Ok(n as usize),
        _ => Err(bad(format!(
            "the input shape is {}, but every length behind the batch must be a whole number from 1 to 2147483647",
            excerpt(value)
        ))),
    });
    lengths.collect()
}
