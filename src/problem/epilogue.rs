//! What follows the sums of an operation: bias and PReLU's slope, of which each output channel has a number, and the residual, of
//! which each element of the output has one.

use super::{ConvWork, Problem, Work, require_dtype, require_shape};
use crate::error::{Error, Result};
use crate::spec::{Activation, Op};
use crate::tensor::TensorDesc;

/// Bias, residual and activation of a convolution's sums.
#[derive(Clone, Copy)]
pub(crate) struct Epilogue<'a, T> {
    pub bias: Option<&'a [T]>,
    pub activation: Activation,
    /// PReLU's: one, or one for each channel; none with other activations.
    pub slopes: &'a [T],
    /// What is added after the bias: as many elements as the output has.
    pub residual: Option<&'a [T]>,
}

impl<'a, T: Copy + Default> Epilogue<'a, T> {
    /// From the inputs behind the kernel; how many there are, the problem has checked.
    pub fn of(work: &ConvWork, inputs: &'a [impl AsRef<[T]>]) -> Epilogue<'a, T> {
        let mut inputs = inputs.iter().map(AsRef::as_ref);
        let bias = if work.bias { inputs.next() } else { None };
        let slopes = if work.slope > 0 { inputs.next() } else { None };
        let residual = if work.residual { inputs.next() } else { None };
        Epilogue { bias, activation: work.activation, slopes: slopes.unwrap_or_default(), residual }
    }

    /// The bias of a channel; 0 if there is none.
    pub fn bias_of(&self, channel: usize) -> T {
        self.bias.and_then(|bias| bias.get(channel)).copied().unwrap_or_default()
    }

    /// The bias alone.
    pub fn without_residual(&self) -> Epilogue<'a, T> {
        Epilogue { bias: self.bias, activation: Activation::None, slopes: &[], residual: None }
    }

    /// What is added to element `at` of the output after the bias; 0 if nothing is.
    pub fn residual_at(&self, at: usize) -> T {
        self.residual.and_then(|residual| residual.get(at)).copied().unwrap_or_default()
    }

    /// PReLU's slope in a channel.
    pub fn slope_of(&self, channel: usize) -> T {
        self.slopes.get(channel).or(self.slopes.first()).copied().unwrap_or_default()
    }
}

impl Problem {
    /// An operation whose last input is PReLU's slope.
    pub(super) fn with_slope(op: &Op, inputs: &[TensorDesc]) -> Result<Problem> {
        let those = "those of other activations and then PReLU's slope as";
        Problem::with_last(op, inputs, Problem::without_slope, those, Problem::add_slope)
    }

    /// A convolution whose last input is its residual.
    pub(super) fn with_residual(op: &Op, inputs: &[TensorDesc]) -> Result<Problem> {
        let those = "those without a residual and then the residual as";
        Problem::with_last(op, inputs, Problem::without_residual, those, Problem::add_residual)
    }

    /// What `without` makes of all inputs but the last, which `add` checks.
    fn with_last(
        op: &Op,
        inputs: &[TensorDesc],
        without: fn(&Op, &[TensorDesc]) -> Result<Problem>,
        those: &'static str,
        add: fn(&mut Problem, &TensorDesc) -> Result<()>,
    ) -> Result<Problem> {
        let Some((last, own)) = inputs.split_last() else { return without(op, inputs) };
        let mut problem = without(op, own).map_err(|error| match error {
            Error::Arity { op, .. } => Error::arity(op, those, inputs.len()),
            other => other,
        })?;
        add(&mut problem, last)?;
        problem.inputs.push(last.clone());
        Ok(problem)
    }

    /// The number of the input that is PReLU's slope, if there is one.
    pub(crate) fn slope(&self) -> Option<usize> {
        let (slopes, behind) = match &self.work {
            Work::Activation(work) => (work.slope, 0),
            work => work.conv().map_or((0, 0), |conv| (conv.slope, usize::from(conv.residual))),
        };
        self.inputs.len().checked_sub(1 + behind).filter(|_| slopes > 0)
    }

    /// The number of the input that is the residual, if there is one.
    pub(crate) fn residual(&self) -> Option<usize> {
        self.work.conv().and_then(ConvWork::residual_input)
    }

    /// Checks PReLU's slope.
    fn add_slope(&mut self, slope: &TensorDesc) -> Result<()> {
        let Some(input) = self.inputs.first() else { return Ok(()) };
        require_dtype(self.op, "the slope", slope.dtype, &[input.dtype])?;
        if let Work::Activation(work) = &mut self.work {
            work.take_slope(self.op, &input.shape, slope)?;
        } else if let Some(conv) = self.work.conv_mut() {
            take_slope(self.op, conv, slope)?;
        }
        if let Work::Deform(work) = &mut self.work {
            work.sampled.slope = work.conv.slope;
        }
        Ok(())
    }

    /// Checks the residual.
    fn add_residual(&mut self, residual: &TensorDesc) -> Result<()> {
        if let (Some(output), Some(conv)) = (self.outputs.first(), self.work.conv_mut()) {
            require_dtype(self.op, "the residual", residual.dtype, &[output.dtype])?;
            require_shape(self.op, "the residual", residual, &output.shape, ", as the output is")?;
            conv.residual = true;
        }
        Ok(())
    }
}

fn take_slope(op: &'static str, work: &mut ConvWork, slope: &TensorDesc) -> Result<()> {
    if slope.shape != [1] {
        let meaning = ", one number for each output channel, or [1]";
        require_shape(op, "the slope", slope, &[work.out_channels()], meaning)?;
    }
    work.slope = slope.elements();
    Ok(())
}
