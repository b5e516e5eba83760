//! Specifications of anything.

use wgpool::ActivationKind;
use wgpool::{
    Accuracy, Activation, AdaptivePool, Caps, Conv, ConvPool, ConvTranspose, DType, Dense, DenseLayout,
    FractionalMaxPool, GlobalPool, IndexNumbering, KernelLayout, Layout, MaxRoiPool, MaxUnpool, Op, Padding,
    Pool, PoolKind, RoiAlign, RoiMode, Softmax, TensorDesc,
};
use wgpool_testing::verify::random::{Rng, residual, slope};

use crate::fuzz::{extreme, pick};

/// Numbers that are legal, except one in `wild`.
pub struct Numbers {
    pub rng: Rng,
    pub wild: usize,
}

impl Numbers {
    pub fn odd(&mut self) -> bool {
        self.rng.one_in(self.wild)
    }

    pub fn size(&mut self, from: usize, to: usize) -> usize {
        if !self.odd() {
            return self.rng.between(from, to);
        }
        match self.rng.between(0, 5) {
            0 => 0,
            1 => *pick(&mut self.rng, &[usize::MAX, isize::MAX as usize, usize::MAX / 2, 1 << 32]),
            _ => extreme(&mut self.rng) as usize,
        }
    }

    /// One number for each axis, or one for all of them.
    pub fn list(&mut self, rank: usize, from: usize, to: usize) -> Vec<usize> {
        let length = match (self.odd(), self.rng.one_in(4)) {
            (true, _) => self.rng.between(0, 6),
            (false, true) => 1,
            (false, false) => rank,
        };
        (0..length).map(|_| self.size(from, to)).collect()
    }

    pub fn float(&mut self) -> f32 {
        if !self.odd() {
            return self.rng.between(1, 40) as f32 / 8.0;
        }
        let bits = f32::from_bits(self.rng.next_u64() as u32);
        let odd =
            [0.0, -0.0, -1.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE, f32::MAX, 1e-45];
        if self.rng.one_in(3) { bits } else { *pick(&mut self.rng, &odd) }
    }

    pub fn flag(&mut self) -> bool {
        self.rng.one_in(2)
    }

    pub fn layout(&mut self) -> Layout {
        *pick(&mut self.rng, &[Layout::Nchw, Layout::Nhwc])
    }

    pub fn indices(&mut self) -> Option<IndexNumbering> {
        use IndexNumbering::{PerPlane, WholeColumnMajor, WholeRowMajor};
        *pick(&mut self.rng, &[None, None, None, Some(PerPlane), Some(WholeRowMajor), Some(WholeColumnMajor)])
    }

    pub fn activation(&mut self) -> Activation {
        let parameters = [self.float(), self.float()];
        pick(&mut self.rng, &ActivationKind::ALL).with(parameters)
    }

    pub fn padding(&mut self, rank: usize) -> Padding {
        match self.rng.between(0, 4) {
            0 => Padding::Valid,
            1 => Padding::SameUpper,
            2 => Padding::SameLower,
            3 => Padding::symmetric(self.list(rank, 0, 2)),
            _ => Padding::Explicit { before: self.list(rank, 0, 2), after: self.list(rank, 0, 2) },
        }
    }

    pub fn kind(&mut self) -> PoolKind {
        match self.rng.between(0, 4) {
            0 | 1 => PoolKind::Max,
            2 => {
                let divisor = self.size(1, 9) as u32;
                PoolKind::Average { count_include_pad: self.flag(), divisor: self.flag().then_some(divisor) }
            }
            3 => PoolKind::Lp { p: self.float() },
            _ => PoolKind::LpTorch { p: self.float() },
        }
    }

    pub fn dtype(&mut self) -> DType {
        if self.odd() { *pick(&mut self.rng, DType::ALL) } else { DType::F32 }
    }

    pub fn desc(&mut self, shape: Vec<usize>) -> TensorDesc {
        let mut shape = shape;
        if self.odd() {
            match self.rng.between(0, 2) {
                0 => drop(shape.pop()),
                1 => shape.push(self.rng.between(0, 3)),
                _ => shape = self.list(4, 0, 9),
            }
        }
        TensorDesc { shape, dtype: self.dtype() }
    }

