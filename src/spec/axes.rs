//! Numbers for the spatial axes.

/// One number for each spatial axis, outermost first, or one that stands for all: what windows, strides, dilations and
/// paddings are made of.
///
/// A number becomes one, and an array, a slice or a `Vec` of them:
///
/// ```
/// use wgpool::{Conv, Padding, Pool, Problem, TensorDesc};
/// let shape = |pool: Pool| Ok(Problem::new(&pool.into(), &[TensorDesc::f32([1, 3, 8, 8])])?.outputs[0].shape.clone());
/// assert_eq!(shape(Pool::max(2))?, [1, 3, 4, 4]);
/// assert_eq!(shape(Pool::max(2))?, shape(Pool::max([2, 2]))?);
/// let conv = Conv::new().stride(2).padding(Padding::symmetric(1));
/// assert_eq!(conv.stride, [2]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerAxis(Vec<usize>);

impl From<usize> for PerAxis {
    fn from(all: usize) -> PerAxis {
        PerAxis(vec![all])
    }
}

impl From<PerAxis> for Vec<usize> {
    fn from(numbers: PerAxis) -> Vec<usize> {
        numbers.0
    }
}

impl From<Vec<usize>> for PerAxis {
    fn from(numbers: Vec<usize>) -> PerAxis {
        PerAxis(numbers)
    }
}

impl From<&[usize]> for PerAxis {
    fn from(numbers: &[usize]) -> PerAxis {
        PerAxis(numbers.to_vec())
    }
}

impl<const N: usize> From<[usize; N]> for PerAxis {
    fn from(numbers: [usize; N]) -> PerAxis {
        PerAxis(numbers.to_vec())
    }
}

impl<const N: usize> From<&[usize; N]> for PerAxis {
    fn from(numbers: &[usize; N]) -> PerAxis {
        PerAxis(numbers.to_vec())
    }
}
