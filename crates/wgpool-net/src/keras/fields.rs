//! Typed access to a layer's configuration; whatever is missing or of another type is an error with its name.

use serde_json::{Map, Value};

use crate::Model;
use wgpool::error::{Error, Result};
use wgpool::spec::Layout;

/// The largest length, count or size that a configuration may hold.
const LARGEST: u64 = i32::MAX as u64;

/// One layer of a configuration.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    pub model: &'a str,
    /// Whether Keras 2 wrote it.
    pub keras_2: bool,
    pub layer: &'a str,
    pub class: &'a str,
    pub map: &'a Map<String, Value>,
    /// Whether it is one of `keras.ops`, and no layer.
    pub is_operation: bool,
}

impl<'a> Fields<'a> {
    pub fn error(&self, reason: impl Into<String>) -> Error {
        Error::layer(self.model, self.layer, reason)
    }

    pub fn bad(&self, key: &str, value: &Value, rule: &str) -> Error {
        self.error(format!("{} has {key} = {}, but {rule}", self.class, excerpt(value)))
    }

    /// The value of a field; null counts as absent.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|v| !v.is_null())
    }

    pub fn required(&self, key: &str) -> Result<&'a Value> {
        self.get(key).ok_or_else(|| self.error(format!("{} lacks {key}", self.class)))
    }

    /// A positive whole number.
    pub fn whole(&self, key: &str, value: &Value) -> Result<usize> {
        // Keras itself writes whole numbers; 3.0 is accepted by neither.
        match value.as_u64() {
            Some(n) if (1..=LARGEST).contains(&n) => Ok(n as usize),
            _ => Err(self.bad(key, value, "it must be a whole number from 1 to 2147483647")),
        }
    }

    /// A whole number that is not negative.
    pub fn whole_or_zero(&self, key: &str, value: &Value) -> Result<usize> {
        if value.as_u64() == Some(0) { Ok(0) } else { self.whole(key, value) }
    }

    pub fn count(&self, key: &str) -> Result<usize> {
        self.whole(key, self.required(key)?)
    }

    pub fn count_or(&self, key: &str, default: usize) -> Result<usize> {
        self.get(key).map_or(Ok(default), |v| self.whole(key, v))
    }

    /// One number for each of `rank` axes; a single number stands for all of them.
    pub fn counts(&self, key: &str, rank: usize) -> Result<Vec<usize>> {
        self.counts_of(key, self.required(key)?, rank)
    }

    pub fn counts_or(&self, key: &str, rank: usize, default: Vec<usize>) -> Result<Vec<usize>> {
        self.get(key).map_or(Ok(default), |v| self.counts_of(key, v, rank))
    }

    /// Numbers that may be zero, or absent.
    pub fn counts_or_zero(&self, key: &str, rank: usize) -> Result<Vec<usize>> {
        self.each(key, self.required(key)?, rank, Self::whole_or_zero)
    }

    fn counts_of(&self, key: &str, value: &Value, rank: usize) -> Result<Vec<usize>> {
        self.each(key, value, rank, Self::whole)
    }

    fn each(
        &self,
        key: &str,
        value: &Value,
        rank: usize,
        number: impl Fn(&Self, &str, &Value) -> Result<usize>,
    ) -> Result<Vec<usize>> {
        match value {
            Value::Array(list) if list.len() == rank => list.iter().map(|v| number(self, key, v)).collect(),
            Value::Array(_) => Err(self.bad(key, value, &format!("it must hold {rank} numbers"))),
            one => Ok(vec![number(self, key, one)?; rank]),
        }
    }

    /// A finite number or a list of them, of an array of NumPy's too; `None` if the field is absent.
    pub fn numbers(&self, key: &str) -> Result<Option<Vec<f64>>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let array = value.get("config").and_then(|config| config.get("value")).unwrap_or(value);
        let list = array.as_array().map_or(std::slice::from_ref(array), Vec::as_slice);
        let numbers = list.iter().map(|v| v.as_f64().filter(|x| x.is_finite())).collect::<Option<Vec<_>>>();
        let numbers = numbers.filter(|numbers| !numbers.is_empty());
        numbers.map(Some).ok_or_else(|| self.bad(key, value, "it must be a finite number or a list of them"))
    }

    pub fn text_or(&self, key: &str, default: &'a str) -> Result<&'a str> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => value.as_str().ok_or_else(|| self.bad(key, value, "it must be a string")),
        }
    }

    pub fn flag_or(&self, key: &str, default: bool) -> Result<bool> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => value.as_bool().ok_or_else(|| self.bad(key, value, "it must be true or false")),
        }
    }

    pub fn number(&self, key: &str) -> Result<Option<f64>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match value.as_f64() {
            Some(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(self.bad(key, value, "it must be a finite number")),
        }
    }

    /// A whole number of either sign, alone or as the only element of a list.
    pub fn axis_or(&self, key: &str, default: isize) -> Result<isize> {
        let Some(value) = self.get(key) else { return Ok(default) };
        let one = match value {
            Value::Array(list) => match list.as_slice() {
                [one] => one,
                _ => return Err(self.bad(key, value, "only one axis is supported")),
            },
            one => one,
        };
        let axis = one.as_i64().filter(|axis| axis.unsigned_abs() <= LARGEST);
        axis.map(|axis| axis as isize).ok_or_else(|| self.bad(key, value, "it must be a whole number"))
    }

    /// The memory order.
    pub fn layout(&self) -> Result<Layout> {
        match self.text_or("data_format", "channels_last")? {
            "channels_last" => Ok(Layout::Nhwc),
            "channels_first" => Ok(Layout::Nchw),
            other => {
                let rule = "it must be channels_last or channels_first";
                Err(self.error(format!("data_format is {other:?}, but {rule}")))
            }
        }
    }

    /// Refuses a layer that computes in another type than 32-bit floats.
    pub fn check_dtype(&self) -> Result<()> {
        let Some(value) = self.get("dtype") else { return Ok(()) };
        let name = match value {
            Value::Object(policy) => policy.get("config").and_then(|c| c.get("name")).and_then(Value::as_str),
            other => other.as_str(),
        };
        match name {
            Some("float32") => Ok(()),
            _ => Err(self.bad("dtype", value, "only float32 is supported")),
        }
    }
}

/// Whether a class is that of a model.
pub(super) fn is_model(class: &str) -> bool {
    matches!(class, "Sequential" | "Functional" | "Model")
}

/// What a model is in.
#[derive(Clone, Copy)]
pub(super) struct Outer<'a> {
    /// Whether Keras 2 wrote it.
    pub keras_2: bool,
    /// The memory order that it has if its own layers say nothing.
    pub layout: Layout,
    /// The shapes that it is called on, with their batch; none for the outermost.
    pub shapes: &'a [Vec<usize>],
    /// What makes a model of a layer's configuration.
    pub model: fn(&Fields<'_>, &Outer<'_>) -> Result<Model>,
}

pub(super) fn bad(reason: impl Into<String>) -> Error {
    Error::document("Keras config", reason)
}

/// A value as it may stand in a message: never longer than a line.
pub(super) fn excerpt(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(80) {
        None => text,
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
    }
}
