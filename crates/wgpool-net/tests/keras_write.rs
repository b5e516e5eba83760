//! Models that are written as Keras' configurations, and read back.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use wgpool::spec::{DenseLayout, KernelLayout};
use wgpool::{Activation, Backend, Conv, Dense, Error, Padding, Pool, PoolKind, Tensor};
use wgpool_net::train::{Initializer, Loss, Settings, Trainer, initialise, keras_adam};
use wgpool_net::{Edges, LayerKind, Merge, Model, Weight, keras};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/keras")
}

/// A row of one layer.
fn single(class: &str, shape: &[usize], mut config: Value) -> String {
    config["name"] = json!("own");
    let shape: Vec<Value> = std::iter::once(Value::Null).chain(shape.iter().map(|n| json!(n))).collect();
    json!({ "class_name": "Sequential", "config": { "name": "row", "layers": [
        { "class_name": "InputLayer", "config": { "name": "in", "batch_shape": shape, "dtype": "float32" } },
        { "class_name": class, "config": config },
    ] } })
    .to_string()
}

/// Each class over one, two and three axes, with a configuration for each number of axes.
fn spatial(stem: &str, ranks: &[usize], config: impl Fn(usize) -> Value) -> Vec<(String, String)> {
    let end = stem.strip_suffix("Transpose");
    let named = |rank: usize| match end {
        Some(start) => format!("{start}{rank}DTranspose"),
        None => format!("{stem}{rank}D"),
    };
    let image = |rank: usize| vec![6, 8, 7, 4].split_off(3 - rank);
    ranks.iter().map(|&rank| (named(rank), single(&named(rank), &image(rank), config(rank)))).collect()
}

fn list(numbers: &[usize], rank: usize) -> Value {
    json!(numbers.get(..rank).unwrap())
}

