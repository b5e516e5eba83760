//! Corpora of ONNX and PyTorch cases on every path, and that a wrong result in them is noticed.

use std::fs;

use serde_json::{Value, json};
use wgpool::{Backend, Error};
use wgpool_testing::support::engine;
use wgpool_testing::tampered::{Copy, add_to_first_float, corpus, is};
use wgpool_testing::verify::random::Family;
use wgpool_testing::verify::{Report, run_corpus, self_check};

fn gpu() -> Backend {
    Backend::Gpu(engine().clone())
}

fn passes(name: &str, backend: &Backend, cases: usize) -> Report {
    let report = run_corpus(&corpus(name), backend, |_, _| {}).unwrap();
    let total = report.total();
    assert_eq!((total.passed, total.failed, total.unsupported), (cases, 0, 0), "{report}");
    report
}

const ONNX: usize = 138;
const TORCH: usize = 282;
const GRAD: usize = 246;

#[test]
fn onnx_cases_pass_everywhere() {
    let report = passes("onnx", &gpu(), ONNX);
    println!("{report}");
    passes("onnx", &Backend::Host, ONNX);
    passes("onnx", &Backend::Reference, ONNX);
}

#[test]
fn torch_cases_pass_everywhere() {
    let report = passes("torch", &gpu(), TORCH);
    println!("{report}");
    assert!(report.total().converted > 0, "large integers go in by conversion");
    passes("torch", &Backend::Host, TORCH);
    passes("torch", &Backend::Reference, TORCH);
}

#[test]
fn backward_cases_pass_everywhere() {
    let report = passes("grad", &gpu(), GRAD);
    println!("{report}");
    passes("grad", &Backend::Host, GRAD);
    passes("grad", &Backend::Reference, GRAD);
}

/// One small element that is wrong, beside larger ones.
#[test]
fn a_tampered_gradient_is_noticed() {
    for (op, output) in [("conv2d_backward", 1), ("max_pool2d_backward", 0), ("batch_norm_train", 6)] {
        let plain = |c: &Value| c["op"] == op && c["dtype"] == "F32" && c["expect"] != "error";
        let (copy, case) = Copy::of("grad", plain);
        assert_eq!(copy.counts(&Backend::Host), (1, 0, 0), "{op}");
        let key = case["outputs"][output]["tensor"].as_str().unwrap();
        copy.tamper(&case, key, |bytes| {
            let value = f32::from_le_bytes(bytes[..4].try_into().unwrap());
            bytes[..4].copy_from_slice(&(value * 1.0001 + 1e-4).to_le_bytes());
        });
        let report = copy.run(&Backend::Host).unwrap();
        assert_eq!(report.total().failed, 1, "{op}: {report}");
    }
}

#[test]
fn pipelines_are_shared_by_cases() {
    let fresh = Backend::Gpu(engine().with_edited_shaders(|_, source| source));
    let first = passes("onnx", &fresh, ONNX);
    // Small windows are written out, each in a kernel of its own.
    assert!(first.pipelines > 0 && first.pipelines < 80, "{}", first.pipelines);
    assert_eq!(passes("onnx", &fresh, ONNX).pipelines, 0);
}

#[test]
fn random_cases_are_the_same_for_the_same_seed() {
    let one = self_check(5, 4, &Backend::Host, |_, _| {});
    assert_eq!(one.total().passed, 4 * Family::ALL.len(), "{one}");
    assert_eq!(one.seed, Some(5));
    let wrong = Backend::Gpu(engine().with_edited_shaders(|_, s| s.replace("exp(", "0.99 * exp(")));
    let found = |seed| self_check(seed, 4, &wrong, |_, _| {}).failures;
    assert!(!found(5).is_empty());
    assert_eq!(format!("{:?}", found(5)), format!("{:?}", found(5)));
}

