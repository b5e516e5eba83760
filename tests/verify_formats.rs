//! What attributes mean in both formats of cases, on small examples worked out by hand.

use std::collections::HashMap;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use safetensors::{Dtype, tensor::TensorView};
use serde_json::{Value, json};
use wgpool::Backend;
use wgpool_testing::support::engine;
use wgpool_testing::verify::{Row, run_corpus};

/// A tensor: name, type, shape and elements, which are whole or simple fractions.
type Stored<'a> = (&'a str, &'a str, &'a [usize], &'a [f64]);

fn bytes(dtype: &str, values: &[f64]) -> (Dtype, Vec<u8>) {
    match dtype {
        "F32" => (Dtype::F32, values.iter().flat_map(|&v| (v as f32).to_le_bytes()).collect()),
        "F64" => (Dtype::F64, values.iter().flat_map(|&v| v.to_le_bytes()).collect()),
        "I64" => (Dtype::I64, values.iter().flat_map(|&v| (v as i64).to_le_bytes()).collect()),
        "U8" => (Dtype::U8, values.iter().map(|&v| v as u8).collect()),
        "I8" => (Dtype::I8, values.iter().flat_map(|&v| (v as i8).to_le_bytes()).collect()),
        "I32" => (Dtype::I32, values.iter().flat_map(|&v| (v as i32).to_le_bytes()).collect()),
        "BF16" => (Dtype::BF16, values.iter().flat_map(|&v| half::bf16::from_f64(v).to_le_bytes()).collect()),
        "F16" => (Dtype::F16, values.iter().flat_map(|&v| half::f16::from_f64(v).to_le_bytes()).collect()),
        other => panic!("{other}"),
    }
}

