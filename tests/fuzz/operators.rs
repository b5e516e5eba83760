//! Specifications of what ONNX has beside pooling and convolution.

use wgpool::{
    Activation, CausalConv, Col2Im, ConvInteger, DType, DeformConv, KernelLayout, Layout, Op, Pool, Problem,
    Requantize, TensorDesc,
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
}
