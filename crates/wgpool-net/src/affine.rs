//! Layers that scale and shift channels: batch normalisation with stored statistics, normalisation and rescaling.

use super::axes::channels;
use super::weight::Weight;
use wgpool::error::{Error, Result};
use wgpool::spec::{DenseLayout, KernelLayout, Layout, Op};
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
    /// What means and variances keep in a step of training, as Keras and ONNX mean it: 0.99 is Keras' own.
    pub momentum: f64,
    /// Which axis holds the channels: the second (`Nchw`) or the last.
    pub layout: Layout,
}

/// `(x - mean) / max(sqrt(variance), 1e-7)`, or the inverse of it: Keras' `Normalization`.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalization {
    /// The channels' means, or one for all as a tensor without axes.
    pub mean: Weight,
    /// The channels' variances, of the same shape.
    pub variance: Weight,
    /// Whether to compute `x * max(sqrt(variance), 1e-7) + mean`.
    pub invert: bool,
    /// Which axis holds the channels: the second (`Nchw`) or the last.
    pub layout: Layout,
}

/// `scale * x + offset`: Keras' `Rescaling`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rescale {
    /// The channels' factors, or one for all.
    pub scale: Vec<f64>,
    /// What is added to the channels, or one number for all.
    pub offset: Vec<f64>,
    /// Which axis holds the channels: the second (`Nchw`) or the last.
    pub layout: Layout,
}

/// `y = scale * x + shift` for each channel, in 64-bit floats so that folding rounds only once.
pub(super) struct Affine {
    pub scale: Vec<f64>,
    pub shift: Vec<f64>,
}

impl BatchNorm {
    /// Number of channels, for which all weights must agree.
    fn channels(&self) -> Result<usize> {
        let op = "batch normalisation";
        let &[channels] = self.mean.shape() else {
            return Err(Error::shape(op, "the mean", self.mean.shape(), "it must have one axis"));
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
                return Err(Error::shape(op, what, weight.shape(), rule));
            }
        }
        Ok(channels)
    }

    /// The scale and shift, or `None` if a weight is known by its shape alone.
    pub(super) fn affine(&self, shape: &[usize]) -> Result<Option<Affine>> {
        let channels = agreed("batch normalisation", self.layout, shape, self.channels()?)?;
        let values = |weight: Option<&Weight>, default: f32| match weight {
            None => Ok(Some(vec![default; channels])),
            Some(weight) => weight.tensor().map(|t| t.as_f32().map(<[f32]>::to_vec)).transpose(),
        };
        let (Some(gamma), Some(beta), Some(mean), Some(variance)) = (
            values(self.gamma.as_ref(), 1.0)?,
            values(self.beta.as_ref(), 0.0)?,
            values(Some(&self.mean), 0.0)?,
            values(Some(&self.variance), 1.0)?,
        ) else {
            return Ok(None);
        };
        let mut affine = Affine { scale: Vec::with_capacity(channels), shift: Vec::with_capacity(channels) };
        for (at, (((&g, &b), &m), &v)) in gamma.iter().zip(&beta).zip(&mean).zip(&variance).enumerate() {
            let spread = f64::from(v) + self.epsilon;
            if spread.is_nan() || spread <= 0.0 {
                let rule = format!("with epsilon {} it must be positive", self.epsilon);
                return Err(bad_variance("batch normalisation", at, v, rule));
            }
            let scale = f64::from(g) / spread.sqrt();
            affine.scale.push(scale);
            affine.shift.push(f64::from(b) - scale * f64::from(m));
        }
        Ok(Some(affine))
    }
}

impl Normalization {
    /// The scale and shift, or `None` if a weight is known by its shape alone.
    pub(super) fn affine(&self, shape: &[usize]) -> Result<Option<Affine>> {
        let op = "normalisation";
        let (mean, variance) = (self.mean.shape(), self.variance.shape());
        if mean.len() > 1 || mean != variance {
            let rule = format!("it must be a number or one for each channel, as the variance {variance:?}");
            return Err(Error::shape(op, "the mean", mean, rule));
        }
        if let &[each] = mean {
            agreed(op, self.layout, shape, each)?;
        }
        let (Some(mean), Some(variance)) = (self.mean.tensor(), self.variance.tensor()) else {
            return Ok(None);
        };
        let mut affine = Affine { scale: vec![], shift: vec![] };
        for (at, (&mean, &variance)) in mean.as_f32()?.iter().zip(variance.as_f32()?).enumerate() {
            if variance.is_nan() || variance < 0.0 {
                return Err(bad_variance(op, at, variance, "it must not be negative".into()));
            }
            let (scale, shift) = affine_of(f64::from(mean), f64::from(variance), self.invert);
            affine.scale.push(scale);
            affine.shift.push(shift);
        }
        Ok(Some(affine.spread(channels(self.layout, shape))))
    }
}

