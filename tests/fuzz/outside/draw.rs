//! Hostile specifications, tensors and devices, drawn.

use wgpool::problem::Work;
use wgpool::tensor::Data;
use wgpool::{
    AdaptivePool, Caps, Col2Im, Conv, ConvInteger, ConvPool, ConvTranspose, DType, DeformConv,
    FractionalMaxPool, GlobalPool, IndexNumbering, KernelLayout, Layout, MaxRoiPool, MaxUnpool, Op, Padding,
    Pool, PoolKind, Problem, Requantize, RoiAlign, RoiMode, Tensor, TensorDesc,
};
use wgpool_testing::verify::random::Rng;

use crate::fuzz::pick;

/// Strides and spans up to this; both together are what positions may be at most.
const FAR: usize = 1 << 30;

/// Windows along one axis.
#[derive(Clone, Copy, Debug)]
struct Axis {
    kernel: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    after: usize,
}

pub(super) struct Draw {
    pub rng: Rng,
    /// Channels are so many times as many, so that tensors are large beside what is always allowed.
    pub wide: usize,
}

impl Draw {
    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        pick(&mut self.rng, of).clone()
    }

    /// Mostly small, sometimes of any magnitude up to `most`.
    fn length(&mut self, small: usize, most: usize) -> usize {
        match self.rng.between(0, 2) {
            0 => 1,
            1 => self.rng.between(1, small),
            _ => self.rng.between(1, most.max(1)) >> self.rng.between(0, most.max(1).ilog2() as usize),
        }
        .max(1)
    }

    /// At most `outputs` windows of at most `taps` taps on `input` elements.
    fn axis(&mut self, input: usize, outputs: usize, taps: usize, far: usize) -> Axis {
        let kernel = self.length(4, taps.min(far));
        let dilation = self.length(3, if kernel > 1 { far / kernel } else { far });
        let span = (kernel - 1) * dilation + 1;
        let output = self.rng.between(1, outputs);
        let stride = self.length(3, if output > 1 { far / output } else { far });
        // As much padding as these windows need, less than a stride more, and anywhere.
        let reach = (output - 1) * stride + span;
        let more = self.rng.between(0, (stride - 1).min(3));
        let padding = (reach + more).saturating_sub(input);
        let before = match self.rng.between(0, 3) {
            0 => 0,
            1 => padding,
            2 => self.rng.between(0, padding),
            _ => padding / 2,
        };
        Axis { kernel, stride, dilation, before, after: padding - before }
    }

    fn axes(&mut self, space: &[usize], taps: usize, far: usize) -> Vec<Axis> {
        let outputs = [400, 14, 6][space.len() - 1];
        let taps = match space.len() {
            _ if taps > 100_000 => taps,
            1 => taps,
            2 => taps.isqrt(),
            _ => taps.cbrt_floor(),
        };
        space.iter().map(|&input| self.axis(input, outputs, taps, far)).collect()
    }

    fn space(&mut self) -> Vec<usize> {
        let rank = self.rng.between(1, 3);
        let most = [30, 9, 4][rank - 1];
        (0..rank).map(|_| if self.rng.one_in(4) { 1 } else { self.rng.between(1, most) }).collect()
    }

    fn layout(&mut self) -> Layout {
        self.pick(&[Layout::Nchw, Layout::Nhwc])
    }

    fn float(&mut self) -> DType {
        self.pick(&[DType::F32, DType::F32, DType::F16, DType::BF16])
    }

    fn indices(&mut self) -> IndexNumbering {
        use IndexNumbering::{PerPlane, WholeColumnMajor, WholeRowMajor};
        self.pick(&[PerPlane, WholeRowMajor, WholeColumnMajor])
    }

    fn image(&mut self, space: &[usize], channels: usize, layout: Layout, dtype: DType) -> TensorDesc {
        let batch = self.rng.between(1, 2);
        let shape = match layout {
            Layout::Nchw => [&[batch, channels], space].concat(),
            Layout::Nhwc => [&[batch], space, &[channels]].concat(),
        };
        TensorDesc { shape, dtype }
    }

    fn kind(&mut self) -> PoolKind {
        let p = self.pick(&[1.0, 2.0, 3.0, 1.5]);
        let divisor = self.rng.one_in(4).then_some(7);
        match self.rng.between(0, 5) {
            0..=2 => PoolKind::Max,
            3 => PoolKind::Average { count_include_pad: self.rng.one_in(2), divisor },
            4 => PoolKind::Lp { p },
            _ => PoolKind::LpTorch { p },
        }
    }

    fn pool(&mut self, space: &[usize], layout: Layout) -> Pool {
        let axes = self.axes(space, FAR, FAR);
        let ceil_mode = self.rng.one_in(4);
        Pool::new(self.kind(), of(&axes, |a| a.kernel))
            .stride(of(&axes, |a| a.stride))
            .dilation(of(&axes, |a| a.dilation))
            .padding(padding(&axes))
            .ceil_mode(ceil_mode)
            .layout(layout)
    }

    /// A convolution, its input and its kernel, perhaps with a bias.
    fn conv(&mut self, dtype: DType, layout: Layout, far: usize) -> (Conv, Vec<TensorDesc>) {
        let space = self.space();
        let groups = self.rng.between(1, 3);
        let (group_in, group_out) =
            if self.rng.one_in(3) { (1, 1) } else { (self.rng.between(1, 4), self.rng.between(1, 7)) };
        let (groups, group_out) =
            if group_in == 1 { (groups * self.wide, group_out) } else { (groups, group_out * self.wide) };
        let axes = self.axes(&space, 300, far);
        let kernel_layout = self.pick(&[KernelLayout::Oihw, KernelLayout::Hwio]);
        let (o, window) = (groups * group_out, of(&axes, |a| a.kernel));
        let kernel = match kernel_layout {
            KernelLayout::Oihw => [&[o, group_in], window.as_slice()].concat(),
            KernelLayout::Hwio => [window.as_slice(), &[group_in, o]].concat(),
        };
        let mut inputs =
            vec![self.image(&space, groups * group_in, layout, dtype), TensorDesc { shape: kernel, dtype }];
        if self.rng.one_in(2) {
            inputs.push(TensorDesc { shape: vec![o], dtype });
        }
        let conv = Conv::new()
            .groups(groups)
            .stride(of(&axes, |a| a.stride))
            .dilation(of(&axes, |a| a.dilation))
            .padding(padding(&axes))
            .layout(layout)
            .kernel_layout(kernel_layout);
        (conv, inputs)
    }

    fn transposed(&mut self) -> (Op, Vec<TensorDesc>) {
        let (space, layout, dtype) = (self.space(), self.layout(), self.float());
        let (groups, group_in, group_out) =
            (self.rng.between(1, 2), self.rng.between(1, 3), self.rng.between(1, 3));
        // The windows of its adjoint slide over the output, of which little is left.
        let outputs = [300, 14, 6][space.len() - 1];
        let mut window = vec![];
        let (mut stride, mut dilation, mut before, mut after) = (vec![], vec![], vec![], vec![]);
        for &input in &space {
            let kernel = self.length(4, [100, 14, 5][space.len() - 1]);
            let d = self.length(3, FAR / kernel);
            let s = self.length(3, FAR / input);
            let reach = (input - 1) * s + (kernel - 1) * d + 1;
            let cut = reach.saturating_sub(self.rng.between(1, outputs));
            let from = self.rng.between(0, cut);
            window.push(kernel);
            stride.push(s);
            dilation.push(d);
            before.push(from);
            after.push(cut - from);
        }
        let kernel = [&[groups * group_in, group_out], window.as_slice()].concat();
        let inputs =
            vec![self.image(&space, groups * group_in, layout, dtype), TensorDesc { shape: kernel, dtype }];
        let padding = Padding::Explicit { before, after };
        let op = ConvTranspose { groups, dilation, layout, ..ConvTranspose::new() }
            .stride(stride)
            .padding(padding);
        (op.into(), inputs)
    }

    fn col2im(&mut self) -> (Op, Vec<TensorDesc>) {
        let image = self.space();
        let axes = self.axes(&image, 100, FAR);
        let pool = Pool::max(of(&axes, |a| a.kernel))
            .stride(of(&axes, |a| a.stride))
            .dilation(of(&axes, |a| a.dilation))
            .padding(padding(&axes));
        let plane = TensorDesc::f32([&[1, 1], image.as_slice()].concat());
        let windows = Problem::new(&pool.into(), &[plane]).map_or(1, |p| p.outputs[0].elements());
        let taps: usize = axes.iter().map(|a| a.kernel).product();
        let rows = taps * self.rng.between(1, 3) * self.wide;
        let op = Col2Im::new(image, of(&axes, |a| a.kernel))
            .stride(of(&axes, |a| a.stride))
            .dilation(of(&axes, |a| a.dilation))
            .padding(padding(&axes));
        let batch = self.rng.between(1, 2);
        (op.into(), vec![TensorDesc { shape: vec![batch, rows, windows], dtype: self.float() }])
    }

    fn integer(&mut self) -> (Op, Vec<TensorDesc>) {
        let layout = self.layout();
        let (conv, mut inputs) = self.conv(DType::F32, layout, FAR);
        inputs.truncate(2);
        for desc in &mut inputs {
            desc.dtype = self.pick(&[DType::U8, DType::I8]);
        }
        inputs.extend([0, 1].map(|i| TensorDesc { shape: vec![], dtype: inputs[i].dtype }));
        let requantize = self.rng.one_in(2).then_some(Requantize { output: DType::U8, zero: 100 });
        if requantize.is_some() {
            inputs.push(TensorDesc::f32([]));
        }
        (ConvInteger { conv, requantize }.into(), inputs)
    }

    fn deform(&mut self) -> (Op, Vec<TensorDesc>) {
        // Where taps are added to offsets exactly.
        let (conv, mut inputs) = self.conv(DType::F32, Layout::Nchw, 1 << 22);
        let conv = conv.kernel_layout(KernelLayout::Oihw);
        let out = Problem::new(&conv.clone().into(), &inputs).map_or(vec![], |p| p.outputs[0].shape.clone());
        let taps: usize = inputs[1].shape.iter().skip(2).product();
        let rank = inputs[0].shape.len() - 2;
        let mask = self.rng.one_in(2);
        let of_outputs = |channels: usize| {
            let mut shape = out.clone();
            shape.iter_mut().skip(1).take(1).for_each(|c| *c = channels);
            TensorDesc::f32(shape)
        };
        if mask {
            inputs.insert(1, of_outputs(taps));
        }
        inputs.insert(1, of_outputs(taps * rank));
        (DeformConv { conv, offset_groups: 1, mask }.into(), inputs)
    }

    fn regions(&mut self) -> (Op, Vec<TensorDesc>) {
        let (layout, rois) = (self.layout(), self.rng.between(1, 3));
        let space = [self.rng.between(1, 9), self.rng.between(1, 9)];
        let images = self.image(&space, 2 * self.wide, layout, DType::F32);
        let output = [self.rng.between(1, 20), self.rng.between(1, 20)];
        if self.rng.one_in(2) {
            let op = MaxRoiPool { output, spatial_scale: 1.0, layout };
            return (op.into(), vec![images, TensorDesc::f32([rois, 5])]);
        }
        let op = RoiAlign {
            output,
            sampling_ratio: self.length(4, 100),
            spatial_scale: 1.0,
            half_pixel: self.rng.one_in(2),
            mode: self.pick(&[RoiMode::Average, RoiMode::Max]),
            layout,
        };
        let numbers = TensorDesc { shape: vec![rois], dtype: DType::I32 };
        (op.into(), vec![images, TensorDesc::f32([rois, 4]), numbers])
    }

    pub fn case(&mut self) -> (Op, Vec<TensorDesc>) {
        let (space, layout, channels) = (self.space(), self.layout(), self.rng.between(1, 5) * self.wide);
        match self.rng.between(0, 15) {
            0..=3 => {
                let mut pool = self.pool(&space, layout);
                let mut dtype = self.float();
                if pool.kind == PoolKind::Max {
                    dtype = self.pick(&[dtype, DType::U8, DType::I8]);
                    pool.indices = self.rng.one_in(3).then(|| self.indices());
                }
                (pool.into(), vec![self.image(&space, channels, layout, dtype)])
            }
            4..=5 => {
                let dtype = self.float();
                let (conv, inputs) = self.conv(dtype, layout, FAR);
                (conv.into(), inputs)
            }
            6..=7 => {
                let dtype = self.float();
                let (conv, inputs) = self.conv(dtype, layout, FAR);
                let between = Problem::new(&conv.clone().into(), &inputs).unwrap().outputs[0].shape.clone();
                let space = match layout {
                    Layout::Nchw => &between[2..],
                    Layout::Nhwc => &between[1..between.len() - 1],
                };
                let mut pool = self.pool(space, layout);
                if !matches!(pool.kind, PoolKind::Max | PoolKind::Average { .. }) {
                    pool.kind = PoolKind::Max;
                }
                (ConvPool { conv, pool }.into(), inputs)
            }
            8 => self.transposed(),
            9 => self.integer(),
            10 => self.deform(),
            11 => self.col2im(),
            12 => {
                let output: Vec<usize> = space.iter().map(|_| self.rng.between(1, 15)).collect();
                let kind = match self.rng.one_in(2) {
                    true => PoolKind::Max,
                    false => PoolKind::Average { count_include_pad: false, divisor: None },
                };
                let indices = (kind == PoolKind::Max && self.rng.one_in(2)).then(|| self.indices());
                let dtype = self.float();
                let op = AdaptivePool { kind, output, indices, layout };
                (op.into(), vec![self.image(&space, channels, layout, dtype)])
            }
            13 => {
                let dtype = self.float();
                let op = GlobalPool { kind: self.kind(), layout };
                (op.into(), vec![self.image(&space, channels, layout, dtype)])
            }
            14 if self.rng.one_in(2) => {
                let space = vec![self.rng.between(3, 9); self.rng.between(2, 3)];
                let image = self.image(&space, channels, layout, DType::F32);
                let samples = TensorDesc::f32([image.shape[0], channels, space.len()]);
                let window = vec![self.rng.between(1, 3)];
                let indices = self.rng.one_in(2).then(|| self.indices());
                let op = FractionalMaxPool { window, output: vec![1], indices, layout };
                (op.into(), vec![image, samples])
            }
            14 => {
                let image = self.image(&space, channels, layout, DType::F32);
                let output: Vec<usize> = space.iter().map(|&n| n + self.rng.between(0, 9)).collect();
                let op = MaxUnpool { layout, ..MaxUnpool::new(output) };
                let indices = TensorDesc { dtype: DType::I32, ..image.clone() };
                (op.into(), vec![image, indices])
            }
            _ => self.regions(),
        }
    }

    /// Elements that the operation takes.
    pub fn tensors(&mut self, problem: &Problem) -> Vec<Tensor> {
        let positive =
            matches!(&problem.work, Work::Pool(work) if matches!(work.kind, PoolKind::LpTorch { .. }));
        let mut tensors: Vec<Tensor> =
            (problem.inputs.iter()).map(|desc| self.tensor(desc, positive)).collect();
        let n = |tensor: &Tensor| tensor.data().len();
        let floats = |tensor: &Tensor, data| Tensor::from_f32(tensor.shape(), data).unwrap();
        match (&problem.work, tensors.as_mut_slice()) {
            (Work::Unpool(work), [_, indices]) => {
                let plane: usize = work.out_space.iter().product();
                let data = (0..n(indices)).map(|_| self.rng.between(0, plane - 1) as i32).collect();
                *indices = Tensor::new(indices.shape(), Data::I32(data)).unwrap();
            }
            (Work::Fractional(_), [_, samples]) => {
                *samples = floats(samples, (0..n(samples)).map(|_| self.rng.unit() as f32 * 0.99).collect());
            }
            (Work::ConvInteger(_), [_, _, _, _, scales, ..]) => *scales = floats(scales, vec![0.0131]),
            (Work::Deform(_), [_, offsets, ..]) => {
                let most = self.pick(&[0.0, 2.0, 1e6]);
                let data = (0..n(offsets)).map(|_| (most * (2.0 * self.rng.unit() - 1.0)) as f32).collect();
                *offsets = floats(offsets, data);
            }
            (Work::RoiAlign(_) | Work::MaxRoi(_), [_, regions, rest @ ..]) => {
                let align = !rest.is_empty();
                let huge = self.rng.one_in(2);
                let most = if huge && !align { 9e5 } else { 400.0 };
                let row = if align { 4 } else { 5 };
                let mut data = vec![];
                for _ in 0..n(regions) / row {
                    if !align {
                        data.push(0.0);
                    }
                    let mut corner = || {
                        let at = most * (2.0 * self.rng.unit() - 1.0);
                        (if self.rng.one_in(2) { 20.0 * self.rng.unit() } else { at }).round() as f32
                    };
                    let (a, b, c, d) = (corner(), corner(), corner(), corner());
                    data.extend([a.min(c), b.min(d), a.max(c), b.max(d)]);
                }
                *regions = floats(regions, data);
                if let [numbers] = rest {
                    *numbers = Tensor::new(numbers.shape(), Data::I32(vec![0; n(numbers)])).unwrap();
                }
            }
            _ => {}
        }
        tensors
    }

    fn tensor(&mut self, desc: &TensorDesc, positive: bool) -> Tensor {
        let special = self.rng.one_in(12) && desc.dtype == DType::F32 && !positive;
        let mut value = || {
            let v = 2.0 * self.rng.unit() - 1.0;
            match (special, positive) {
                (true, _) if self.rng.one_in(9) => {
                    *pick(&mut self.rng, &[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0])
                }
                (_, true) => v.abs(),
                _ => v,
            }
        };
        let n = desc.elements();
        let data = match desc.dtype {
            DType::U8 => Data::U8((0..n).map(|_| (255.0 * value().abs()) as u8).collect()),
            DType::I8 => Data::I8((0..n).map(|_| (127.0 * value()) as i8).collect()),
            DType::I32 => Data::I32((0..n).map(|_| (100.0 * value()) as i32).collect()),
            float => Data::nearest(float, (0..n).map(|_| value())).unwrap(),
        };
        Tensor::new(&desc.shape, data).unwrap()
    }

    pub fn caps(&mut self) -> Caps {
        let mut caps = Caps::default();
        caps.f16 = true;
        caps.software = self.rng.one_in(2);
        if caps.software {
            (caps.paged, caps.uniform_alignment) = (true, 16);
            caps.min_macs_for_tiles = self.pick(&[0, 1000, 2_000_000]);
            caps.fast_storage_loads = self.rng.one_in(2);
            caps.loop_limit = if self.rng.one_in(2) { u64::MAX } else { 65_535 };
        }
        caps
    }
}

trait Root {
    fn cbrt_floor(self) -> usize;
}

impl Root for usize {
    fn cbrt_floor(self) -> usize {
        (1..).take_while(|n| n * n * n <= self).last().unwrap_or(1)
    }
}

fn of(axes: &[Axis], member: fn(&Axis) -> usize) -> Vec<usize> {
    axes.iter().map(member).collect()
}

fn padding(axes: &[Axis]) -> Padding {
    Padding::Explicit { before: of(axes, |a| a.before), after: of(axes, |a| a.after) }
}
