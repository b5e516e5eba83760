//! A case's attributes, read with typed errors.

use serde_json::{Map, Value};

use wgpool::error::{Error, Result};

/// The attributes of an operation.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a> {
    /// Which framework's operation it is, for errors.
    pub op: &'static str,
    /// The attributes.
    pub map: &'a Map<String, Value>,
}

impl<'a> Attributes<'a> {
    /// The first of these names that has a value; null is none.
    fn find(&self, names: &[&'static str]) -> Option<(&'static str, &'a Value)> {
        names.iter().find_map(|&name| Some((name, self.map.get(name).filter(|v| !v.is_null())?)))
    }

    fn wrong(&self, name: &'static str, value: &Value, rule: &str) -> Error {
        let text: String = value.to_string().chars().take(80).collect();
        Error::Parameter { op: self.op, parameter: name, value: text, rule: rule.to_owned() }
    }

    /// One whole number.
    pub fn int(&self, names: &[&'static str]) -> Result<Option<i64>> {
        let Some((name, value)) = self.find(names) else { return Ok(None) };
        match value {
            // A list of one number stands for it.
            Value::Array(list) if list.len() == 1 => list.first().and_then(whole),
            value => whole(value),
        }
        .map(Some)
        .ok_or_else(|| self.wrong(name, value, "it must be a whole number"))
    }

    /// Whole numbers, one of which may stand for all axes.
    pub fn ints(&self, names: &[&'static str]) -> Result<Option<Vec<i64>>> {
        let Some((name, value)) = self.find(names) else { return Ok(None) };
        let list = match value {
            Value::Array(list) if list.is_empty() => return Ok(None),
            Value::Array(list) => list.iter().map(whole).collect(),
            one => whole(one).map(|v| vec![v]),
        };
        list.map(Some).ok_or_else(|| self.wrong(name, value, "it must be one whole number or a list of them"))
    }

    /// Numbers that must not be negative.
    pub fn lengths(&self, names: &[&'static str]) -> Result<Option<Vec<usize>>> {
        let Some(list) = self.ints(names)? else { return Ok(None) };
        let lengths: Option<Vec<usize>> = list.iter().map(|&v| usize::try_from(v).ok()).collect();
        let name = names.first().copied().unwrap_or_default();
        let rule = "it must not be negative";
        lengths.map(Some).ok_or_else(|| Error::parameter(self.op, name, list, rule))
    }

    /// One number.
    pub fn float(&self, names: &[&'static str]) -> Result<Option<f64>> {
        let Some((name, value)) = self.find(names) else { return Ok(None) };
        value.as_f64().map(Some).ok_or_else(|| self.wrong(name, value, "it must be a number"))
    }

    /// A switch: true, false, 0 or 1.
    pub fn flag(&self, names: &[&'static str]) -> Result<Option<bool>> {
        let Some((name, value)) = self.find(names) else { return Ok(None) };
        match whole(value) {
            Some(0) => Ok(Some(false)),
            Some(1) => Ok(Some(true)),
            _ => Err(self.wrong(name, value, "it must be true or false")),
        }
    }

    /// A word, if it is one.
    pub fn word(&self, names: &[&'static str]) -> Option<&'a str> {
        self.find(names).and_then(|(_, value)| value.as_str())
    }

    /// The value as it is.
    pub fn raw(&self, names: &[&'static str]) -> Option<&'a Value> {
        self.find(names).map(|(_, value)| value)
    }

    /// [`Error::Parameter`] for an attribute that has to be there.
    pub fn missing(&self, name: &'static str) -> Error {
        Error::Parameter {
            op: self.op,
            parameter: name,
            value: "missing".into(),
            rule: "the operation needs it".into(),
        }
    }
}

/// A JSON value as a whole number.
pub fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(b) => Some(i64::from(*b)),
        Value::Number(n) => n.as_i64().or_else(|| {
            let float = n.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9e15)?;
            Some(float as i64)
        }),
        _ => None,
    }
}
