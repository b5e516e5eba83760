//! `wgpool train`, as a person or a script meets it.

#[path = "support/cli.rs"]
mod cli;

use std::fs;
use std::path::Path;

use cli::Folder;
use serde_json::Value;

fn training(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/training").join(name).display().to_string()
}

/// The cells of the table's rows of a network.
fn rows(said: &str, network: &str) -> Vec<Vec<String>> {
    let of = said.lines().filter_map(|line| line.strip_prefix(network));
    of.map(|rest| rest.split_whitespace().map(str::to_owned).collect()).collect()
}

fn number(cell: &str) -> f64 {
    cell.parse().unwrap_or_else(|_| panic!("{cell} is no number"))
}

#[test]
fn the_tutorial_s_networks_begin_as_keras_says() {
    let folder = Folder::new();
    let said = folder.succeeds(&format!(
        "train pooling --size 64 --epochs 1 --adapter host --out run --weights {}",
        training("")
    ));
    for (name, title, parameters) in
        [("nopool", "without pooling", "35,741"), ("pool", "with pooling", "2,461")]
    {
        let curve = fs::read_to_string(training(&format!("curve_{name}_64.json"))).expect("Keras' curve");
        let curve: Value = serde_json::from_str(&curve).expect("JSON");
        let of = |key: &str| curve["epochs"][0][key].as_f64().expect("a number");
        let rows = rows(&said, title);
        let [row] = rows.as_slice() else { panic!("{said}") };
        assert_eq!((row[0].as_str(), row[1].as_str()), (parameters, "1"), "{said}");
        for (cell, key) in [(&row[2], "loss"), (&row[4], "val_loss")] {
            let (got, expected) = (number(cell), of(key));
            assert!((got - expected).abs() <= 0.02 * expected, "{name}: {key} {got}, not {expected}");
        }
        for (cell, key, images) in
            [(&row[3], "accuracy", 4.0 / 640.0), (&row[5], "val_accuracy", 2.0 / 160.0)]
        {
            let (got, expected) = (number(cell), of(key));
            assert!((got - expected).abs() <= images + 1e-4, "{name}: {key} {got}, not {expected}");
        }
    }
    assert!(said.contains("learns slower"), "{said}");
    let png = folder.read("run/training.png");
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    // What was written is read again.
    let summary =
        folder.succeeds("summary run/pool.json --explain --weights run/pool.safetensors --adapter host");
    assert!(summary.contains("2,461"), "{summary}");
}

#[test]
fn runs_of_a_seed_are_the_same_and_of_another_are_not() {
    let folder = Folder::new();
    for (out, seed) in [("a", 5), ("b", 5), ("c", 6)] {
        folder.succeeds(&format!(
            "train pooling --size 32 --epochs 1 --adapter host --seed {seed} --out {out}"
        ));
    }
    assert_eq!(folder.read("a/pool.safetensors"), folder.read("b/pool.safetensors"));
    assert_ne!(folder.read("a/pool.safetensors"), folder.read("c/pool.safetensors"));
}

/// A network for pictures of 8x8 grey pixels and two classes.
const CONFIG: &str = r#"{"class_name": "Sequential", "config": {"name": "sides", "layers": [
    {"class_name": "InputLayer", "config": {"name": "in", "batch_shape": [null, 8, 8, 1]}},
    {"class_name": "Conv2D", "config": {"name": "conv", "filters": 4, "kernel_size": [3, 3], "activation": "relu"}},
    {"class_name": "MaxPooling2D", "config": {"name": "pool", "pool_size": [2, 2]}},
    {"class_name": "Flatten", "config": {"name": "flat"}},
    {"class_name": "Dense", "config": {"name": "out", "units": 2, "activation": "softmax"}}]}}"#;

/// Pictures whose left or right half is bright, twelve of each.
fn pictures(folder: &Folder) {
    for class in ["left", "right"] {
        fs::create_dir_all(folder.0.join("photos").join(class)).expect("a folder");
        for number in 0..12u32 {
            let picture = image::GrayImage::from_fn(8, 8, |x, y| {
                let bright = (x < 4) == (class == "left");
                let noise = (number * 37 + x * 11 + y * 5) % 60;
                image::Luma([(if bright { 180 + noise } else { noise }) as u8])
            });
            let path = folder.0.join("photos").join(class).join(format!("{number:02}.png"));
            picture.save(path).expect("a picture");
        }
    }
    folder.file("net.json", CONFIG.as_bytes());
}

#[test]
fn what_comes_of_an_archive_is_read_with_its_configuration() {
    let folder = Folder::new();
    pictures(&folder);
    let archive = concat!(env!("CARGO_MANIFEST_DIR"), "/data/mnist/mnist_cnn.keras");
    folder.succeeds(&format!(
        "train {archive} --data photos --resize=bilinear --epochs 1 --adapter host --out run"
    ));
    let given = folder.succeeds(&format!("summary {archive}"));
    assert_eq!(folder.succeeds("summary run/config.json"), given);
    let predicted =
        folder.succeeds("predict run/config.json photos/left/03.png --resize=bilinear --adapter host");
    assert!(predicted.contains("03.png"), "{predicted}");
}

