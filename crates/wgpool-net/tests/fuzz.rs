//! Hostile configurations, weights and archives of Keras models, the same for the same seed: nothing panics, and what is
//! allocated follows the size of the document.
//!
//! `WGPOOL_FUZZ=1000000 cargo test --release -p wgpool-net --test fuzz -- --nocapture` sets the number of inputs of each
//! target. Archives are loaded from a file: with `TMPDIR=/dev/shm`, many times as fast.

use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::Path;

use wgpool_net::{Model, keras};
use wgpool_testing::fuzz::{
    self, Counting, Tally, bound, count, garble, header, pick, reword, tokens, with_header,
};
use wgpool_testing::verify::random::Rng;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A file of the repository's `data` or `tests`.
fn read(file: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file)).unwrap()
}

/// Configurations and weights of small models.
fn models() -> Vec<(String, Vec<u8>)> {
    [
        "data/mnist",
        "tests/data/keras/c_conv3_pool3_224",
        "tests/data/keras/d_datacamp_pool_28",
        "tests/data/keras/e_conv_pool_32",
    ]
    .map(|folder| {
        let json = String::from_utf8(read(&format!("{folder}/config.json"))).unwrap();
        (json, read(&format!("{folder}/weights.safetensors")))
    })
    .to_vec()
}

/// What is done with a model that was loaded: it too may be refused, but not panic.
fn use_model(model: &Model) {
    let _ = (model.summary(), model.parameters(), model.output_shapes(), model.program(1));
    let _ = model.program(usize::MAX);
}

#[test]
fn keras_configurations() {
    let mut tally = Tally::new("Keras configurations");
    let mut rng = Rng::new(2);
    let mut models = models();
    let layers = archives().into_iter().map(|archive| unpacked(&archive)).map(|[json, _]| json);
    models.extend(layers.map(|json| (String::from_utf8(json).unwrap(), vec![])));
    let tokens: Vec<Vec<&str>> = models.iter().map(|(json, _)| tokens(json)).collect();
    for _ in 0..count(2_000) {
        let which = rng.between(0, models.len() - 1);
        let (json, weights) = &models[which];
        let json = match rng.one_in(3) {
            true => {
                let other = pick(&mut rng, &models).0.as_bytes();
                garble(&mut rng, json.as_bytes(), other)
            }
            false => reword(&mut rng, &tokens[which]).into_bytes(),
        };
        let n = json.len();
        if let Some(model) = tally.add(n, bound(n), || keras::architecture(&json)) {
            fuzz::peak(|| use_model(&model));
            let n = n + weights.len();
            let (_, peak) = fuzz::peak(|| keras::from_config(&json, weights).map(|model| use_model(&model)));
            assert!(peak <= bound(n), "{peak} bytes for documents of {n}");
        }
    }
    assert!(tally.accepted > tally.inputs / 20 && tally.accepted < tally.inputs);
}

#[test]
fn keras_weights() {
    let mut tally = Tally::new("Keras weights");
    let mut rng = Rng::new(3);
    let models = models();
    let headers: Vec<Vec<&str>> = models.iter().map(|(_, weights)| tokens(header(weights))).collect();
    for _ in 0..count(2_000) {
        let which = rng.between(0, models.len() - 1);
        let (json, weights) = &models[which];
        let weights = match rng.between(0, 2) {
            0 => {
                let other = pick(&mut rng, &models).1.as_slice();
                garble(&mut rng, weights, other)
            }
            _ => with_header(&mut rng, weights, &headers[which]),
        };
        let n = json.len() + weights.len();
        if let Some(model) = tally.add(n, bound(n), || keras::from_config(json, &weights)) {
            use_model(&model);
        }
    }
    assert!(tally.accepted > 0 && tally.accepted < tally.inputs);
}

/// Archives as Keras writes them.
fn archives() -> Vec<Vec<u8>> {
    let models =
        ["c_conv3_pool3_224", "d_datacamp_pool_28", "e_conv_pool_32"].map(|name| format!("{name}/model"));
    let layers = [
        "image",
        "transposed",
        "line",
        "volume",
        "channels_first",
        "table",
        "siamese",
        "several",
        "inside",
        "mobile",
    ];
    let files = models.into_iter().chain(layers.map(|name| format!("layers/{name}")));
    files.map(|file| read(&format!("tests/data/keras/{file}.keras"))).collect()
}

/// The configuration and the weights of an archive.
fn unpacked(archive: &[u8]) -> [Vec<u8>; 2] {
    let mut zip = ZipArchive::new(Cursor::new(archive)).unwrap();
    ["config.json", "model.weights.h5"].map(|name| {
        let mut bytes = vec![];
        zip.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// An archive with these contents and right checksums.
fn packed(json: &[u8], weights: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(vec![]));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in [("config.json", json), ("model.weights.h5", weights)] {
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn keras_archives() {
    /// For each object header, hdf5-reader 0.12 reserves room for as many messages as the header claims: 65,535 of
    /// 144 bytes at most, which it does not touch unless they are there. An edit spoils a header or two.
    const RESERVED: usize = 4 * (10 << 20);
    let mut tally = Tally::new("Keras archives");
    let mut rng = Rng::new(5);
    let archives = archives();
    let parts: Vec<[Vec<u8>; 2]> = archives.iter().map(|archive| unpacked(archive)).collect();
    let file = std::env::temp_dir().join(format!("wgpool-fuzz-{}.keras", std::process::id()));
    for _ in 0..count(1_000) {
        let which = rng.between(0, archives.len() - 1);
        let (archive, [json, weights]) = (&archives[which], &parts[which]);
        let [_, other] = pick(&mut rng, &parts);
        let bytes = match rng.between(0, 7) {
            0 => garble(&mut rng, archive, other),
            1 => {
                // The directory is at the end.
                let (head, tail) = archive.split_at(archive.len() - rng.between(22, 512));
                [head, &garble(&mut rng, tail, json)].concat()
            }
            2 => archive[..rng.between(0, archive.len())].to_vec(),
            3 => packed(json, &weights[..rng.between(0, weights.len())]),
            4 => {
                let tokens = tokens(std::str::from_utf8(json).unwrap());
                packed(reword(&mut rng, &tokens).as_bytes(), weights)
            }
            _ => packed(json, &garble(&mut rng, weights, other)),
        };
        fs::write(&file, &bytes).unwrap();
        let n = bytes.len();
        // A reader that panics is heard on standard error, but comes back as an error all the same.
        if let Some(model) = tally.add(n, bound(n) + RESERVED, || keras::load(&file, None)) {
            use_model(&model);
        }
    }
    fs::remove_file(&file).unwrap();
    assert!(tally.accepted > 0 && tally.accepted < tally.inputs);
}
