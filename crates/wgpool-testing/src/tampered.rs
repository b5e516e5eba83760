//! Copies of one case of a corpus, to change: that a wrong value in it is noticed.
// A test that cannot go on fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use wgpool::Backend;

use crate::verify::{Report, run_corpus};

/// The folder of a corpus in the repository's test data.
pub fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/corpus").join(name)
}

/// A corpus of its own for a test, of the format that it is a copy of; removed when the test ends.
pub struct Copy(pub PathBuf, Value);

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Copy {
    /// A folder without anything.
    pub fn empty() -> Copy {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("wgpool-corpus-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Copy(path, Value::Null)
    }

    /// The first case of `source` that `pick` takes, alone.
    pub fn of(source: &str, pick: impl Fn(&Value) -> bool) -> (Copy, Value) {
        let bytes = fs::read(corpus(source).join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&bytes).unwrap();
        let case = manifest["cases"].as_array().unwrap().iter().find(|c| pick(c)).unwrap().clone();
        let mut copy = Copy::empty();
        copy.1 = manifest["format"].clone();
        if let Some(file) = case["file"].as_str() {
            fs::copy(corpus(source).join(file), copy.0.join(file)).unwrap();
        }
        copy.manifest(&[&case]);
        (copy, case)
    }

    /// Makes these its cases.
    pub fn manifest(&self, cases: &[&Value]) {
        fs::write(self.0.join("manifest.json"), json!({ "format": self.1, "cases": cases }).to_string())
            .unwrap();
    }

    /// Changes the bytes of a stored tensor.
    pub fn tamper(&self, case: &Value, key: &str, change: impl Fn(&mut [u8])) {
        let path = self.0.join(case["file"].as_str().unwrap());
        let mut bytes = fs::read(&path).unwrap();
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let tensors: Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
        let offset = |i: usize| tensors[key]["data_offsets"][i].as_u64().unwrap() as usize + 8 + header;
        change(&mut bytes[offset(0)..offset(1)]);
        fs::write(path, bytes).unwrap();
    }

    /// Runs it.
    pub fn run(&self, backend: &Backend) -> wgpool::Result<Report> {
        run_corpus(&self.0, backend, |_, _| {})
    }

    /// How many cases passed, failed and were unsupported.
    pub fn counts(&self, backend: &Backend) -> (usize, usize, usize) {
        let total = self.run(backend).unwrap().total();
        (total.passed, total.failed, total.unsupported)
    }
}

/// Cases of an operation that are to be computed.
pub fn is(op: &'static str) -> impl Fn(&Value) -> bool {
    move |case| case["op"] == op && case["expect"] != "error"
}

/// Moves the first float of a tensor's bytes.
pub fn add_to_first_float(by: f32) -> impl Fn(&mut [u8]) {
    move |bytes| {
        let value = f32::from_le_bytes(bytes[..4].try_into().unwrap()) + by;
        bytes[..4].copy_from_slice(&value.to_le_bytes());
    }
}
