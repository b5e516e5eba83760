//! Batch normalisation with stored statistics: a scale and a shift for each channel.

use super::weight::Weight;
use wgpool::error::{Error, Result};
use wgpool::spec::{Conv, KernelLayout, Layout};
use wgpool::tensor::Tensor;

/// `gamma * (x - mean) / sqrt(variance + epsilon) + beta` for each channel.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNorm {
    /// The scale, 1 if absent.
    pub gamma: Option<Weight>,
    /// The shift, 0 if absent.
    pub beta: Option<Weight>,
    /// The channels' means.
    pub mean: Weight,
    /// The channels' variances.
    pub variance: Weight,
    /// Added to the variances.
    pub epsilon: f64,
    /// Which axis holds the channels: the second (`Nchw`) or the last.
    pub layout: Layout,
}

/// `y = scale * x + shift` for each channel, in 64-bit floats so that folding rounds only once.
pub(super) struct Affine {
    pub scale: Vec<f64>,
    pub shift: Vec<f64>,
}

const OP: &str = "batch normalisation";

impl BatchNorm {
    /// Number of channels, for which all weights must agree.
    pub(super) fn channels(&self) -> Result<usize> {
        let &[channels] = self.mean.shape() else {
            return Err(Error::shape(OP, "the mean", self.mean.shape(), "it must have one axis"));
        };
        let others = [
            ("gamma", self.gamma.as_ref()),
            ("beta", self.beta.as_ref()),
            ("the variance", Some(&self.variance)),
        ];
        for (what, weight) in others {
            if let Some(weight) = weight
                && weight.shape() != [channels]
            {
                let rule = format!("it must be [{channels}] as the mean");
                return Err(Error::shape(OP, what, weight.shape(), rule));
            }
        }
        Ok(channels)
    }

    /// The scale and shift, or `None` if a weight is known by its shape alone.
    pub(super) fn affine(&self) -> Result<Option<Affine>> {
        let channels = self.channels()?;
        let values = |weight: &Option<Weight>, default: f32| match weight {
            None => Ok(Some(vec![default; channels])),
            Some(weight) => weight.tensor().map(|t| t.as_f32().map(<[f32]>::to_vec)).transpose(),
        };
        let (Some(gamma), Some(beta), Some(mean), Some(variance)) = (
            values(&self.gamma, 1.0)?,
            values(&self.beta, 0.0)?,
            values(&Some(self.mean.clone()), 0.0)?,
            values(&Some(self.variance.clone()), 1.0)?,
        ) else {
            return Ok(None);
        };
        let mut affine = Affine { scale: Vec::with_capacity(channels), shift: Vec::with_capacity(channels) };
        for (at, (((&g, &b), &m), &v)) in gamma.iter().zip(&beta).zip(&mean).zip(&variance).enumerate() {
            let spread = f64::from(v) + self.epsilon;
            if spread.is_nan() || spread <= 0.0 {
                let rule = format!("with epsilon {} it must be positive", self.epsilon);
                let value = v.to_string();
                return Err(Error::Value { op: OP, tensor: "the variance", at, value, rule });
            }
            let scale = f64::from(g) / spread.sqrt();
            affine.scale.push(scale);
            affine.shift.push(f64::from(b) - scale * f64::from(m));
        }
        Ok(Some(affine))
    }

    /// The normalisation by itself: a depthwise 1x1 convolution over the input reshaped to one spatial axis.
    pub(super) fn alone(&self, shape: &[usize]) -> Result<(Conv, Vec<usize>, [Weight; 2])> {
        let channels = self.channels()?;
        let (batch, space) = match (self.layout, shape) {
            (Layout::Nchw, [n, c, space @ ..]) | (Layout::Nhwc, [n, space @ .., c]) if *c == channels => {
                (*n, space)
            }
            _ => {
                let rule = format!("with {:?} it must have {channels} channels, as the mean", self.layout);
                return Err(Error::shape(OP, "the input", shape, rule));
            }
        };
        let space = space.iter().product();
        let reshaped = match self.layout {
            Layout::Nchw => vec![batch, channels, space],
            Layout::Nhwc => vec![batch, space, channels],
        };
        let spec = Conv::new().groups(channels).layout(self.layout).kernel_layout(KernelLayout::Hwio);
        let weights = match self.affine()? {
            None => [Weight::Shape(vec![1, 1, channels]), Weight::Shape(vec![channels])],
            Some(Affine { scale, shift }) => [
                Tensor::from_f32(&[1, 1, channels], scale.iter().map(|&x| x as f32).collect())?.into(),
                Tensor::from_f32(&[channels], shift.iter().map(|&x| x as f32).collect())?.into(),
            ],
        };
        Ok((spec, reshaped, weights))
    }
}

impl Affine {
    /// Folds scale and shift into a kernel and bias; `outputs_last` says whether output channels are the kernel's last
    /// axis, and not its first.
    pub fn fold(
        &self,
        kernel: &Tensor,
        bias: Option<&Tensor>,
        outputs_last: bool,
    ) -> Result<(Tensor, Tensor)> {
        let outputs = self.scale.len().max(1);
        let per_output = (kernel.data().len() / outputs).max(1);
        let channel = |at: usize| if outputs_last { at % outputs } else { at / per_output };
        let scale = |o: usize| self.scale.get(o).copied().unwrap_or(f64::NAN);
        let folded = kernel.as_f32()?.iter().enumerate();
        let folded = folded.map(|(at, &w)| (f64::from(w) * scale(channel(at))) as f32).collect();
        let bias = bias.map(|b| b.as_f32()).transpose()?;
        let shifted = self.shift.iter().enumerate().map(|(o, &shift)| {
            let b = bias.and_then(|b| b.get(o)).map_or(0.0, |&b| f64::from(b));
            (b * scale(o) + shift) as f32
        });
        Ok((
            Tensor::from_f32(kernel.shape(), folded)?,
            Tensor::from_f32(&[self.shift.len()], shifted.collect())?,
        ))
    }
}
