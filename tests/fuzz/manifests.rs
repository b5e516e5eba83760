//! Manifests of corpora.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use wgpool::Backend;
use wgpool_testing::verify::random::Rng;

use crate::fuzz::{Tally, bound, count, garble, header, pick, reword, tokens, with_header};
use crate::root;

/// Cases of both corpora with small files, all of them such as must be refused: nothing is computed for those.
fn cases() -> Vec<(Value, PathBuf)> {
    let mut cases = vec![];
    for corpus in ["onnx", "torch"] {
        let folder = root().join("tests/data/corpus").join(corpus);
        let manifest: Value =
            serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
        for case in manifest["cases"].as_array().unwrap() {
            let file = case["file"].as_str().map(|name| folder.join(name));
            let Some(file) = file.filter(|file| fs::metadata(file).unwrap().len() < 8 << 10) else {
                continue;
            };
            let mut case = case.clone();
            case["expect"] = json!("error");
            case["file"] = json!("a");
            cases.push((case, file));
        }
    }
    cases
}

#[test]
fn manifests() {
    let mut tally = Tally::new("manifests");
    let mut rng = Rng::new(4);
    let dir = std::env::temp_dir().join(format!("wgpool-fuzz-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let cases: Vec<(String, Vec<u8>)> =
        cases().into_iter().map(|(case, file)| (case.to_string(), fs::read(file).unwrap())).collect();
    let mut rows = 0;
    let inputs = count(2_000);
    while tally.inputs < inputs {
        let (case, file) = pick(&mut rng, &cases);
        let (other, _) = pick(&mut rng, &cases);
        let case = match rng.between(0, 3) {
            0 => garble(&mut rng, case.as_bytes(), other.as_bytes()),
            1 => case.clone().into_bytes(),
            _ => reword(&mut rng, &tokens(case)).into_bytes(),
        };
        let manifest = [b"{\"cases\":[", case.as_slice(), b",", other.as_bytes(), b"]}"].concat();
        // A case that an edit made one to be computed may ask for any amount of work, as it may.
        let document = serde_json::from_slice::<Value>(&manifest).unwrap_or_default();
        let refusals = |list: &Vec<Value>| list.iter().all(|case| case["expect"] == "error");
        if document["cases"].as_array().is_some_and(|list| !refusals(list)) {
            continue;
        }
        let tensors = match rng.between(0, 3) {
            0 => garble(&mut rng, file, &manifest),
            1 => with_header(&mut rng, file, &tokens(header(file))),
            _ => file.clone(),
        };
        fs::write(dir.join("manifest.json"), &manifest).unwrap();
        fs::write(dir.join("a"), &tensors).unwrap();
        let n = manifest.len() + tensors.len();
        let run = || wgpool_testing::verify::run_corpus(&dir, &Backend::Reference, |_, _| {});
        rows += tally.add(n, bound(n), run).map_or(0, |report| report.rows.len());
    }
    fs::remove_dir_all(&dir).unwrap();
    assert!(tally.accepted > tally.inputs / 20 && tally.accepted < tally.inputs);
    assert!(rows >= tally.accepted);
}
