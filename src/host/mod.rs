//! The host path: a fast CPU implementation for machines without a GPU.
//!
//! It computes from the same [`Problem`] as the reference and stays within the bounds that the reference states.
//! Loops are plain slices which the compiler vectorises, compiled once more for wider registers (see `simd`);
//! work is shared out by rayon.

#[macro_use]
pub(crate) mod simd;
mod activation;
mod causal;
mod col2im;
mod conv;
mod conv_pool;
mod deform;
mod element;
mod elementwise;
mod exp;
mod fractional;
#[cfg(feature = "gradients")]
mod gradient;
mod integer;
mod kept;
mod lines;
mod log;
mod output;
mod pool;
mod prepared;
mod reduce;
mod repeated;
mod resize;
mod roi;
mod rows;
mod softmax;
mod strided;
mod sum;
mod unpool;
mod values;

pub(crate) use self::activation::{each, prelu};
pub(crate) use self::exp::exp;
pub(crate) use self::log::log;
pub use self::prepared::Prepared;
pub use self::simd::{Simd, level as simd_level, limit_simd};
pub(crate) use self::values::{Values, zip};
use crate::error::{Error, Result};
use crate::problem::{ConvWork, Epilogue, Problem, Work};
use crate::spec::Op;
use crate::tensor::{Data, Tensor, TensorDesc};
use crate::threads;

/// Runs `f` on one of the threads that operations are shared out to, so that what it computes one after the other is handed to
/// them once: each operation on another thread is handed over and waited for, which takes longer than small ones.
///
/// The threads are those of rayon: of the pool that calls this, or the global one.
///
/// # Errors
/// [`Error::NoThreads`] if the system gives none.
///
/// ```
/// use wgpool::{host, Pool, Tensor};
/// let x = Tensor::from_f32(&[1, 1, 8, 8], (0..64).map(|v| v as f32).collect())?;
/// let pool = Pool::max([2, 2]).into();
/// let twice = host::in_thread_pool(|| host::run(&pool, &[&host::run(&pool, &[&x])?[0]]))??;
/// assert_eq!(twice[0].as_f32()?, [27., 31., 59., 63.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
pub fn in_thread_pool<R: Send>(f: impl FnOnce() -> R + Send) -> Result<R> {
    threads::within(f)
}

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
/// If `inputs` are not what the problem was made for; [`Error::NoThreads`]; [`Error::OutOfMemory`] if the memory cannot be
/// had. That is at most 64 times what inputs, outputs and the tensor between two operations take (16-bit norms;
/// mostly below ten), and some hundred KiB a thread, however far windows reach outside.
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
    let packed = inputs.get(1).map(|w| prepared::pack(problem, w, false)).transpose()?.flatten();
    compute_with(problem, inputs, packed.as_ref())
}

/// [`compute`] of inputs that were checked, with what [`prepared::pack`] made of the weights.
fn compute_with(
    problem: &Problem,
    inputs: &[&Tensor],
    packed: Option<&conv::Weights>,
) -> Result<Vec<Tensor>> {
    threads::started()?;
    let data = if problem.outputs.iter().all(|o| o.elements() == 0) {
        problem.outputs.iter().map(|o| Data::from_bytes(o.dtype, &[])).collect::<Result<_>>()?
    } else {
        match (&problem.work, inputs) {
            (Work::Pool(work), [x]) => pool::pool(work, x.data())?,
            (Work::Fractional(work), [x, samples]) => {
                fractional::fractional(work, x.as_f32()?, samples.as_f32()?)?
            }
            (Work::Unpool(work), [x, indices]) => vec![unpool::unpool(work, x.data(), indices.data())?],
            (Work::RoiAlign(work), [x, regions, images]) => {
                let y = roi::align(work, &element::floats(x)?, regions.as_f32()?, images.data())?;
                vec![element::stored(work.shape.dtype, y)?]
            }
            (Work::MaxRoi(work), [x, regions]) => {
                let y = roi::max(work, &element::floats(x)?, regions.as_f32()?)?;
                vec![element::stored(work.shape.dtype, y)?]
            }
            (Work::ConvPool(work), [x, w, rest @ ..]) => {
                with_floats(&work.conv, x, w, rest, |x, w, epilogue| {
                    conv_pool::conv_pool(work, x, w, epilogue, packed)
                })?
            }
            (Work::ConvTranspose(work), [x, w, rest @ ..]) => {
                with_floats(work, x, w, rest, |x, w, epilogue| {
                    element::stored(work.dtype, conv::transposed(work, x, w, epilogue)?)
                })?
            }
            (Work::Conv(work), [x, w, rest @ ..]) => with_floats(work, x, w, rest, |x, w, epilogue| {
                element::stored(work.dtype, conv::conv(work, x, w, epilogue, packed)?)
            })?,
            (Work::ConvInteger(work), inputs) => vec![integer::integer(work, inputs)?],
            (Work::Deform(work), inputs) => vec![deform::deform(work, inputs)?],
            (Work::Col2Im(work), [x]) => vec![col2im::col2im(work, x)?],
            (Work::Causal(work), inputs) => causal::causal(work, inputs)?,
            (Work::Softmax(work), [x]) => softmax::softmax(work, x)?,
            (Work::Activation(work), [x, slopes @ ..]) => activation::activation(work, x, slopes)?,
            (Work::Elementwise(work), inputs) => vec![elementwise::elementwise(work, inputs)?],
            (Work::Strided(work), inputs) => strided::strided(work, inputs)?,
            (Work::Reduce(work), [x]) => reduce::reduce(work, x)?,
            (Work::Arg(work), [x]) => reduce::arg(work, x)?,
            (Work::Resize(work), [x]) => resize::resize(work, x)?,
            #[cfg(feature = "gradients")]
            (Work::Gradient(work), inputs) => vec![gradient::gradient(work, inputs)?],
            _ => {
                return Err(Error::arity(problem.op, "as many as the operation defines", inputs.len()));
            }
        }
    };
    data.into_iter().zip(&problem.outputs).map(|(data, desc)| Tensor::new(&desc.shape, data)).collect()
}

/// What is computed otherwise than by the definition, in words; `kept` says whether weights are prepared for many runs.
pub(crate) fn algorithm(problem: &Problem, kept: bool) -> Option<&'static str> {
    let (work, little_outside) = match &problem.work {
        Work::Conv(work) => (Some(work), work.little_outside()),
        Work::ConvPool(work) => {
            (Some(&work.conv), work.conv.little_outside() && pool::little_outside(&work.pool))
        }
        Work::Pool(work) => (None, pool::little_outside(work)),
        Work::ConvTranspose(work) => (None, work.little_outside_transposed()),
        Work::ConvInteger(work) => (None, work.conv.little_outside()),
        _ => return None,
    };
    if !little_outside {
        return Some(
            "host path: the taps inside alone, since most of what windows cover lies outside the input",
        );
    }
    let work = work?;
    conv::winograd::choose(work, kept).map(conv::winograd::why)
}

/// Hands a convolution its inputs as 32-bit floats; how many there are, the problem has checked.
fn with_floats(
    work: &ConvWork,
    x: &Tensor,
    w: &Tensor,
    rest: &[&Tensor],
    f: impl FnOnce(&[f32], &[f32], Epilogue<f32>) -> Result<Data>,
) -> Result<Vec<Data>> {
    let rest = rest.iter().map(|tensor| element::floats(tensor)).collect::<Result<Vec<_>>>()?;
    Ok(vec![f(&element::floats(x)?, &element::floats(w)?, Epilogue::of(work, &rest))?])
}
