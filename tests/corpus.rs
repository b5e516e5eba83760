//! Corpora of ONNX and PyTorch cases on every path, and that a wrong result in them is noticed.

#[path = "support/cli.rs"]
mod cli;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use wgpool_testing::support::engine;
use wgpool::{Backend, Error};
use wgpool_testing::verify::random::Family;
use wgpool_testing::verify::{Report, run_corpus, self_check};

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/corpus").join(name)
}

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
    assert!(report.total().converted > 0, "bf16 and large integers go in by conversion");
    passes("torch", &Backend::Host, TORCH);
    passes("torch", &Backend::Reference, TORCH);
}

#[test]
fn pipelines_are_shared_by_cases() {
    let fresh = Backend::Gpu(engine().with_edited_shaders(|_, source| source));
    let first = passes("onnx", &fresh, ONNX);
    assert!(first.pipelines > 0 && first.pipelines < 40, "{}", first.pipelines);
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

/// A corpus of its own for a test, removed when the test ends.
struct Copy(PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Copy {
    fn empty() -> Copy {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("wgpool-corpus-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Copy(path)
    }

    /// The first case of `source` that `pick` takes, alone.
    fn of(source: &str, pick: impl Fn(&Value) -> bool) -> (Copy, Value) {
        let bytes = fs::read(corpus(source).join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&bytes).unwrap();
        let case = manifest["cases"].as_array().unwrap().iter().find(|c| pick(c)).unwrap().clone();
        let copy = Copy::empty();
        if let Some(file) = case["file"].as_str() {
            fs::copy(corpus(source).join(file), copy.0.join(file)).unwrap();
        }
        copy.manifest(&[&case]);
        (copy, case)
    }

    fn manifest(&self, cases: &[&Value]) {
        fs::write(self.0.join("manifest.json"), json!({ "cases": cases }).to_string()).unwrap();
    }

    /// Changes the bytes of a stored tensor.
    fn tamper(&self, case: &Value, key: &str, change: impl Fn(&mut [u8])) {
        let path = self.0.join(case["file"].as_str().unwrap());
        let mut bytes = fs::read(&path).unwrap();
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let tensors: Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
        let offset = |i: usize| tensors[key]["data_offsets"][i].as_u64().unwrap() as usize + 8 + header;
        change(&mut bytes[offset(0)..offset(1)]);
        fs::write(path, bytes).unwrap();
    }

    fn run(&self, backend: &Backend) -> wgpool::Result<Report> {
        run_corpus(&self.0, backend, |_, _| {})
    }

    fn counts(&self, backend: &Backend) -> (usize, usize, usize) {
        let total = self.run(backend).unwrap().total();
        (total.passed, total.failed, total.unsupported)
    }
}

fn is(op: &'static str) -> impl Fn(&Value) -> bool {
    move |case| case["op"] == op && case["expect"] != "error"
}

fn add_to_first_float(by: f32) -> impl Fn(&mut [u8]) {
    move |bytes| {
        let value = f32::from_le_bytes(bytes[..4].try_into().unwrap()) + by;
        bytes[..4].copy_from_slice(&value.to_le_bytes());
    }
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
    let wrong = |_, source: String| source.replace("part += ", "part += 1.001 * ");
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
