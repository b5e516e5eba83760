//! `wgpool verify`, as a person or a script meets it.

#[path = "support/cli.rs"]
mod cli;

use std::fs;

use serde_json::{Value, json};
use wgpool_testing::tampered::{Copy, add_to_first_float, corpus, is};
use wgpool_testing::verify::random::Family;

const ONNX: usize = 138;
const MODELS: usize = 90;

/// Status, standard output and standard error of `wgpool verify`.
fn command(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = cli::program().arg("verify").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_command_ends_with_the_counts_and_a_status() {
    let onnx = corpus("onnx");
    let (status, out, err) = command(&[onnx.to_str().unwrap(), "--adapter", "host"]);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    assert_eq!(out.lines().last(), Some(&*format!("{ONNX} passed, 0 failed, 0 unsupported")));
    assert!(out.contains("pipelines built"), "{out}");

    let (copy, case) = Copy::of("torch", is("avg_pool2d"));
    copy.tamper(&case, case["outputs"][0]["tensor"].as_str().unwrap(), add_to_first_float(1.0));
    let dir = copy.0.to_str().unwrap();
    let (status, out, _) = command(&[dir, "--adapter", "host"]);
    assert_eq!((status, out.lines().last()), (Some(1), Some("0 passed, 1 failed, 0 unsupported")));
    let (status, out, _) = command(&[dir, "--adapter", "host", "--json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, &report["failed"]), (Some(1), &json!(1)));

    fs::remove_file(copy.0.join("manifest.json")).unwrap();
    for arguments in [&[dir][..], &["--count", "0"], &[dir, "--seed", "1"], &["--seed", "-"]] {
        let (status, _, err) = command(arguments);
        assert_eq!((status, err.lines().count()), (Some(2), 1), "{arguments:?}: {err}");
    }
}

#[test]
fn the_command_checks_itself_without_a_corpus() {
    let (status, out, _) = command(&["--adapter", "host", "--count", "3"]);
    assert_eq!(
        (status, out.lines().last()),
        (Some(0), Some(&*format!("{} passed, 0 failed, 0 unsupported", 3 * Family::ALL.len())))
    );
    let seed = out.lines().find_map(|line| line.strip_prefix("seed ")).unwrap();
    let again = command(&["--adapter", "host", "--count", "3", "--seed", seed]).1;
    assert!(again.contains(&format!("seed {seed}")), "{again}");
}

#[test]
fn what_a_named_kernel_does_not_compute_is_unsupported() {
    let arguments =
        ["--adapter", "software", "--count", "4", "--seed", "5", "--json", "--kernels", "pool/sliding"];
    let (status, out, err) = command(&arguments);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    let report: Value = serde_json::from_str(&out).unwrap();
    let operations = &report["operations"];
    assert_eq!((&operations["max pooling"]["passed"], &report["failed"]), (&json!(4), &json!(0)), "{out}");
    assert_eq!(operations["softmax"]["unsupported"], 4, "{out}");
}

#[test]
fn onnx_files_are_told_by_their_index() {
    let data = |name: &str| format!("{}/../../tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    for (corpus, cases) in [("onnx_graphs", 28), ("onnx_models", MODELS)] {
        for adapter in ["host", "software"] {
            let (status, out, err) = command(&[&data(corpus), "--adapter", adapter]);
            assert_eq!((status, err.as_str()), (Some(0), ""), "{corpus} on {adapter}: {out}");
            assert_eq!(out.lines().last(), Some(&*format!("{cases} passed, 0 failed, 0 unsupported")));
        }
    }
    // Another number that is expected, another operator, and a file that must be refused but is not.
    let folder = cli::Folder::new();
    let dir = folder.0.to_str().unwrap();
    let copy = |name: &str| fs::copy(format!("{}/{name}", data("onnx_graphs")), folder.0.join(name)).unwrap();
    copy("g001.onnx");
    copy("g001.safetensors");
    let index = |format: &str, case: Value| {
        let index = json!({ "format": format, "cases": [case] });
        fs::write(folder.0.join("index.json"), index.to_string()).unwrap();
    };
    index("onnx-graphs", json!({ "name": "g001", "theme": "conv" }));
    assert_eq!(command(&[dir, "--adapter", "host"]).0, Some(0));
    index("onnx-hostile", json!({ "name": "g001", "kind": "parse", "outcome": "refuse" }));
    let (status, out, _) = command(&[dir, "--adapter", "host"]);
    assert_eq!(status, Some(1));
    assert!(out.contains("it must be refused: it was accepted"), "{out}");
    index("onnx-graphs", json!({ "name": "g001", "theme": "conv" }));
    let tensors = folder.0.join("g001.safetensors");
    let mut bytes = fs::read(&tensors).unwrap();
    // The last bytes are those of an output.
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&123.0f32.to_le_bytes());
    fs::write(&tensors, bytes).unwrap();
    let (status, out, _) = command(&[dir, "--adapter", "host"]);
    assert_eq!(status, Some(1));
    assert!(out.contains("expected 1.23e2"), "{out}");
    index("onnx-other", json!({}));
    let (status, _, err) = command(&[dir, "--adapter", "host"]);
    assert_eq!(status, Some(2));
    assert!(err.contains("onnx-other"), "{err}");
}
