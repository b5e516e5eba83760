//! Specifications of what ONNX has beside pooling and convolution.

use wgpool::{
    Activation, ArgKind, ArgReduce, AsStrided, CausalConv, Col2Im, Concat, ConvInteger, DType, DeformConv,
    KernelLayout, Layout, NearestRounding, Op, Pad, PadMode, Pool, Problem, Reduce, ReduceKind, Requantize,
    Resize, ResizeCoordinates, ResizeMode, TensorDesc,
};

use crate::fuzz::pick;
use crate::numbers::Numbers;

impl Numbers {
    pub fn integer(&mut self, rank: usize) -> (Op, Vec<TensorDesc>) {
        let (conv, mut inputs) = self.conv(rank, false);
        let out = inputs.get(2).map_or(vec![], |bias| bias.shape.clone());
        inputs.truncate(2);
        for desc in &mut inputs {
            desc.dtype =
                if self.odd() { self.dtype() } else { *pick(&mut self.rng, &[DType::U8, DType::I8]) };
        }
        let types = [inputs[0].dtype, inputs[1].dtype];
        let of = |dtype, shape: &[usize]| TensorDesc { shape: shape.to_vec(), dtype };
        inputs.extend([of(types[0], &[]), of(types[1], &out)]);
        let requantize = self.flag().then(|| {
            inputs.push(of(DType::F32, &out));
            if out.len() == 1 && self.flag() {
                inputs.push(of(DType::I32, &out));
            }
            let output = if self.odd() { self.dtype() } else { DType::U8 };
            Requantize { output, zero: self.size(0, 255) as i32 }
        });
        let activation = if self.odd() { conv.activation } else { Activation::None };
        (ConvInteger { conv: conv.activation(activation), requantize }.into(), inputs)
    }

    pub fn deform(&mut self, rank: usize) -> (Op, Vec<TensorDesc>) {
        let (mut conv, mut inputs) = self.conv(rank, false);
        if !self.odd() {
            (conv.layout, conv.kernel_layout) = (Layout::Nchw, KernelLayout::Oihw);
        }
        let plain = Problem::new(&conv.clone().activation(Activation::None).into(), &inputs);
        let out = plain.map_or(vec![], |problem| problem.outputs[0].shape.clone());
        let (offset_groups, mask) = (self.size(1, 2), self.flag());
        let taps = inputs[1].shape.iter().skip(2).fold(offset_groups, |n, &l| n.wrapping_mul(l));
        let mut of_outputs = |channels: usize| {
            let mut shape = out.clone();
            shape.iter_mut().skip(1).take(1).for_each(|c| *c = channels);
            self.desc(shape)
        };
        if mask {
            inputs.insert(1, of_outputs(taps));
        }
        inputs.insert(1, of_outputs(taps.wrapping_mul(rank)));
        (DeformConv { conv, offset_groups, mask }.into(), inputs)
    }

    pub fn col2im(&mut self, rank: usize) -> (Op, Vec<TensorDesc>) {
        let image: Vec<usize> = (0..rank).map(|_| self.size(4, 60)).collect();
        let window: Vec<usize> = (0..rank).map(|_| self.size(1, 4)).collect();
        let (stride, dilation, padding) = (self.list(rank, 1, 3), self.list(rank, 1, 2), self.padding(rank));
        // Windows lie where those of pooling lie.
        let pool = Pool::max(window.clone()).stride(stride.clone()).dilation(dilation.clone());
        let plane = TensorDesc::f32([&[1, 1], image.as_slice()].concat());
        let windows = match Problem::new(&pool.padding(padding.clone()).into(), &[plane]) {
            Ok(problem) if !self.odd() => problem.outputs[0].elements(),
            _ => self.size(1, 60),
        };
        let taps = window.iter().fold(self.size(1, 3), |n, &l| n.wrapping_mul(l));
        let shape = vec![self.size(0, 3), taps, windows];
        (Col2Im { image, window, stride, dilation, padding }.into(), vec![self.desc(shape)])
    }