/// Every layer that the reader knows, most of them in several forms: class and document.
fn every() -> Vec<(String, String)> {
    let mut all = vec![];
    let each = [1, 2, 3];
    let kernel = |rank| json!({ "filters": 4, "kernel_size": list(&[3, 2, 3], rank) });
    let with = |mut config: Value, more: Value| {
        for (key, value) in more.as_object().unwrap() {
            config[key] = value.clone();
        }
        config
    };
    for more in [
        json!({ "strides": 2, "padding": "same", "activation": "relu" }),
        json!({ "dilation_rate": 2, "groups": 2, "use_bias": false, "activation": "softmax", "trainable": false }),
        json!({ "activation": { "class_name": "LeakyReLU", "config": { "negative_slope": 0.125 } } }),
    ] {
        all.extend(spatial("Conv", &each, |rank| with(kernel(rank), more.clone())));
    }
    all.extend(spatial("Conv", &[1], |_| json!({ "filters": 2, "kernel_size": 3, "padding": "causal" })));
    for more in [
        json!({ "strides": 2, "padding": "same", "activation": "tanh" }),
        json!({ "strides": 3, "padding": "valid" }),
        json!({ "strides": 2, "padding": "same", "output_padding": 1 }),
        json!({ "strides": 3, "padding": "valid", "output_padding": 2, "use_bias": false }),
        json!({ "dilation_rate": 2, "padding": "same" }),
    ] {
        all.extend(spatial("ConvTranspose", &each, |rank| with(kernel(rank), more.clone())));
    }
    for more in [json!({}), json!({ "depth_multiplier": 2, "padding": "same", "activation": "elu" })] {
        let window = |rank| json!({ "kernel_size": list(&[3, 2], rank) });
        all.extend(spatial("DepthwiseConv", &[1, 2], |rank| with(window(rank), more.clone())));
        all.extend(spatial("SeparableConv", &[1, 2], |rank| with(kernel(rank), more.clone())));
    }
    for kind in ["Max", "Average"] {
        for more in [json!({}), json!({ "strides": 1, "padding": "same" })] {
            let pool = |rank| with(json!({ "pool_size": list(&[2, 3, 2], rank) }), more.clone());
            all.extend(spatial(&format!("{kind}Pooling"), &each, pool));
        }
        for keepdims in [false, true] {
            all.extend(spatial(&format!("Global{kind}Pooling"), &each, |_| json!({ "keepdims": keepdims })));
        }
        let output = |rank| json!({ "output_size": list(&[3, 2, 3], rank) });
        all.extend(spatial(&format!("Adaptive{kind}Pooling"), &each, output));
    }
    let edges = json!([[1, 2], [0, 1], [2, 0]]);
    let of = |rank: usize| match rank {
        1 => edges[0].clone(),
        rank => json!(edges.as_array().unwrap().get(..rank).unwrap()),
    };
    all.extend(spatial("ZeroPadding", &each, |rank| json!({ "padding": of(rank) })));
    all.extend(spatial("Cropping", &each, |rank| json!({ "cropping": of(rank) })));
    all.extend(spatial("UpSampling", &each, |rank| match rank {
        1 => json!({ "size": 2 }),
        rank => json!({ "size": list(&[2, 3, 1], rank) }),
    }));
    all.extend(spatial("SpatialDropout", &each, |_| json!({ "rate": 0.25 })));
    let image = &[6, 8, 3];
    let mut plain = |class: &str, shape: &[usize], config: Value| {
        all.push((class.to_owned(), single(class, shape, config)));
    };
    let bilinear = json!({ "size": [2, 3], "interpolation": "bilinear" });
    plain("UpSampling2D", image, bilinear);
    plain("Resizing", image, json!({ "height": 4, "width": 5, "crop_to_aspect_ratio": true }));
    plain("Resizing", image, json!({ "height": 12, "width": 4, "interpolation": "nearest" }));
    plain("CenterCrop", image, json!({ "height": 3, "width": 5 }));
    plain("CenterCrop", image, json!({ "height": 9, "width": 5 }));
    plain("Dense", &[5], json!({ "units": 3, "activation": "softmax" }));
    plain("Dense", &[2, 5], json!({ "units": 3, "use_bias": false, "activation": "gelu" }));
    plain("Flatten", image, json!({}));
    plain("Reshape", image, json!({ "target_shape": [-1, 6] }));
    plain("Permute", image, json!({ "dims": [3, 1, 2] }));
    plain("RepeatVector", &[5], json!({ "n": 3 }));
    plain("Rescaling", image, json!({ "scale": 0.1, "offset": -1.0 }));
    plain("Rescaling", image, json!({ "scale": [0.5, 1.0, 2.0], "offset": [0.0, 1.0, 2.0] }));
    plain("Normalization", image, json!({ "axis": -1 }));
    plain("Normalization", image, json!({ "axis": null, "invert": true }));
    plain("BatchNormalization", image, json!({ "momentum": 0.9, "epsilon": 1e-5, "scale": false }));
    plain("BatchNormalization", &[5], json!({ "center": false }));
    for name in ["relu", "relu6", "elu", "sigmoid", "tanh", "silu", "gelu", "softplus", "mish", "linear"] {
        plain("Activation", &[5], json!({ "activation": name }));
    }
    for name in ["leaky_relu", "hard_sigmoid", "hard_silu", "softmax"] {
        plain("Activation", &[5], json!({ "activation": name }));
    }
    plain("ReLU", &[5], json!({}));
    plain("ReLU", &[5], json!({ "max_value": 6.0 }));
    plain("ReLU", &[5], json!({ "max_value": 1.5, "negative_slope": 0.1 }));
    plain("ReLU", &[5], json!({ "negative_slope": 0.1 }));
    plain("LeakyReLU", &[5], json!({ "negative_slope": 0.3 }));
    plain("ELU", &[5], json!({ "alpha": 0.7 }));
    plain("PReLU", image, json!({}));
    plain("PReLU", image, json!({ "shared_axes": [1, 2] }));
    plain("Softmax", image, json!({ "axis": 1 }));
    plain("Dropout", &[5], json!({ "rate": 0.3 }));
    plain("Identity", &[5], json!({}));
    for class in ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"] {
        let mut model = Model::branched("merging");
        let inputs = [model.input("a", [2, 3]), model.input("b", [2, 3])];
        let merge = match class {
            "Add" => Merge::Add,
            "Subtract" => Merge::Subtract,
            "Multiply" => Merge::Multiply,
            "Average" => Merge::Average,
            "Maximum" => Merge::Maximum,
            "Minimum" => Merge::Minimum,
            _ => Merge::Concatenate { axis: 1 },
        };
        let layer = model.add("own", LayerKind::Merge(merge));
        let made = model.call(layer, &inputs);
        model.output("own", made);
        all.push((class.to_owned(), keras::config_json(&model).unwrap()));
    }
    all
}

