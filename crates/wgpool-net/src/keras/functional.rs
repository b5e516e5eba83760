//! Functional models that are a straight row of layers: each reads the output of one, and is read by one.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::fields::{Fields, excerpt};
use wgpool::error::{Error, Result};

/// The layers of a functional model, first to last. `entries` are those of its configuration, with what each says of itself.
pub(super) fn row<'a>(
    config: &Map<String, Value>,
    entries: Vec<(Fields<'a>, &'a Value)>,
) -> Result<Vec<Fields<'a>>> {
    let bad = |reason: String| Error::document("Keras config", reason);
    let [first, last] = [("input_layers", "input"), ("output_layers", "output")].map(|(key, what)| {
        match tensors(config.get(key).unwrap_or(&Value::Null)).as_slice() {
            [one] => Ok(*one),
            other => Err(bad(format!("the model must have one {what}, but its {key} name {other:?}"))),
        }
    });
    let (first, last) = (first?, last?);
    let mut left = Vec::with_capacity(entries.len());
    for (fields, entry) in entries {
        left.push((source(&fields, entry)?, fields));
    }
    let mut row: Vec<Fields<'a>> = Vec::with_capacity(left.len());
    let mut before = None;
    while let Some(at) = left.iter().position(|(reads, _)| *reads == before) {
        let (_, fields) = left.remove(at);
        if let Some((_, other)) = left.iter().find(|(reads, _)| *reads == before) {
            return Err(match before {
                Some(before) => other.error(format!(
                    "it reads the output of {before}, and so does {}: only straight rows of layers are supported, no branches",
                    fields.layer
                )),
                None => other.error(format!("it is an input beside {}: only one is supported", fields.layer)),
            });
        }
        before = Some(fields.layer);
        row.push(fields);
    }
    if let Some((reads, fields)) = left.first() {
        let reads = reads.unwrap_or_default();
        return Err(fields.error(format!("it reads the output of {reads}, which no layer before it gives")));
    }
    match (row.first(), row.last()) {
        (Some(start), _) if start.layer != first => {
            Err(bad(format!("its input is {first}, but no layer reads that")))
        }
        (_, Some(end)) if end.layer != last => {
            Err(end.error(format!("it is the last layer, but the model's output is that of {last}")))
        }
        _ => Ok(row),
    }
}

/// The one layer whose output a layer reads; `None` for the input.
fn source<'a>(fields: &Fields<'a>, entry: &'a Value) -> Result<Option<&'a str>> {
    let nodes = entry.get("inbound_nodes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let node = match nodes {
        [] => return Ok(None),
        [node] => node,
        more => {
            let places = more.len();
            return Err(fields.error(format!(
                "it is used at {places} places: only straight rows of layers are supported"
            )));
        }
    };
    let none = Map::new();
    for (name, value) in node.get("kwargs").and_then(Value::as_object).unwrap_or(&none) {
        // A model that predicts passes its own `training` on, whatever a layer was called with.
        if name != "training" && !value.is_null() && value.as_bool() != Some(false) {
            return Err(fields
                .error(format!("it is called with {name} = {}, which is not supported", excerpt(value))));
        }
    }
    match tensors(node.get("args").unwrap_or(node)).as_slice() {
        [one] => Ok(Some(*one)),
        other => {
            let names: BTreeSet<_> = other.iter().collect();
            Err(fields.error(format!(
                "it reads the outputs of {} layers ({names:?}): only straight rows of layers are supported, no branches",
                other.len()
            )))
        }
    }
}

/// The layers that the tensors of a value come from: `["name", 0, 0, ...]`, alone, in lists, or as Keras 3's `keras_history`.
fn tensors(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(list) => match list.as_slice() {
            [Value::String(name), Value::Number(_), Value::Number(_), ..] => vec![name],
            list => list.iter().flat_map(tensors).collect(),
        },
        Value::Object(map) => {
            let config = map.get("config").unwrap_or(&Value::Null);
            config.get("keras_history").map(tensors).unwrap_or_default()
        }
        _ => vec![],
    }
}
