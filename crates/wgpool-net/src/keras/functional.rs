//! Functional models: layers that read the outputs of others, each called once or at several places.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};

use serde_json::{Map, Value};

use super::building::Building;
use super::fields::{Fields, bad, excerpt, is_model};
use crate::Origin;
use wgpool::error::Result;

/// A tensor as documents name it: the layer, which of its calls made it, and which output of that.
type History<'a> = (&'a str, u64, u64);

/// Puts the layers together. `entries` are those of the configuration, with what each says of itself.
pub(super) fn build(
    building: &mut Building<'_>,
    config: &Map<String, Value>,
    entries: &[(Fields<'_>, &Value)],
) -> Result<()> {
    let ends = |key: &str| {
        let value = config.get(key).unwrap_or(&Value::Null);
        match tensors(value) {
            Ok(tensors) if !tensors.is_empty() => Ok(tensors),
            _ => Err(bad(format!("its {key} are {}, but must name layers", excerpt(value)))),
        }
    };
    let (inputs, outputs) = (ends("input_layers")?, ends("output_layers")?);
    let places: HashMap<&str, usize> =
        entries.iter().enumerate().map(|(at, (fields, _))| (fields.layer, at)).collect();

    // Models that are layers begin with a call of their own, which Keras 2 counts everywhere, and Keras 3 where it names outputs.
    let mut nodes = entries.iter().filter_map(|(_, entry)| entry.get("inbound_nodes")?.get(0));
    let is_keras_2 = nodes.any(Value::is_array);
    let counted = |(name, call, _): History<'_>, is_output: bool| {
        let class = places.get(name).and_then(|&at| entries.get(at)).map_or("", |(fields, _)| fields.class);
        let has_own = is_model(class) && (is_keras_2 || (is_output && class != "Sequential"));
        if has_own { call.saturating_sub(1) } else { call }
    };

    // What each call makes, by entry and number; inputs are the calls 0 of theirs.
    let mut made: HashMap<(usize, u64), Origin> = HashMap::new();
    for (name, _, _) in &inputs {
        let Some((at, (fields, _))) = places.get(name).and_then(|&at| Some((at, entries.get(at)?))) else {
            return Err(bad(format!("its input {name} is no layer")));
        };
        if fields.class != "InputLayer" {
            return Err(fields.error(format!("it is an input of the model, but is a {}", fields.class)));
        }
        fields.check_dtype()?;
        let shape = fields.get("batch_shape").or(fields.get("batch_input_shape"));
        made.insert((at, 0), building.input(name, shape)?);
    }

    // Calls are made as soon as all they read is there, those of layers that are named first before others.
    let mut calls: BTreeMap<(usize, u64), Vec<History<'_>>> = BTreeMap::new();
    for (at, (fields, entry)) in entries.iter().enumerate().filter(|(at, _)| !made.contains_key(&(*at, 0))) {
        let nodes = entry.get("inbound_nodes").and_then(Value::as_array).map(Vec::as_slice);
        let Some(nodes) = nodes.filter(|nodes| !nodes.is_empty()) else {
            return Err(fields.error("it reads nothing, and is no input of the model"));
        };
        for (number, node) in (0..).zip(nodes) {
            let mut read = reads(fields, node)?;
            read.iter_mut().for_each(|history| history.1 = counted(*history, false));
            calls.insert((at, number), read);
        }
    }
    let id = |&(name, call, _): &History<'_>| places.get(name).map(|&at| (at, call));
    let mut readers: HashMap<(usize, u64), Vec<(usize, u64)>> = HashMap::new();
    let mut waiting: HashMap<(usize, u64), usize> = HashMap::new();
    let mut ready = BinaryHeap::new();
    for (call, histories) in &calls {
        let read: HashSet<(usize, u64)> =
            histories.iter().filter_map(id).filter(|id| !made.contains_key(id)).collect();
        if read.is_empty() {
            ready.push(Reverse(*call));
        }
        waiting.insert(*call, read.len());
        read.into_iter().for_each(|id| readers.entry(id).or_default().push(*call));
    }
    // Where inputs stand among the layers that are first called then.
    let mut layers: HashMap<usize, usize> = HashMap::new();
    while let Some(Reverse(call)) = ready.pop() {
        let (Some((fields, _)), Some(histories)) = (entries.get(call.0), calls.remove(&call)) else {
            continue;
        };
        let origins = histories.iter().map(|history| origin(fields, history, &places, &made));
        let origins: Vec<Origin> = origins.collect::<Result<_>>()?;
        let known = layers.get(&call.0).copied();
        let next = building.model.layers.len();
        made.insert(call, building.call(fields, known, origins)?);
        layers.entry(call.0).or_insert(next);
        for reader in readers.remove(&call).unwrap_or_default() {
            if let Some(left) = waiting.get_mut(&reader) {
                *left -= 1;
                if *left == 0 {
                    ready.push(Reverse(reader));
                }
            }
        }
    }
    if let Some((call, histories)) = calls.first_key_value()
        && let Some((fields, _)) = entries.get(call.0)
    {
        let lacking = histories.iter().find(|history| id(history).is_none_or(|id| !made.contains_key(&id)));
        let (name, number, _) = lacking.copied().unwrap_or_default();
        let number = if number == 0 { String::new() } else { format!(" (its call {number})") };
        return Err(
            fields.error(format!("it reads the output of {name}{number}, which no layer before it gives"))
        );
    }
    for (input, (name, _, _)) in building.model.inputs.iter_mut().zip(&inputs) {
        let at = places.get(name).copied().unwrap_or(0);
        input.place = layers.keys().filter(|&&entry| entry < at).count();
    }
    let mut names = HashSet::new();
    for history in &outputs {
        let (name, call, output) = (history.0, counted(*history, true), history.2);
        let Some((fields, _)) = places.get(name).and_then(|&at| entries.get(at)) else {
            return Err(bad(format!("its output {name} is no layer")));
        };
        let origin = origin(fields, &(name, call, output), &places, &made)?;
        // Keras gives outputs of one layer the same name.
        let numbered = (1..).map(|n| format!("{name}_{n}"));
        let unique = std::iter::once(name.to_owned()).chain(numbered).find(|name| names.insert(name.clone()));
        building.model.output(unique.unwrap_or_default(), origin);
    }
    Ok(())
}

/// Where a tensor comes from that a layer reads.
fn origin(
    fields: &Fields<'_>,
    &(name, call, output): &History<'_>,
    places: &HashMap<&str, usize>,
    made: &HashMap<(usize, u64), Origin>,
) -> Result<Origin> {
    let origin = places.get(name).and_then(|&at| made.get(&(at, call)));
    match (origin, usize::try_from(output)) {
        (Some(Origin::Call { call, .. }), Ok(output)) => Ok(Origin::Call { call: *call, output }),
        (Some(input), Ok(0)) => Ok(*input),
        _ if !places.contains_key(name) => {
            Err(fields.error(format!("it reads the output of {name}, which no layer before it gives")))
        }
        _ => {
            Err(fields
                .error(format!("it reads output {output} of call {call} of {name}, which there is not")))
        }
    }
}

/// What a call of a layer reads.
fn reads<'a>(fields: &Fields<'a>, node: &'a Value) -> Result<Vec<History<'a>>> {
    check_arguments(fields, node.get("kwargs"))?;
    let read = node.get("args").unwrap_or(node);
    tensors(read)
        .map_err(|value| {
            fields.error(format!("it is called with {}, which is not supported", excerpt(value)))
        })
        .and_then(|read| match read.is_empty() {
            true => Err(fields.error("a call of it reads nothing")),
            false => Ok(read),
        })
        .and_then(|histories| {
            // Keras 2 has the arguments of the call with each tensor.
            let lists = node.as_array().into_iter().flatten();
            lists.map(|list| check_arguments(fields, list.get(3))).collect::<Result<Vec<()>>>()?;
            Ok(histories)
        })
}

/// Refuses arguments that may change what a layer gives.
fn check_arguments(fields: &Fields<'_>, arguments: Option<&Value>) -> Result<()> {
    for (name, value) in arguments.and_then(Value::as_object).into_iter().flatten() {
        // A model that predicts passes its own `training` on, whatever a layer was called with.
        if name != "training" && value.as_bool() != Some(false) && !is_nothing(value) {
            return Err(fields
                .error(format!("it is called with {name} = {}, which is not supported", excerpt(value))));
        }
    }
    Ok(())
}

/// Whether there are only nulls in it, as Keras writes the masks of several inputs.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.iter().all(Value::is_null),
        Value::Object(map) => map.values().all(Value::is_null),
        _ => false,
    }
}

/// The tensors of a value: `["name", 0, 0, ...]`, alone, in lists, by names, or as Keras 3's `keras_history`. An error is what
/// is none.
fn tensors(value: &Value) -> Result<Vec<History<'_>>, &Value> {
    match value {
        Value::Array(list) => match list.as_slice() {
            [Value::String(name), Value::Number(call), Value::Number(output), ..] => {
                match (call.as_u64(), output.as_u64()) {
                    (Some(call), Some(output)) => Ok(vec![(name, call, output)]),
                    _ => Err(value),
                }
            }
            list => all(list.iter()),
        },
        Value::Object(map) if map.contains_key("class_name") => {
            let history = map.get("config").and_then(|config| config.get("keras_history"));
            history.ok_or(value).and_then(tensors)
        }
        Value::Object(map) => all(map.values()),
        Value::Null => Ok(vec![]),
        _ => Err(value),
    }
}

fn all<'a>(values: impl Iterator<Item = &'a Value>) -> Result<Vec<History<'a>>, &'a Value> {
    let mut found = vec![];
    for value in values {
        found.extend(tensors(value)?);
    }
    Ok(found)
}
