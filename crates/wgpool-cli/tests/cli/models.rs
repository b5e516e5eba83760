//! Models and their predictions.

use std::fs;
use std::path::Path;

use crate::cli::{Folder, mnist, npy_of};
use crate::counting;

#[test]
fn a_summary_of_a_configuration_and_of_an_archive() {
    let folder = Folder::new();
    let summary = folder.succeeds(&format!("summary {}", mnist("config.json")));
    assert!(summary.contains("conv1") && summary.contains("12,810"), "{summary}");
    let archive =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/keras/c_conv3_pool3_224/model.keras");
    let summary = folder.succeeds(&format!("summary {}", archive.display()));
    assert!(summary.contains("MaxPooling2D"), "{summary}");
}

#[test]
fn digits_are_classified() {
    let folder = Folder::new();
    let (config, weights) = (mnist("config.json"), mnist("weights.safetensors"));
    let all = fs::read(mnist("test_digits.safetensors")).expect("the digits");
    let digits = safetensors::SafeTensors::deserialize(&all).expect("safetensors");
    let images = digits.tensor("images").expect("images");
    let keras = digits.tensor("probabilities").expect("probabilities");
    let keras: Vec<f32> =
        keras.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    folder.file("digits.npy", &npy_of("|u1", &[70, 28, 28], &images.data()[..70 * 784]));
    let said = folder.succeeds(&format!(
        "predict {config} --weights {weights} digits.npy --out probabilities.npy --batch 32 --adapter host"
    ));
    assert_eq!(said.lines().count(), 70);
    let probabilities = folder.f32s("probabilities.npy");
    assert_eq!(probabilities.len(), 700);
    for (line, keras) in said.lines().zip(keras.chunks(10)) {
        let class: usize = line.split_whitespace().nth(1).and_then(|w| w.parse().ok()).expect("a class");
        assert!(keras.iter().all(|&p| p <= keras[class]), "{line}: {keras:?}");
    }
    let far = probabilities.iter().zip(&keras).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(far < 1e-5, "{far}");

    // A picture of the same digit gives the same answer.
    let mut png = std::io::Cursor::new(Vec::new());
    let picture = image::GrayImage::from_raw(28, 28, images.data()[..784].to_vec()).expect("784 pixels");
    picture.write_to(&mut png, image::ImageFormat::Png).expect("a PNG");
    folder.file("digit.png", png.get_ref());
    let predict = format!("predict {config} --weights {weights} --adapter host");
    folder.succeeds(&format!("{predict} digit.png digits.npy --out both.npy"));
    let both = folder.f32s("both.npy");
    assert_eq!(both.len(), 710);
    assert!(both[..10].iter().zip(&both[10..20]).all(|(a, b)| (a - b).abs() < 1e-6), "{:?}", &both[..20]);

    folder.file("cut.png", &png.get_ref()[..png.get_ref().len() / 2]).file("garbage.png", b"no picture");
    let small = image::GrayImage::new(2, 3);
    let mut bytes = std::io::Cursor::new(Vec::new());
    small.write_to(&mut bytes, image::ImageFormat::Png).expect("a PNG");
    folder.file("small.png", bytes.get_ref());
    folder.fails(&format!("{predict} garbage.png --out out.npy"), "garbage.png");
    folder.fails(&format!("{predict} cut.png --out out.npy"), "cut.png");
    folder.fails(&format!("{predict} small.png --out out.npy"), "2x3");
    folder.array("wrong.npy", &[1, 27, 28, 1], &counting(27 * 28));
    folder.fails(&format!("{predict} wrong.npy --out out.npy"), "[28, 28, 1]");
    folder.fails(&format!("{predict} digits.npy --out out.csv"), "out.csv");
    folder.fails(&format!("{predict} digits.npy --out no/out.npy"), "no/out.npy");
}

#[test]
fn wrong_models_are_refused() {
    let folder = Folder::new();
    let model = |layer: &str| {
        format!(
            r#"{{"class_name": "Sequential", "config": {{"name": "odd", "layers": [
            {{"class_name": "InputLayer", "config": {{"name": "in", "batch_shape": [null, 4, 4, 1]}}}},
            {layer}]}}}}"#
        )
    };
    let unknown = model(r#"{"class_name": "Teleport", "config": {"name": "beam"}}"#);
    let nan =
        model(r#"{"class_name": "Conv2D", "config": {"name": "c", "filters": NaN, "kernel_size": [3, 3]}}"#);
    folder.file("unknown.json", unknown.as_bytes()).file("nan.json", nan.as_bytes());
    folder.file("cut.json", &unknown.as_bytes()[..50]).file("cut.keras", b"PK\x03\x04");
    folder.fails("summary unknown.json", "Teleport");
    folder.fails("summary nan.json", "line");
    folder.fails("summary cut.json", "");
    folder.fails("summary cut.keras", "");
    folder.fails("summary missing.json", "missing.json");
    folder.array("in.npy", &[4, 4, 1], &counting(16));
    folder.fails("predict unknown.json --weights none.safetensors in.npy --out out.npy", "Teleport");
    let flat = model(r#"{"class_name": "Flatten", "config": {"name": "flat"}}"#);
    folder.file("flat.json", flat.as_bytes());
    folder.fails("predict flat.json --weights none.safetensors in.npy --out out.npy", "none.safetensors");
}

#[test]
fn keras_models_with_branches() {
    let folder = Folder::new();
    let model = |name: &str| {
        let layers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/keras/layers");
        layers.join(format!("{name}.keras")).display().to_string()
    };
    let several = model("several");
    let summary = folder.succeeds(&format!("summary {several}"));
    assert!(summary.contains("Connected to") && summary.contains("mean[0][0]"), "{summary}");
    folder.array("image.npy", &[2, 4, 5, 3], &counting(120)).array("table.npy", &[2, 3], &counting(6));
    let run = format!("run {several} --input image=image.npy --adapter host");
    let all = folder.succeeds(&format!("{run} --input table=table.npy --json"));
    let all: serde_json::Value = serde_json::from_str(&all).expect("JSON");
    let outputs = all["outputs"].as_array().expect("outputs");
    let named = |at: usize| (outputs[at]["name"].as_str(), outputs[at]["shape"].to_string());
    assert_eq!(named(0), (Some("rows"), "[2,8,5,3]".to_owned()));
    assert_eq!(named(1), (Some("both"), "[2,4,10,3]".to_owned()));
    folder.fails(&run, "table: float [None, 3], image: float [None, 4, 5, 3]");
    folder.fails(&format!("predict {several} image.npy --adapter host"), "`wgpool run` takes others");
    folder.fails(&format!("maps {several} image.npy -o maps --adapter host"), "table, image");
    let said = folder.succeeds(&format!("check {several} --adapter host"));
    assert!(said.contains("all within their bounds"), "{said}");
    folder.array("photo.npy", &[1, 8, 6, 3], &counting(144));
    let said = folder.succeeds(&format!("predict {} photo.npy --adapter host", model("mobile")));
    assert!(said.starts_with("photo.npy"), "{said}");
    let said = folder.succeeds(&format!("maps {} photo.npy -o maps --adapter host", model("mobile")));
    assert!(said.contains("a_add: [4, 3, 4], 4 maps"), "{said}");
}
