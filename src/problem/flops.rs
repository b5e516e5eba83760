//! How much arithmetic a problem is, by its definition.

#[cfg(feature = "gradients")]
use super::GradientWork;
use super::{ConvWork, PoolWork, Problem, Work};

/// Operations of softmax on an element: compare, subtract, exponential, add, divide.
const SOFTMAX: u64 = 5;

/// The arithmetic of a problem, whichever way it is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flops {
    /// Multiplications and additions with the kernel of a convolution or dense layer.
    pub weights: u64,
    /// Everything else: a tap of a pooling window, an element of a pointwise operation.
    pub rest: u64,
}

impl Problem {
    /// Operations on numbers by the definition: two for each multiplication and addition of a convolution, one for
    /// each tap of a pooling window (maxima count their comparisons), five for each element of softmax, one for
    /// each of an activation by itself, of a step of a formula, of the columns that are added up to images, and of axes
    /// that become one value.
    ///
    /// Taps that lie in the padding count, as is usual in comparing convolutions; bias and activation within a
    /// convolution do not, nor does what samples the taps of a deformable one. Nothing for pooling of regions, whose work depends on values.
    ///
    /// ```
    /// use wgpool::{Conv, Problem, TensorDesc};
    /// let inputs = [TensorDesc::f32([1, 3, 10, 10]), TensorDesc::f32([8, 3, 3, 3])];
    /// // 8 channels of 8 x 8 elements, each of 3 x 3 x 3 taps.
    /// assert_eq!(Problem::new(&Conv::new().into(), &inputs)?.flops(), Some(2 * 8 * 64 * 27));
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn flops(&self) -> Option<u64> {
        self.flops_by_kind().map(|flops| flops.weights.saturating_add(flops.rest))
    }

    pub(crate) fn flops_by_kind(&self) -> Option<Flops> {
        let rest = match &self.work {
            Work::ConvPool(work) => pool(&work.pool),
            Work::Pool(work) => pool(work),
            Work::Fractional(work) => {
                let windows = work.axes.iter().map(|a| a.output * a.kernel);
                product([work.pool.batch, work.pool.channels].into_iter().chain(windows))
            }
            // Every element of a column is added to an image, or lies in the padding.
            Work::Col2Im(w) => product([w.planes, w.taps(), w.windows()]),
            Work::Softmax(_) => SOFTMAX.saturating_mul(elements(self)),
            Work::Activation(_) => elements(self),
            Work::Reduce(w) => product([w.outputs(), w.length()]),
            // A multiplication and an addition for each tap.
            Work::Resize(w) => product([2, w.taps()]).saturating_mul(elements(self)),
            Work::Arg(w) => product([w.outer, w.length, w.inner]),
            Work::Elementwise(w) => elements(self).saturating_mul(w.formula.steps.len() as u64),
            Work::Conv(_) | Work::ConvTranspose(_) | Work::ConvInteger(_) => 0,
            Work::Deform(_) | Work::Causal(_) | Work::Unpool(_) | Work::Strided(_) => 0,
            #[cfg(feature = "gradients")]
            Work::Gradient(GradientWork::RoiAlign(_)) => return None,
            #[cfg(feature = "gradients")]
            Work::Gradient(work) => gradient(self, work),
            Work::RoiAlign(_) | Work::MaxRoi(_) => return None,
        };
        Some(Flops { weights: self.work.conv().map_or(0, conv), rest })
    }
}

fn elements(problem: &Problem) -> u64 {
    problem.outputs.iter().map(|o| o.elements() as u64).sum()
}

fn product(factors: impl IntoIterator<Item = usize>) -> u64 {
    factors.into_iter().fold(1, |product, factor| product.saturating_mul(factor as u64))
}

/// Of weights as of the convolution, of pooling an addition for each tap, of others an operation for each of the steps that their
/// formulas have.
#[cfg(feature = "gradients")]
fn gradient(problem: &Problem, work: &GradientWork) -> u64 {
    match work {
        GradientWork::Pool(work) => pool(&work.pool),
        GradientWork::Unpool(_) | GradientWork::RoiAlign(_) | GradientWork::Dropout(_) => 0,
        GradientWork::Weights(work) => conv(&work.conv),
        GradientWork::Activation(_) => 2 * elements(problem),
        GradientWork::Softmax(_) => 4 * elements(problem),
        // As softmax, and the product with the target.
        GradientWork::CrossEntropy(work) | GradientWork::CrossEntropyGradient(work) => {
            let rows = &work.rows;
            (SOFTMAX + 2).saturating_mul(product([rows.outer, rows.length, rows.inner]))
        }
    }
}

/// Of a transposed convolution every element of the input, which its adjoint's windows are, meets every tap.
fn conv(work: &ConvWork) -> u64 {
    product([2, work.batch, work.groups, work.group_out, work.group_in, work.taps(), work.pixels()])
}

/// Taps of all windows; those of windows that divide the input differ in length.
fn pool(work: &PoolWork) -> u64 {
    let taps = work.axes.iter().map(|axis| match axis.adaptive {
        true => (0..axis.output).map(|o| axis.taps_inside(o).len()).sum(),
        false => axis.output * axis.kernel,
    });
    product([work.batch, work.channels].into_iter().chain(taps))
}
