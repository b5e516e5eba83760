//! ONNX models.

use std::path::Path;

use crate::cli::{Folder, mnist, npy_of};
use crate::counting;

/// A model of `tests/data/onnx`.
pub fn onnx(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/onnx");
    folder.join(format!("{name}.onnx")).display().to_string()
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn all_outputs_of_named_inputs() {
    let folder = Folder::new();
    folder.array("a.npy", &[2, 3], &counting(6)).array("b.npy", &[2, 3], &[1.0; 6]);
    let run = format!("run {} --input a=a.npy --input b=b.npy --adapter host", onnx("two"));
    let said = folder.succeeds(&run);
    assert!(said.contains("sum/out: f32 [2, 3]") || said.contains("sum/out: [2, 3] f32"), "{said}");
    assert!(said.contains("sum out") && said.contains("[-1,  0,  1]"), "{said}");
    let all = json(&folder.succeeds(&format!("{run} --json")));
    assert_eq!(all["outputs"][0]["name"], "sum/out");
    assert_eq!(all["outputs"][0]["shape"], serde_json::json!([2, 3]));
    let values: Vec<f64> = serde_json::from_value(all["outputs"][0]["values"].clone()).expect("numbers");
    assert_eq!(values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);

    // Two outputs whose names are one as names of files.
    folder.fails(&format!("{run} --out results"), "\"sum/out\" and \"sum out\"");
    folder.fails(&format!("run {} --input a=a.npy --adapter host", onnx("two")), "b: float [2, 3]");
    folder.fails(&format!("run {} --input a.npy --adapter host", onnx("two")), "NAME=FILE");
    folder.fails(&format!("{run} --input a=b.npy"), "a.npy is given for this input too");
    folder.fails(&format!("{run} --input c=b.npy"), "the model takes a: float [2, 3], b: float [2, 3]");
    folder.fails(&format!("{run} --shape c=1x2"), "no such input");
    folder.array("long.npy", &[3, 3], &counting(9));
    folder.fails(&format!("run {} -i a=long.npy -i b=b.npy --adapter host", onnx("two")), "[2, 3]");
}

#[test]
fn outputs_are_written_and_pictures_read() {
    let folder = Folder::new();
    let mut png = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_fn(4, 4, |x, y| image::Rgb([(16 * (4 * y + x)) as u8; 3]));
    picture.write_to(&mut png, image::ImageFormat::Png).expect("a PNG");
    folder.file("photo.png", png.get_ref());
    let pixels: Vec<f32> = (0..16).map(|v| (16 * v) as f32 / 255.0).collect();
    folder.array("image.npy", &[1, 1, 4, 4], &pixels);
    let small = onnx("small");
    for (input, out) in [("image=photo.png", "a"), ("image.npy", "b")] {
        let said = folder.succeeds(&format!("run {small} -i {input} --out {out} --adapter host --explain"));
        assert!(said.contains(&format!("{out}/scores.npy")) && said.contains("layer: kernel"), "{said}");
    }
    assert_eq!(folder.names(), ["a", "b", "image.npy", "photo.png"]);
    assert_eq!(folder.f32s("a/scores.npy"), folder.f32s("b/scores.npy"));
    folder.succeeds(&format!("run {small} -i image.npy --out c --adapter reference --no-join"));
    let far = |(a, b): (&f32, &f32)| (a - b).abs();
    let [joined, exact] = ["b", "c"].map(|name| folder.f32s(&format!("{name}/scores.npy")));
    assert_eq!(joined.len(), 3);
    assert!(joined.iter().zip(&exact).map(far).fold(0.0, f32::max) < 1e-5, "{joined:?} {exact:?}");
    folder.fails(&format!("run {small} --adapter host"), "image: float [n, 1, 4, 4]");
}

#[test]
fn weights_beside_the_model_and_other_types() {
    let folder = Folder::new();
    let rows: Vec<u8> = [2i64, 0].iter().flat_map(|v| v.to_le_bytes()).collect();
    folder.file("rows.npy", &npy_of("<i8", &[2], &rows));
    let output = folder.run(&format!("run {} -i rows.npy --out out --adapter host", onnx("pick")));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("int64 is read as f32"), "{said}");
    assert_eq!(folder.f32s("out/picked.npy"), [4.0, 5.0, 0.0, 1.0]);
    folder.file("odd.npy", &npy_of("<i8", &[1], &((1i64 << 24) + 1).to_le_bytes()));
    folder.fails(&format!("run {} -i odd.npy --adapter host", onnx("pick")), "--cast");
}

#[test]
fn models_of_keras_run_too() {
    let folder = Folder::new();
    folder.array("digit.npy", &[1, 28, 28, 1], &[0.5; 784]);
    let config = mnist("config.json");
    folder.succeeds(&format!("run {config} -i digit.npy --out out --adapter host"));
    let folder_of_outputs = folder.0.join("out");
    let names: Vec<_> = std::fs::read_dir(folder_of_outputs).expect("the folder").collect();
    assert_eq!(names.len(), 1);
    let checked = folder.succeeds(&format!("check {config} --adapter host"));
    assert!(checked.contains("all within their bounds"), "{checked}");
    folder.fails(&format!("check {config} --dim batch=2 --adapter host"), "--dim");
}