#[test]
fn a_tampered_value_is_noticed() {
    for (source, op) in
        [("torch", "conv2d"), ("torch", "max_pool2d"), ("onnx", "RoiAlign"), ("onnx", "AveragePool")]
    {
        let (copy, case) = Copy::of(source, is(op));
        assert_eq!(copy.counts(&Backend::Host), (1, 0, 0), "{op}");
        let key = case["outputs"][0]["tensor"].as_str().unwrap();
        copy.tamper(&case, key, add_to_first_float(0.125));
        let report = copy.run(&Backend::Host).unwrap();
        assert_eq!(report.total().failed, 1, "{op}");
        let worst = report.failures[0].fault.worst.clone().unwrap();
        assert!(worst.at.iter().all(|&i| i == 0), "{op}: {worst}");
        assert!((worst.expected - worst.got - 0.125).abs() < 1e-3, "{op}: {worst}");
        assert!(report.to_string().contains(&worst.to_string()), "{report}");
        assert_eq!(report.to_json()["failures"][0]["worst"]["count"], 1);
    }
}

#[test]
fn a_tampered_index_is_noticed() {
    let with_indices = |c: &Value| c["op"] == "max_pool2d" && c["outputs"].as_array().unwrap().len() == 2;
    for wrong in [1i64, 1 << 20, -7] {
        let (copy, case) = Copy::of("torch", with_indices);
        copy.tamper(&case, "out.indices", |bytes| {
            let index = i64::from_le_bytes(bytes[..8].try_into().unwrap()) + wrong;
            bytes[..8].copy_from_slice(&index.to_le_bytes());
        });
        let report = copy.run(&Backend::Host).unwrap();
        assert_eq!(report.total().failed, 1, "by {wrong}: {report}");
        assert_eq!(report.failures[0].fault.worst.as_ref().unwrap().output, "indices");
    }
}

#[test]
fn a_generous_tolerance_hides_no_wrong_kernel() {
    // Not one whose windows lie in the padding alone: its result is the bias, whatever the kernel multiplies.
    let multiplies = |c: &Value| c["op"] == "conv2d" && c["torch_err"].as_f64() > Some(0.0);
    let (copy, mut case) = Copy::of("torch", multiplies);
    case["abs_sum_max"] = json!(1e30);
    copy.manifest(&[&case]);
    let wrong = |_, source: String| {
        let sums = source.replace("part += ", "part += 1.001 * ");
        // Those of output tiles, whose taps are written out.
        sums.replace("+= select(Floats(0.0), ", "+= 1.001 * select(Floats(0.0), ")
            .replace("+= part_", "+= 1.001 * part_")
    };
    let wrong = Backend::Gpu(engine().with_edited_shaders(wrong));
    let report = copy.run(&wrong).unwrap();
    assert_eq!(report.total().failed, 1, "{report}");
    assert_eq!(report.failures[0].fault.what, "the result and the reference disagree");
    assert_eq!(copy.counts(&gpu()), (1, 0, 0));
}

#[test]
fn names_and_files_steer_nothing() {
    let (copy, mut case) =
        Copy::of("torch", |c| c["tags"].as_array().unwrap().contains(&json!("torch_index_out_of_plane")));
    let file = case["file"].as_str().unwrap().to_owned();
    fs::rename(copy.0.join(&file), copy.0.join("another.bin")).unwrap();
    case["file"] = json!("another.bin");
    case["name"] = json!("no name");
    case["tags"] = json!([]);
    copy.manifest(&[&case]);
    assert_eq!(copy.counts(&Backend::Host), (1, 0, 0));
    assert_eq!(copy.counts(&gpu()), (1, 0, 0));
}

#[test]
fn what_must_be_refused_is_and_what_need_not_be_is_noticed() {
    let (copy, mut case) = Copy::of("torch", |c| c["expect"] == "error" && c["op"] == "max_pool2d");
    assert_eq!(copy.counts(&gpu()), (1, 0, 0));
    case["attributes"] = json!({ "kernel_size": 1 });
    case["inputs"][0]["shape"] = json!([1, 1, 5, 5]);
    copy.manifest(&[&case]);
    assert_eq!(copy.counts(&gpu()), (0, 1, 0));
    // An unknown function is no refusal.
    case["op"] = json!("max_pool9d");
    copy.manifest(&[&case]);
    assert_eq!(copy.counts(&gpu()), (0, 0, 1));
}