/// Classes of which a model keeps no fields.
const FORGOTTEN: [&str; 5] =
    ["GaussianDropout", "AlphaDropout", "GaussianNoise", "ActivityRegularization", "RandomFlip"];

/// `Conv1D/2D/3DTranspose` is three classes.
fn expanded(form: &str) -> Vec<String> {
    let Some(at) = form.find("1D") else { return vec![form.to_owned()] };
    let (stem, rest) = form.split_at(at);
    let digits = rest.trim_end_matches("Transpose");
    let end = &rest[digits.len()..];
    digits.split('/').map(|axes| format!("{stem}{axes}{end}")).collect()
}

#[test]
fn every_layer_comes_back_as_it_was() {
    let mut known = BTreeSet::new();
    for (class, document) in every() {
        let model = keras::architecture(&document).unwrap_or_else(|error| panic!("{class}: {error}"));
        let written = keras::config_json(&model).unwrap_or_else(|error| panic!("{class}: {error}"));
        assert_eq!(keras::architecture(&written).unwrap(), model, "{document}\n{written}");
        assert!(written.contains(&format!("\"{class}\"")), "{class} is written as {written}");
        known.insert(class);
    }
    // What the reader says that it knows.
    let refused = keras::architecture(single("NoSuchLayer", &[3], json!({}))).unwrap_err().to_string();
    let all = refused.split("supported are ").nth(1).unwrap().replace("and what only training uses: ", "");
    let names = all.split(", ").flat_map(expanded);
    let names: Vec<String> = names.filter(|name| name.chars().all(char::is_alphanumeric)).collect();
    assert!(names.len() > 60, "{names:?}");
    let beside = ["InputLayer"];
    for name in names {
        let is_known =
            known.contains(&name) || FORGOTTEN.contains(&name.as_str()) || beside.contains(&name.as_str());
        assert!(is_known, "{name} is not tested");
    }
}

/// A model as it is written where that is not what it was read from: noise, and normalisation by numbers of the configuration.
fn as_written(mut model: Model) -> Model {
    for layer in &mut model.layers {
        match &mut layer.kind {
            LayerKind::Dropout => layer.class = "Identity".into(),
            LayerKind::Rescale(_) => layer.class = "Rescaling".into(),
            LayerKind::Model(inner) => **inner = as_written(std::mem::take(&mut **inner)),
            _ => {}
        }
    }
    model
}

/// Whether it normalises channels that lie first by numbers of its configuration: Keras' `Rescaling` adds along the last axis.
fn is_offset_first(path: &Path) -> bool {
    path.file_stem().is_some_and(|name| name == "channels_first")
}

#[test]
fn models_come_back_as_they_were() {
    let mut count = 0;
    for entry in std::fs::read_dir(folder().join("layers")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "keras") {
            continue;
        }
        let model = keras::load_architecture(&path).unwrap();
        if is_offset_first(&path) {
            let text = keras::config_json(&model).unwrap_err().to_string();
            assert!(text.contains("Keras has no layer for Rescale"), "{text}");
            continue;
        }
        let written = keras::config_json(&model).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        assert_eq!(keras::architecture(&written).unwrap(), as_written(model), "{path:?}");
        count += 1;
    }
    assert!(count >= 14, "{count}");
}

#[test]
fn what_is_forgotten_is_identity() {
    let noise = keras::architecture(single("GaussianNoise", &[3], json!({ "stddev": 0.5 }))).unwrap();
    let back = keras::architecture(keras::config_json(&noise).unwrap()).unwrap();
    assert_eq!((back.layers[0].class.as_str(), &back.layers[0].kind), ("Identity", &LayerKind::Dropout));
}

