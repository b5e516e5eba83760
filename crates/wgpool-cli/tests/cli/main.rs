//! The command line, as a person or a script meets it.

mod arrays;
mod classifiers;
#[path = "../support/cli.rs"]
mod cli;
mod hostile_text;
mod models;
mod networks;
mod ops;
mod photos;
mod pictures;
mod predictions;
mod refused;
mod streams;
mod tune;

use std::fs;
use std::io::Read;
use std::process::Stdio;

use cli::{Folder, wgpool};

/// A model of examples of this shape that gives them back, flat.
fn identity(folder: &Folder, shape: &[u64]) {
    let lengths: String = shape.iter().map(|n| format!(", {n}")).collect();
    let config = format!(
        r#"{{"class_name": "Sequential", "config": {{"name": "same", "layers": [
        {{"class_name": "InputLayer", "config": {{"name": "in", "batch_shape": [null{lengths}]}}}},
        {{"class_name": "Flatten", "config": {{"name": "flat"}}}}]}}}}"#
    );
    folder.file("config.json", config.as_bytes()).file("weights.safetensors", b"\x02\0\0\0\0\0\0\0{}");
}

pub fn counting(n: usize) -> Vec<f32> {
    (0..n).map(|v| v as f32).collect()
}

#[test]
fn wrong_arguments_are_one_line() {
    let folder = Folder::new();
    folder.fails("--adaptor host", "'--adapter'");
    folder.fails("op", "wgpool op --help");
    folder.fails("op max-poll", "'max-pool'");
    folder.fails("op max-pool in.npy", "--window <SIZE>");
    folder.fails("op max-pool --window 2,2 in.npy -o out.npy", "2x2");
    folder.fails("op conv --kernel k.npy --padding some in.npy -o out.npy", "same-upper");
    folder.fails("op conv --kernel k.npy --activation softmax in.npy -o out.npy", "relu6");
    folder.fails("predict model.keras", "<INPUT>");
    folder.fails("predict model.keras in.npy --batch 0", "at least 1");
    folder.fails("--out pictures adapters", "--out");
    folder.fails("op softmax in.npy -o out.npy --adapter", "--adapter");
}

#[test]
fn an_adapter_that_is_not_there_is_named() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 2], &counting(2));
    folder.fails("op softmax in.npy -o out.npy --adapter no-such-adapter", "no-such-adapter");
}

#[test]
fn every_help_text_has_what_a_person_needs() {
    let folder = Folder::new();
    let help = folder.succeeds("--help");
    for word in
        ["Examples:", "--adapter", "--out", "adapters", "summary", "predict", "run", "check", "maps", "op"]
    {
        assert!(help.contains(word), "{word}: {help}");
    }
    assert!(folder.succeeds("op --help").contains("Examples:"));
    assert!(folder.succeeds("predict --help").contains("Examples:"));
    assert!(folder.succeeds("run --help").contains("Examples:"));
    assert!(folder.succeeds("check --help").contains("Examples:"));
    let conv = folder.succeeds("op conv --help");
    for flag in ["--kernel", "--bias", "--stride", "--dilation", "--padding", "--groups", "--activation"] {
        assert!(conv.contains(flag), "{flag}");
    }
    let operations = "max-pool avg-pool lp-pool global-max-pool global-avg-pool global-lp-pool adaptive-max-pool \
                      adaptive-avg-pool fractional-max-pool max-unpool roi-align max-roi-pool conv \
                      conv-transpose conv-pool conv-integer deform-conv causal-conv col2im dense softmax activation elementwise";
    let list = folder.succeeds("op --help");
    for operation in operations.split_whitespace() {
        let help = folder.succeeds(&format!("op {operation} --help"));
        let example = format!("wgpool op {operation} ");
        assert!(help.contains("--output <FILE>") && help.contains(&example), "{operation}: {help}");
        assert!(list.contains(&format!("  {operation} ")), "{operation}: {list}");
    }
    assert_eq!(folder.succeeds("--version"), format!("wgpool {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn adapters_are_listed_for_people_and_programs() {
    let folder = Folder::new();
    assert!(folder.succeeds("adapters").contains("auto takes"));
    let json: serde_json::Value = serde_json::from_str(&folder.succeeds("adapters --json")).expect("JSON");
    assert!(json["adapters"].is_array() && json["auto"].is_string(), "{json}");
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_is_no_failure() {
    for arguments in ["--help", "op conv --help", "adapters", "--adapter host"] {
        let mut child = wgpool(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        drop(child.stdout.take());
        let mut stderr = String::new();
        let pipe = child.stderr.as_mut().expect("a pipe");
        pipe.read_to_string(&mut stderr).expect("text");
        let status = child.wait().expect("the program ends");
        assert_eq!((status.code(), stderr.as_str()), (Some(0), ""), "{arguments}");
    }
}

#[test]
fn the_demonstration_on_the_host_path() {
    let folder = Folder::new();
    let said = folder.succeeds("--adapter host --out pictures");
    for text in ["host path", "12,810", "0.986 (986 of 1,000)", "1,000 of 1,000", "169 of 169", "██"] {
        assert!(said.contains(text), "{text}: {said}");
    }
    assert!(!said.contains('\x1b'), "no colours in a file");
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
    let mut pictures: Vec<_> = fs::read_dir(folder.0.join("pictures"))
        .expect("the folder")
        .map(|e| e.expect("an entry").file_name())
        .collect();
    pictures.sort();
    assert_eq!(pictures, ["conv1.png", "digit.png", "pool1.png"]);
    let sheet = image::open(folder.0.join("pictures/pool1.png")).expect("a PNG");
    assert!(sheet.width() > 400 && sheet.width() == sheet.height());
    folder.fails("--adapter host --out pictures/pool1.png", "pool1.png");
}
