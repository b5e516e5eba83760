//! Text from files never steers the terminal: control characters and marks of direction come out escaped.

use wgpool::{Backend, Layout, Pool};
use wgpool_net::{LayerKind, Model};

use crate::cli::{Folder, mnist};

/// Clears a terminal, begins a line of its own, turns text around, and starts a sequence in one character.
const HOSTILE: &str = "Füße\x1b[2J\nwgpool all is well\u{202e}\u{9b}2J";
const SAFE: &str = "Füße\\u001b[2J\\nwgpool all is well\\u202e\\u009b2J";

/// What was printed holds the text escaped, and no character that a terminal obeys.
fn is_safe(arguments: &str, printed: &[u8]) {
    let printed = String::from_utf8_lossy(printed);
    let obeyed = |c: char| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
    assert!(!printed.contains(obeyed), "{arguments}: {printed:?}");
    assert!(printed.contains(SAFE), "{arguments}: {printed}");
    assert!(!printed.contains("\nwgpool all"), "{arguments}: {printed}");
}

fn json(text: &str) -> String {
    serde_json::to_string(text).expect("a text")
}

#[test]
fn names_in_a_manifest() {
    let folder = Folder::new();
    let name = json(HOSTILE);
    let case = |op: &str, output: &str| {
        format!(
            r#"{{"name": {name}, "op": {op}, "attributes": {{"kernel_size": 2}}, "exact": true,
            "inputs": [{{"name": "x", "dtype": "F32", "shape": [1, 1, 4]}}],
            "outputs": [{{"name": {output}, "dtype": "F32", "shape": [1, 1, 2]}}]}}"#
        )
    };
    let corpus = |cases: &[String]| {
        std::fs::create_dir_all(folder.0.join("corpus")).expect("a folder");
        folder.file("corpus/manifest.json", format!(r#"{{"cases": [{}]}}"#, cases.join(", ")).as_bytes());
    };
    // A case of another operation with this name, and one whose file, named alike, is not there.
    let missing =
        case("\"max_pool1d\"", "\"y\"").replace("\"exact\"", &format!("\"file\": {name}, \"exact\""));
    corpus(&[case(&name, "\"y\""), missing]);
    for arguments in ["verify corpus --adapter host", "verify corpus --adapter host --json"] {
        let output = folder.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments}");
        let printed = String::from_utf8_lossy(&output.stdout).replace("\\\"", "\"");
        is_safe(arguments, printed.as_bytes());
    }
    // An error that quotes the manifest.
    corpus(&[case(&name, "\"y\"").replace("\"exact\": true", "\"exact\": false")]);
    folder.fails("verify corpus --adapter host", SAFE);
}

#[test]
fn names_in_a_model() {
    let folder = Folder::new();
    let model = |name: &str, class: &str| {
        let (name, class) = (json(name), json(class));
        format!(
            r#"{{"class_name": "Sequential", "config": {{"name": {name}, "layers": [
            {{"class_name": "InputLayer", "config": {{"name": "in", "batch_shape": [null, 4, 4, 1]}}}},
            {{"class_name": {class}, "config": {{"name": {name}, "pool_size": [2, 2]}}}}]}}}}"#
        )
    };
    folder.file("config.json", model("Füße\u{202e}", "MaxPooling2D").as_bytes());
    folder.file("weights.safetensors", b"\x02\0\0\0\0\0\0\0{}");
    for arguments in ["summary config.json", "summary config.json --explain --adapter host"] {
        let said = folder.succeeds(arguments);
        assert!(said.contains("Füße\\u202e (MaxPooling2D)") && !said.contains('\u{202e}'), "{said}");
        assert!(said.contains("Model: \"Füße\\u202e\""), "{said}");
    }
    folder.file("class.json", model("pool", "Füße\u{202e}").as_bytes());
    folder.fails("summary class.json", "class Füße\\u202e is not supported");
    // Control characters in a name are refused when the file is read.
    folder.file("name.json", model(HOSTILE, "MaxPooling2D").as_bytes());
    folder.fails("summary name.json", "no control characters");
    // A model that is built in Rust may have any name.
    let pool = Pool::max([2, 2]).layout(Layout::Nhwc);
    let built = Model::new(HOSTILE, [4, 4, 1]).layer(HOSTILE, LayerKind::Pool(pool));
    let program = built.program(1).expect("a program").explain(&Backend::Host).expect("an explanation");
    is_safe("summary", built.summary().expect("a summary").as_bytes());
    is_safe("explain", program.to_string().as_bytes());
    let wide = LayerKind::Pool(Pool::max([5, 5]).layout(Layout::Nhwc));
    let wrong = Model::new(HOSTILE, [4, 4, 1]).layer(HOSTILE, wide);
    let wrong = wrong.program(1).expect_err("a window that does not fit").to_string();
    is_safe("error", wrong.as_bytes());
}

#[test]
fn names_in_tensors_and_in_a_benchmark() {
    let folder = Folder::new();
    let name = json(HOSTILE);
    // A weight that no layer takes.
    let header = format!(r#"{{{name}: {{"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}}}"#);
    let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 4]].concat();
    folder.file("weights.safetensors", &file);
    folder.array("in.npy", &[28, 28, 1], &[0.0; 784]);
    let predict =
        format!("predict {} --weights weights.safetensors in.npy --adapter host", mnist("config.json"));
    folder.fails(&predict, "");
    let printed = String::from_utf8(folder.run(&predict).stderr).expect("text");
    assert!(!printed.trim_end().contains(char::is_control), "{printed:?}");

    let timed = r#"{"wall": {"median_ms": 1.0, "samples_ms": [1.0, 1.1]}}"#;
    let report = format!(
        r#"{{"schema": 1, "version": {name}, "cases": [{{"name": {name}, "host": {timed}, "gpu": null}}]}}"#
    );
    folder.file("a.json", report.as_bytes());
    folder.file("b.json", report.replacen(&name, "\"2\"", 1).as_bytes());
    is_safe("bench --compare", folder.succeeds("bench --compare a.json b.json").as_bytes());
}

#[cfg(target_os = "linux")]
#[test]
fn names_of_files() {
    let folder = Folder::new();
    folder.array("in.npy", &[1, 28, 28, 1], &[0.0; 784]);
    let named = folder.0.join(format!("{HOSTILE}.npy"));
    std::fs::copy(folder.0.join("in.npy"), &named).expect("a copy");
    let mut predict = crate::cli::program();
    predict.current_dir(&folder.0).args(["predict", &mnist("config.json"), "--adapter", "host"]).arg(&named);
    is_safe("predict", &predict.output().expect("the program runs").stdout);
    let mut missing = crate::cli::program();
    missing.args(["summary", &format!("none{HOSTILE}")]);
    // Blanks of any kind become one in an error, which is one line whatever it quotes.
    let output = missing.output().expect("the program runs");
    is_safe("summary", &output.stderr);
}