/// The scale and shift of a normalisation.
pub(super) fn affine_of(mean: f64, variance: f64, invert: bool) -> (f64, f64) {
    let deviation = variance.sqrt().max(1e-7);
    if invert { (deviation, mean) } else { (1.0 / deviation, -mean / deviation) }
}

impl Rescale {
    /// One factor and one offset for all elements.
    ///
    /// ```
    /// use wgpool_net::{LayerKind, Rescale, Model};
    /// use wgpool::{Backend, Tensor};
    /// let model = Model::new("bytes", [3]).layer("scale", LayerKind::Rescale(Rescale::all(0.5, -1.0)));
    /// let x = Tensor::from_f32(&[1, 3], vec![0., 2., 4.])?;
    /// assert_eq!(model.program(1)?.run(&Backend::Host, &x)?.as_f32()?, [-1., 0., 1.]);
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn all(scale: f64, offset: f64) -> Rescale {
        Rescale { scale: vec![scale], offset: vec![offset], layout: Layout::Nhwc }
    }

    pub(super) fn affine(&self, shape: &[usize]) -> Result<Affine> {
        for numbers in [&self.scale, &self.offset] {
            if numbers.len() != 1 {
                agreed("rescaling", self.layout, shape, numbers.len())?;
            }
        }
        let all = Affine { scale: self.scale.clone(), shift: self.offset.clone() };
        Ok(all.spread(channels(self.layout, shape)))
    }
}

fn bad_variance(op: &'static str, at: usize, value: f32, rule: String) -> Error {
    Error::Value { op, tensor: "the variance", at, value: value.to_string(), rule }
}

/// The channels of the input, which must be as many as `each`.
fn agreed(op: &'static str, layout: Layout, shape: &[usize], each: usize) -> Result<usize> {
    if shape.len() > 1 && channels(layout, shape) == each {
        return Ok(each);
    }
    let rule = format!("with {layout} it must have {each} channels, as the layer's numbers");
    Err(Error::shape(op, "the input", shape, rule))
}

impl Affine {
    /// The same for every channel, if it is one for all.
    fn spread(mut self, channels: usize) -> Affine {
        for numbers in [&mut self.scale, &mut self.shift] {
            if let &[one] = numbers.as_slice() {
                *numbers = vec![one; channels];
            }
        }
        self
    }

    /// Whether it leaves zeros as they are, so that padding with zeros may come before or after it.
    pub fn keeps_zero(&self) -> bool {
        self.shift.iter().all(|&shift| shift == 0.0)
    }

    /// The largest shift, of either sign.
    pub fn largest_shift(&self) -> f64 {
        self.shift.iter().fold(0.0, |most, shift| most.max(shift.abs()))
    }

    /// Kernel and bias of the operation that does this after `op`; none where they cannot take it in.
    pub fn after(&self, op: &Op, kernel: &Tensor, bias: Option<&Tensor>) -> Result<Option<[Weight; 2]>> {
        let shape = kernel.shape();
        let (Some(ends), Some([kernel, bias])) = (ends(op, shape), numbers(kernel, bias)) else {
            return Ok(None);
        };
        let scale = |o: usize| self.scale.get(o).copied().unwrap_or(f64::NAN);
        let times = |w: f32, scale: f64| (f64::from(w) * scale) as f32;
        let mut folded = Vec::with_capacity(kernel.len());
        // Networks have many megabytes of these: a loop without divisions where the channels lie in order.
        match outputs(op, shape) {
            Some(Outputs::First(each)) => {
                for (o, weights) in kernel.chunks(each).enumerate() {
                    let scale = scale(o);
                    folded.extend(weights.iter().map(|&w| times(w, scale)));
                }
            }
            Some(Outputs::Last) if shape.last() == Some(&self.scale.len()) && !kernel.is_empty() => {
                for weights in kernel.chunks(self.scale.len()) {
                    folded.extend(weights.iter().zip(&self.scale).map(|(&w, &scale)| times(w, scale)));
                }
            }
            _ => folded.extend(kernel.iter().enumerate().map(|(at, &w)| times(w, scale(ends(at)[1])))),
        }
        let shifted = self.shift.iter().enumerate().map(|(o, &shift)| {
            let b = bias.get(o).map_or(0.0, |&b| f64::from(b));
            (b * scale(o) + shift) as f32
        });
        finite(shape, folded, shifted.collect())
    }

