//! Batch normalisation with stored statistics: a scale and a shift for each channel.

use super::weight::Weight;
use wgpool::error::{Error, Result};
use wgpool::spec::{Conv, Dense, DenseLayout, KernelLayout, Layout};
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

fn rule(got: &[usize], what: &'static str, rule: String) -> Error {
    Error::Shape { op: "batch normalisation", tensor: what, got: got.to_vec(), rule }
}

impl BatchNorm {
    /// Number of channels, for which all weights must agree.
    pub(super) fn channels(&self) -> Result<usize> {
        let &[channels] = self.mean.shape() else {
            return Err(rule(self.mean.shape(), "the mean", "it must have one axis".into()));
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
                return Err(rule(weight.shape(), what, format!("it must be [{channels}] as the mean")));
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
                return Err(Error::Value {
                    op: "batch normalisation",
                    tensor: "the variance",
                    at,
                    value: v.to_string(),
                    rule: format!("with epsilon {} it must be positive", self.epsilon),
                });
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
                return Err(rule(
                    shape,
                    "the input",
                    format!("with {:?} it must have {channels} channels, as the mean", self.layout),
                ));
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
    /// Folds scale and shift into a kernel and bias; `channel` tells the output channel of a kernel element.
    fn fold(
        &self,
        kernel: &Tensor,
        bias: Option<&Tensor>,
        channel: impl Fn(usize) -> usize,
    ) -> Result<(Tensor, Tensor)> {
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

    /// Folds into the weights of a convolution.
    pub fn fold_conv(&self, spec: &Conv, kernel: &Tensor, bias: Option<&Tensor>) -> Result<(Tensor, Tensor)> {
        let outputs = self.scale.len().max(1);
        let per_output = (kernel.data().len() / outputs).max(1);
        match spec.kernel_layout {
            KernelLayout::Hwio => self.fold(kernel, bias, |at| at % outputs),
            KernelLayout::Oihw => self.fold(kernel, bias, |at| at / per_output),
        }
    }

    /// Folds into the weights of a dense layer.
    pub fn fold_dense(
        &self,
        spec: &Dense,
        kernel: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        let outputs = self.scale.len().max(1);
        let per_output = (kernel.data().len() / outputs).max(1);
        match spec.kernel_layout {
            DenseLayout::InOut => self.fold(kernel, bias, |at| at % outputs),
            DenseLayout::OutIn => self.fold(kernel, bias, |at| at / per_output),
        }
    }
}
