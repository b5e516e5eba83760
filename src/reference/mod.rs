//! The reference: every operation in 64-bit floats and plain loops, written to be read.
//!
//! It computes each element by the definition and, beside it, how far a correct 32-bit implementation may be
//! from it ([`Exact::bound`]). It shares shapes and window positions with the other paths, and nothing else.

mod activation;
mod conv;
mod pool;
mod softmax;
mod tolerance;

pub use activation::activate;
pub use tolerance::{Mismatch, compare};

use crate::error::Result;
use crate::problem::{Problem, Work};
use crate::spec::Op;
use crate::tensor::{DType, Data, Tensor, TensorDesc};

/// One output of the reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Exact {
    /// Shape and element type that an implementation's output has.
    pub desc: TensorDesc,
    /// The elements.
    pub values: Vec<f64>,
    /// The largest distance from `values` that an implementation's elements may have; 0 where it must be exact.
    pub bound: Vec<f64>,
}

impl Exact {
    fn with_capacity(desc: &TensorDesc) -> Exact {
        let elements = desc.elements();
        Exact { desc: desc.clone(), values: vec![0.0; elements], bound: vec![0.0; elements] }
    }

    /// The elements rounded to the output's type.
    pub fn to_tensor(&self) -> Result<Tensor> {
        let v = &self.values;
        let data = match self.desc.dtype {
            DType::F32 => Data::F32(v.iter().map(|&x| x as f32).collect()),
            DType::F16 => Data::F16(v.iter().map(|&x| half::f16::from_f64(x)).collect()),
            DType::U8 => Data::U8(v.iter().map(|&x| x as u8).collect()),
            DType::I8 => Data::I8(v.iter().map(|&x| x as i8).collect()),
            DType::I32 => Data::I32(v.iter().map(|&x| x as i32).collect()),
        };
        Tensor::new(&self.desc.shape, data)
    }
}

/// Computes `op` on `inputs`, rounded to the outputs' types.
///
/// # Errors
/// Those of [`Problem::new`].
///
/// ```
/// use wgpool::{GlobalPool, Op, Tensor, reference};
/// let x = Tensor::from_f32(&[1, 1, 2, 2], vec![1., 2., 3., 6.])?;
/// assert_eq!(reference::run(&Op::from(GlobalPool::average()), &[&x])?[0].as_f32()?, [3.0]);
/// # Ok::<(), wgpool::Error>(())
/// ```
pub fn run(op: &Op, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    let descs: Vec<TensorDesc> = inputs.iter().map(|t| t.desc()).collect();
    let problem = Problem::new(op, &descs)?;
    evaluate(&problem, inputs)?.iter().map(Exact::to_tensor).collect()
}

/// Computes a problem in 64-bit floats, with the bound that SEMANTICS sets for each element.
///
/// # Errors
/// If `inputs` are not what the problem was made for.
pub fn evaluate(problem: &Problem, inputs: &[&Tensor]) -> Result<Vec<Exact>> {
    problem.check(inputs)?;
    let x: Vec<Vec<f64>> = inputs.iter().map(|t| to_f64(t)).collect();
    let mut outputs: Vec<Exact> = problem.outputs.iter().map(Exact::with_capacity).collect();
    match (&problem.work, x.as_slice(), outputs.as_mut_slice()) {
        (Work::Pool(work), [x], [y]) => pool::pool(work, x, y, None),
        (Work::Pool(work), [x], [y, indices]) => pool::pool(work, x, y, Some(indices)),
        (Work::Conv(work), [x, w], [y]) => conv::conv(work, x, w, None, y),
        (Work::Conv(work), [x, w, b], [y]) => conv::conv(work, x, w, Some(b), y),
        (Work::Softmax(work), [x], [y]) => softmax::softmax(work, x, y),
        (Work::Activation(work), [x], [y]) => activation::activation(work, x, y),
        _ => {
            return Err(crate::Error::Arity {
                op: problem.op,
                expected: "as many as the operation defines",
                got: inputs.len(),
            });
        }
    }
    for output in &mut outputs {
        tolerance::add_store_rounding(output);
    }
    Ok(outputs)
}

fn to_f64(t: &Tensor) -> Vec<f64> {
    match t.data() {
        Data::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
        Data::F16(v) => v.iter().map(|&x| x.to_f64()).collect(),
        Data::U8(v) => v.iter().map(|&x| f64::from(x)).collect(),
        Data::I8(v) => v.iter().map(|&x| f64::from(x)).collect(),
        Data::I32(v) => v.iter().map(|&x| f64::from(x)).collect(),
    }
}
