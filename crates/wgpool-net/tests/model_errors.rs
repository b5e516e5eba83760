//! Documents that must be refused: always an error that names what is wrong, never a panic.

use std::path::PathBuf;

use safetensors::Dtype;
use safetensors::tensor::TensorView;
use wgpool::{Activation, Backend, Dense, Error};
use wgpool_net::{LayerKind, Model, Origin, Weight, keras};
use wgpool_testing::support;

fn path(relative: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(relative)
}

fn read(relative: &str) -> Vec<u8> {
    std::fs::read(path(relative)).unwrap()
}

/// A configuration of an input `[null, 8, 8, 2]` and layers given as `class {fields}`.
fn config(layers: &[(&str, &str)]) -> String {
    config_of("[null, 8, 8, 2]", layers)
}

fn config_of(input: &str, layers: &[(&str, &str)]) -> String {
    let layers: String = (layers.iter().enumerate())
        .map(|(i, (class, fields))| {
            let comma = if fields.is_empty() { "" } else { ", " };
            format!(r#", {{"class_name": "{class}", "config": {{"name": "l{i}"{comma}{fields}}}}}"#)
        })
        .collect();
    format!(
        r#"{{"class_name": "Sequential", "config": {{"name": "m", "layers": [
        {{"class_name": "InputLayer", "config": {{"name": "in", "batch_shape": {input}}}}}{layers}]}}}}"#
    )
}

/// Requires a refusal whose message holds all of `parts`.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>, parts: &[&str]) {
    let message = result.unwrap_err().to_string();
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
    // Values, and not how Rust writes those that may be absent.
    assert!(!message.contains("Some(") && !message.contains("None"), "{message}");
}