/// Runs one case on the host path and on the GPU; both must come to the same.
fn run(mut case: Value, inputs: &[Stored<'_>], outputs: &[Stored<'_>]) -> (Row, String) {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("wgpool-formats-{}-{number}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let mut tensors = HashMap::new();
    for (side, list, key) in [("in", inputs, "inputs"), ("out", outputs, "outputs")] {
        let mut ports = vec![];
        for (name, dtype, shape, values) in list {
            tensors.insert(format!("{side}.{name}"), (shape.to_vec(), bytes(dtype, values)));
            ports.push(
                json!({ "name": name, "tensor": format!("{side}.{name}"), "dtype": dtype, "shape": shape }),
            );
        }
        case[key] = json!(ports);
    }
    let views = tensors.iter().map(|(name, (shape, (dtype, bytes)))| {
        (name.clone(), TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    fs::write(dir.join("a"), safetensors::serialize(views, None).unwrap()).unwrap();
    (case["name"], case["file"]) = (json!("a"), json!("a"));
    fs::write(dir.join("manifest.json"), json!({ "cases": [case] }).to_string()).unwrap();
    let on = |backend: &Backend| run_corpus(&dir, backend, |_, _| {}).unwrap();
    let (host, gpu) = (on(&Backend::Host), on(&Backend::Gpu(engine().clone())));
    fs::remove_dir_all(&dir).unwrap();
    // A device without 16-bit floats converts more of them than the host path does.
    if engine().caps().f16 {
        assert_eq!(host.rows, gpu.rows, "{host}\n{gpu}");
    } else {
        let counts = |report: &wgpool_testing::verify::Report| {
            let total = report.total();
            (total.passed, total.failed, total.unsupported)
        };
        assert_eq!(counts(&host), counts(&gpu), "{host}\n{gpu}");
    }
    (host.total(), host.to_string())
}

fn torch(op: &str, attributes: Value, inputs: &[Stored<'_>], outputs: &[Stored<'_>]) {
    let case = json!({ "op": op, "expect": "ok", "exact": true, "attributes": attributes });
    let (row, report) = run(case, inputs, outputs);
    assert_eq!(row.passed, 1, "{report}");
}

fn refused(op: &str, attributes: Value, inputs: &[Stored<'_>]) {
    let case = json!({ "op": op, "expect": "error", "attributes": attributes });
    let (row, report) = run(case, inputs, &[]);
    assert_eq!(row.passed, 1, "{report}");
}

fn node(op: &str, attributes: Value, inputs: &[&str], outputs: &[&str]) -> Value {
    json!({ "op": op, "attributes": attributes, "inputs": inputs, "outputs": outputs })
}

fn onnx(opset: i64, nodes: &[Value], inputs: &[Stored<'_>], outputs: &[Stored<'_>]) {
    let case = json!({ "op": "test", "opset": opset, "nodes": nodes, "rtol": 0.0, "atol": 1e-6 });
    let (row, report) = run(case, inputs, outputs);
    assert_eq!(row.passed, 1, "{report}");
}

fn count(n: usize) -> Vec<f64> {
    (0..n).map(|v| v as f64).collect()
}

#[test]
fn torch_pooling() {
    let x16 = count(16);
    let quarters = [5., 7., 13., 15.];
    let (y, i) = (("y", "F32", [1, 2, 2]), ("indices", "I64", [1, 2, 2]));
    for attributes in [
        json!({ "kernel_size": 2, "return_indices": true }),
        json!({ "kernel": [2, 2], "stride": null, "padding": 0, "dilation": [1] }),
        json!({ "kernel_size": [2], "stride": [], "ceil_mode": 0 }),
    ] {
        torch(
            "max_pool2d",
            attributes,
            &[("x", "F32", &[1, 4, 4], &x16)],
            &[(y.0, y.1, &y.2, &quarters), (i.0, i.1, &i.2, &quarters)],
        );
    }
    let x = ("x", "F32", &[1, 1, 3][..], &[2., 4., 6.][..]);
    torch(
        "avg_pool1d",
        json!({ "kernel_size": 2, "padding": 1 }),
        &[x],
        &[("y", "F32", &[1, 1, 2], &[1., 5.])],
    );
    let excluded = json!({ "kernel": [2], "padding": [1], "count_include_pad": false });
    torch("avg_pool1d", excluded, &[x], &[("y", "F32", &[1, 1, 2], &[2., 5.])]);
    let x = ("x", "F32", &[1, 1, 2, 2][..], &[1., 2., 3., 4.][..]);
    let divisor = json!({ "kernel_size": 2, "divisor_override": -2 });
    torch("avg_pool2d", divisor, &[x], &[("y", "F32", &[1, 1, 1, 1], &[-5.])]);
    let rows = ("y", "F32", &[1, 1, 2, 1][..], &[1.5, 3.5][..]);
    torch("adaptive_avg_pool2d", json!({ "output_size": [null, 1] }), &[x], &[rows]);
    let x = ("x", "F32", &[1, 1, 2, 2][..], &[3., 0., 0., 4.][..]);
    torch(
        "lp_pool2d",
        json!({ "norm_type": 2, "kernel_size": 2 }),
        &[x],
        &[("y", "F32", &[1, 1, 1, 1], &[5.])],
    );
}

#[test]
fn torch_windows_longer_than_the_input_in_ceil_mode() {
    let x = ("x", "F32", &[1, 1, 2][..], &[1., 4.][..]);
    let ceil = json!({ "kernel_size": 4, "stride": 3, "ceil_mode": true });
    torch("max_pool1d", ceil.clone(), &[x], &[("y", "F32", &[1, 1, 1], &[4.])]);
    torch("avg_pool1d", ceil, &[x], &[("y", "F32", &[1, 1, 1], &[2.5])]);
    refused("max_pool1d", json!({ "kernel_size": 4, "stride": 2, "ceil_mode": true }), &[x]);
    refused("max_pool1d", json!({ "kernel_size": 4, "stride": 3 }), &[x]);
}

#[test]
fn torch_fractional_pooling_and_unpooling() {
    let x16 = count(16);
    let samples = ("_random_samples", "F32", &[1, 1, 2][..], &[0., 0.][..]);
    let x = ("x", "F32", &[1, 1, 4, 4][..], x16.as_slice());
    let quarters = &[5., 7., 13., 15.][..];
    for size in [json!({ "output_size": 2 }), json!({ "output_ratio": 0.5 })] {
        let mut attributes = json!({ "kernel_size": 2, "return_indices": true });
        attributes.as_object_mut().unwrap().extend(size.as_object().unwrap().clone());
        let outputs =
            [("y", "F32", &[1, 1, 2, 2][..], quarters), ("indices", "I64", &[1, 1, 2, 2][..], quarters)];
        torch("fractional_max_pool2d", attributes, &[x, samples], &outputs);
    }
    let x = ("x", "F32", &[1, 1, 2][..], &[5., 7.][..]);
    let indices = ("indices", "I64", &[1, 1, 2][..], &[0., 3.][..]);
    for (size, y) in [(json!(null), &[5., 0., 0., 7.][..]), (json!([1, 1, 5]), &[5., 0., 0., 7., 0.][..])] {
        let attributes = json!({ "kernel_size": 2, "output_size": size });
        torch("max_unpool1d", attributes, &[x, indices], &[("y", "F32", &[1, 1, y.len()], y)]);
    }
    refused("max_unpool1d", json!({ "kernel_size": 2, "output_size": [6] }), &[x, indices]);
    refused("max_unpool1d", json!({ "kernel_size": 1, "output_size": [2] }), &[x, indices]);
}

#[test]
fn torch_convolution() {
    let x = ("x", "F32", &[1, 1, 3][..], &[1., 2., 3.][..]);
    let w = ("weight", "F32", &[1, 1, 2][..], &[1., 1.][..]);
    torch("conv1d", json!({}), &[x, w], &[("y", "F32", &[1, 1, 2], &[3., 5.])]);
    torch("conv1d", json!({ "padding": "valid" }), &[x, w], &[("y", "F32", &[1, 1, 2], &[3., 5.])]);
    torch("conv1d", json!({ "padding": "same" }), &[x, w], &[("y", "F32", &[1, 1, 3], &[3., 5., 3.])]);
    refused("conv1d", json!({ "padding": "same", "stride": 2 }), &[x, w]);
    refused("conv1d", json!({ "padding": "some" }), &[x, w]);
    refused("conv1d", json!({ "groups": -1 }), &[x, w]);
    refused("conv1d", json!({}), &[x, ("weight", "F16", &[1, 1, 2], &[1., 1.])]);
    refused("conv2d", json!({}), &[x, w]);
    let x = ("x", "F32", &[1, 2][..], &[1., 2.][..]);
    let w = ("weight", "F32", &[1, 1, 3][..], &[1., 1., 1.][..]);
    let size = json!({ "stride": 2, "output_size": [6] });
    torch("conv_transpose1d", size, &[x, w], &[("y", "F32", &[1, 6], &[1., 1., 3., 2., 2., 0.])]);
    refused("conv_transpose1d", json!({ "stride": 2, "output_size": [7] }), &[x, w]);
    refused("conv_transpose1d", json!({ "output_padding": 1 }), &[x, w]);
}

#[test]
fn torch_types_without_kernels() {
    // Neighbours that no 32-bit float tells apart.
    let big = 9_007_199_254_740_991.;
    let x = ("x", "I64", &[1, 1, 4][..], &[big, big - 1., -big, 1. - big][..]);
    let y = ("y", "I64", &[1, 1, 2][..], &[big, 1. - big][..]);
    torch("max_pool1d", json!({ "kernel_size": 2 }), &[x], &[y]);
    let x = ("x", "F64", &[1, 1, 2][..], &[0.5, -3.][..]);
    torch("max_pool1d", json!({ "kernel_size": 2 }), &[x], &[("y", "F64", &[1, 1, 1], &[0.5])]);
    let x = ("x", "F16", &[1, 1, 2][..], &[0.5, -3.][..]);
    torch("avg_pool1d", json!({ "kernel_size": 2 }), &[x], &[("y", "F16", &[1, 1, 1], &[-1.25])]);
    let x = ("x", "BF16", &[1, 1, 3][..], &[0.5, -3., 4.][..]);
    torch(
        "avg_pool1d",
        json!({ "kernel_size": 2, "stride": 1 }),
        &[x],
        &[("y", "BF16", &[1, 1, 2], &[-1.25, 0.5])],
    );
    // What would change on the way is an error and no result.
    refused("max_pool1d", json!({ "kernel_size": 2 }), &[("x", "F64", &[1, 1, 2], &[0.1, 1.])]);
    refused("avg_pool1d", json!({ "kernel_size": 2 }), &[("x", "I64", &[1, 1, 2], &[1., 3.])]);
}

#[test]
fn torch_rules_that_are_refused() {
    let x = ("x", "F32", &[1, 1, 4][..], &[1., 2., 3., 4.][..]);
    refused("max_pool1d", json!({ "kernel_size": 2, "padding": 2 }), &[x]);
    refused("max_pool1d", json!({ "kernel_size": [2, 2] }), &[x]);
    refused("max_pool1d", json!({}), &[x]);
    refused("max_pool2d", json!({ "kernel_size": 2 }), &[("x", "F32", &[1, 1, 1, 2, 2], &[0.; 4])]);
    refused("lp_pool1d", json!({ "kernel_size": 2, "norm_type": 0 }), &[x]);
    refused("avg_pool1d", json!({ "kernel_size": 2, "divisor_override": 0 }), &[x]);
}

#[test]
fn onnx_pooling() {
    let x = ("x", "F32", &[1, 1, 2, 3][..], &[1., 2., 3., 4., 5., 6.][..]);
    let y = ("y", "F32", &[1, 1, 1, 2][..], &[5., 6.][..]);
    for (order, indices) in [(0, [4., 5.]), (1, [3., 5.])] {
        let pool =
            node("MaxPool", json!({ "kernel_shape": [2, 2], "storage_order": order }), &["x"], &["y", "i"]);
        onnx(12, &[pool], &[x], &[y, ("i", "I64", &[1, 1, 1, 2], &indices)]);
    }
    let x = ("x", "F32", &[1, 1, 3][..], &[1., 2., 3.][..]);
    let same =
        |word: &str| node("AveragePool", json!({ "kernel_shape": [2], "auto_pad": word }), &["x"], &["y"]);
    onnx(22, &[same("SAME_LOWER")], &[x], &[("y", "F32", &[1, 1, 3], &[1., 1.5, 2.5])]);
    onnx(22, &[same("SAME_UPPER")], &[x], &[("y", "F32", &[1, 1, 3], &[1.5, 2.5, 3.])]);
    onnx(22, &[same("VALID")], &[x], &[("y", "F32", &[1, 1, 2], &[1.5, 2.5])]);
    let x = ("x", "F32", &[1, 1, 2, 2][..], &[1., -2., 2., 4.][..]);
    for (attributes, y) in [(json!({}), 5.), (json!({ "p": 1 }), 9.)] {
        onnx(
            22,
            &[node("GlobalLpPool", attributes, &["x"], &["y"])],
            &[x],
            &[("y", "F32", &[1, 1, 1, 1], &[y])],
        );
    }
}

#[test]
fn onnx_regions() {
    let x = ("x", "F32", &[1, 1, 2, 2][..], &[1., 2., 3., 4.][..]);
    let region = ("r", "F32", &[1, 5][..], &[0., 0., 0., 1., 1.][..]);
    let pool = node("MaxRoiPool", json!({ "pooled_shape": [1, 1] }), &["x", "r"], &["y"]);
    onnx(22, &[pool], &[x, region], &[("y", "F32", &[1, 1, 1, 1], &[4.])]);
    let region = ("r", "F32", &[1, 4][..], &[0., 0., 1., 1.][..]);
    let image = ("i", "I64", &[1][..], &[0.][..]);
    // Older operator sets did not shift coordinates by half a pixel.
    for (opset, y) in [(10, 2.5), (16, 1.0)] {
        let align = node("RoiAlign", json!({ "sampling_ratio": 1 }), &["x", "r", "i"], &["y"]);
        onnx(opset, &[align], &[x, region, image], &[("y", "F32", &[1, 1, 1, 1], &[y])]);
    }
}

#[test]
fn onnx_integer_convolution() {
    let x = ("x", "U8", &[1, 1, 3][..], &[0., 7., 255.][..]);
    let w = ("w", "I8", &[2, 1, 2][..], &[1., 2., 3., 4.][..]);
    let zeros = ("wz", "I8", &[2][..], &[1., 4.][..]);
    // The zero point of the input is left out.
    let conv =
        node("ConvInteger", json!({ "kernel_shape": [2], "pads": [0, 1] }), &["x", "w", "", "wz"], &["y"]);
    let y = ("y", "I32", &[1, 2, 3][..], &[7., 255., 0., 0., -7., -255.][..]);
    onnx(10, &[conv], &[x, w, zeros], &[y]);
    let names = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"];
    let conv = node("QLinearConv", json!({}), &names, &["y"]);
    let inputs = [
        x,
        ("xs", "F32", &[][..], &[0.5][..]),
        ("xz", "U8", &[], &[7.]),
        w,
        ("ws", "F32", &[2], &[0.5, 1.]),
        zeros,
        ("ys", "F32", &[], &[0.5]),
        ("yz", "I8", &[], &[-10.]),
        ("b", "I32", &[2], &[1., 0.]),
    ];
    // Sums 0, 248 and 7, 0; with bias and scales of 0.5 and 1.
    onnx(10, &[conv], &inputs, &[("y", "I8", &[1, 2, 2], &[-10., 114., -3., -10.])]);
}

#[test]
fn onnx_deformable_convolution() {
    let x = ("x", "F32", &[1, 2, 2][..], &[1., 2., 10., 20.][..]);
    let w = ("w", "F32", &[1, 2, 1][..], &[1., 1.][..]);
    let offsets = ("o", "F32", &[1, 2, 2][..], &[0.5, 0., 0., -1.][..]);
    let mask = ("m", "F32", &[1, 2, 2][..], &[2., 1., 1., 1.][..]);
    let deform = |inputs: &[&str]| node("DeformConv", json!({ "offset_group": 2 }), inputs, &["y"]);
    onnx(22, &[deform(&["x", "w", "o"])], &[x, w, offsets], &[("y", "F32", &[1, 1, 2], &[11.5, 12.])]);
    // A mask without a bias.
    let y = ("y", "F32", &[1, 1, 2][..], &[13., 12.][..]);
    onnx(22, &[deform(&["x", "w", "o", "", "m"])], &[x, w, offsets, mask], &[y]);
    let bias = ("b", "F32", &[1][..], &[1.][..]);
    let y = ("y", "F32", &[1, 1, 2][..], &[12.5, 13.][..]);
    onnx(22, &[deform(&["x", "w", "o", "b"])], &[x, w, offsets, bias], &[y]);
}

#[test]
fn onnx_windows_added_up_to_images() {
    let x = ("x", "F32", &[1, 2, 3][..], &[1., 2., 3., 10., 20., 30.][..]);
    let (image, block) = (("i", "I64", &[1][..], &[4.][..]), ("b", "I64", &[1][..], &[2.][..]));
    let col2im = |attributes| node("Col2Im", attributes, &["x", "i", "b"], &["y"]);
    let y = ("y", "F32", &[1, 1, 4][..], &[1., 12., 23., 30.][..]);
    onnx(18, &[col2im(json!({}))], &[x, image, block], &[y]);
    let y = ("y", "F32", &[1, 1, 4][..], &[10., 2., 20., 3.][..]);
    onnx(18, &[col2im(json!({ "strides": [2], "pads": [1, 1] }))], &[x, image, block], &[y]);
}

#[test]
fn onnx_causal_convolution() {
    let x = ("x", "F32", &[1, 1, 2][..], &[1., 2.][..]);
    let w = ("w", "F32", &[1, 1, 2][..], &[10., 1.][..]);
    let causal =
        |inputs: &[&str]| node("CausalConvWithState", json!({ "activation": "none" }), inputs, &["y", "p"]);
    let present = ("p", "F32", &[1, 1, 1][..], &[2.][..]);
    onnx(27, &[causal(&["x", "w"])], &[x, w], &[("y", "F32", &[1, 1, 2], &[1., 12.]), present]);
    let state = ("s", "F32", &[1, 1, 1][..], &[0.5][..]);
    onnx(
        27,
        &[causal(&["x", "w", "", "s"])],
        &[x, w, state],
        &[("y", "F32", &[1, 1, 2], &[6., 12.]), present],
    );
    let bias = ("b", "F32", &[1][..], &[100.][..]);
    onnx(27, &[causal(&["x", "w", "b"])], &[x, w, bias], &[("y", "F32", &[1, 1, 2], &[101., 112.]), present]);
}

#[test]
fn onnx_prelu() {
    let x = ("x", "F32", &[1, 2, 2][..], &[-1., 2., -3., -4.][..]);
    let prelu = [node("PRelu", json!({}), &["x", "s"], &["y"])];
    // Axes of the slope are the last of the input's.
    for (shape, y) in
        [(&[2][..], [-0.5, 2., -1.5, 8.]), (&[2, 1], [-0.5, 2., 6., 8.]), (&[1, 1, 2], [-0.5, 2., -1.5, 8.])]
    {
        onnx(16, &prelu, &[x, ("s", "F32", shape, &[0.5, -2.])], &[("y", "F32", &[1, 2, 2], &y)]);
    }
}

#[test]
fn onnx_elements_that_lie_elsewhere() {
    let x = ("x", "F32", &[2, 3][..], &[1., 2., 3., 4., 5., 6.][..]);
    fn list<'a>(name: &'a str, values: &'a [f64]) -> Stored<'a> {
        (name, "I64", &[2], values)
    }
    fn y<'a>(shape: &'a [usize], values: &'a [f64]) -> [Stored<'a>; 1] {
        [("y", "F32", shape, values)]
    }
    let turned = [1., 4., 2., 5., 3., 6.];
    onnx(13, &[node("Transpose", json!({}), &["x"], &["y"])], &[x], &y(&[3, 2], &turned));
    let same = node("Transpose", json!({ "perm": [0, 1] }), &["x"], &["y"]);
    onnx(13, &[same], &[x], &y(&[2, 3], x.3));
    // Axes in any order, and ends behind the last.
    let slice = node("Slice", json!({}), &["x", "s", "e", "a", "t"], &["y"]);
    let (starts, ends) = (list("s", &[-1., 0.]), list("e", &[-9e15, 9e15]));
    let inputs = [x, starts, ends, list("a", &[1., 0.]), list("t", &[-2., 1.])];
    onnx(13, &[slice], &inputs, &y(&[2, 2], &[3., 1., 6., 4.]));
    let old = node("Slice", json!({ "starts": [1], "ends": [2], "axes": [-2] }), &["x"], &["y"]);
    onnx(1, &[old], &[x], &y(&[1, 3], &[4., 5., 6.]));
    let row = ("r", "I64", &[1, 2][..], &[7., 9e15][..]);
    let expand = node("Expand", json!({}), &["r", "n"], &["y"]);
    onnx(13, &[expand], &[row, list("n", &[2., 1.])], &[("y", "I64", &[2, 2], &[7., 9e15, 7., 9e15])]);
    let joined = node("Concat", json!({ "axis": -1 }), &["x", "x"], &["y"]);
    onnx(13, &[joined], &[x], &y(&[2, 6], &[1., 2., 3., 1., 2., 3., 4., 5., 6., 4., 5., 6.]));
    let pad = |mode: &str, inputs: &[&str]| [node("Pad", json!({ "mode": mode }), inputs, &["y"])];
    let (pads, number) = (("p", "I64", &[4][..], &[0., 1., -1., 0.][..]), ("c", "F32", &[][..], &[9.][..]));
    onnx(13, &pad("constant", &["x", "p", "c"]), &[x, pads, number], &y(&[1, 4], &[9., 1., 2., 3.]));
    onnx(13, &pad("reflect", &["x", "p"]), &[x, pads], &y(&[1, 4], &[2., 1., 2., 3.]));
    let (one, axis) = (list("p", &[0., 2.]), ("a", "I64", &[1][..], &[-1.][..]));
    let wrapped = [1., 2., 3., 1., 2., 4., 5., 6., 4., 5.];
    onnx(19, &pad("wrap", &["x", "p", "", "a"]), &[x, one, axis], &y(&[2, 5], &wrapped));
    let old = node("Pad", json!({ "pads": [0, 0, 0, 1], "value": 2.5 }), &["x"], &["y"]);
    onnx(2, &[old], &[x], &y(&[2, 4], &[1., 2., 3., 2.5, 4., 5., 6., 2.5]));
}

#[test]
fn onnx_reductions() {
    let x = ("x", "F32", &[2, 2][..], &[1., 2., 4., 3.][..]);
    let axes = ("a", "I64", &[1][..], &[-1.][..]);
    let none = ("a", "I64", &[0][..], &[][..]);
    let reduce = |op: &str, attributes| [node(op, attributes, &["x", "a"], &["y"])];
    onnx(18, &reduce("ReduceMax", json!({})), &[x, axes], &[("y", "F32", &[2, 1], &[2., 4.])]);
    onnx(18, &reduce("ReduceSum", json!({ "keepdims": 0 })), &[x, axes], &[("y", "F32", &[2], &[3., 7.])]);
    // An empty list is all axes, or none.
    onnx(18, &reduce("ReduceProd", json!({})), &[x, none], &[("y", "F32", &[1, 1], &[24.])]);
    let noop = json!({ "noop_with_empty_axes": 1 });
    onnx(18, &reduce("ReduceSumSquare", noop), &[x, none], &[("y", "F32", &[2, 2], &[1., 4., 16., 9.])]);
    let old = node("ReduceMean", json!({ "axes": [0], "keepdims": 0 }), &["x"], &["y"]);
    onnx(13, &[old], &[x], &[("y", "F32", &[2], &[2.5, 2.5])]);
    let all = node("ReduceL1", json!({ "keepdims": 0 }), &["x"], &["y"]);
    onnx(13, &[all], &[x], &[("y", "F32", &[], &[10.])]);
    let arg = |op: &str, attributes| [node(op, attributes, &["x"], &["y"])];
    onnx(13, &arg("ArgMax", json!({})), &[x], &[("y", "I64", &[1, 2], &[1., 1.])]);
    let same = ("x", "I64", &[3][..], &[5., 9e15, 9e15][..]);
    let last = json!({ "axis": -1, "keepdims": 0, "select_last_index": 1 });
    onnx(13, &arg("ArgMax", last), &[same], &[("y", "I64", &[], &[2.])]);
    onnx(13, &arg("ArgMin", json!({ "keepdims": 0 })), &[same], &[("y", "I64", &[], &[0.])]);
    let least = node("ReduceMin", json!({ "keepdims": 0 }), &["x"], &["y"]);
    onnx(13, &[least], &[same], &[("y", "I64", &[], &[5.])]);
}

#[test]
fn onnx_interpolation() {
    let x = ("x", "F32", &[1, 2][..], &[0., 4.][..]);
    let resize = |attributes, inputs: &[&str]| [node("Resize", attributes, inputs, &["y"])];
    let scales = ("s", "F32", &[2][..], &[1., 2.5][..]);
    let linear = json!({ "mode": "linear", "coordinate_transformation_mode": "asymmetric" });
    onnx(
        19,
        &resize(linear, &["x", "", "s"]),
        &[x, scales],
        &[("y", "F32", &[1, 5], &[0., 1.6, 3.2, 4., 4.])],
    );
    let sizes = ("n", "I64", &[1][..], &[4.][..]);
    let axes = json!({ "mode": "linear", "axes": [-1] });
    onnx(19, &resize(axes, &["x", "", "", "n"]), &[x, sizes], &[("y", "F32", &[1, 4], &[0., 1., 3., 4.])]);
    let ceil = json!({ "nearest_mode": "ceil", "coordinate_transformation_mode": "align_corners" });
    onnx(13, &resize(ceil, &["x", "", "s"]), &[x, scales], &[("y", "F32", &[1, 5], &[0., 4., 4., 4., 4.])]);
    let up = node("Upsample", json!({ "mode": "nearest" }), &["x", "s"], &["y"]);
    onnx(9, &[up], &[x, scales], &[("y", "F32", &[1, 5], &[0., 0., 0., 4., 4.])]);
}

#[test]
fn onnx_graphs_around_one_operator() {
    let x = ("x", "F32", &[1, 4][..], &[1., -2., -3., -4.][..]);
    let axes = ("axes", "I64", &[1][..], &[0.][..]);
    let shape = ("shape", "I64", &[2][..], &[-1., 1.][..]);
    let nodes = [
        node("Unsqueeze", json!({}), &["x", "axes"], &["a"]),
        node("MaxPool", json!({ "kernel_shape": [2], "strides": [2] }), &["a"], &["b"]),
        node("Squeeze", json!({ "axes": [0] }), &["b"], &["c"]),
        node("Relu", json!({}), &["c"], &["d"]),
        node("Reshape", json!({}), &["d", "shape"], &["e"]),
        node("Identity", json!({}), &["e"], &["y"]),
    ];
    onnx(13, &nodes, &[x, axes, shape], &[("y", "F32", &[2, 1], &[1., 0.])]);
}

#[test]
fn onnx_transposed_convolution_of_a_given_length() {
    let x = ("x", "F32", &[1, 1, 2][..], &[1., 2.][..]);
    let w = ("w", "F32", &[1, 1, 3][..], &[1., 1., 1.][..]);
    for (word, y) in
        [("NOTSET", [1., 3., 2., 2.]), ("SAME_UPPER", [1., 1., 3., 2.]), ("SAME_LOWER", [1., 3., 2., 2.])]
    {
        let attributes = json!({ "strides": [2], "output_shape": [4], "auto_pad": word });
        let deconv = node("ConvTranspose", attributes, &["x", "w"], &["y"]);
        onnx(22, &[deconv], &[x, w], &[("y", "F32", &[1, 1, 4], &y)]);
    }
    let bias = ("b", "F32", &[1][..], &[10.][..]);
    let conv = node("Conv", json!({ "pads": [1, 0] }), &["x", "w", "b"], &["y"]);
    onnx(22, &[conv], &[x, w, bias], &[("y", "F32", &[1, 1, 1], &[13.])]);
    let absent = node("Conv", json!({ "pads": [1, 0] }), &["x", "w", ""], &["y"]);
    onnx(22, &[absent], &[x, w], &[("y", "F32", &[1, 1, 1], &[3.])]);
}
