//! What `predict` reads and shows.

use std::path::Path;

use serde_json::Value;

use crate::cli::{Folder, mnist};
use crate::{counting, identity};

/// `tests/data/pictures/resized.json` holds what Keras gives; `resized.py` beside it wrote it.
#[test]
fn pictures_are_resized_as_keras_resizes_them() {
    let folder = Folder::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/pictures");
    let cases = std::fs::read(data.join("resized.json")).expect("the file");
    let cases: Vec<Value> = serde_json::from_slice(&cases).expect("JSON");
    assert_eq!(cases.len(), 35);
    for case in &cases {
        let name = case["file"].as_str().expect("a name");
        let shape: Vec<u64> =
            case["shape"].as_array().expect("a shape").iter().flat_map(Value::as_u64).collect();
        identity(&folder, &shape);
        let how = case["how"].as_str().expect("a word");
        let picture = data.join(name);
        folder.succeeds(&format!(
            "predict config.json {} --resize={how} --out out.npy --adapter host",
            picture.display()
        ));
        let keras =
            case["pixels"].as_array().expect("pixels").iter().map(|v| v.as_u64().expect("a byte") as f32);
        let far =
            folder.f32s("out.npy").into_iter().zip(keras).map(|(got, keras)| (got * 255.0 - keras).abs());
        let (most, sum) = far.fold((0.0, 0.0), |(most, sum): (f32, f32), far| (most.max(far), sum + far));
        let mean = sum / shape.iter().product::<u64>() as f32;
        // Decoders of JPEG differ where colours have edges; weighted means are rounded elsewhere.
        let within = match (name.ends_with("jpg"), how) {
            (true, _) => [12.0, 1.0],
            // One level of little alpha is several of its colours.
            (false, "bilinear") if name == "rgba8.png" => [8.0, 1.0],
            (false, "bilinear") => [1.0, 0.5],
            _ => [0.0, 0.0],
        };
        assert!(
            most < within[0] + 1e-3 && mean < within[1] + 1e-3,
            "{name} {shape:?} {how}: {most}, mean {mean}"
        );
    }
    identity(&folder, &[5, 7, 3]);
    folder.fails(&format!("predict config.json {}/photo.jpg --adapter host", data.display()), "--resize");
    assert!(folder.succeeds("predict --help").contains("nearest pixel"));
}

#[test]
fn classes_have_names() {
    let folder = Folder::new();
    identity(&folder, &[3]);
    folder.array("in.npy", &[2, 3], &[0.1, 0.7, 0.2, 0.5, 0.2, 0.3]);
    folder.file("lines.txt", "\u{feff}cat\r\ndog\r\nF\u{fc}chsin\r\n\r\n".as_bytes());
    folder.file("list.json", r#"["cat", "dog", "Füchsin"]"#.as_bytes());
    folder
        .file("index.json", r#"{"1": ["n2", "dog"], "0": ["n1", "cat"], "2": ["n3", "Füchsin"]}"#.as_bytes());
    for labels in ["lines.txt", "list.json", "index.json"] {
        let predict = format!("predict config.json in.npy --labels {labels} --adapter host");
        let said = folder.succeeds(&predict);
        assert_eq!(
            said,
            "in.npy[0]  1 dog  70.00%  (2 Füchsin: 20.00%, 0 cat: 10.00%)\n\
             in.npy[1]  0 cat  50.00%  (2 Füchsin: 30.00%, 1 dog: 20.00%)\n"
        );
        assert_eq!(
            folder.succeeds(&format!("{predict} --top 1")),
            "in.npy[0]  1 dog  70.00%\nin.npy[1]  0 cat  50.00%\n"
        );
        let json: Value =
            serde_json::from_str(&folder.succeeds(&format!("{predict} --top 2 --json"))).expect("JSON");
        assert_eq!((&json["model"], &json["examples"][1]["input"]), (&"same".into(), &"in.npy[1]".into()));
        let best = &json["examples"][0]["classes"];
        assert_eq!((best.as_array().map(Vec::len), &best[0]["label"]), (Some(2), &"dog".into()));
        assert!((best[0]["value"].as_f64().expect("a number") - 0.7).abs() < 1e-6 && best[0]["class"] == 1);
    }
    folder.file("two.txt", b"cat\ndog\n").file("odd.json", b"[1, 2, 3]");
    folder.fails(
        "predict config.json in.npy --labels two.txt --adapter host",
        "names 2 classes, but the model has 3",
    );
    folder.fails("predict config.json in.npy --labels odd.json --adapter host", "no list of names");
    folder.fails("predict config.json in.npy --top 0", "at least 1");
}

#[test]
fn many_files_are_read_as_they_are_needed() {
    let folder = Folder::new();
    let (config, weights) = (mnist("config.json"), mnist("weights.safetensors"));
    let mut names = String::new();
    for i in 0..13u32 {
        let picture = image::GrayImage::from_fn(28, 28, |x, y| image::Luma([(x * i + y) as u8]));
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, image::ImageFormat::Png).expect("a PNG");
        folder.file(&format!("{i:02}.png"), bytes.get_ref());
        names += &format!("{i:02}.png ");
    }
    folder.array("three.npy", &[3, 28, 28, 1], &counting(3 * 784));
    let predict = format!("predict {config} --weights {weights} {names} three.npy {names} --adapter host");
    let all = folder.succeeds(&format!("{predict} --out all.npy"));
    assert_eq!(all.lines().count(), 29);
    let (all, whole) = (all, folder.f32s("all.npy"));
    assert_eq!(whole.len(), 290);
    let squeezed = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    for batch in [1, 4, 29, 100] {
        let said = folder.succeeds(&format!("{predict} --batch {batch} --out part.npy"));
        assert_eq!(squeezed(&said), squeezed(&all), "{batch}");
        let far = folder.f32s("part.npy").iter().zip(&whole).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(far < 1e-4, "{batch}: {far}");
    }
    folder.file("04.png", b"no picture");
    folder.fails(&format!("{predict} --out other.npy"), "04.png");
}

#[test]
fn arrays_of_other_types_go_in() {
    let folder = Folder::new();
    identity(&folder, &[2]);
    folder.file("in.npy", &crate::cli::npy_of("<i8", &[2], &[1i64, 3].map(i64::to_le_bytes).concat()));
    let output = folder.run("predict config.json in.npy --out out.npy --adapter host");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("int64 is read as f32; only u8 is divided by 255"),
        "{said}"
    );
    assert_eq!(folder.f32s("out.npy"), [1.0, 3.0]);
    folder.file("in.npy", &crate::cli::npy_of("<f8", &[2], &[0.1f64, 3.0].map(f64::to_le_bytes).concat()));
    folder.fails("predict config.json in.npy --out out.npy --adapter host", "--cast");
}