#[test]
fn operations_are_checked_against_the_reference() {
    let folder = Folder::new();
    folder.fails(&format!("check {} --adapter host", onnx("small")), "its shape is [n, 1, 4, 4]");
    for adapter in ["host", "software"] {
        for model in ["small --dim n=2", "small --dim n=2 --no-join", "pick --shape rows=3", "two"] {
            let (name, rest) = model.split_once(' ').unwrap_or((model, ""));
            let said = folder.succeeds(&format!("check {} {rest} --adapter {adapter}", onnx(name)));
            assert!(said.contains("all within their bounds"), "{model}: {said}");
        }
    }
    let all = json(&folder.succeeds(&format!("check {} --dim n=1 --json --adapter host", onnx("small"))));
    assert!(all["wrong"].is_null() && all["operations"].as_u64() > Some(1), "{all}");
}

#[test]
fn a_summary_has_nodes_shapes_and_parameters() {
    let folder = Folder::new();
    let said = folder.succeeds(&format!("summary {} --dim n=5", onnx("small")));
    for text in ["version 17, written by make.py", "input   image: float [n, 1, 4, 4]", "output  scores"] {
        assert!(said.contains(text), "{text}: {said}");
    }
    let row = |name: &str| {
        let row = said.lines().find(|line| line.starts_with(&format!("{name} ")));
        row.unwrap_or_else(|| panic!("{name}: {said}")).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("conv"), "conv Conv [5, 2, 4, 4] 18");
    assert_eq!(row("dense"), "dense Gemm [5, 3] 9");
    assert!(said.contains("5 nodes, 27 parameters (108 bytes)"), "{said}");
    let open = folder.succeeds(&format!("summary {}", onnx("small")));
    assert!(
        open.contains("[n, 3]") && open.contains("not lowered") && open.contains("27 parameters"),
        "{open}"
    );
    let missing = folder.succeeds(&format!("summary {}", onnx("missing")));
    assert!(missing.contains("\"Det\"") && missing.contains("1 nodes"), "{missing}");
    let explained = folder.succeeds(&format!("summary {} --dim n=1 --explain --adapter host", onnx("small")));
    assert!(explained.contains("layer: kernel") && explained.contains("joined: activation 1"), "{explained}");
    // A name says nothing where the first byte does.
    folder.file("odd.json", &std::fs::read(onnx("two")).expect("the model"));
    assert!(folder.succeeds("summary odd.json").contains("sum/out"));
    folder.fails(&format!("summary {} --dim n=1", mnist("config.json")), "--dim");
}

#[test]
fn each_operation_has_its_time() {
    let folder = Folder::new();
    folder.array("image.npy", &[2, 1, 4, 4], &counting(32)).array("digit.npy", &[1, 28, 28, 1], &[0.5; 784]);
    let run = format!("run {} -i image.npy", onnx("small"));
    let said = folder.succeeds(&format!("{run} --adapter host --profile times.json"));
    for text in ["medians of 10 runs by the host's clock", "2x1x4x4 2x1x3x3 -> 2x2x4x4", "all of", "sum"] {
        assert!(said.contains(text), "{text}: {said}");
    }
    let times = json(&String::from_utf8(folder.read("times.json")).expect("text"));
    let operations = times["operations"].as_array().expect("a list");
    assert!(
        operations.len() > 1 && (&times["clock"], &times["runs"]) == (&"host".into(), &10.into()),
        "{times}"
    );
    assert_eq!(operations[0]["name"], "conv+relu");
    assert_eq!(operations[0]["outputs"], serde_json::json!([{ "shape": [2, 2, 4, 4], "dtype": "f32" }]));
    assert!(operations.iter().all(|one| one["samples"].as_array().is_some_and(|all| all.len() == 10)));
    let sum: f64 = operations.iter().filter_map(|one| one["seconds"].as_f64()).sum();
    assert!(sum > 0.0 && (sum - times["seconds"].as_f64().expect("a number")).abs() < 1e-9, "{times}");

    // A file's name may be left out behind the rest.
    let said = folder.succeeds(&format!("{run} --adapter software --profile times.svg --profile-runs 2"));
    assert!(said.contains("medians of 2 runs by the") && said.contains("conv+relu"), "{said}");
    let svg = String::from_utf8(folder.read("times.svg")).expect("text");
    assert!(
        svg.starts_with("<svg") && svg.contains("conv+relu") && svg.matches("<rect").count() > 3,
        "{svg}"
    );
    let all = json(&folder.succeeds(&format!("{run} --adapter software --json --profile")));
    assert_eq!(all["profile"]["operations"].as_array().map(Vec::len), Some(operations.len()), "{all}");
    let said =
        folder.succeeds(&format!("run {} -i digit.npy --adapter host --profile", mnist("config.json")));
    assert!(said.contains("all of") && said.contains("sum"), "{said}");

    folder.fails(&format!("{run} --profile times.txt"), "must end in .json or .svg");
    folder.fails(&format!("{run} --profile-runs 3"), "--profile");
    folder.fails(&format!("{run} --profile --profile-runs 0"), "at least 1");
    std::fs::copy(onnx("small"), folder.0.join("model.json")).expect("a copy");
    folder.fails("run model.json -i image.npy --profile model.json", "would be replaced");
    folder.fails("bench --case P7 --profile --adapter host", "name one");
    let bench = format!("bench {} --adapter host", onnx("small"));
    folder.fails(&format!("{bench} --batch 1,2 --profile times.json"), "one size of batch");
}

#[test]
fn models_that_cannot_run_are_refused() {
    let folder = Folder::new();
    folder
        .array("a.npy", &[2, 2], &counting(4))
        .file("cut.onnx", b"\x08\x07\x3a\x05")
        .file("empty.onnx", b"");
    folder.fails(&format!("run {} -i a.npy --adapter host", onnx("missing")), "Det");
    folder.fails("run cut.onnx -i a.npy", "byte 4");
    folder.fails("run empty.onnx -i a.npy", "no graph");
    folder.fails("check none.onnx", "none.onnx");
}
