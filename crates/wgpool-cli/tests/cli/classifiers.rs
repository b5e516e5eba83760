//! Classifiers of ONNX: what `predict` makes of pictures.

use std::path::Path;

use serde_json::Value;

use crate::cli::Folder;
use crate::networks::onnx;

/// `tests/data/onnx/classifiers.json` holds what onnxruntime gives; `classifiers.py` beside it wrote it.
#[test]
fn pictures_become_what_onnxruntime_makes_of_them() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cases = std::fs::read(data.join("tests/data/onnx/classifiers.json")).expect("the file");
    let cases: Vec<Value> = serde_json::from_slice(&cases).expect("JSON");
    assert_eq!(cases.len(), 9);
    let folder = Folder::new();
    for case in &cases {
        let text = |key: &str| case[key].as_str().expect("a text");
        let (picture, flags) = (text("picture"), text("flags"));
        let path = data.join("../../tests/data/pictures").join(picture);
        let predict = format!(
            "predict {} {} {flags} --out out.npy --adapter host",
            onnx(text("model")),
            path.display()
        );
        folder.succeeds(&predict);
        let (got, logits) = (folder.f32s("out.npy"), case["logits"].as_array().expect("numbers"));
        assert_eq!(got.len(), logits.len(), "{predict}");
        // Weighted means differ by a level of 255 and decoders of JPEG by some, here divided by 0.22 and times weights.
        let within = match (picture.ends_with("jpg"), flags.contains("--resize ") || flags.contains("8x16")) {
            (true, _) => 0.04,
            (false, true) if flags.contains("255") => 1e-2,
            (false, true) => 1e-4,
            (false, false) => 0.03,
        };
        let far = got
            .iter()
            .zip(logits)
            .map(|(got, logit)| (f64::from(*got) - logit.as_f64().expect("a number")).abs());
        let far = far.fold(0.0, f64::max);
        assert!(far < within, "{predict}: {far}: {got:?} {logits:?}");
    }
}

#[test]
fn logits_become_probabilities_where_that_is_asked() {
    let folder = Folder::new();
    let values: Vec<f32> = (0..3 * 90).map(|i| ((i * 37) % 101) as f32 / 50.0 - 1.0).collect();
    folder.array("three.npy", &[3, 6, 5, 3], &values).file("labels.txt", b"ant\nbee\ncat\ndog");
    // The file's batch is 2: the third is computed with zeros beside it.
    let predict = format!("predict {} three.npy --labels labels.txt --adapter host", onnx("last"));
    let said = folder.succeeds(&format!("{predict} --out logits.npy"));
    assert!(said.lines().count() == 3 && !said.contains('%'), "{said}");
    let said = folder.succeeds(&format!("{predict} --softmax --top 4 --out shares.npy"));
    assert!(said.lines().all(|line| line.matches('%').count() == 4), "{said}");
    let (logits, shares) = (folder.f32s("logits.npy"), folder.f32s("shares.npy"));
    assert_eq!((logits.len(), shares.len()), (12, 12));
    for (logits, shares) in logits.chunks(4).zip(shares.chunks(4)) {
        assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        for i in 1..4 {
            assert!(((shares[i] / shares[0]).ln() - (logits[i] - logits[0])).abs() < 1e-4);
        }
    }
    // Each as if it were alone, and on an adapter.
    folder.array("one.npy", &[6, 5, 3], &values[180..]);
    for adapter in ["host", "software"] {
        folder.succeeds(&format!("predict {} one.npy --out one.npy.npy --adapter {adapter}", onnx("last")));
        let far = folder
            .f32s("one.npy.npy")
            .iter()
            .zip(&logits[8..])
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(far < 1e-5, "{adapter}: {far}");
    }
    let json: Value =
        serde_json::from_str(&folder.succeeds(&format!("{predict} --json --softmax"))).expect("JSON");
    assert_eq!((&json["model"], json["examples"].as_array().map(Vec::len)), (&"last".into(), Some(3)));
    assert!(folder.succeeds(&format!("{predict} --explain")).contains("layer: kernel"));
    folder.fails(&format!("{predict} --batch 3"), "the batch 2 in the file");
}

#[test]
fn what_is_no_classifier_of_pictures_is_refused() {
    let folder = Folder::new();
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/pictures");
    let photo = pictures.join("photo.jpg").display().to_string();
    let predict =
        |model: &str, flags: &str| format!("predict {} {photo} {flags} --adapter host", onnx(model));
    for (model, flags, about) in [
        ("two", "", "a: float [2, 3], b: float [2, 3]"),
        ("pick", "", "rows: float [k]"),
        ("five", "--resize", "image: float [n, 5, 7, 7]"),
        ("open", "", "--size"),
        ("first", "", "--resize"),
        ("first", "--size 8", "image: float [n, 3, 7, 7]"),
        ("first", "--crop=6", "7x7 cannot be cut"),
        ("first", "--resize --mean 1,2", "for each of the model's channels: 3"),
        ("first", "--resize --std 1,0,1", "not 0"),
        ("first", "--resize --scale inf", "--scale"),
        ("open", "--size 7 --resize --channels bgr", "1 channels, not 3"),
        ("first", "--resize --labels two.txt", "names 2 classes, but the model has 4"),
    ] {
        folder.file("two.txt", b"ant\nbee\n");
        folder.fails(&predict(model, flags), about);
    }
    // Of a line of pixels the shorter side would need as many times more.
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(60_000, 1).write_to(&mut png, image::ImageFormat::Png).expect("a PNG");
    folder.file("line.png", png.get_ref());
    folder.fails(
        &format!("predict {} line.png --crop=5000 --adapter host", onnx("first")),
        "would become 300000000x5000",
    );
    // Models of Keras that take no pictures have no channels.
    crate::identity(&folder, &[2]);
    folder.array("in.npy", &[2], &[0.5, 1.0]);
    folder.fails("predict config.json in.npy --mean 0.5 --adapter host", "models of pictures");
    folder.fails("predict config.json in.npy --size 2 --adapter host", "--size");
    folder.fails("predict config.json in.npy --softmax --adapter host --labels in.npy", "in.npy");
}