#[test]
fn what_keras_lacks_is_an_error() {
    let conv = |spec: Conv, kernel: &[usize]| {
        let kernel = Weight::Shape(kernel.to_vec());
        Model::new("own", [4, 4, 2]).layer("c", LayerKind::Conv { spec, kernel, bias: None })
    };
    let keras_conv = || Conv::new().layout(wgpool::Layout::Nhwc).kernel_layout(KernelLayout::Hwio);
    let kernel = [3, 3, 2, 2];
    keras::config_json(&conv(keras_conv(), &kernel)).unwrap();
    let dense = |spec: Dense| {
        let kernel = Weight::Shape(vec![3, 3]);
        Model::new("own", [3]).layer("d", LayerKind::Dense { spec, kernel, bias: None })
    };
    keras::config_json(&dense(Dense::new())).unwrap();
    let pool = |pool: Pool| Model::new("own", [2, 4, 4]).layer("p", LayerKind::Pool(pool));
    keras::config_json(&pool(Pool::max([2, 2]))).unwrap();
    let twice = |name: &str| dense(Dense::new()).layer(name, LayerKind::Activation(Activation::Relu));
    keras::config_json(&twice("e")).unwrap();
    let mut idle = dense(Dense::new());
    idle.add("idle", LayerKind::Activation(Activation::Relu));
    let crop = Edges { before: vec![0], after: vec![1], layout: wgpool::Layout::Nchw };
    let wrong: Vec<(Model, &[&str])> = vec![
        (conv(keras_conv().padding(Padding::symmetric([1, 1])), &kernel), &["layer c", "Explicit", "Valid"]),
        (conv(Conv::new().layout(wgpool::Layout::Nhwc), &[2, 2, 3, 3]), &["layer c"]),
        (conv(keras_conv().activation(Activation::GeluTanh), &kernel), &["layer c", "GeluTanh"]),
        (
            dense(Dense::new().activation(Activation::HardSigmoid { alpha: 0.2, beta: 0.5 })),
            &["layer d", "0.2"],
        ),
        (dense(Dense { kernel_layout: DenseLayout::OutIn, ..Dense::new() }), &["layer d", "OutIn"]),
        (pool(Pool::new(PoolKind::Lp { p: 2.0 }, [2, 2])), &["layer p", "Lp"]),
        (pool(Pool { ceil_mode: true, ..Pool::max([2, 2]) }), &["layer p", "ceil_mode"]),
        (Model::new("own", [2, 3]).layer("p", LayerKind::Crop(crop)), &["layer p", "Nchw"]),
        (twice("d"), &["two layers have this name"]),
        (twice("d/e"), &["d/e", "stroke"]),
        (idle, &["idle", "nothing calls it"]),
        (Model::new("own", [3]), &["no layers"]),
    ];
    for (model, words) in wrong {
        let error: Error = keras::config_json(&model).expect_err(words[0]);
        let text = error.to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{text}, not {words:?}");
    }
}

/// A network of layers that are trained: normalised, with a branch and dropout.
fn trained() -> Trainer {
    let layers = |name: &str, class: &str, config: Value, reads: Value| {
        let mut entry =
            json!({ "class_name": class, "config": config, "name": name, "inbound_nodes": reads });
        entry["config"]["name"] = json!(name);
        entry
    };
    let conv = |stride: usize| json!({ "filters": 4, "kernel_size": 3, "strides": stride, "padding": "same", "activation": "relu" });
    let reads =
        |names: &[&str]| json!([names.iter().map(|name| json!([name, 0, 0, {}])).collect::<Vec<_>>()]);
    let document = json!({ "class_name": "Functional", "config": { "name": "trained", "layers": [
        layers("in", "InputLayer", json!({ "batch_shape": [null, 6, 6, 2] }), json!([])),
        layers("a", "Conv2D", conv(1), reads(&["in"])),
        layers("norm", "BatchNormalization", json!({}), reads(&["a"])),
        layers("b", "Conv2D", conv(1), reads(&["norm"])),
        layers("sum", "Add", json!({}), reads(&["a", "b"])),
        layers("pool", "MaxPooling2D", json!({ "pool_size": 2 }), reads(&["sum"])),
        layers("flat", "Flatten", json!({}), reads(&["pool"])),
        layers("drop", "Dropout", json!({ "rate": 0.2 }), reads(&["flat"])),
        layers("out", "Dense", json!({ "units": 3, "activation": "softmax" }), reads(&["drop"])),
    ], "input_layers": [["in", 0, 0]], "output_layers": [["out", 0, 0]] } });
    let mut model = keras::architecture(document.to_string()).unwrap();
    initialise(&mut model, Initializer::GlorotUniform, 5).unwrap();
    let settings = Settings { batch: 6, ..Settings::new(Loss::SoftmaxCrossEntropy, keras_adam(), 0.01) };
    let mut trainer = Trainer::new(&Backend::Host, model, settings).unwrap();
    let x = random(&[6, 6, 6, 2], 9);
    let y = Tensor::new(&[6], wgpool::Data::I32(vec![0, 1, 2, 2, 1, 0])).unwrap();
    for _ in 0..4 {
        trainer.step(&x, &y).unwrap();
    }
    trainer
}

