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
            let keras = row[channels.to_string()].as_array().expect("numbers");
            let is_grey16 = name.starts_with("g16");
            if name.contains("16") && !is_grey16 {
                // All bits, of which Keras takes the upper ones.
                let bytes: Vec<u64> = keras.iter().map(|v| v.as_u64().expect("a number")).collect();
                assert_eq!(folder.f32s("out.npy"), deep(&picture, channels), "{name}, {channels} channels");
                for (got, byte) in folder.f32s("out.npy").iter().zip(bytes) {
                    let upper = (got * 65_535.0 / 256.0) as u64;
                    assert!(upper.abs_diff(byte) <= u64::from(channels == 1), "{name}: {got}, {byte}");
                }
                std::fs::remove_file(folder.0.join("out.npy")).expect("removed");
                continue;
            }
            let most = if is_grey16 { 65_535.0 } else { 255.0 };
            let keras: Vec<f32> = keras.iter().map(|v| v.as_u64().expect("a number") as f32 / most).collect();
            assert_eq!(folder.f32s("out.npy"), keras, "{name}, {channels} channels");
            std::fs::remove_file(folder.0.join("out.npy")).expect("removed");
        }
    }
}

/// What a picture of 16 bits a channel holds, of 65,535; grey is 0.299 red + 0.587 green + 0.114 blue.
fn deep(path: &Path, channels: u64) -> Vec<f32> {
    let picture = image::open(path).expect("a picture").into_rgba16();
    let grey = |p: [u16; 4]| {
        let [r, g, b, _] = p.map(u64::from);
        ((r * 19_595 + g * 38_470 + b * 7_471 + 0x8000) >> 16) as u16
    };
    let samples = picture.pixels().flat_map(|p| match channels {
        1 => vec![grey(p.0)],
        n => p.0[..n as usize].to_vec(),
    });
    samples.map(|v| f32::from(v) / 65_535.0).collect()
}

#[test]
fn colours_of_16_bits_are_resized_with_all_of_them() {
    let folder = Folder::new();
    identity(&folder, &[1, 1, 4]);
    // Two pixels, of which one is seen half as much.
    let pixels = [1001, 40_003, 65_535, 65_535, 1004, 0, 7, 32_768];
    let picture = image::ImageBuffer::<image::Rgba<u16>, _>::from_raw(2, 1, pixels.to_vec()).expect("pixels");
    picture.save(folder.0.join("in.png")).expect("a picture");
    folder.succeeds("predict config.json in.png --adapter host --resize=bilinear --out out.npy");
    let got: Vec<f32> = folder.f32s("out.npy").iter().map(|v| v * 65_535.0).collect();
    let alpha = (65_535.0 + 32_768.0) / 2.0;
    let mean = |a: f32, b: f32| (a * 65_535.0 + b * 32_768.0) / 2.0 / alpha;
    let expected = [mean(1001.0, 1004.0), mean(40_003.0, 0.0), mean(65_535.0, 7.0), alpha];
    // Products, means and quotients are rounded to whole numbers.
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() <= 2.0, "{got:?}, not {expected:?}");
    }
}

#[test]
fn the_rule_is_in_the_help() {
    let help = Folder::new().succeeds("predict --help");
    for part in ["BT.601", "alpha", "65535"] {
        assert!(help.contains(part), "{part}: {help}");
    }
}
