//! Examples: tensors whose first axis counts them, or what makes a batch of them.

use std::fmt;

use wgpool::error::{Error, Result};
use wgpool::tensor::{DType, Data, Tensor};

type Make<'a> = Box<dyn Fn(&[usize]) -> Result<(Tensor, Tensor)> + Send + Sync + 'a>;

/// Examples with their targets, made batch by batch.
///
/// ```
/// use wgpool::Tensor;
/// use wgpool_net::train::Dataset;
/// let x = Tensor::from_f32(&[3, 2], vec![1., 2., 3., 4., 5., 6.])?;
/// let y = Tensor::from_f32(&[3, 1], vec![0., 1., 0.])?;
/// let data = Dataset::new(&x, &y)?;
/// assert_eq!(data.batch(&[2, 0])?.0.as_f32()?, [5., 6., 1., 2.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
pub struct Dataset<'a> {
    len: usize,
    make: Make<'a>,
}

impl fmt::Debug for Dataset<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dataset of {} examples", self.len)
    }
}

impl<'a> Dataset<'a> {
    /// Of tensors in memory, f32 or i32.
    ///
    /// # Errors
    /// [`Error::Shape`] if they do not have as many examples.
    pub fn new(inputs: &'a Tensor, targets: &'a Tensor) -> Result<Dataset<'a>> {
        let len = |tensor: &Tensor| tensor.shape().first().copied().unwrap_or(0);
        if len(inputs) != len(targets) {
            let rule = format!("there are {} inputs", len(inputs));
            return Err(Error::shape("training", "the targets", targets.shape(), rule));
        }
        let make = move |examples: &[usize]| Ok((gathered(inputs, examples)?, gathered(targets, examples)?));
        Ok(Dataset::with(len(inputs), make))
    }

    /// Of a function that makes inputs and targets of the examples whose numbers it is given, all of them below `len`: a batch may be asked
    /// for again, and must then be the same.
    pub fn with(
        len: usize,
        make: impl Fn(&[usize]) -> Result<(Tensor, Tensor)> + Send + Sync + 'a,
    ) -> Dataset<'a> {
        Dataset { len, make: Box::new(make) }
    }

    /// Examples.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Inputs and targets of some examples.
    ///
    /// # Errors
    /// Those of what makes them.
    pub fn batch(&self, examples: &[usize]) -> Result<(Tensor, Tensor)> {
        (self.make)(examples)
    }
}

/// Some examples of a tensor, one behind the other.
fn gathered(from: &Tensor, examples: &[usize]) -> Result<Tensor> {
    let each: usize = from.shape().iter().skip(1).product();
    let shape: Vec<usize> =
        std::iter::once(examples.len()).chain(from.shape().iter().skip(1).copied()).collect();
    fn rows<T: Copy>(all: &[T], each: usize, examples: &[usize]) -> Vec<T> {
        let mut rows = Vec::with_capacity(each * examples.len());
        for &example in examples {
            rows.extend(all.get(example * each..(example + 1) * each).unwrap_or_default());
        }
        rows
    }
    match from.data() {
        Data::F32(all) => Tensor::new(&shape, Data::F32(rows(all, each, examples))),
        Data::I32(all) => Tensor::new(&shape, Data::I32(rows(all, each, examples))),
        _ => {
            let rule = format!("examples in memory are {} or {}", DType::F32, DType::I32);
            Err(Error::dtype("training", "the examples", from.dtype(), rule))
        }
    }
}
