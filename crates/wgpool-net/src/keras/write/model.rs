//! A model's layers and how they are called, as Keras writes them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::layers;
use crate::keras::fields::bad;
use crate::layer::{Call, Layer, LayerKind, Model, Origin};
use crate::lower::call_shapes;
use wgpool::error::{Error, Result};

/// The whole document.
pub(super) fn document(model: &Model) -> Result<Value> {
    let inputs: Vec<Vec<usize>> =
        model.inputs.iter().map(|input| [&[1], input.shape.as_slice()].concat()).collect();
    // Where names are others than a row has, they are those of layers.
    let named = model.inputs.first().is_some_and(|input| input.name == "input")
        && model.outputs.first().is_some_and(|(name, _)| name == "output");
    let is_row = model.is_row() && named;
    of_model(model, &inputs, is_row)
}

/// A model that reads tensors of these shapes, with their batch.
fn of_model(model: &Model, inputs: &[Vec<usize>], is_row: bool) -> Result<Value> {
    if model.layers.is_empty() {
        return Err(bad(format!("model {} has no layers", model.name)));
    }
    let mut names = BTreeSet::new();
    for name in model.layers.iter().map(|layer| &layer.name) {
        if name.contains('/') || !names.insert(name.as_str()) {
            let rule =
                if name.contains('/') { "its name holds a stroke" } else { "two layers have this name" };
            return Err(Error::layer(&model.name, name, format!("{rule}, which Keras refuses")));
        }
    }
    let shapes = call_shapes(model, inputs)?;
    let shape_of = |origin: &Origin| match origin {
        Origin::Input(at) => inputs.get(*at).cloned(),
        Origin::Call { call, output } => shapes.get(*call).and_then(|made| made.get(*output)).cloned(),
    };
    let read_by = |call: &Call| call.inputs.iter().filter_map(shape_of).collect::<Vec<_>>();
    let mut entries = Vec::with_capacity(model.layers.len());
    for (at, layer) in model.layers.iter().enumerate() {
        let Some(first) = model.calls.iter().find(|call| call.layer == at) else {
            return Err(Error::layer(
                &model.name,
                &layer.name,
                "nothing calls it, and Keras keeps what is called",
            ));
        };
        entries.push(entry(model, layer, &read_by(first))?);
    }
    let config = match is_row {
        true => row(model, entries, &names),
        false => branches(model, entries, &shape_of)?,
    };
    let (module, class) = match is_row {
        true => ("keras", "Sequential"),
        false => ("keras.src.models.functional", "Functional"),
    };
    Ok(json!({ "module": module, "class_name": class, "config": config, "registered_name": class }))
}

/// What a layer says of itself.
fn entry(model: &Model, layer: &Layer, read: &[Vec<usize>]) -> Result<Map<String, Value>> {
    let mut entry = match &layer.kind {
        LayerKind::Model(inner) => of_model(inner, read, layer.class == "Sequential" && inner.is_row())?,
        _ => {
            let none = || {
                let reason = format!("Keras has no layer for {}", super::same::excerpt(&layer.kind));
                Error::layer(&model.name, &layer.name, reason)
            };
            let shape = read.first().map_or(&[][..], Vec::as_slice);
            let (class, config) = layers::class(layer, shape).ok_or_else(none)?;
            json!({ "module": "keras.layers", "class_name": class, "config": config, "registered_name": null })
        }
    };
    let is_spatial = entry["class_name"].as_str().is_some_and(|class| class.starts_with("SpatialDropout"));
    if let Some(config) = entry["config"].as_object_mut() {
        config.insert("name".into(), json!(layer.name));
        // Keras gives SpatialDropout no such field.
        if !is_spatial {
            config.insert("trainable".into(), json!(layer.trainable));
        }
        config.insert("dtype".into(), json!("float32"));
    }
    Ok(super::fields::map(entry))
}

fn input_layer(name: &str, shape: &[usize]) -> Map<String, Value> {
    let lengths = shape.iter().map(|length| json!(length));
    let shape: Vec<Value> = std::iter::once(Value::Null).chain(lengths).collect();
    super::fields::map(json!({
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": { "batch_shape": shape, "dtype": "float32", "sparse": false, "name": name },
        "registered_name": null,
    }))
}

