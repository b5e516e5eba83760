//! Specifications of what ONNX has beside pooling and convolution.

use wgpool::{
    Activation, BinaryFunction, CausalConv, Col2Im, ConvInteger, DType, DeformConv, ElementStep, Elementwise,
    KernelLayout, Layout, Op, Operand, Pool, Problem, Requantize, TensorDesc, UnaryFunction,
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

    pub fn elementwise(&mut self) -> (Op, Vec<TensorDesc>) {
        let (inputs, count) = (self.size(1, 6), self.rng.between(1, 6));
        let mut steps: Vec<ElementStep> = Vec::new();
        for number in 0..count {
            let mut operand = || match self.rng.between(0, 3) {
                0 => Operand::Number(self.float()),
                1 if number > 0 => Operand::Step(self.size(0, number - 1)),
                _ => Operand::Input(self.size(0, inputs.clamp(1, 6) - 1)),
            };
            let [a, b, c] = [operand(), operand(), operand()];
            steps.push(match self.rng.between(0, 3) {
                0 => ElementStep::Unary(*pick(&mut self.rng, UnaryFunction::ALL), a),
                1 => ElementStep::Select { condition: a, yes: b, no: c },
                2 => ElementStep::Activation(self.activation(), a),
                _ => ElementStep::Binary(*pick(&mut self.rng, BinaryFunction::ALL), a, b),
            });
        }
        if self.odd() {
            steps.resize(self.rng.between(0, 40), ElementStep::Unary(UnaryFunction::Exp, Operand::Input(0)));
        }
        let mut formula = Elementwise { inputs, steps };
        // Each is used.
        for input in 0..inputs.min(6) {
            formula = formula.then(BinaryFunction::Add, Operand::Input(input));
        }
        let shape: Vec<usize> = (0..self.rng.between(0, 5)).map(|_| self.size(1, 9)).collect();
        let descs = (0..inputs.min(9)).map(|_| {
            let axes = shape.iter().map(|&length| if self.rng.one_in(3) { 1 } else { length });
            let axes: Vec<usize> = axes.collect();
            let missing = self.rng.between(0, axes.len());
            self.desc(axes[missing..].to_vec())
        });
        let descs = descs.collect();
        (formula.into(), descs)
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
