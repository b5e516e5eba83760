//! Hostile specifications and documents, the same for the same seed: nothing panics, and what is allocated follows
//! the size of the document.
//!
//! `WGPOOL_FUZZ=1000000 cargo test --release --test fuzz -- --nocapture` sets the number of inputs of each target.
//! Archives are loaded from a file: with `TMPDIR=/dev/shm`, many times as fast.
//! NPY files are fuzzed beside their reader, among the tests of the program.
#![cfg(feature = "cli")]

#[path = "support/fuzz.rs"]
mod fuzz;

use std::collections::BTreeSet;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::PathBuf;

use fuzz::{Counting, Tally, bound, count, extreme, garble, pick, reword, tokens};
use serde_json::{Value, json};
use wgpool::kernel::KernelKey;
use wgpool::model::{Sequential, keras};
use wgpool::plan::{PAGE, Slot};
use wgpool::verify::random::Rng;
use wgpool::{
    Activation, AdaptivePool, Backend, Caps, Conv, ConvPool, ConvTranspose, DType, Dense, DenseLayout, Error,
    FractionalMaxPool, GlobalPool, IndexNumbering, KernelLayout, Layout, MaxRoiPool, MaxUnpool, Op, Padding,
    Plan, Pool, PoolKind, RoiAlign, RoiMode, Softmax, TensorDesc,
};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Numbers that are legal, except one in `wild`.
struct Numbers {
    rng: Rng,
    wild: usize,
}

impl Numbers {
    fn odd(&mut self) -> bool {
        self.rng.one_in(self.wild)
    }

