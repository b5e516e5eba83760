//! The tutorial's seven: a convolution's output and its max pooling, drawn and checked.

use std::io::Write;

use wgpool::{Error, Op, Pool, Result};

use super::super::backends::Opened;
use super::super::terminal::line;
use super::{data, draw};

/// Pools the seven and draws it before and after.
pub fn show(opened: &Opened, out: &mut dyn Write) -> Result<()> {
    let (input, expected) = data::seven()?;
    let results = opened.backend.run(&Op::from(Pool::max([2, 2])), &[&input])?;
    let [pooled] = results.as_slice() else {
        return Err(Error::Arity { op: "max_pool", expected: "one (output)", got: results.len() });
    };
    line(out, "  one channel of a convolution, 26x26, and its 2x2 max pooling, 13x13")?;
    line(out, "")?;
    let most = input.as_f32()?.iter().copied().fold(0.0, f32::max);
    let left = draw::shades(input.as_f32()?, 26, most);
    let right = draw::shades(pooled.as_f32()?, 13, most);
    for row in draw::beside(&left, &right) {
        line(out, row.trim_end())?;
    }
    line(out, "")?;
    let (got, expected) = (pooled.as_f32()?, expected.as_f32()?);
    let equal = got.iter().zip(expected).filter(|(a, b)| a == b).count();
    line(out, format_args!("  {equal} of {} pooled values equal the tutorial's", expected.len()))?;
    match (0..expected.len()).find(|&i| got.get(i) != expected.get(i)) {
        None => Ok(()),
        Some(at) => Err(Error::Value {
            op: "max_pool",
            tensor: "output",
            at,
            value: format!("{:?}", got.get(at)),
            rule: format!("the tutorial's value is {:?}", expected.get(at)),
        }),
    }
}