#[test]
fn indices_outside_the_output_must_be_refused() {
    let (copy, mut case) = Copy::of("torch", is("max_unpool2d"));
    copy.tamper(&case, "in.indices", |bytes| bytes[..8].copy_from_slice(&(1i64 << 30).to_le_bytes()));
    assert_eq!(copy.counts(&gpu()), (0, 1, 0));
    case["expect"] = json!("error");
    copy.manifest(&[&case]);
    assert_eq!(copy.counts(&gpu()), (1, 0, 0));
}

#[test]
fn hostile_manifests_are_errors() {
    let copy = Copy::empty();
    assert!(matches!(copy.run(&Backend::Host), Err(Error::File { .. })));
    let deep = "[".repeat(100_000);
    let case = |change: Value| {
        let mut case = json!({ "name": "a", "op": "max_pool2d", "file": "a.safetensors", "expect": "ok", "exact": true,
            "attributes": {}, "inputs": [], "outputs": [] });
        case.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({ "cases": [case] }).to_string()
    };
    for document in [
        "".to_owned(),
        "{}".into(),
        deep,
        r#"{"cases": [3]}"#.into(),
        r#"{"cases": {"a": 1}}"#.into(),
        case(json!({ "name": 7 })),
        case(json!({ "file": "../a.safetensors" })),
        case(json!({ "file": "/etc/hostname" })),
        case(json!({ "file": "a/b" })),
        case(json!({ "file": ".." })),
        case(json!({ "file": "" })),
        case(json!({ "exact": false, "eps": -1.0, "abs_sum_max": 1.0 })),
        case(json!({ "exact": false })),
        case(json!({ "inputs": [{ "name": "x", "dtype": "F32", "shape": [-1] }] })),
        case(json!({ "nodes": [{}], "opset": 1 })),
    ] {
        fs::write(copy.0.join("manifest.json"), &document).unwrap();
        let error = copy.run(&Backend::Host).unwrap_err();
        assert!(matches!(error, Error::Document { .. }), "{error}");
    }
}

#[test]
fn hostile_cases_fail_and_the_others_go_on() {
    let (copy, case) = Copy::of("torch", is("max_pool2d"));
    let file = case["file"].as_str().unwrap();
    let bytes = fs::read(copy.0.join(file)).unwrap();
    fs::write(copy.0.join("short"), &bytes[..bytes.len() / 2]).unwrap();
    fs::write(copy.0.join("long"), [&bytes[..], &[0; 9]].concat()).unwrap();
    fs::write(copy.0.join("header"), [&u64::MAX.to_le_bytes()[..], &bytes[8..]].concat()).unwrap();
    fs::write(copy.0.join("empty"), []).unwrap();
    fs::create_dir(copy.0.join("folder")).unwrap();
    let mut cases: Vec<Value> = ["short", "long", "header", "empty", "folder", "absent"]
        .map(|file| {
            let mut case = case.clone();
            case["file"] = json!(file);
            case
        })
        .to_vec();
    for (pointer, value) in [
        ("/inputs/0/tensor", json!("in.other")),
        ("/inputs/0/shape/0", json!(u64::MAX)),
        ("/inputs/0/dtype", json!("F16")),
        ("/outputs/0/shape", json!([1])),
        ("/attributes/kernel", json!([1u64 << 40, 1u64 << 40])),
        ("/attributes/kernel", json!(["a"])),
        ("/attributes/padding", json!([-1, -1])),
        ("/attributes/stride", json!(1.5)),
        ("/attributes/ceil_mode", json!("yes")),
        ("/inputs", json!([])),
    ] {
        let mut case = case.clone();
        *case.pointer_mut(pointer).unwrap() = value;
        cases.push(case);
    }
    cases.push(case);
    copy.manifest(&cases.iter().collect::<Vec<_>>());
    for backend in [Backend::Host, gpu()] {
        let report = copy.run(&backend).unwrap();
        let total = report.total();
        assert_eq!((total.passed, total.failed), (1, cases.len() - 1), "{report}");
    }
}