    pub fn causal(&mut self) -> (Op, Vec<TensorDesc>) {
        let (batch, channels, length) = (self.size(0, 3), self.size(1, 60), self.size(1, 3000));
        let (taps, state) = (self.size(1, 60), self.flag());
        let mut inputs = vec![self.desc(vec![batch, channels, length])];
        if state {
            inputs.push(self.desc(vec![batch, channels, taps.wrapping_sub(1)]));
        }
        inputs.push(self.desc(vec![channels, 1, taps]));
        if self.flag() {
            inputs.push(self.desc(vec![channels]));
        }
        (CausalConv { state, activation: self.activation() }.into(), inputs)
    }

    /// A number of either sign.
    fn signed(&mut self, most: usize) -> isize {
        let size = self.size(0, most) as isize;
        if self.flag() { size } else { size.wrapping_neg() }
    }

    pub fn strided(&mut self) -> (Op, Vec<TensorDesc>) {
        let rank = self.rng.between(0, 10);
        let mut x: Vec<usize> = (0..rank).map(|_| self.size(0, 6)).collect();
        let signed = |numbers: &mut Numbers| -> Vec<isize> {
            let length = if numbers.odd() { numbers.rng.between(0, 10) } else { rank };
            (0..length).map(|_| numbers.signed(3)).collect()
        };
        let op: Op = match self.rng.between(0, 8) {
            0 => AsStrided { strides: signed(self), shape: self.list(rank, 0, 4), offset: self.size(0, 60) }
                .into(),
            1 => {
                let order: Vec<usize> =
                    (0..rank).map(|axis| if self.odd() { 0 } else { rank - 1 - axis }).collect();
                AsStrided::transpose(&x, &order).map_or(Concat { axis: 0 }.into(), Op::from)
            }
            2 => {
                let slice = AsStrided::slice(&x, &signed(self), &signed(self), &signed(self));
                slice.map_or(Concat { axis: 1 }.into(), Op::from)
            }
            3 => AsStrided::expand(&x, &self.list(rank, 1, 4)).map_or(Concat { axis: 2 }.into(), Op::from),
            4 => Concat { axis: self.signed(2) }.into(),
            5 => ArgReduce::new(ArgKind::Max, self.signed(2)).keepdims(self.flag()).into(),
            7 => {
                let all = [
                    ResizeMode::Nearest(NearestRounding::Ceil),
                    ResizeMode::Linear,
                    ResizeMode::Cubic { coefficient: self.float(), exclude_outside: self.flag() },
                ];
                let mode = *pick(&mut self.rng, &all);
                let coordinates = *pick(
                    &mut self.rng,
                    &[
                        ResizeCoordinates::HalfPixel,
                        ResizeCoordinates::HalfPixelSymmetric,
                        ResizeCoordinates::PytorchHalfPixel,
                        ResizeCoordinates::Asymmetric,
                        ResizeCoordinates::AlignCorners,
                    ],
                );
                let scales = self.flag().then(|| x.iter().map(|_| self.float()).collect());
                Resize { shape: self.list(rank, 0, 9), scales, mode, coordinates }.into()
            }
            6 => {
                let odd = self.odd();
                let axes: Vec<isize> = (0..rank as isize).filter(|_| self.flag()).collect();
                let axes = if odd { signed(self) } else { axes };
                Reduce::new(*pick(&mut self.rng, &ReduceKind::ALL), axes).keepdims(self.flag()).into()
            }
            _ => {
                let modes = [PadMode::Constant(self.float()), PadMode::Reflect, PadMode::Edge, PadMode::Wrap];
                let mode = *pick(&mut self.rng, &modes);
                Pad { before: signed(self), after: signed(self), mode }.into()
            }
        };
        if let Op::AsStrided(AsStrided { offset: 1.., .. }) = op
            && self.flag()
        {
            x = vec![self.size(60, 5000)];
        }
        let count = if matches!(op, Op::Concat(_)) { self.rng.between(0, 5) } else { 1 };
        (op, (0..count).map(|_| self.desc(x.clone())).collect())
    }
}