/// Layers in a row, behind an input that has a name of its own.
fn row(model: &Model, entries: Vec<Map<String, Value>>, names: &BTreeSet<&str>) -> Value {
    let mut name = "input_layer".to_owned();
    while names.contains(name.as_str()) {
        name.push('_');
    }
    let input = model.inputs.first().map(|input| input_layer(&name, &input.shape));
    let all: Vec<Map<String, Value>> = input.into_iter().chain(entries).collect();
    json!({ "name": model.name, "layers": all })
}

/// Layers with what they are called on.
fn branches(
    model: &Model,
    entries: Vec<Map<String, Value>>,
    shape_of: &dyn Fn(&Origin) -> Option<Vec<usize>>,
) -> Result<Value> {
    // Which call of its layer each call is.
    let mut counts = vec![0usize; model.layers.len()];
    let mut numbers = Vec::with_capacity(model.calls.len());
    for call in &model.calls {
        let count = counts.get_mut(call.layer);
        let count =
            count.ok_or_else(|| bad(format!("a call is of layer {}, which there is not", call.layer)))?;
        numbers.push(*count);
        *count += 1;
    }
    let history = |origin: &Origin, is_output: bool| -> Result<Value> {
        let found = match *origin {
            Origin::Input(at) => model.inputs.get(at).map(|input| json!([input.name, 0, 0])),
            Origin::Call { call, output } => {
                let layer = model.calls.get(call).and_then(|call| model.layers.get(call.layer));
                layer.zip(numbers.get(call)).map(|(layer, &number)| {
                    // A model begins with a call of its own, which Keras counts where it names outputs.
                    let is_model = matches!(layer.kind, LayerKind::Model(_)) && layer.class != "Sequential";
                    json!([layer.name, number + usize::from(is_output && is_model), output])
                })
            }
        };
        found.ok_or_else(|| bad(format!("{} reads {origin:?}, which there is not", model.name)))
    };
    let tensor = |origin: &Origin| -> Result<Value> {
        let shape = shape_of(origin).unwrap_or_default();
        let lengths = shape.iter().skip(1).map(|length| json!(length));
        let shape: Vec<Value> = std::iter::once(Value::Null).chain(lengths).collect();
        let config = json!({ "shape": shape, "dtype": "float32", "keras_history": history(origin, false)? });
        Ok(json!({ "class_name": "__keras_tensor__", "config": config }))
    };
    let mut all = Vec::with_capacity(entries.len() + model.inputs.len());
    let mut inputs: Vec<_> = model.inputs.iter().collect();
    // Stable: those of one place stay in their order.
    inputs.sort_by_key(|input| input.place);
    let mut inputs = inputs.into_iter().peekable();
    let with_calls = |mut entry: Map<String, Value>, name: &str, calls: Vec<Value>| {
        entry.insert("name".into(), json!(name));
        entry.insert("inbound_nodes".into(), json!(calls));
        entry
    };
    for (at, (entry, layer)) in entries.into_iter().zip(&model.layers).enumerate() {
        while let Some(input) = inputs.next_if(|input| input.place <= at) {
            all.push(with_calls(input_layer(&input.name, &input.shape), &input.name, vec![]));
        }
        let mut calls = Vec::new();
        for call in model.calls.iter().filter(|call| call.layer == at) {
            let tensors: Vec<Value> = call.inputs.iter().map(tensor).collect::<Result<_>>()?;
            let takes_list = matches!(layer.kind, LayerKind::Merge(_)) || tensors.len() != 1;
            let args = if takes_list { json!([tensors]) } else { json!(tensors) };
            calls.push(json!({ "args": args, "kwargs": {} }));
        }
        all.push(with_calls(entry, &layer.name, calls));
    }
    for input in inputs {
        all.push(with_calls(input_layer(&input.name, &input.shape), &input.name, vec![]));
    }
    // One tensor stands alone, as Keras calls such a model.
    let ends = |each: Vec<Value>| if let [one] = each.as_slice() { one.clone() } else { json!(each) };
    let inputs = model.inputs.iter().enumerate().map(|(at, _)| history(&Origin::Input(at), false));
    let outputs = model.outputs.iter().map(|(_, origin)| history(origin, true));
    let (inputs, outputs) = (inputs.collect::<Result<Vec<_>>>()?, outputs.collect::<Result<Vec<_>>>()?);
    Ok(json!({
        "name": model.name,
        "layers": all,
        "input_layers": ends(inputs),
        "output_layers": ends(outputs),
    }))
}
