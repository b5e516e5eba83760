//! Types of elements as text.

use std::fmt;
use std::str::FromStr;

use super::DType;
use crate::error::{Error, Result};

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().name)
    }
}

/// The type's name, in small letters or capitals.
impl FromStr for DType {
    type Err = Error;

    fn from_str(text: &str) -> Result<DType> {
        let found = DType::ALL.iter().find(|dtype| dtype.row().name.eq_ignore_ascii_case(text));
        let rule = || format!("it must be {}", DType::listed(DType::ALL));
        found.copied().ok_or_else(|| Error::parameter("tensor", "element type", text, rule()))
    }
}