#[test]
fn documents_that_are_no_configuration() {
    refused(keras::architecture("{"), &["Keras config", "not JSON"]);
    refused(keras::architecture([0xff, 0xfe]), &["not JSON"]);
    refused(keras::architecture("[".repeat(1_000_000)), &["recursion limit"]);
    refused(keras::architecture(r#"{"a":"#.repeat(1_000_000)), &["recursion limit"]);
    refused(keras::architecture("[]"), &["class_name"]);
    refused(keras::architecture(r#"{"class_name": "Own"}"#), &["Own", "only Sequential and Functional"]);
    refused(keras::architecture(r#"{"class_name": "Sequential"}"#), &["lacks config"]);
    refused(keras::architecture(r#"{"class_name": "Sequential", "config": {}}"#), &["lacks layers"]);
    let empty = r#"{"class_name": "Sequential", "config": {"layers": []}}"#;
    refused(keras::architecture(empty), &["no input shape"]);
    refused(keras::architecture(config(&[])), &["no layers"]);
    let nameless = config(&[("ReLU", "")]).replace(r#""name": "l0""#, r#""name": 3"#);
    refused(keras::architecture(nameless), &["layer 1 (ReLU) has no name"]);
    for name in ["", "bell\\u0007", &"long".repeat(100)] {
        refused(keras::architecture(config(&[("ReLU", "")]).replace("l0", name)), &["the name"]);
    }
    let json = config(&[("ReLU", ""), ("ReLU", "")]).replace("l1", "l0");
    refused(keras::architecture(json), &["layer l0", "two layers"]);
    refused(keras::architecture(config(&[("ReLU", ""), ("InputLayer", "")])), &["layer l1", "first"]);
    for input in
        ["null", "[]", "3", "[null, null, 2]", "[null, -1]", "[null, 0]", "[null, 2.5]", "[null, 1e300]"]
    {
        refused(keras::architecture(config_of(input, &[("ReLU", "")])), &["input shape"]);
    }
    refused(keras::architecture(config_of("[-3, 2]", &[("ReLU", "")])), &["batch is -3"]);
    let largest = "[null, 2147483647, 2147483647, 2147483647]";
    refused(keras::architecture(config_of(largest, &[("Flatten", "")])), &["too large"]);
}

#[test]
fn every_truncation_of_a_configuration() {
    let json = read("data/mnist/config.json");
    let end = json.iter().rposition(|b| *b == b'}').unwrap();
    for length in 0..end {
        assert!(keras::architecture(&json[..length]).is_err(), "{length}");
    }
}

#[test]
fn layers_that_cannot_be_computed() {
    // The slope would be taken from the bias.
    let dense = Dense::new().activation(Activation::PRelu);
    let weight = |shape: &[usize]| Weight::Shape(shape.to_vec());
    for kind in [
        LayerKind::Activation(Activation::PRelu),
        LayerKind::Dense { spec: dense, kernel: weight(&[2, 2]), bias: Some(weight(&[2])) },
    ] {
        refused(Model::new("m", [2]).layer("l0", kind).program(1), &["layer l0", "PReLU takes a slope"]);
    }
    let refuse = |class: &str, fields: &str, parts: &[&str]| {
        refused(keras::architecture(config(&[(class, fields)])), &[&["model m: layer l0"], parts].concat());
    };
    refuse("LSTM", "", &["class LSTM", "Conv1D/2D/3D", "BatchNormalization"]);
    refuse("Conv4D", "", &["Conv4D"]);
    refuse("DepthwiseConv3D", "", &["DepthwiseConv3D"]);
    refuse("Sequential", "", &["lacks layers"]);
    let conv = |fields: &str| format!(r#""filters": 3, "kernel_size": [3, 3], {fields}"#);
    let conv_cases: [(&str, &[&str]); 15] = [
        (r#""activation": "selu""#, &["activation", "selu", "leaky_relu, elu", "hard_silu", "softmax"]),
        (r#""activation": {"class_name": "PReLU", "config": {}}"#, &["PReLU"]),
        (r#""activation": "prelu""#, &["activation", "prelu", "hard_silu"]),
        (r#""activation": 3"#, &["activation 3"]),
        (r#""strides": [1, 2, 3]"#, &["strides", "2 numbers"]),
        (r#""strides": 0"#, &["strides = 0"]),
        (r#""dilation_rate": -1"#, &["dilation_rate = -1"]),
        (r#""dilation_rate": 2147483647"#, &["convolution"]),
        (r#""padding": "causal""#, &["causal"]),
        (r#""padding": 1"#, &["padding", "string"]),
        (r#""data_format": "channels_middle""#, &["channels_middle"]),
        (r#""groups": 2"#, &["groups 2"]),
        (r#""use_bias": 1"#, &["use_bias", "true or false"]),
        (r#""dtype": "float16""#, &["float16", "float32"]),
        (r#""dtype": {"config": {"name": "mixed_float16"}}"#, &["mixed_float16"]),
    ];
    for (fields, parts) in conv_cases {
        refuse("Conv2D", &conv(fields), parts);
    }
    refuse("Conv2D", r#""kernel_size": 3"#, &["lacks filters"]);
    for size in ["-3", "2.5", "1e300", "99999999999999999999", "\"3\"", "true", "[[3], [3]]", "0"] {
        refuse("Conv2D", &format!(r#""filters": 3, "kernel_size": {size}"#), &["kernel_size"]);
        refuse("Dense", &format!(r#""units": {size}"#), &["units"]);
    }
    refuse("Conv2D", r#""filters": 3, "kernel_size": 9"#, &["window", "9"]);
    refuse("Conv2D", r#""filters": 2147483647, "kernel_size": 2147483647"#, &["too large"]);
    refuse("Conv1D", r#""filters": 3, "kernel_size": 3"#, &["Conv1D takes", "[8, 8, 2]"]);
    refuse("Dense", r#""units": 3, "quantization_config": {}"#, &["quantized"]);
    refuse("MaxPooling2D", "", &["lacks pool_size"]);
    refuse("MaxPooling2D", r#""pool_size": 9"#, &["max pooling", "9"]);
    refuse("GlobalMaxPooling1D", "", &["takes a batch of 1"]);
    refuse("BatchNormalization", r#""axis": 2"#, &["axis 2", "channel axis"]);
    refuse("BatchNormalization", r#""axis": [1, 3]"#, &["one axis"]);
    refuse("BatchNormalization", r#""epsilon": "small""#, &["epsilon"]);
    refuse("Softmax", r#""axis": 7"#, &["softmax", "axis"]);
    refuse("ReLU", r#""max_value": 0.0"#, &["max_value 0,"]);
    refuse("ReLU", r#""threshold": 1.0"#, &["threshold 1"]);
    refuse("ZeroPadding2D", r#""padding": [1, 2, 3]"#, &["padding", "2 axes"]);
    refuse("ZeroPadding2D", r#""padding": [[1, 2, 3], 1]"#, &["padding", "two numbers"]);
    refuse("ZeroPadding2D", r#""padding": -1"#, &["padding = -1"]);
    refuse("ZeroPadding2D", r#""padding": 2147483647"#, &["too large"]);
    refuse("ZeroPadding1D", r#""padding": 1"#, &["1 spatial axes", "[1, 8, 8, 2]"]);
    refuse("Cropping2D", r#""cropping": [[4, 4], 0]"#, &["cropping", "nothing is left"]);
    refuse("Cropping2D", "", &["lacks cropping"]);
    refuse("UpSampling2D", r#""size": 0"#, &["size = 0"]);
    refuse("UpSampling2D", r#""size": 2147483647"#, &["too large"]);
    refuse("UpSampling2D", r#""size": 2147483647, "interpolation": "bilinear""#, &["too large"]);
    refuse("UpSampling2D", r#""size": 2, "interpolation": "bicubic""#, &["bicubic", "bilinear"]);
    refuse(
        "Resizing",
        r#""height": 3, "width": 8, "interpolation": "nearest""#,
        &["nearest of 8 elements for 3"],
    );
    refuse("Resizing", r#""height": 3, "width": 8, "pad_to_aspect_ratio": true"#, &["pad_to_aspect_ratio"]);
    refuse("Resizing", r#""height": 3, "width": 8, "antialias": true"#, &["antialias"]);
    refuse("RandomCrop", r#""height": 3, "width": 8"#, &["[3, 8]", "[8, 8]", "CenterCrop"]);
    refuse("Reshape", r#""target_shape": [5, -1]"#, &["target_shape", "128 elements"]);
    refuse("Reshape", r#""target_shape": [-1, -1]"#, &["one length may be -1"]);
    refuse("Reshape", r#""target_shape": [3, 3]"#, &["reshape", "[3, 3]"]);
    refuse("Permute", r#""dims": [1, 2, 2]"#, &["permute", "[1, 2, 2]"]);
    refuse("Permute", r#""dims": [1, 2]"#, &["dims", "3 numbers"]);
    refuse("RepeatVector", r#""n": 3"#, &["repeat", "[N, features]"]);
    refuse("Rescaling", r#""scale": "half""#, &["scale", "finite number"]);
    refuse("Rescaling", r#""scale": [1, 2, 3]"#, &["rescaling", "3 channels"]);
    refuse("Normalization", r#""axis": 2"#, &["axis 2", "channel axis"]);
    refuse("Normalization", r#""axis": -1, "mean": 1"#, &["both or neither"]);
    refuse("Normalization", r#""mean": 1, "variance": -1"#, &["variance -1"]);
    refuse("Normalization", r#""mean": [1, 2], "variance": 1"#, &["2 means but 1 variances"]);
    let transposed = |fields: &str| format!(r#""filters": 3, "kernel_size": 3{fields}"#);
    refuse("Conv2DTranspose", &transposed(r#", "padding": "causal""#), &["causal"]);
    refuse("Conv2DTranspose", &transposed(r#", "output_padding": 1"#), &["output_padding"]);
    refuse("Conv2DTranspose", &transposed(r#", "dilation_rate": 2147483647"#), &["transposed convolution"]);
    refuse("Conv2DTranspose", &transposed(r#", "strides": 2147483647"#), &["transposed convolution"]);
    refuse("AdaptiveMaxPooling2D", r#""output_size": 0"#, &["output_size = 0"]);
    refuse("AdaptiveMaxPooling2D", r#""output_size": 2147483647"#, &["too large"]);
    refuse("PReLU", r#""shared_axes": [1, 4]"#, &["shared_axes", "3 axes"]);
    refuse("PReLU", r#""shared_axes": [0]"#, &["shared_axes"]);
    refuse("PReLU", r#""shared_axes": [2]"#, &["slope", "neighbouring"]);
    refuse("AutoContrast", "", &["class AutoContrast"]);
    refuse("LeakyReLU", r#""negative_slope": 1e300"#, &["negative slope 1e300"]);
    refuse("ELU", r#""alpha": 1e300"#, &["alpha 1e300"]);
    refuse("Activation", r#""activation": {"class_name": "Activation", "config": {}}"#, &["inside"]);
    let wide = [("Conv2D", r#""filters": 2147483647, "kernel_size": 1"#)];
    refused(keras::architecture(config_of("[null, 2147483647, 8, 1]", &wide)), &["layer l0", "too large"]);
    let mixed = [
        ("Conv2D", r#""filters": 3, "kernel_size": 3"#),
        ("MaxPooling2D", r#""pool_size": 2, "data_format": "channels_first""#),
    ];
    refused(keras::architecture(config(&mixed)), &["layer l1", "data_format", "l0"]);
    refused(keras::architecture(config(&[("ReLU", r#""negative_slope": NaN"#)])), &["not JSON"]);
    refused(
        keras::architecture(config(&[("Softmax", r#""axis": null"#)])),
        &["Softmax", "axis = null", "all axes"],
    );
}

/// A functional configuration of an input `in` of [8, 2] and layers as `class, name, inputs`.
fn functional(layers: &[(&str, &str, &[&str])], outputs: &[&str]) -> String {
    let history = |name: &&str| {
        format!(r#"{{"class_name": "__keras_tensor__", "config": {{"keras_history": ["{name}", 0, 0]}}}}"#)
    };
    let layers: String = (layers.iter())
        .map(|(class, name, inputs)| {
            let inputs = inputs.iter().map(history).collect::<Vec<_>>().join(", ");
            format!(
                r#", {{"class_name": "{class}", "config": {{"name": "{name}"}}, "name": "{name}",
                "inbound_nodes": [{{"args": [{inputs}], "kwargs": {{"training": true, "mask": null}}}}]}}"#
            )
        })
        .collect();
    let outputs: Vec<String> = outputs.iter().map(|name| format!(r#"["{name}", 0, 0]"#)).collect();
    format!(
        r#"{{"class_name": "Functional", "config": {{"name": "m", "layers": [
        {{"class_name": "InputLayer", "config": {{"name": "in", "batch_shape": [null, 8, 2]}}, "inbound_nodes": []}}{layers}],
        "input_layers": ["in", 0, 0], "output_layers": [{}]}}}}"#,
        outputs.join(", ")
    )
}

#[test]
fn functional_models_name_what_does_not_fit() {
    let of =
        |layers: &[(&str, &str, &[&str])], outputs: &[&str]| keras::architecture(functional(layers, outputs));
    // In any order of the document.
    let row: [(&str, &str, &[&str]); 3] =
        [("Softmax", "c", &["b"]), ("ReLU", "a", &["in"]), ("Flatten", "b", &["a"])];
    let model = of(&row, &["c"]).unwrap();
    assert_eq!(model.layers.iter().map(|layer| layer.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(model.output_shapes().unwrap(), [vec![8, 2], vec![16], vec![16]]);
    let ports = |ports: Vec<wgpool_net::Port>| ports.into_iter().map(|p| p.name).collect::<Vec<_>>();
    let names = |layers, outputs| ports(of(layers, outputs).unwrap().program(1).unwrap().outputs);
    assert_eq!(names(&row, &["b", "c"]), ["b", "c"]);
    assert_eq!(names(&row, &["c", "in", "c"]), ["c", "in", "c_1"]);
    refused(of(&row, &["d"]), &["output d", "no layer"]);
    refused(of(&row, &[]), &["output_layers"]);

    let two = |class: &'static str, inputs: &'static [&str]| {
        of(&[row[1], row[2], (class, "sum", inputs)], &["sum"])
    };
    refused(two("Add", &["a", "b"]), &["layer sum", "[1, 8, 2]", "[1, 1, 16]"]);
    refused(two("Concatenate", &["a", "b"]), &["layer sum", "concat", "[1, 8, 2]"]);
    refused(two("Subtract", &["a", "in", "a"]), &["layer sum", "Subtract takes two inputs", "3 are given"]);
    refused(two("ReLU", &["a", "in"]), &["layer sum", "ReLU takes one input", "2 are given"]);
    refused(two("Dot", &["a", "in"]), &["layer sum", "class Dot", "Concatenate"]);
    refused(two("Add", &["a", "d"]), &["layer sum", "output of d", "no layer before"]);
    refused(two("Add", &[]), &["layer sum", "reads nothing"]);
    // In a circle.
    refused(
        of(&[row[1], ("ReLU", "d", &["e"]), ("ReLU", "e", &["d"])], &["a"]),
        &["layer d", "output of e", "no layer before"],
    );
    refused(of(&[("ReLU", "a", &["a"])], &["a"]), &["layer a", "output of a"]);
    let json = functional(&row[1..], &["b"]);
    let other = |from: &str, to: &str| {
        assert!(json.contains(from), "{from}");
        keras::architecture(json.replacen(from, to, 1))
    };
    refused(other(r#""mask": null"#, r#""mask": [1]"#), &["layer a", "mask = [1]"]);
    // As models with several inputs are called.
    for nothing in ["[null, null]", r#"{"a": null, "b": null}"#] {
        other(r#""mask": null"#, &format!(r#""mask": {nothing}"#)).unwrap();
    }
    refused(other(r#""mask": null"#, r#""mask": [null, 1]"#), &["layer a", "mask = [null,1]"]);
    // A weighted mean along axes, and no mean of tensors.
    let mean = r#""class_name": "Average", "module": "keras.src.ops.numpy""#;
    refused(other(r#""class_name": "ReLU""#, mean), &["layer a", "class Average"]);
    other(r#""class_name": "ReLU""#, r#""class_name": "Average""#).unwrap();
    refused(other(r#""inbound_nodes": [{"#, r#""inbound_nodes": [{}, {"#), &["layer a", "reads nothing"]);
    refused(other(r#"{"args": ["#, r#"{"args": [2.5, "#), &["layer a", "called with 2.5,"]);
    refused(other(r#"["a", 0, 0]"#, r#"["a", 1, 0]"#), &["layer b", "output of a (its call 1)"]);
    refused(other(r#"["a", 0, 0]"#, r#"["a", 0, 1]"#), &["layer b", "output 1", "a"]);
    refused(
        other(r#""input_layers": ["in", 0, 0]"#, r#""input_layers": ["a", 0, 0]"#),
        &["layer a", "input"],
    );
    refused(other(r#""input_layers": ["in", 0, 0]"#, r#""input_layers": []"#), &["input_layers"]);
    refused(other(r#""batch_shape": [null, 8, 2]"#, r#""batch_shape": null"#), &["no input shape"]);

    // As Keras 2 wrote it, with a layer that is called twice.
    let two = r#"{"class_name": "Model", "keras_version": "2.15.0", "config": {"name": "m", "layers": [
        {"class_name": "InputLayer", "config": {"name": "in", "batch_input_shape": [null, 2]}, "inbound_nodes": []},
        {"class_name": "Dense", "config": {"name": "a", "units": 2},
            "inbound_nodes": [[["in", 0, 0, {}]], [["a", 0, 0, {}]]]},
        {"class_name": "Add", "config": {"name": "b"}, "inbound_nodes": [[["in", 0, 0, {}], ["a", 1, 0, {}]]]}],
        "input_layers": [["in", 0, 0]], "output_layers": [["b", 0, 0]]}}"#;
    let model = keras::architecture(two).unwrap();
    assert_eq!((model.layers.len(), model.calls.len(), model.parameters().total()), (2, 3, 6));
    let masked = two.replace(r#"["a", 1, 0, {}]"#, r#"["a", 1, 0, {"mask": 1}]"#);
    refused(keras::architecture(masked), &["layer b", "mask = 1"]);
    // Models that are layers begin with a call of their own, which is counted.
    let input = r#"{"class_name": "InputLayer", "config": {"name": "in", "batch_input_shape": [null, 2]}, "inbound_nodes": []}"#;
    let nested = format!(
        r#"{{"class_name": "Functional", "config": {{"name": "m", "layers": [{input},
        {{"class_name": "Functional", "config": {{"name": "a", "layers": [{input},
            {{"class_name": "ReLU", "config": {{"name": "b"}}, "inbound_nodes": [[["in", 0, 0, {{}}]]]}}],
            "input_layers": [["in", 0, 0]], "output_layers": [["b", 0, 0]]}},
            "inbound_nodes": [[["in", 0, 0, {{}}]], [["a", 1, 0, {{}}]]]}},
        {{"class_name": "Add", "config": {{"name": "c"}}, "inbound_nodes": [[["in", 0, 0, {{}}], ["a", 2, 0, {{}}]]]}}],
        "input_layers": [["in", 0, 0]], "output_layers": [["c", 0, 0], ["a", 2, 0]]}}}}"#
    );
    let model = keras::architecture(nested).unwrap();
    let second = Origin::Call { call: 1, output: 0 };
    assert_eq!((&model.calls[2].inputs[1], &model.outputs[1].1), (&second, &second));
    // One whose size would be a part of it.
    let other =
        two.replace(r#""Dense", "config": {"name": "a", "units": 2}"#, r#""PReLU", "config": {"name": "a"}"#);
    assert!(keras::architecture(&other).is_ok());
    let other = other.replace(r#"[["a", 0, 0, {}]]]"#, r#"[["c", 0, 0, {}]]]"#).replace(
        r#"{"class_name": "Add""#,
        r#"{"class_name": "RepeatVector", "config": {"name": "c", "n": 3}, "inbound_nodes": [[["a", 0, 0, {}]]]},
        {"class_name": "Add""#,
    );
    refused(keras::architecture(other), &["layer a", "several shapes", "[[1, 3, 2]]"]);
}

/// Models that hold each other twice would be as many layers as there are stars.
#[test]
fn models_inside_models_are_counted() {
    let mut json = r#"{"class_name": "ReLU", "config": {"name": "l"}}"#.to_owned();
    for depth in 0..20 {
        let input = r#"{"class_name": "InputLayer", "config": {"name": "in", "batch_shape": [null, 2]}, "inbound_nodes": []}"#;
        let nodes = r#""inbound_nodes": [[["in", 0, 0, {}]], [["l", 0, 0, {}]]]}"#;
        let layer = format!("{}, {nodes}", json.strip_suffix('}').unwrap());
        json = format!(
            r#"{{"class_name": "Functional", "config": {{"name": "l", "layers": [{input}, {layer}],
            "input_layers": [["in", 0, 0]], "output_layers": [["l", 1, 0]]}}}}"#
        );
        match keras::architecture(&json) {
            Ok(model) => assert!(depth < 14 && model.program(1).is_ok(), "{depth}"),
            error => refused(error, &["layer l", "16384 layers"]),
        }
    }
    assert!(keras::architecture(&json).is_err());
}

#[test]
fn models_built_in_rust_name_what_does_not_fit() {
    let relu = || LayerKind::Activation(Activation::Relu);
    let mut model = Model::branched("m");
    refused(model.program(1), &["m", "no input"]);
    let x = model.input("x", [2]);
    let layer = model.add("relu", relu());
    let ahead = Origin::Call { call: 1, output: 0 };
    model.call(layer, &[ahead]);
    refused(model.program(1), &["layer relu", "output 0 of call 1", "no call before"]);
    model.calls[0].inputs = vec![x, x];
    refused(model.program(1), &["layer relu", "Activation takes one input", "2 are given"]);
    model.calls[0].inputs = vec![Origin::Input(3)];
    refused(model.program(1), &["layer relu", "input 3"]);
    model.calls[0].inputs = vec![x];
    refused(model.program(1), &["no output"]);
    model.output("y", ahead);
    refused(model.program(1), &["output y", "call 1"]);
    model.outputs[0].1 = x;
    assert!(model.program(1).is_ok());
    model.calls[0].layer = 7;
    refused(model.program(1), &["layer 7"]);
}

/// Safetensors of f32 ones.
fn ones(tensors: &[(&str, &[usize])]) -> Vec<u8> {
    typed(&tensors.iter().map(|(n, s)| (*n, Dtype::F32, *s, 4)).collect::<Vec<_>>())
}

fn typed(tensors: &[(&str, Dtype, &[usize], usize)]) -> Vec<u8> {
    let one = |size: usize| match size {
        4 => 1f32.to_le_bytes().to_vec(),
        2 => vec![0x00, 0x3c],
        _ => vec![0; size],
    };
    let data: Vec<Vec<u8>> =
        (tensors.iter()).map(|(_, _, shape, size)| one(*size).repeat(shape.iter().product())).collect();
    let views = tensors.iter().zip(&data).map(|((name, dtype, shape, _), data)| {
        (name.to_string(), TensorView::new(*dtype, shape.to_vec(), data).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

#[test]
fn weights_that_do_not_fit() {
    let json = config_of("[null, 2]", &[("Dense", r#""units": 3"#)]);
    let with = |tensors: &[(&str, &[usize])]| keras::from_config(&json, &ones(tensors));
    assert!(with(&[("l0.kernel", &[2, 3]), ("l0.bias", &[3])]).is_ok());
    refused(with(&[("l0.kernel", &[2, 3])]), &["layer l0", "bias", "[3]", "missing"]);
    refused(with(&[("l0.kernel", &[3, 2]), ("l0.bias", &[3])]), &["layer l0", "kernel", "[3, 2]", "[2, 3]"]);
    let extra = with(&[("l0.kernel", &[2, 3]), ("l0.bias", &[3]), ("l0.gamma", &[3])]);
    refused(extra, &["layer l0", "gamma", "Dense"]);
    let foreign = with(&[("l0.kernel", &[2, 3]), ("l0.bias", &[3]), ("other.bias", &[3])]);
    refused(foreign, &["other.bias", "no layer"]);

    let kernel = |dtype, size| {
        let bytes = typed(&[("l0.kernel", dtype, &[2, 3], size), ("l0.bias", Dtype::F32, &[3], 4)]);
        keras::from_config(&json, &bytes)
    };
    refused(kernel(Dtype::F64, 8), &["layer l0", "kernel", "F64", "F32"]);
    refused(kernel(Dtype::I32, 4), &["I32"]);
    let full = with(&[("l0.kernel", &[2, 3]), ("l0.bias", &[3])]).unwrap();
    assert_eq!(kernel(Dtype::F16, 2).unwrap(), full, "ones widen to ones");

    let huge = config_of("[null, 2147483647]", &[("Dense", r#""units": 2147483647"#)]);
    refused(
        keras::from_config(huge, &ones(&[("l0.kernel", &[2, 3])])),
        &["layer l0", "2147483647", "too large"],
    );
    let norm = config_of("[null, 2]", &[("BatchNormalization", r#""scale": false"#)]);
    let moments: [(&str, &[usize]); 3] =
        [("l0.beta", &[2]), ("l0.moving_mean", &[2]), ("l0.moving_variance", &[2])];
    assert!(keras::from_config(&norm, &ones(&moments)).is_ok());
    let scaled = [&moments[..], &[("l0.gamma", &[2])]].concat();
    refused(keras::from_config(&norm, &ones(&scaled)), &["gamma"]);
    let negative = norm.replace(r#""scale""#, r#""epsilon": -2.0, "scale""#);
    let model = keras::from_config(negative, &ones(&moments)).unwrap();
    refused(model.program(1), &["layer l0", "variance", "positive"]);
}

#[test]
fn garbled_safetensors() {
    let json = read("data/mnist/config.json");
    let weights = read("data/mnist/weights.safetensors");
    for length in (0..weights.len()).step_by(97).chain(0..700) {
        assert!(keras::from_config(&json, &weights[..length]).is_err(), "{length}");
    }
    let mut header = weights.clone();
    header[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(matches!(keras::from_config(&json, &header), Err(Error::Document { .. })));
    // Any byte of the header may be any other: an error or a model that runs, but no panic.
    for at in 0..600 {
        for flip in [0x01, 0x10, 0xff] {
            let mut garbled = weights.clone();
            garbled[at] ^= flip;
            if let Ok(model) = keras::from_config(&json, &garbled) {
                model.program(1).unwrap();
            }
        }
    }
}

#[test]
fn files_that_cannot_be_read() {
    refused(keras::load("no/such/model.keras", None), &["no/such/model.keras"]);
    let folder = path("data/mnist");
    refused(keras::load(&folder, Some(&folder.join("missing"))), &["missing"]);
    assert!(matches!(keras::load(folder.join("LICENSE-digits"), None), Err(Error::Document { .. })));
    refused(
        keras::load(folder.join("config.json"), Some(&folder.join("config.json"))),
        &["safetensors", "config.json"],
    );
    refused(
        keras::load(folder.join("LICENSE-digits"), None),
        &["Keras config", "LICENSE-digits", "not JSON"],
    );
}

/// A folder of the test's own, which is removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("wgpool-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, file: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(file);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_program_refuses_another_input() {
    let model = keras::load(path("data/mnist"), None).unwrap();
    let x = wgpool::Tensor::from_f32(&[1, 28, 28], vec![0.0; 784]).unwrap();
    refused(
        model.program(1).unwrap().run(&Backend::Host, &x),
        &["mnist_cnn", "[1, 28, 28, 1]", "[1, 28, 28]"],
    );
    assert!(model.program(1 << 60).is_err());
}

#[cfg(feature = "keras-archive")]
mod archives {
    use std::io::{Cursor, Read, Write};

    use super::*;
    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipArchive, ZipWriter};

    /// Loads an archive of these bytes through a file, as a user would.
    fn load(bytes: &[u8]) -> Result<wgpool_net::Model, Error> {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("test").replace("::", "-");
        let file = std::env::temp_dir().join(format!("wgpool-{}-{name}.keras", std::process::id()));
        std::fs::write(&file, bytes).unwrap();
        let model = keras::load(&file, None);
        std::fs::remove_file(&file).unwrap();
        model
    }

    fn part(name: &str) -> Vec<u8> {
        let mut zip = ZipArchive::new(Cursor::new(read(ARCHIVE))).unwrap();
        let mut bytes = vec![];
        zip.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(vec![]));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        for (name, bytes) in parts {
            zip.start_file(*name, options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    const ARCHIVE: &str = "tests/data/keras/d_datacamp_pool_28/model.keras";

    /// What `model.save(zipped=False)` and `save_weights` write.
    #[test]
    fn weights_in_hdf5_beside_their_configuration() {
        let (json, weights) = (part("config.json"), part("model.weights.h5"));
        let folder = Folder::new("unzipped");
        let config = folder.write("config.json", &json);
        refused(keras::load(&folder.0, None), &["weights.safetensors"]);
        let hdf5 = folder.write("model.weights.h5", &weights);
        let expected = keras::load(path(ARCHIVE), None).unwrap();
        assert_eq!(keras::load(&folder.0, None).unwrap(), expected);
        let other = folder.write("other.weights.h5", &weights);
        assert_eq!(keras::load(&config, Some(&other)).unwrap(), expected);
        // A model in it cannot be told from the file alone.
        for file in [&hdf5, &folder.write("legacy.h5", &weights)] {
            let name = file.file_name().unwrap().to_str().unwrap();
            refused(keras::load(file, None), &[name, "HDF5", ".keras"]);
            refused(keras::load_architecture(file), &[name, "HDF5", ".keras"]);
        }
        let cut = folder.write("cut.h5", &weights[..weights.len() / 2]);
        refused(keras::load(&config, Some(&cut)), &["cut.h5"]);
        folder.write("model.weights.h5", b"not HDF5");
        refused(keras::load(&folder.0, None), &["model.weights.h5", "safetensors"]);
    }

    #[test]
    fn parts_that_are_missing_or_of_another_model() {
        let (json, weights) = (part("config.json"), part("model.weights.h5"));
        let both = |json: &[u8], weights: &[u8]| {
            load(&archive(&[("config.json", json), ("model.weights.h5", weights)]))
        };
        assert!(both(&json, &weights).is_ok(), "compressed");
        refused(load(&archive(&[("config.json", &json)])), &["model.weights.h5"]);
        refused(load(&archive(&[("model.weights.h5", &weights)])), &["config.json"]);
        refused(load(b"PK not a ZIP file"), &["Keras archive", "ZIP"]);
        refused(both(&json, b"not HDF5"), &["model.weights.h5"]);
        refused(both(b"{", &weights), &["not JSON"]);
        let text = String::from_utf8(json).unwrap();
        let other = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            both(text.replace(from, to).as_bytes(), &weights)
        };
        refused(
            other(r#""filters": 15"#, r#""filters": 16"#),
            &["layer conv2", "kernel", "[3, 3, 5, 15]", "16]"],
        );
        let no_bias = other(
            r#""units": 3, "activation": "softmax", "use_bias": true"#,
            r#""units": 3, "use_bias": false"#,
        );
        refused(no_bias, &["layer dense_out", "vars/1"]);
        refused(other(r#""name": "conv2""#, r#""name": "conv9""#), &["layer conv9", "missing"]);
        // Zeros that unpack to far more than the model can need.
        refused(both(text.as_bytes(), &vec![0; 32 << 20]), &["model.weights.h5 is larger"]);
    }

    #[test]
    fn garbled_archives() {
        let archive = read(ARCHIVE);
        for length in (0..archive.len()).step_by(1009) {
            assert!(load(&archive[..length]).is_err(), "{length}");
        }
        let (json, weights) = (part("config.json"), part("model.weights.h5"));
        let mut state = 1u32;
        for _ in 0..400 {
            let mut garbled = weights.clone();
            for _ in 0..3 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (state >> 8) as usize % garbled.len();
                garbled[at] ^= (state >> 3) as u8 | 1;
            }
            // Bytes of a weight may change unnoticed; what is loaded must run all the same.
            let mut zip = ZipWriter::new(Cursor::new(vec![]));
            for (name, bytes) in [("config.json", &json), ("model.weights.h5", &garbled)] {
                zip.start_file(
                    name,
                    SimpleFileOptions::default().compression_method(CompressionMethod::Stored),
                )
                .unwrap();
                zip.write_all(bytes).unwrap();
            }
            if let Ok(model) = load(&zip.finish().unwrap().into_inner()) {
                model.program(1).unwrap();
            }
        }
        for length in (0..weights.len()).step_by(211) {
            let cut =
                super::archives::archive(&[("config.json", &json), ("model.weights.h5", &weights[..length])]);
            assert!(load(&cut).is_err(), "{length} of {}", weights.len());
        }
    }
}

/// What browsers do not have compiles for them all the same, and fails when it is called.
#[test]
fn files_and_waiting_are_in_native_modules_alone() {
    let native =
        ["blocking.rs", "keras/files.rs", "onnx/files.rs", "session/profile.rs", "train/trainer/files.rs"];
    let files = support::assert_native_alone(concat!(env!("CARGO_MANIFEST_DIR"), "/src"), &native);
    assert!(files > 15, "{files} files");
}