    /// Kernel and bias of the operation that does this before `op`, which has `outputs` output channels; none where they cannot
    /// take it in.
    pub fn before(
        &self,
        op: &Op,
        kernel: &Tensor,
        bias: Option<&Tensor>,
        outputs: usize,
    ) -> Result<Option<[Weight; 2]>> {
        let shape = kernel.shape();
        let (Some(ends), Some([kernel, bias])) = (ends(op, shape), numbers(kernel, bias)) else {
            return Ok(None);
        };
        let mut shifted = vec![0.0; outputs];
        for (sum, &b) in shifted.iter_mut().zip(bias) {
            *sum = f64::from(b);
        }
        let mut folded = Vec::with_capacity(kernel.len());
        for (at, &w) in kernel.iter().enumerate() {
            let [i, o] = ends(at);
            let (Some(scale), Some(shift), Some(sum)) =
                (self.scale.get(i), self.shift.get(i), shifted.get_mut(o))
            else {
                return Ok(None);
            };
            folded.push((f64::from(w) * scale) as f32);
            *sum += f64::from(w) * shift;
        }
        finite(shape, folded, shifted.into_iter().map(|sum| sum as f32).collect())
    }
}

/// Kernel and bias, where they are 32-bit floats.
fn numbers<'a>(kernel: &'a Tensor, bias: Option<&'a Tensor>) -> Option<[&'a [f32]; 2]> {
    Some([kernel.as_f32().ok()?, bias.map_or(Ok(&[][..]), Tensor::as_f32).ok()?])
}

/// Weights, if none has become infinite or NaN: the operations one by one may still give numbers.
fn finite(shape: &[usize], kernel: Vec<f32>, bias: Vec<f32>) -> Result<Option<[Weight; 2]>> {
    if !kernel.iter().chain(&bias).all(|number| number.is_finite()) {
        return Ok(None);
    }
    let bias = Tensor::from_f32(&[bias.len()], bias)?;
    Ok(Some([Tensor::from_f32(shape, kernel)?.into(), bias.into()]))
}

/// Where a kernel's output channels lie.
enum Outputs {
    /// So many weights of each, one channel after another.
    First(usize),
    /// One weight of each in turn.
    Last,
}

/// Where the output channels of a kernel of this shape lie, if in one of these orders; [`ends`] tells all.
fn outputs(op: &Op, kernel: &[usize]) -> Option<Outputs> {
    let &[first, ref others @ ..] = kernel else { return None };
    let each = others.iter().product::<usize>();
    let is_first = match op {
        Op::Dense(spec) => spec.kernel_layout == DenseLayout::OutIn,
        Op::Conv(spec) => spec.kernel_layout == KernelLayout::Oihw,
        _ => return None,
    };
    Some(if is_first && first > 0 && each > 0 { Outputs::First(each) } else { Outputs::Last })
}

/// The input and the output channel that an element of a kernel of this shape joins, by its position.
fn ends(op: &Op, kernel: &[usize]) -> Option<Box<dyn Fn(usize) -> [usize; 2]>> {
    let lengths = |layout: KernelLayout| match (layout, kernel) {
        (KernelLayout::Hwio, &[.., second, last]) => Some((1, second, last, true)),
        (KernelLayout::Oihw, &[first, second, ref taps @ ..]) => {
            Some((taps.iter().product::<usize>().max(1), second, first, false))
        }
        _ => None,
    };
    Some(match op {
        Op::Dense(spec) => {
            let &[first, second] = kernel else { return None };
            match spec.kernel_layout {
                DenseLayout::InOut => Box::new(move |at| [at / second.max(1), at % second.max(1)]),
                DenseLayout::OutIn if first > 0 => {
                    Box::new(move |at| [at % second.max(1), at / second.max(1)])
                }
                DenseLayout::OutIn => return None,
            }
        }
        // `whole` channels of one side, and as many of the other as a group has.
        Op::Conv(_) | Op::ConvTranspose(_) => {
            let (layout, groups, transposed) = match op {
                Op::Conv(spec) => (spec.kernel_layout, spec.groups, false),
                Op::ConvTranspose(spec) => (spec.kernel_layout, spec.groups, true),
                _ => return None,
            };
            let (taps, grouped, whole, last) = lengths(layout)?;
            let (per_group, whole) = ((whole / groups.max(1)).max(1), whole.max(1));
            Box::new(move |at| {
                let (one, other) = match last {
                    true => (at % whole, at / whole % grouped.max(1)),
                    false => (at / (grouped.max(1) * taps), at / taps % grouped.max(1)),
                };
                let other = one / per_group * grouped + other;
                if transposed { [one, other] } else { [other, one] }
            })
        }
        _ => return None,
    })
}