    pub fn image(&mut self, rank: usize, channels: usize, layout: Layout) -> TensorDesc {
        let batch = self.size(0, 3);
        let channels = if self.odd() { self.size(1, 9) } else { channels };
        let space: Vec<usize> = (0..rank).map(|_| self.size(4, 60)).collect();
        let shape = match layout {
            Layout::Nchw => [&[batch, channels], space.as_slice()].concat(),
            Layout::Nhwc => [&[batch], space.as_slice(), &[channels]].concat(),
        };
        self.desc(shape)
    }

    pub fn pool(&mut self, rank: usize, layout: Layout) -> Pool {
        Pool {
            kind: self.kind(),
            window: self.list(rank, 1, 4),
            stride: self.list(rank, 1, 4),
            dilation: self.list(rank, 1, 2),
            padding: self.padding(rank),
            ceil_mode: self.flag(),
            indices: self.indices(),
            layout,
        }
    }

    /// A convolution and its inputs; `transposed` says which of the kernel's axes is grouped.
    pub fn conv(&mut self, rank: usize, transposed: bool) -> (Conv, Vec<TensorDesc>) {
        let (group_in, group_out, groups) = (self.size(1, 6), self.size(1, 6), self.size(1, 3));
        let (layout, kernel_layout) =
            (self.layout(), *pick(&mut self.rng, &[KernelLayout::Oihw, KernelLayout::Hwio]));
        let window: Vec<usize> = (0..rank).map(|_| self.size(1, 4)).collect();
        let (inputs, outputs) = (group_in.wrapping_mul(groups), group_out.wrapping_mul(groups));
        let (o, i) = if transposed { (inputs, group_out) } else { (outputs, group_in) };
        let kernel = match kernel_layout {
            KernelLayout::Oihw => [&[o, i], window.as_slice()].concat(),
            KernelLayout::Hwio => [window.as_slice(), &[i, o]].concat(),
        };
        let mut descs = vec![self.image(rank, inputs, layout), self.desc(kernel)];
        if self.flag() {
            descs.push(self.desc(vec![outputs]));
        }
        let spec = Conv {
            stride: self.list(rank, 1, 3),
            dilation: self.list(rank, 1, 2),
            padding: self.padding(rank),
            groups,
            activation: self.activation(),
            layout,
            kernel_layout,
            accuracy: [Accuracy::Element, Accuracy::Tile, Accuracy::Chain][self.rng.between(0, 2)],
            residual: false,
        };
        (spec, descs)
    }

