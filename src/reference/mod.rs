//! The reference: every operation in 64-bit floats and plain loops, written to be read.
//!
//! It computes each element by the definition and, beside it, how far a correct 32-bit implementation may be
//! from it ([`Exact::bound`]). It shares shapes and window positions with the other paths, and nothing else.

mod activation;
mod causal;
mod col2im;
mod conv;
mod deform;
mod elementwise;
mod fractional;
#[cfg(feature = "gradients")]
mod gradient;
mod integer;
// Only natively, and for benchmarks, is anything measured.
#[cfg_attr(target_arch = "wasm32", allow(dead_code))]
pub(crate) mod judge;
mod pool;
mod reduce;
mod resize;
mod roi;
pub(crate) mod sample;
mod softmax;
mod strided;
mod tile;
mod tolerance;
mod unpool;

pub use activation::activate;
pub use sample::compare_sample;
pub(crate) use tolerance::{EPS, add_store_rounding};
pub use tolerance::{Mismatch, compare};

use crate::dtype::{Data, of_any};
use crate::error::Result;
use crate::memory;
use crate::problem::{ConvPoolWork, Epilogue, PoolWork, Problem, Work};
use crate::spec::{Op, PoolKind};
use crate::tensor::{Tensor, TensorDesc, checked_elements};

/// One output of the reference.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Exact {
    /// Shape and element type that an implementation's output has.
    pub desc: TensorDesc,
    /// The elements.
    pub values: Vec<f64>,
    /// The largest distance from `values` that an implementation's elements may have; 0 where it must be exact,
    /// infinite where the definition says nothing of it, such as a quotient by a sum that may be 0.
    pub bound: Vec<f64>,
    /// Where NaN is as right as the value; empty if it is so nowhere. These are convolutions in whose padding a weight lies
    /// that is infinite or NaN: frameworks multiply it by the padding's zero, the definition leaves it out.
    pub or_nan: Vec<bool>,
    /// Where a value of zero must have its sign: in maxima, of which the first of equal ones stays. Empty if it is so nowhere.
    pub signed_zero: Vec<bool>,
}

impl Exact {
    fn zeros(desc: &TensorDesc) -> Result<Exact> {
        let elements = desc.elements();
        let (values, bound) = (memory::filled(0.0, elements)?, memory::filled(0.0, elements)?);
        Ok(Exact::of(desc.clone(), values, bound))
    }

    /// An output of an operator that is not this crate's: its elements, and how far each may be from them. NaN is wrong where a
    /// value is none, and zeros may have either sign.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if `values` and `bound` are not as many as the shape has elements.
    pub fn new(desc: TensorDesc, values: Vec<f64>, bound: Vec<f64>) -> Result<Exact> {
        let elements = checked_elements("reference", &desc.shape)?;
        if (values.len(), bound.len()) != (elements, elements) {
            let rule = format!("there are {} values and {} bounds of it", values.len(), bound.len());
            return Err(crate::Error::shape("reference", "the output", &desc.shape, rule));
        }
        Ok(Exact::of(desc, values, bound))
    }

    /// Where NaN is wrong, and zeros may have either sign.
    pub(crate) fn of(desc: TensorDesc, values: Vec<f64>, bound: Vec<f64>) -> Exact {
        Exact { desc, values, bound, or_nan: Vec::new(), signed_zero: Vec::new() }
    }

    fn mark_signed_zero(&mut self, at: usize) -> Result<()> {
        memory::resize(&mut self.signed_zero, self.values.len(), false)?;
        self.signed_zero[at] = true;
        Ok(())
    }

