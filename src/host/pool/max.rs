//! Maxima without their positions.

use super::reduce::Max;
use super::{narrowed, same, wrong_type};
use crate::error::Result;
use crate::host::element::{Plain, Widened, narrow};
use crate::problem::PoolWork;
use crate::tensor::Data;

pub(super) fn pool(work: &PoolWork, x: &Data) -> Result<Data> {
    Ok(match x {
        Data::F32(x) => Data::F32(same::<Max<f32>>(work, &Plain(x), |_, _, _| {})?),
        Data::U8(x) => Data::U8(same::<Max<u8>>(work, &Plain(x), |_, _, _| {})?),
        Data::I8(x) => Data::I8(same::<Max<i8>>(work, &Plain(x), |_, _, _| {})?),
        Data::F16(x) => Data::F16(narrowed::<Max<f32>, _>(work, &Widened(x), |_, _, _| {}, narrow)?),
        _ => return Err(wrong_type(work, x)),
    })
}
