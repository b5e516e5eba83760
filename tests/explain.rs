//! What plans and programs say they cost, against numbers worked out by hand.

use wgpool::plan::Slot;
use wgpool::{
    Activation, AdaptivePool, Backend, Caps, Conv, ConvPool, ConvTranspose, Layout, Padding, Plan, Pool,
    Problem, TensorDesc,
};
use wgpool_net::{LayerKind, Model, Session};

use wgpool_testing::support;

fn conv() -> Conv {
    Conv::new().padding(Padding::symmetric([1])).activation(Activation::Relu)
}

/// A 3x3 convolution of 2 channels to 4 on 6x6, with bias.
fn inputs() -> [TensorDesc; 3] {
    [TensorDesc::f32([1, 2, 6, 6]), TensorDesc::f32([4, 2, 3, 3]), TensorDesc::f32([4])]
}

const X: u64 = 4 * 2 * 36;
const W: u64 = 4 * 4 * 2 * 9;
const B: u64 = 4 * 4;
const BETWEEN: u64 = 4 * 4 * 36;
const POOLED: u64 = 4 * 4 * 9;
/// Two for each of 9 taps of 2 channels, of 36 elements of 4 channels; those in the padding count.
const CONV_FLOPS: u64 = 2 * 9 * 2 * 36 * 4;
/// Four taps of 9 windows in 4 channels.
const POOL_FLOPS: u64 = 4 * 9 * 4;