#[test]
fn folders_of_pictures_are_told_apart() {
    let folder = Folder::new();
    pictures(&folder);
    let said = folder
        .succeeds("train net.json --data photos --epochs 30 --rate 0.01 --batch 8 --adapter host --out run");
    assert!(said.contains("20 examples of 2 classes") && said.contains("4 others"), "{said}");
    let rows = rows(&said, "sides");
    assert_eq!(rows.len(), 30, "{said}");
    let last = rows.last().expect("a row");
    assert_eq!((last[3].as_str(), last[5].as_str()), ("1.0000", "1.0000"), "{said}");
    assert!(number(&last[2]) < number(&rows[0][2]), "{said}");
    assert_eq!(folder.read("run/labels.txt"), b"left\nright\n");
    let predicted = folder.succeeds(
        "predict run/config.json photos/right/03.png photos/left/03.png --labels run/labels.txt --top 1 --adapter host",
    );
    let named: Vec<&str> = predicted.lines().filter(|line| line.contains("03.png")).collect();
    let expected = ["right", "left"];
    assert!(
        named.len() == 2
            && named.iter().zip(expected).all(|(line, class)| {
                line.split_once("03.png").is_some_and(|(_, rest)| rest.contains(class))
            }),
        "{predicted}"
    );
}

#[test]
fn tensors_of_a_file_train_as_the_same_pictures_do() {
    use safetensors::tensor::{Dtype, TensorView};
    let folder = Folder::new();
    folder.file("net.json", CONFIG.as_bytes());
    let images: Vec<u8> = (0..16u8)
        .flat_map(|i| (0..64u8).map(move |p| if (p % 8 < 4) == (i % 2 == 0) { 200 + i } else { i }))
        .collect();
    let labels: Vec<u8> = (0..16).map(|i| i % 2).collect();
    let write = |name: &str, labels: &[u8]| {
        let views = [
            ("images", TensorView::new(Dtype::U8, vec![16, 8, 8], &images).expect("a view")),
            ("labels", TensorView::new(Dtype::U8, vec![labels.len()], labels).expect("a view")),
        ];
        folder.file(name, &safetensors::serialize(views, None).expect("a file"));
    };
    write("data.safetensors", &labels);
    let said =
        folder.succeeds("train net.json --data data.safetensors --epochs 2 --validation 0.25 --adapter host");
    assert!(said.contains("12 examples of 2 classes") && said.contains("4 others"), "{said}");
    write("more.safetensors", &[2; 16]);
    folder.fails("train net.json --data more.safetensors", "tells 2 classes apart");
    write("fewer.safetensors", &labels[..15]);
    folder.fails("train net.json --data fewer.safetensors", "15 labels");
}

#[test]
fn what_is_resumed_ends_with_the_same_bits() {
    let folder = Folder::new();
    pictures(&folder);
    let train = |rest: &str| {
        folder.succeeds(&format!("train net.json --data photos --batch 8 --adapter host --seed 3 {rest}"))
    };
    train("--epochs 4 --out whole");
    train("--epochs 2 --checkpoint half.safetensors");
    let said = train("--epochs 4 --checkpoint half.safetensors --resume --out resumed");
    assert_eq!(rows(&said, "sides").len(), 4, "epochs before are shown too: {said}");
    assert_eq!(folder.read("whole/weights.safetensors"), folder.read("resumed/weights.safetensors"));
    // A checkpoint of other settings is none of this run.
    folder.fails(
        "train net.json --data photos --batch 4 --adapter host --seed 3 --checkpoint half.safetensors --resume",
        "half.safetensors",
    );
}

#[test]
#[cfg(target_os = "linux")]
fn an_interrupted_run_leaves_a_checkpoint_and_says_so() {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Command, Stdio};
    let folder = Folder::new();
    let arguments = "train pooling --size 64 --epochs 1000 --adapter host --out run";
    // Whoever runs the tests may have them ignore signals.
    let mut child = Command::new("env")
        .args(["--default-signal=INT,TERM,HUP", env!("CARGO_BIN_EXE_wgpool")])
        .args(arguments.split(' '))
        .current_dir(&folder.0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut lines = BufReader::new(child.stdout.take().expect("its output"));
    let (mut said, mut line) = (String::new(), String::new());
    // The first epoch is done.
    while !line.starts_with("without pooling") {
        line.clear();
        assert!(lines.read_line(&mut line).expect("text") > 0, "{said}");
        said.push_str(&line);
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killed.expect("kill runs").success());
    lines.read_to_string(&mut said).expect("text");
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{said}");
    assert!(said.contains("stopped after step") && said.contains("--resume"), "{said}");
    let checkpoint = folder.read("run/checkpoint.nopool.safetensors");
    assert!(safetensors::SafeTensors::deserialize(&checkpoint).is_ok());
}

#[test]
fn what_cannot_be_trained_is_refused() {
    let folder = Folder::new();
    pictures(&folder);
    folder.fails("train net.json", "--data");
    folder.fails("train net.json --data photos/left", "two or more classes");
    folder.fails("train net.json --data none", "none");
    folder.fails("train pooling --size 100", "multiple of 32");
    folder.fails("train pooling --rate 0", "positive");
    fs::create_dir_all(folder.0.join("photos/empty")).expect("a folder");
    folder.fails("train net.json --data photos", "no picture of this class");
}
