//! Pictures become the numbers that Keras makes of them. `tests/data/pictures/keras.json` holds what `keras.utils.load_img`
//! and `img_to_array` of Keras 3.15.1 with Pillow 13.0.0 give for each PNG beside it, for one, three and four channels.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::Folder;
use crate::identity;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/pictures")
}

/// What Keras would give, but wrongly: 16-bit grey clipped to white, and transparent colours that are overlooked.
fn is_refused(name: &str, channels: u64) -> bool {
    matches!((name, channels), ("g16" | "g16t", 3 | 4) | ("g2t" | "rgb16t", 4))
}

#[test]
fn every_kind_of_png_is_read_as_keras_reads_it() {
    let folder = Folder::new();
    let expected = std::fs::read(data().join("keras.json")).expect("the file");
    let expected: Value = serde_json::from_slice(&expected).expect("JSON");
    let expected = expected.as_object().expect("an object");
    assert!(expected.len() > 20);
    for (name, row) in expected {
        let side = |i: usize| row["size"][i].as_u64().expect("a length");
        for channels in [1, 3, 4] {
            identity(&folder, &[side(0), side(1), channels]);
            let picture = data().join(format!("{name}.png"));
            let predict = format!("predict config.json {} --adapter host --out out.npy", picture.display());
            if is_refused(name, channels) {
                folder.fails(&predict, "Keras");
                continue;
            }
            folder.succeeds(&predict);
            let most = if name.starts_with("g16") { 65_535.0 } else { 255.0 };
            let keras = row[channels.to_string()].as_array().expect("numbers");
            let keras: Vec<f32> = keras.iter().map(|v| v.as_u64().expect("a number") as f32 / most).collect();
            assert_eq!(folder.f32s("out.npy"), keras, "{name}, {channels} channels");
            std::fs::remove_file(folder.0.join("out.npy")).expect("removed");
        }
    }
}

#[test]
fn the_rule_is_in_the_help() {
    let help = Folder::new().succeeds("predict --help");
    for part in ["BT.601", "alpha", "65535"] {
        assert!(help.contains(part), "{part}: {help}");
    }
}
