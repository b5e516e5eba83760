//! Lp norms, summed in 64-bit floats because powers leave the range of 32-bit ones.

use half::f16;

use super::reduce::Sum;
use super::{narrowed, wrong_type};
use crate::error::Result;
use crate::host::element::Powers;
use crate::problem::PoolWork;
use crate::tensor::Data;

pub(super) fn pool(work: &PoolWork, x: &Data, p: f32) -> Result<Data> {
    let p = f64::from(p);
    let root = move |sum: f64| match p {
        1.0 => sum,
        2.0 => sum.sqrt(),
        _ => sum.powf(1.0 / p),
    };
    Ok(match x {
        Data::F32(x) => Data::F32(narrowed::<Sum<f64>, _>(
            work,
            &Powers { elements: x.as_slice(), p },
            |_, _, _| {},
            |sums, out: &mut [f32]| out.iter_mut().zip(sums).for_each(|(y, &s)| *y = root(s) as f32),
        )?),
        Data::F16(x) => Data::F16(narrowed::<Sum<f64>, _>(
            work,
            &Powers { elements: x.as_slice(), p },
            |_, _, _| {},
            |sums, out: &mut [f16]| out.iter_mut().zip(sums).for_each(|(y, &s)| *y = f16::from_f64(root(s))),
        )?),
        _ => return Err(wrong_type(work, x)),
    })
}