    /// The elements rounded to the output's type.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    pub fn to_tensor(&self) -> Result<Tensor> {
        Tensor::new(&self.desc.shape, Data::nearest(self.desc.dtype, self.values.iter().copied())?)
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

/// Computes a problem in 64-bit floats, with the bound that [the rules](crate::semantics) set for each element.
///
/// # Errors
/// If `inputs` are not what the problem was made for; [`Error::OutOfMemory`](crate::Error::OutOfMemory).
pub fn evaluate(problem: &Problem, inputs: &[&Tensor]) -> Result<Vec<Exact>> {
    problem.check(inputs)?;
    let x = inputs.iter().map(|t| to_f64(t)).collect::<Result<Vec<_>>>()?;
    let mut outputs = problem.outputs.iter().map(Exact::zeros).collect::<Result<Vec<_>>>()?;
    match (&problem.work, x.as_slice(), outputs.as_mut_slice()) {
        (Work::Pool(work), [x], [y, indices @ ..]) => pool::pool(work, x, y, indices.first_mut())?,
        (Work::Fractional(work), [x, samples], [y, indices @ ..]) => {
            fractional::fractional(work, x, samples, y, indices.first_mut())?
        }
        (Work::Unpool(work), [x, i], [y]) => unpool::unpool(work, x, i, y),
        (Work::RoiAlign(work), [x, r, i], [y]) => roi::align(work, x, r, i, y)?,
        (Work::MaxRoi(work), [x, r], [y]) => roi::max(work, x, r, y)?,
        (Work::ConvTranspose(work), [x, w, rest @ ..], [y]) => {
            conv::transposed(work, x, w, Epilogue::of(work, rest), y)?
        }
        (Work::ConvPool(work), [x, w, rest @ ..], [y]) => {
            conv_pool(work, x, w, Epilogue::of(&work.conv, rest), y)?
        }
        (Work::Conv(work), [x, w, rest @ ..], [y]) => conv::conv(work, x, w, Epilogue::of(work, rest), y)?,
        (Work::ConvInteger(work), [x, w, rest @ ..], [y]) => integer::integer(work, x, w, rest, y),
        (Work::Deform(work), all @ [_, _, _, ..], [y]) => deform::deform(work, all, y),
        (Work::Col2Im(work), [x], [y]) => col2im::col2im(work, x, y),
        (Work::Causal(work), all @ [_, _, ..], [y, present]) => causal::causal(work, all, y, present),
        (Work::Softmax(work), [x], [y]) => softmax::softmax(work, x, y),
        (Work::Activation(work), [x, slopes @ ..], [y]) => activation::activation(work, x, slopes.first(), y),
        (Work::Elementwise(work), inputs, [y]) => elementwise::elementwise(work, inputs, y),
        (Work::Strided(work), all, [y]) => strided::strided(work, all, y)?,
        (Work::Reduce(work), [x], [y]) => reduce::reduce(work, x, y)?,
        (Work::Arg(work), [x], [y]) => reduce::arg(work, x, y),
        (Work::Resize(work), [x], [y]) => resize::resize(work, x, y),
        #[cfg(feature = "gradients")]
        (Work::Gradient(work), inputs, outputs) => gradient::gradient(work, inputs, outputs)?,
        _ => {
            return Err(crate::Error::arity(problem.op, "as many as the operation defines", inputs.len()));
        }
    }
    for output in &mut outputs {
        tolerance::add_store_rounding(output);
    }
    Ok(outputs)
}

/// Convolution, then pooling of its result, with the convolution's bounds carried through the pooling.
fn conv_pool(
    work: &ConvPoolWork,
    x: &[f64],
    w: &[f64],
    epilogue: Epilogue<f64>,
    y: &mut Exact,
) -> Result<()> {
    let mut between = Exact::zeros(&work.between)?;
    conv::conv(&work.conv, x, w, epilogue, &mut between)?;
    tolerance::add_store_rounding(&mut between);
    pool::pool(&work.pool, &between.values, y, None)?;
    // A convolution may give a zero of either sign.
    y.signed_zero.clear();
    // A maximum moves at most as far as the element of its window that moves farthest, a mean as the mean of them.
    let mut carried = Exact::zeros(&y.desc)?;
    pool::pool(&work.pool, &between.bound, &mut carried, None)?;
    for (bound, carried) in y.bound.iter_mut().zip(carried.values) {
        *bound += carried.max(0.0);
    }
    // NaN propagates through every pooling.
    if !between.or_nan.is_empty() {
        let flags = memory::collected(between.or_nan.iter().map(|&or_nan| f64::from(u8::from(or_nan))))?;
        let mut any = Exact::zeros(&y.desc)?;
        pool::pool(&PoolWork { kind: PoolKind::Max, ..work.pool }, &flags, &mut any, None)?;
        y.or_nan = memory::collected(any.values.into_iter().map(|any| any > 0.0))?;
    }
    Ok(())
}

fn to_f64(t: &Tensor) -> Result<Vec<f64>> {
    of_any!(t.data(), v => memory::collected(v.iter().map(|&x| f64::from(x))))
}