    fn size(&mut self, from: usize, to: usize) -> usize {
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
    fn list(&mut self, rank: usize, from: usize, to: usize) -> Vec<usize> {
        let length = match (self.odd(), self.rng.one_in(4)) {
            (true, _) => self.rng.between(0, 6),
            (false, true) => 1,
            (false, false) => rank,
        };
        (0..length).map(|_| self.size(from, to)).collect()
    }

    fn float(&mut self) -> f32 {
        if !self.odd() {
            return self.rng.between(1, 40) as f32 / 8.0;
        }
        let bits = f32::from_bits(self.rng.next_u64() as u32);
        let odd =
            [0.0, -0.0, -1.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE, f32::MAX, 1e-45];
        if self.rng.one_in(3) { bits } else { *pick(&mut self.rng, &odd) }
    }

    fn flag(&mut self) -> bool {
        self.rng.one_in(2)
    }

    fn layout(&mut self) -> Layout {
        *pick(&mut self.rng, &[Layout::Nchw, Layout::Nhwc])
    }

    fn indices(&mut self) -> Option<IndexNumbering> {
        use IndexNumbering::{PerPlane, WholeColumnMajor, WholeRowMajor};
        *pick(&mut self.rng, &[None, None, None, Some(PerPlane), Some(WholeRowMajor), Some(WholeColumnMajor)])
    }

    fn activation(&mut self) -> Activation {
        let alpha = self.float();
        use Activation as A;
        let all = [A::None, A::Relu, A::Relu6, A::Sigmoid, A::Tanh, A::Silu, A::Gelu, A::GeluTanh];
        if self.rng.one_in(5) { A::LeakyRelu { alpha } } else { *pick(&mut self.rng, &all) }
    }

    fn padding(&mut self, rank: usize) -> Padding {
        match self.rng.between(0, 4) {
            0 => Padding::Valid,
            1 => Padding::SameUpper,
            2 => Padding::SameLower,
            3 => Padding::symmetric(self.list(rank, 0, 2)),
            _ => Padding::Explicit { before: self.list(rank, 0, 2), after: self.list(rank, 0, 2) },
        }
    }

    fn kind(&mut self) -> PoolKind {
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

    fn dtype(&mut self) -> DType {
        let all = [DType::F32, DType::F16, DType::U8, DType::I8, DType::I32];
        if self.odd() { *pick(&mut self.rng, &all) } else { DType::F32 }
    }

    fn desc(&mut self, shape: Vec<usize>) -> TensorDesc {
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

    fn image(&mut self, rank: usize, channels: usize, layout: Layout) -> TensorDesc {
        let batch = self.size(0, 3);
        let channels = if self.odd() { self.size(1, 9) } else { channels };
        let space: Vec<usize> = (0..rank).map(|_| self.size(4, 60)).collect();
        let shape = match layout {
            Layout::Nchw => [&[batch, channels], space.as_slice()].concat(),
            Layout::Nhwc => [&[batch], space.as_slice(), &[channels]].concat(),
        };
        self.desc(shape)
    }

    fn pool(&mut self, rank: usize, layout: Layout) -> Pool {
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
    fn conv(&mut self, rank: usize, transposed: bool) -> (Conv, Vec<TensorDesc>) {
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
        };
        (spec, descs)
    }

    fn case(&mut self) -> (Op, Vec<TensorDesc>) {
        let rank = self.rng.between(1, 3);
        let layout = self.layout();
        let channels = self.size(1, 9);
        let (op, mut inputs): (Op, _) = match self.rng.between(0, 12) {
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
            _ => {
                let shape = self.list(3, 0, 9);
                (self.activation().into(), vec![self.desc(shape)])
            }
        };
        if self.odd() && self.flag() {
            match (inputs.pop(), self.flag()) {
                (Some(last), true) => inputs.extend([last.clone(), last]),
                _ => drop(inputs.pop()),
            }
        }
        (op, inputs)
    }

    fn caps(&mut self) -> Caps {
        let mut caps = Caps::default();
        if self.odd() || self.rng.one_in(4) {
            let rng = &mut self.rng;
            caps.max_workgroups = *pick(rng, &[0, 1, 2, 3, 1 << 31, u32::MAX - 1, u32::MAX, 65535]);
            caps.max_binding = if rng.one_in(2) { extreme(rng) } else { u64::MAX };
            caps.max_buffer = if rng.one_in(2) { extreme(rng) } else { u64::MAX };
            caps.f16 = rng.one_in(2);
            caps.software = rng.one_in(2);
            caps.paged = rng.one_in(2);
            caps.offset_alignment = *pick(rng, &[4, 16, 32, 256]);
            caps.tiled_from = if rng.one_in(2) { 0 } else { 1000 };
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

#[test]
fn plans_of_anything_are_plans_or_errors() {
    /// A plan is made of shapes alone, so its memory does not depend on what the tensors would take; it has at most
    /// some hundred dispatches.
    // A convolution in tiles has up to 4,096 dispatches.
    const MOST: usize = 3 << 20;
    let mut tally = Tally::new("plans");
    let mut numbers = Numbers { rng: Rng::new(1), wild: 1 };
    let (mut kinds, mut patches) = (BTreeSet::new(), 0);
    for _ in 0..count(20_000) {
        numbers.wild = *pick(&mut numbers.rng, &[1, 2, 5, 15, 40, 1000]);
        let ((op, inputs), caps) = (numbers.case(), numbers.caps());
        let Some(plan) = tally.add(0, MOST, || Plan::new(&op, &inputs, &caps)) else { continue };
        kinds.insert(plan.problem.op);
        for step in &plan.steps {
            if let KernelKey::PoolPatch { patch, .. } | KernelKey::DepthwisePatch { patch, .. } = step.kernel
            {
                patches += 1;
                let vector = if patch.across.fours() { 4 * patch.dtype.size() as u32 } else { 1 };
                assert!(
                    caps.offset_alignment.is_multiple_of(vector) && !caps.software,
                    "{op:?} on {inputs:?}"
                );
            }
            assert!(step.grid.iter().all(|&g| 0 < g && g <= caps.max_workgroups), "{op:?} on {inputs:?}");
            for page in &step.pages {
                let size = match page.slot {
                    Slot::Input(i) => plan.problem.inputs[i].buffer_size(),
                    Slot::Scratch(i) => plan.scratch[i],
                    Slot::Packed(i) => plan.packed[i] - PAGE,
                    other => panic!("{other:?} is no page"),
                };
                assert!(page.offset.is_multiple_of(u64::from(caps.uniform_alignment)), "{op:?}: {page:?}");
                assert!(page.offset < size, "{op:?} on {inputs:?}: {page:?} of {size}");
            }
            for slot in &step.slots {
                let (desc, divided) = match *slot {
                    Slot::Input(i) => (&plan.problem.inputs[i], step.part.is_some_and(|p| i < p.inputs)),
                    Slot::Output(i) => (&plan.problem.outputs[i], step.part.is_some()),
                    Slot::Scratch(i) => {
                        assert!(plan.scratch[i] <= caps.max_binding, "{op:?} on {inputs:?}");
                        continue;
                    }
                    Slot::Packed(i) => {
                        assert!(plan.packed[i] <= caps.max_binding, "{op:?} on {inputs:?}");
                        continue;
                    }
                    other => panic!("{other:?} has no row in this test"),
                };
                let part = step.part.filter(|_| divided);
                let (offset, size) = part.map_or((0, desc.buffer_size()), |part| part.range(desc));
                assert!(size <= caps.max_binding, "{op:?} on {inputs:?}: {part:?}");
                assert!(offset.is_multiple_of(u64::from(caps.offset_alignment)), "{op:?}: {part:?}");
                assert!(offset + size <= desc.buffer_size(), "{op:?} on {inputs:?}: {part:?}");
            }
        }
        for desc in plan.problem.inputs.iter().chain(&plan.problem.outputs) {
            assert!(desc.buffer_size() <= caps.max_buffer, "{op:?} on {inputs:?}");
        }
    }
    assert!(tally.accepted > tally.inputs / 10, "{} of {} are plans", tally.accepted, tally.inputs);
    assert!(kinds.len() >= 13, "{kinds:?}");
    assert!(patches > tally.accepted / 100, "{patches} kernels that compute patches");
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Configurations and weights of small models.
fn models() -> Vec<(String, Vec<u8>)> {
    [
        "data/mnist",
        "tests/data/keras/c_conv3_pool3_224",
        "tests/data/keras/d_datacamp_pool_28",
        "tests/data/keras/e_conv_pool_32",
    ]
    .map(|folder| {
        let folder = root().join(folder);
        let json = fs::read_to_string(folder.join("config.json")).unwrap();
        (json, fs::read(folder.join("weights.safetensors")).unwrap())
    })
    .to_vec()
}

/// What is done with a model that was loaded: it too may be refused, but not panic.
fn use_model(model: &Sequential) {
    let _ = (model.summary(), model.parameters(), model.output_shapes(), model.program(1));
    let _ = model.program(usize::MAX);
}

#[test]
fn keras_configurations() {
    let mut tally = Tally::new("Keras configurations");
    let mut rng = Rng::new(2);
    let models = models();
    let tokens: Vec<Vec<&str>> = models.iter().map(|(json, _)| tokens(json)).collect();
    for _ in 0..count(2_000) {
        let which = rng.between(0, models.len() - 1);
        let (json, weights) = &models[which];
        let json = match rng.one_in(3) {
            true => {
                let other = pick(&mut rng, &models).0.as_bytes();
                garble(&mut rng, json.as_bytes(), other)
            }
            false => reword(&mut rng, &tokens[which]).into_bytes(),
        };
        let n = json.len();
        if let Some(model) = tally.add(n, bound(n), || keras::architecture(&json)) {
            fuzz::peak(|| use_model(&model));
            let n = n + weights.len();
            let (_, peak) = fuzz::peak(|| keras::from_config(&json, weights).map(|model| use_model(&model)));
            assert!(peak <= bound(n), "{peak} bytes for documents of {n}");
        }
    }
    assert!(tally.accepted > tally.inputs / 20 && tally.accepted < tally.inputs);
}

#[test]
fn keras_weights() {
    let mut tally = Tally::new("Keras weights");
    let mut rng = Rng::new(3);
    let models = models();
    let headers: Vec<Vec<&str>> = models.iter().map(|(_, weights)| tokens(header(weights))).collect();
    for _ in 0..count(2_000) {
        let which = rng.between(0, models.len() - 1);
        let (json, weights) = &models[which];
        let weights = match rng.between(0, 2) {
            0 => {
                let other = pick(&mut rng, &models).1.as_slice();
                garble(&mut rng, weights, other)
            }
            _ => with_header(&mut rng, weights, &headers[which]),
        };
        let n = json.len() + weights.len();
        if let Some(model) = tally.add(n, bound(n), || keras::from_config(json, &weights)) {
            use_model(&model);
        }
    }
    assert!(tally.accepted > 0 && tally.accepted < tally.inputs);
}

/// The JSON at the start of safetensors.
fn header(file: &[u8]) -> &str {
    let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    std::str::from_utf8(&file[8..8 + length]).unwrap()
}

/// Safetensors with a changed header, whose length is given rightly.
fn with_header(rng: &mut Rng, file: &[u8], tokens: &[&str]) -> Vec<u8> {
    let json = reword(rng, tokens);
    let data = &file[8 + header(file).len()..];
    [&(json.len() as u64).to_le_bytes(), json.as_bytes(), data].concat()
}

/// Archives as Keras writes them.
fn archives() -> Vec<Vec<u8>> {
    ["c_conv3_pool3_224", "d_datacamp_pool_28", "e_conv_pool_32"]
        .map(|folder| fs::read(root().join("tests/data/keras").join(folder).join("model.keras")).unwrap())
        .to_vec()
}

/// The configuration and the weights of an archive.
fn unpacked(archive: &[u8]) -> [Vec<u8>; 2] {
    let mut zip = ZipArchive::new(Cursor::new(archive)).unwrap();
    ["config.json", "model.weights.h5"].map(|name| {
        let mut bytes = vec![];
        zip.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// An archive with these contents and right checksums.
fn packed(json: &[u8], weights: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(vec![]));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in [("config.json", json), ("model.weights.h5", weights)] {
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn keras_archives() {
    /// For each object header, hdf5-reader 0.12 reserves room for as many messages as the header claims: 65,535 of
    /// 144 bytes at most, which it does not touch unless they are there. An edit spoils a header or two.
    const RESERVED: usize = 4 * (10 << 20);
    let mut tally = Tally::new("Keras archives");
    let mut rng = Rng::new(5);
    let archives = archives();
    let parts: Vec<[Vec<u8>; 2]> = archives.iter().map(|archive| unpacked(archive)).collect();
    let file = std::env::temp_dir().join(format!("wgpool-fuzz-{}.keras", std::process::id()));
    for _ in 0..count(1_000) {
        let which = rng.between(0, archives.len() - 1);
        let (archive, [json, weights]) = (&archives[which], &parts[which]);
        let [_, other] = pick(&mut rng, &parts);
        let bytes = match rng.between(0, 7) {
            0 => garble(&mut rng, archive, other),
            1 => {
                // The directory is at the end.
                let (head, tail) = archive.split_at(archive.len() - rng.between(22, 512));
                [head, &garble(&mut rng, tail, json)].concat()
            }
            2 => archive[..rng.between(0, archive.len())].to_vec(),
            3 => packed(json, &weights[..rng.between(0, weights.len())]),
            4 => {
                let tokens = tokens(std::str::from_utf8(json).unwrap());
                packed(reword(&mut rng, &tokens).as_bytes(), weights)
            }
            _ => packed(json, &garble(&mut rng, weights, other)),
        };
        fs::write(&file, &bytes).unwrap();
        let n = bytes.len();
        // A reader that panics is heard on standard error, but comes back as an error all the same.
        if let Some(model) = tally.add(n, bound(n) + RESERVED, || keras::load(&file, None)) {
            use_model(&model);
        }
    }
    fs::remove_file(&file).unwrap();
    assert!(tally.accepted > 0 && tally.accepted < tally.inputs);
}

/// Cases of both corpora with small files, all of them such as must be refused: nothing is computed for those.
fn cases() -> Vec<(Value, PathBuf)> {
    let mut cases = vec![];
    for corpus in ["onnx", "torch"] {
        let folder = root().join("tests/data/corpus").join(corpus);
        let manifest: Value =
            serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
        for case in manifest["cases"].as_array().unwrap() {
            let file = case["file"].as_str().map(|name| folder.join(name));
            let Some(file) = file.filter(|file| fs::metadata(file).unwrap().len() < 8 << 10) else {
                continue;
            };
            let mut case = case.clone();
            case["expect"] = json!("error");
            case["file"] = json!("a");
            cases.push((case, file));
        }
    }
    cases
}

#[test]
fn manifests() {
    let mut tally = Tally::new("manifests");
    let mut rng = Rng::new(4);
    let dir = std::env::temp_dir().join(format!("wgpool-fuzz-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let cases: Vec<(String, Vec<u8>)> =
        cases().into_iter().map(|(case, file)| (case.to_string(), fs::read(file).unwrap())).collect();
    let mut rows = 0;
    let inputs = count(2_000);
    while tally.inputs < inputs {
        let (case, file) = pick(&mut rng, &cases);
        let (other, _) = pick(&mut rng, &cases);
        let case = match rng.between(0, 3) {
            0 => garble(&mut rng, case.as_bytes(), other.as_bytes()),
            1 => case.clone().into_bytes(),
            _ => reword(&mut rng, &tokens(case)).into_bytes(),
        };
        let manifest = [b"{\"cases\":[", case.as_slice(), b",", other.as_bytes(), b"]}"].concat();
        // A case that an edit made one to be computed may ask for any amount of work, as it may.
        let document = serde_json::from_slice::<Value>(&manifest).unwrap_or_default();
        let refusals = |list: &Vec<Value>| list.iter().all(|case| case["expect"] == "error");
        if document["cases"].as_array().is_some_and(|list| !refusals(list)) {
            continue;
        }
        let tensors = match rng.between(0, 3) {
            0 => garble(&mut rng, file, &manifest),
            1 => with_header(&mut rng, file, &tokens(header(file))),
            _ => file.clone(),
        };
        fs::write(dir.join("manifest.json"), &manifest).unwrap();
        fs::write(dir.join("a"), &tensors).unwrap();
        let n = manifest.len() + tensors.len();
        let run = || wgpool::verify::run_corpus(&dir, &Backend::Reference, |_, _| {});
        rows += tally.add(n, bound(n), run).map_or(0, |report| report.rows.len());
    }
    fs::remove_dir_all(&dir).unwrap();
    assert!(tally.accepted > tally.inputs / 20 && tally.accepted < tally.inputs);
    assert!(rows >= tally.accepted);
}

#[test]
fn the_allocator_counts() {
    let ((), peak) = fuzz::peak(|| drop(vec![0u8; 1 << 20]));
    assert_eq!(peak, 1 << 20);
    let mut tally = Tally::new("what is too much");
    assert_eq!(tally.add(1, 10, || Err::<(), Error>(Error::Busy { what: "", in_flight: 0 })), None);
}