#[test]
fn a_convolution() {
    let plan = Plan::new(&conv().into(), &inputs(), &Caps::default()).unwrap();
    let explanation = plan.explain();
    let [step] = explanation.steps.as_slice() else { panic!("{explanation}") };
    assert_eq!((step.bytes_read, step.bytes_written), (X + W + B, BETWEEN));
    assert_eq!(step.flops, Some(CONV_FLOPS));
    assert_eq!(step.kernel, Some(plan.steps[0].kernel));
    assert_eq!(explanation.peak_memory(), X + W + B + BETWEEN);
    let text = explanation.to_string();
    for part in ["convolution: f32 [1, 2, 6, 6]", "Conv", "576 B", "memory", step.why] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn without_a_bias_the_kernel_is_bound_twice_and_counted_once() {
    let plan = Plan::new(&conv().into(), &inputs()[..2], &Caps::default()).unwrap();
    assert_eq!(plan.explain().bytes(), X + W + BETWEEN);
}

#[test]
fn fused_pooling_moves_less_than_two_kernels() {
    let fused = ConvPool { conv: conv(), pool: Pool::max([2]) };
    let fused = Plan::new(&fused.into(), &inputs(), &Caps::default()).unwrap().explain();
    assert_eq!(fused.steps.len(), 1, "{fused}");
    assert_eq!(fused.bytes(), X + W + B + POOLED);
    assert_eq!(fused.flops(), Some(CONV_FLOPS + POOL_FLOPS));
    assert_eq!(fused.peak_memory(), X + W + B + POOLED);

    let first = Plan::new(&conv().into(), &inputs(), &Caps::default()).unwrap().explain();
    let between = [TensorDesc::f32([1, 4, 6, 6])];
    let second = Plan::new(&Pool::max([2]).into(), &between, &Caps::default()).unwrap().explain();
    assert_eq!(first.flops().zip(second.flops()), Some((CONV_FLOPS, POOL_FLOPS)));
    assert_eq!(first.bytes() + second.bytes() - fused.bytes(), 2 * BETWEEN);
}

#[test]
fn overlapping_windows_keep_the_convolution_in_scratch_memory() {
    let op = ConvPool { conv: conv(), pool: Pool::max([2]).stride([1]) };
    let explanation = Plan::new(&op.into(), &inputs(), &Caps::default()).unwrap().explain();
    let [first, second] = explanation.steps.as_slice() else { panic!("{explanation}") };
    assert_eq!((first.bytes_written, second.bytes_read), (BETWEEN, BETWEEN));
    assert_eq!((first.flops, second.flops), (Some(CONV_FLOPS), Some(4 * 25 * 4)));
    assert_eq!(explanation.scratch, BETWEEN);
    assert_eq!(explanation.peak_memory(), X + W + B + BETWEEN + 4 * 4 * 25);
}

#[test]
fn dispatches_of_one_kernel_are_one_line_and_a_tensor_of_several_counts_once() {
    let mut plan = Plan::new(&conv().into(), &inputs(), &Caps::default()).unwrap();
    let mut data = plan.steps[0].clone();
    data.slots[1] = Slot::Packed(0);
    let mut pack = plan.steps[0].clone();
    (pack.prepack, pack.why) = (true, "weights in the order of the kernel");
    pack.slots = vec![Slot::Input(1), Slot::Input(1), Slot::Input(1), Slot::Packed(0)];
    plan.steps = vec![pack, data.clone(), data.clone(), data];
    plan.packed = vec![200_000];
    let explanation = plan.explain();
    let [once, data] = explanation.steps.as_slice() else { panic!("{explanation}") };
    assert_eq!((once.bytes_read, once.bytes_written, once.flops), (W, 200_000, Some(0)));
    assert_eq!((data.dispatches, data.workgroups), (3, 3 * u64::from(plan.steps[1].grid[0])));
    assert_eq!(data.bytes_read, X + B + 200_000);
    assert_eq!(explanation.bytes(), data.bytes_read + BETWEEN, "what runs once is no part of a run");
    assert_eq!(explanation.flops(), Some(CONV_FLOPS));
    assert_eq!(explanation.peak_memory(), X + W + B + BETWEEN + 200_000);
}

#[test]
fn a_software_adapter_packs_once() {
    let mut caps = Caps::default();
    (caps.software, caps.paged, caps.min_macs_for_tiles) = (true, true, 0);
    let inputs = [TensorDesc::f32([1, 64, 56, 56]), TensorDesc::f32([64, 64, 3, 3])];
    let explanation = Plan::new(&conv().into(), &inputs, &caps).unwrap().explain();
    let [pack, copy, tiled] = explanation.steps.as_slice() else { panic!("{explanation}") };
    let [x, w, y] = [4 * 64 * 56 * 56, 4 * 64 * 64 * 9, 4 * 64 * 56 * 56];
    assert_eq!((pack.prepack, pack.bytes_read, pack.flops), (true, w, Some(0)));
    // The padding is copied with the input.
    assert!(tiled.dispatches > 1 && explanation.packed > w && explanation.scratch > x);
    assert_eq!((copy.bytes_read, copy.bytes_written, copy.flops), (x, explanation.scratch, Some(0)));
    assert_eq!((tiled.bytes_read, tiled.bytes_written), (explanation.scratch + explanation.packed, y));
    assert_eq!(tiled.flops, Some(2 * 64 * 64 * 9 * 56 * 56));
    assert_eq!(explanation.bytes(), x + 2 * explanation.scratch + explanation.packed + y);
    assert_eq!(explanation.peak_memory(), x + w + y + explanation.scratch + explanation.packed);
}

#[test]
fn a_divided_batch_moves_as_much_as_a_whole_one_but_for_the_weights() {
    let inputs = [TensorDesc::f32([8, 4, 64, 64]), TensorDesc::f32([4, 4, 1, 1])];
    let mut caps = Caps::default();
    let whole = Plan::new(&Conv::new().into(), &inputs, &caps).unwrap().explain();
    caps.max_binding = inputs[0].buffer_size() / 4;
    let plan = Plan::new(&Conv::new().into(), &inputs, &caps).unwrap();
    assert!(plan.steps.len() > 1 && plan.steps.iter().all(|s| s.part.is_some()));
    let divided = plan.explain();
    assert_eq!(divided.bytes(), whole.bytes());
    assert_eq!(divided.flops(), whole.flops());
}

#[test]
fn flops_of_other_operations() {
    let flops = |op: wgpool::Op, shapes: &[&[usize]]| {
        let descs: Vec<TensorDesc> = shapes.iter().map(|s| TensorDesc::f32(s.to_vec())).collect();
        Problem::new(&op, &descs).unwrap().flops()
    };
    // Windows of 5 elements in 3: 2, 3 (with both neighbours') and 2.
    assert_eq!(flops(AdaptivePool::max([3]).into(), &[&[1, 1, 5]]), Some(2 + 3 + 2));
    // Each of 3 elements meets 2 taps.
    assert_eq!(flops(ConvTranspose::new().into(), &[&[1, 1, 3], &[1, 1, 2]]), Some(2 * 3 * 2));
    assert_eq!(flops(wgpool::Dense::new().into(), &[&[5, 7], &[7, 3]]), Some(2 * 5 * 7 * 3));
    assert_eq!(flops(wgpool::Softmax::last_axis().into(), &[&[5, 7]]), Some(5 * 35));
}

#[test]
fn a_session_explains_its_layers_on_either_path() {
    let pool = Pool::max([2]).layout(Layout::Nhwc);
    let model = Model::new("two", [8, 8, 3])
        .layer("first", LayerKind::Pool(pool.clone()))
        .layer("second", LayerKind::Pool(pool));
    let gpu = Backend::Gpu(support::engine().clone());
    for backend in [Backend::Host, Backend::Reference, gpu] {
        let session = Session::compile(&backend, model.program(2).unwrap()).unwrap();
        let explanation = session.explain();
        let [x, y, z] = [64, 16, 4].map(|plane| 4 * 2 * 3 * plane);
        assert_eq!(explanation.bytes(), x + y + y + z, "{explanation}");
        assert_eq!(explanation.flops(), Some(2 * 3 * (64 + 16)));
        assert_eq!(explanation.peak_memory(), x + y + z, "{explanation}");
        let text = explanation.to_string();
        assert!(text.contains(&backend.name()) && text.contains("second: "), "{text}");
    }
}
