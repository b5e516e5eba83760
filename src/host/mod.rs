//! The host path: a fast CPU implementation for machines without a GPU.
//!
//! It computes from the same [`Problem`] as the reference and stays within the bounds that the reference states.
//! Loops are plain slices which the compiler vectorises, compiled once more for wider registers (see `simd`);
//! work is shared out by rayon.

mod activation;
mod conv;
mod element;
mod exp;
mod output;
mod pool;
mod simd;
mod softmax;
mod sum;

use crate::error::{Error, Result};
use crate::problem::{Problem, Work};
use crate::spec::Op;
use crate::tensor::{Data, Tensor, TensorDesc};

/// Computes `op` on `inputs` on the CPU.
///
/// # Errors
/// Those of [`Problem::new`]: whatever rule of the operation the inputs or its parameters break.
///
/// ```
/// use wgpool::{host, Op, Pool, Tensor};
/// let x = Tensor::from_f32(&[1, 1, 4, 4], (0..16).map(|v| v as f32).collect())?;
/// let pooled = host::run(&Op::from(Pool::max([2, 2])), &[&x])?;
/// assert_eq!(pooled[0].as_f32()?, [5., 7., 13., 15.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
pub fn run(op: &Op, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    let descs: Vec<TensorDesc> = inputs.iter().map(|t| t.desc()).collect();
    compute(&Problem::new(op, &descs)?, inputs)
}

/// Computes a problem on the CPU: [`run`] without validating the operation again.
///
/// # Errors
/// If `inputs` are not what the problem was made for, or the memory for the outputs cannot be had.
///
/// ```
/// use wgpool::{host, GlobalPool, Problem, Tensor};
/// let x = Tensor::from_f32(&[1, 1, 2, 2], vec![1., 2., 3., 6.])?;
/// let problem = Problem::new(&GlobalPool::average().into(), &[x.desc()])?;
/// assert_eq!(host::compute(&problem, &[&x])?[0].as_f32()?, [3.0]);
/// # Ok::<(), wgpool::Error>(())
/// ```
pub fn compute(problem: &Problem, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    problem.check(inputs)?;
    let data = if problem.outputs.iter().all(|o| o.elements() == 0) {
        problem.outputs.iter().map(|o| Data::from_bytes(o.dtype, &[])).collect()
    } else {
        match (&problem.work, inputs) {
            (Work::Pool(work), _)
                if work.axes.iter().any(|a| a.adaptive)
                    || matches!(work.kind, crate::PoolKind::LpTorch { .. }) =>
            {
                return crate::reference::evaluate(problem, inputs)?
                    .iter()
                    .map(crate::reference::Exact::to_tensor)
                    .collect();
            }
            (Work::Conv(work), _) if work.dtype != crate::DType::F32 => {
                return crate::reference::evaluate(problem, inputs)?
                    .iter()
                    .map(crate::reference::Exact::to_tensor)
                    .collect();
            }
            (Work::Pool(work), [x]) => pool::pool(work, x.data())?,
            (Work::Conv(work), [x, w]) => conv::conv(work, x.as_f32()?, w.as_f32()?, None)?,
            (Work::Conv(work), [x, w, b]) => conv::conv(work, x.as_f32()?, w.as_f32()?, Some(b.as_f32()?))?,
            (Work::Softmax(work), [x]) => softmax::softmax(work, x.as_f32()?)?,
            (Work::Activation(work), [x]) => activation::activation(work, x.as_f32()?)?,
            (
                Work::Fractional(_)
                | Work::Unpool(_)
                | Work::RoiAlign(_)
                | Work::MaxRoi(_)
                | Work::ConvTranspose(_)
                | Work::ConvPool(_),
                _,
            ) => {
                return crate::reference::evaluate(problem, inputs)?
                    .iter()
                    .map(crate::reference::Exact::to_tensor)
                    .collect();
            }
            _ => {
                return Err(Error::Arity {
                    op: problem.op,
                    expected: "as many as the operation defines",
                    got: inputs.len(),
                });
            }
        }
    };
    data.into_iter().zip(&problem.outputs).map(|(data, desc)| Tensor::new(&desc.shape, data)).collect()
}