fn random(shape: &[usize], seed: u64) -> Tensor {
    let mut state = seed;
    let values = (0..shape.iter().product::<usize>()).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    });
    Tensor::from_f32(shape, values.collect()).unwrap()
}

#[test]
fn what_is_trained_is_written_and_read() {
    let trainer = trained();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("written");
    trainer.save_model(&folder).unwrap();
    let model = keras::load(&folder, None).unwrap();
    assert_eq!(Some(model), trainer.model().unwrap());
    let program = trainer.model().unwrap().unwrap().program(2).unwrap();
    let settings = *trainer.settings();
    let of_program = Trainer::new(&Backend::Host, program, settings).unwrap();
    let text = of_program.save_model(&folder).unwrap_err().to_string();
    assert!(text.contains("a program of operations"), "{text}");
}

/// A model with weights, what goes in and what comes out, for Keras.
fn put(folder: &Path, name: &str, config: &str, model: &Model) {
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let inputs: Vec<Tensor> = (model.inputs.iter().zip(1..))
        .map(|(input, seed)| random(&[&[2], input.shape.as_slice()].concat(), seed))
        .collect();
    let outputs =
        model.program(2).unwrap().run_all(&Backend::Host, &inputs.iter().collect::<Vec<_>>()).unwrap();
    let numbered = |tensors: Vec<Tensor>| -> Vec<(String, Tensor)> {
        (0..).map(|at: usize| at.to_string()).zip(tensors).collect()
    };
    let store = |name: &str, tensors: Vec<(String, Tensor)>| {
        let views = tensors.iter().map(|(name, tensor)| {
            let bytes = tensor.data().as_bytes();
            let view =
                safetensors::tensor::TensorView::new(safetensors::Dtype::F32, tensor.shape().to_vec(), bytes);
            (name, view.unwrap())
        });
        std::fs::write(folder.join(name), safetensors::serialize(views, None).unwrap()).unwrap();
    };
    store("weights.safetensors", model.weights().unwrap());
    store("inputs.safetensors", numbered(inputs));
    store("outputs.safetensors", numbered(outputs));
    std::fs::write(folder.join("config.json"), config).unwrap();
}

/// Weights that nothing is symmetric in.
fn filled(mut model: Model) -> Model {
    initialise(&mut model, Initializer::GlorotUniform, 3).unwrap();
    let weights = model.weights().unwrap().into_iter().zip(11..).map(|((name, tensor), seed)| {
        let drawn = random(tensor.shape(), seed);
        let is_variance = name.ends_with("variance");
        let values =
            drawn.as_f32().unwrap().iter().map(|&v| if is_variance { v.abs() + 0.5 } else { 0.5 * v });
        (name, Tensor::from_f32(tensor.shape(), values.collect()).unwrap())
    });
    model.set_weights(weights.collect::<Vec<_>>()).unwrap();
    model
}

/// `scripts/long.sh` runs it where there is Keras: `WGPOOL_KERAS` names a Python that has it.
#[test]
#[ignore = "needs a Python with Keras"]
fn keras_computes_the_same() {
    let python = std::env::var("WGPOOL_KERAS").expect("WGPOOL_KERAS names a Python with Keras");
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("for_keras");
    let _ = std::fs::remove_dir_all(&all);
    let mut count = 0;
    for (at, (class, document)) in every().into_iter().enumerate() {
        let model = filled(keras::architecture(&document).unwrap());
        put(&all, &format!("{at:03}_{class}"), &keras::config_json(&model).unwrap(), &model);
        count += 1;
    }
    for entry in std::fs::read_dir(folder().join("layers")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "keras") && !is_offset_first(&path) {
            let model = keras::load(&path, None).unwrap();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            put(&all, &name, &keras::config_json(&model).unwrap(), &model);
            count += 1;
        }
    }
    let trainer = trained();
    let saved = Path::new(env!("CARGO_TARGET_TMPDIR")).join("saved");
    trainer.save_model(&saved).unwrap();
    let config = std::fs::read_to_string(saved.join("config.json")).unwrap();
    put(&all, "trained", &config, &keras::load(&saved, None).unwrap());
    let script = folder().join("written.py");
    let output = std::process::Command::new(python).arg(script).arg(&all).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(&format!("{} models compute the same", count + 1)), "{said}");
}