    pub fn case(&mut self) -> (Op, Vec<TensorDesc>) {
        let rank = self.rng.between(1, 3);
        let layout = self.layout();
        let channels = self.size(1, 9);
        let (mut op, mut inputs): (Op, _) = match self.rng.between(0, 18) {
            0 => (self.pool(rank, layout).into(), vec![self.image(rank, channels, layout)]),
            1 => (GlobalPool { kind: self.kind(), layout }.into(), vec![self.image(rank, channels, layout)]),
            2 => {
                let (kind, indices) = (self.kind(), self.indices());
                let op = AdaptivePool { kind, output: self.list(rank, 1, 9), indices, layout };
                (op.into(), vec![self.image(rank, channels, layout)])
            }
            3 => {
                let rank = if self.odd() { rank } else { 2 + rank % 2 };
                let image = self.image(rank, channels, layout);
                let batch = image.shape.first().copied().unwrap_or(0);
                let samples = self.desc(vec![batch, channels, rank]);
                let op = FractionalMaxPool {
                    window: self.list(rank, 1, 2),
                    output: self.list(rank, 1, 2),
                    indices: self.indices(),
                    layout,
                };
                (op.into(), vec![image, samples])
            }
            4 => {
                let image = self.image(rank, channels, layout);
                let mut indices = TensorDesc { dtype: DType::I32, ..image.clone() };
                if self.odd() {
                    indices = self.image(rank, channels, layout);
                }
                let mut op = MaxUnpool::new(self.list(rank, 60, 120)).layout_of(layout);
                op.indexed = self.flag().then(|| self.list(rank, 60, 120));
                op.numbering = self.indices().unwrap_or(IndexNumbering::PerPlane);
                (op.into(), vec![image, indices])
            }
            5 => {
                let rois = self.size(0, 5);
                let op = RoiAlign {
                    output: [self.size(1, 7), self.size(1, 7)],
                    sampling_ratio: self.size(0, 4),
                    spatial_scale: self.float(),
                    half_pixel: self.flag(),
                    mode: *pick(&mut self.rng, &[RoiMode::Average, RoiMode::Max]),
                    layout,
                };
                let images = self.image(2, channels, layout);
                let mut numbers = self.desc(vec![rois]);
                numbers.dtype = if self.odd() { self.dtype() } else { DType::I32 };
                (op.into(), vec![images, self.desc(vec![rois, 4]), numbers])
            }
            6 => {
                let rois = self.size(0, 5);
                let output = [self.size(1, 7), self.size(1, 7)];
                let op = MaxRoiPool { output, spatial_scale: self.float(), layout };
                (op.into(), vec![self.image(2, channels, layout), self.desc(vec![rois, 5])])
            }
            7 => {
                let (conv, inputs) = self.conv(rank, true);
                let op = ConvTranspose {
                    stride: conv.stride,
                    dilation: conv.dilation,
                    padding: conv.padding,
                    output_padding: self.list(rank, 0, 1),
                    output: self.rng.one_in(4).then(|| self.list(rank, 4, 200)),
                    groups: conv.groups,
                    activation: conv.activation,
                    layout: conv.layout,
                    kernel_layout: conv.kernel_layout,
                };
                (op.into(), inputs)
            }
            8 => {
                let (conv, inputs) = self.conv(rank, false);
                let layout = if self.odd() { layout } else { conv.layout };
                let mut pool = self.pool(rank, layout);
                if !self.odd() {
                    pool.indices = None;
                }
                (ConvPool { conv, pool }.into(), inputs)
            }
            9 => {
                let (conv, inputs) = self.conv(rank, false);
                (conv.into(), inputs)
            }
            10 => {
                let (features, units) = (self.size(1, 600), self.size(1, 20));
                let kernel_layout = *pick(&mut self.rng, &[DenseLayout::InOut, DenseLayout::OutIn]);
                let mut x = self.list(rank, 0, 4);
                x.push(features);
                let kernel = match kernel_layout {
                    DenseLayout::InOut => vec![features, units],
                    DenseLayout::OutIn => vec![units, features],
                };
                let inputs = vec![self.desc(x), self.desc(kernel), self.desc(vec![units])];
                (Dense { activation: self.activation(), kernel_layout }.into(), inputs)
            }
            11 => {
                let axis = if self.odd() { extreme(&mut self.rng) as isize } else { -1 };
                let shape = self.list(3, 0, 9);
                (Softmax { axis }.into(), vec![self.desc(shape)])
            }
            12 => self.integer(rank),
            13 => self.deform(rank),
            14 => self.col2im(rank),
            15 => self.causal(),
            16 => self.elementwise(),
            17 => self.strided(),
            _ => {
                let shape = self.list(3, 0, 9);
                (self.activation().into(), vec![self.desc(shape)])
            }
        };
        if self.rng.one_in(5) {
            return self.gradient(op, inputs);
        }
        let shared = self.flag();
        inputs.extend(slope(&op, &inputs, shared));
        let wanted = self.flag();
        inputs.extend(residual(&mut op, &inputs, wanted));
        if self.odd() && self.flag() {
            match (inputs.pop(), self.flag()) {
                (Some(last), true) => inputs.extend([last.clone(), last]),
                _ => drop(inputs.pop()),
            }
        }
        (op, inputs)
    }

    pub fn caps(&mut self) -> Caps {
        let mut caps = Caps::default();
        if self.odd() || self.rng.one_in(4) {
            let rng = &mut self.rng;
            caps.max_workgroups = *pick(rng, &[0, 1, 2, 3, 1 << 31, u32::MAX - 1, u32::MAX, 65535]);
            caps.max_binding = if rng.one_in(2) { extreme(rng) } else { u64::MAX };
            caps.max_buffer = if rng.one_in(2) { extreme(rng) } else { u64::MAX };
            caps.max_storage_buffers = *pick(rng, &[0, 3, 4, 5, 8]);
            caps.f16 = rng.one_in(2);
            caps.software = rng.one_in(2);
            caps.paged = rng.one_in(2);
            caps.offset_alignment = *pick(rng, &[4, 16, 32, 256]);
            caps.min_macs_for_tiles = if rng.one_in(2) { 0 } else { 1000 };
        }
        caps
    }
}

/// The field that has no setter.
trait LayoutOf {
    fn layout_of(self, layout: Layout) -> Self;
}

impl LayoutOf for MaxUnpool {
    fn layout_of(self, layout: Layout) -> Self {
        Self { layout, ..self }
    }
}
