//! The fields of Keras' objects.

use serde_json::{Map, Value};

/// A class and the fields of its configuration.
pub(super) type Class = (String, Map<String, Value>);

/// A 32-bit float as the shortest decimal number that is read as it.
pub(super) fn number(of: f32) -> f64 {
    of.to_string().parse().unwrap_or(f64::from(of))
}

/// The fields of an object.
pub(super) fn map(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
