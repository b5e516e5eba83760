//! Corpora of ONNX files, told by their `index.json`.

use std::path::Path;

use serde_json::Value;
use wgpool::backend::Backend;
use wgpool::error::{Error, Refusal, Result};
use wgpool_net::{Program, Session, onnx};
use wgpool_testing::verify::{Fault, Outcome, Report, Verdict};

use super::numbers::Numbers;

/// What a corpus holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// Conformance cases: a model, and tensors as protobuf.
    Models,
    /// Graphs with inputs and outputs as safetensors.
    Graphs,
    /// Files that must be refused, or must not.
    Hostile,
}

/// The cases of a folder.
pub(super) struct Corpus {
    format: Format,
    cases: Vec<Value>,
}

/// What is right in a case, where it is not an error.
#[derive(Clone, Copy, Debug)]
enum Tolerance {
    /// As NumPy's `allclose`.
    Near { absolute: f64, relative: f64 },
    /// Relative to the largest magnitude of the output.
    OfLargest(f64),
}

const OF_LARGEST: f64 = 2e-5;

/// The corpus of ONNX files in a folder; none if it is not one.
pub(super) fn read(dir: &Path) -> Result<Option<Corpus>> {
    let path = dir.join("index.json");
    if !path.is_file() {
        return Ok(None);
    }
    let bytes = std::fs::read(&path).map_err(|source| Error::File { path: path.clone(), source })?;
    let wrong = |reason: String| Error::document(path.display().to_string(), reason);
    let index: Value = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    let format = match index.get("format").and_then(Value::as_str) {
        Some("onnx-models") => Format::Models,
        Some("onnx-graphs") => Format::Graphs,
        Some("onnx-hostile") => Format::Hostile,
        other => return Err(wrong(format!("format {other:?} is not known"))),
    };
    let cases = index.get("cases").and_then(Value::as_array).cloned();
    Ok(Some(Corpus { format, cases: cases.ok_or_else(|| wrong("it has no list `cases`".into()))? }))
}

impl Corpus {
    /// Runs all cases, each with its operations as they are and joined.
    pub fn run(&self, dir: &Path, backend: &Backend, progress: &mut dyn FnMut(usize, usize)) -> Report {
        let begun = std::time::Instant::now();
        let mut report = Report::default();
        report.backend = backend.name();
        for (done, case) in self.cases.iter().enumerate() {
            progress(done, self.cases.len());
            let text = |key: &str| case.get(key).and_then(Value::as_str).unwrap_or_default();
            let (name, kind) = match self.format {
                Format::Models => (text("case"), first_operator(case)),
                Format::Graphs => (text("name"), text("theme").to_owned()),
                Format::Hostile => (text("name"), text("kind").to_owned()),
            };
            let verdict = match self.format {
                Format::Models => model(&dir.join(name), case, backend),
                Format::Graphs => graph(dir, name, backend),
                Format::Hostile => hostile(dir, name, text("outcome"), backend),
            };
            report.add(name, &kind, Outcome::of(verdict));
        }
        if let Backend::Gpu(engine) = backend {
            report.pipelines = engine.pipeline_count();
        }
        report.seconds = begun.elapsed().as_secs_f64();
        report
    }
}

fn first_operator(case: &Value) -> String {
    let operators = case.get("operators").and_then(Value::as_array);
    operators.and_then(|list| list.first()?.as_str()).unwrap_or("none").to_owned()
}

fn failed(what: &'static str, reason: impl Into<String>) -> Verdict {
    Verdict::Failed(Fault::of(what, reason))
}

/// What an error means, where a result was expected.
fn refused(error: &Error) -> Verdict {
    match error {
        Error::Network { refusal: Refusal::Unsupported, .. } => Verdict::Unsupported(error.to_string()),
        Error::InLayer { source, .. } if matches!(**source, Error::Feature { .. } | Error::Limit { .. }) => {
            Verdict::Unsupported(error.to_string())
        }
        error => failed("it was refused", error.to_string()),
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })
}

/// A conformance case: some of its inputs are known before it runs, as in models that people have.
fn model(dir: &Path, case: &Value, backend: &Backend) -> Verdict {
    let number = |key: &str| case.get(key).and_then(Value::as_f64).unwrap_or(0.0);
    let tolerance = Tolerance::Near { absolute: number("atol"), relative: number("rtol") };
    let count = |key: &str| case.get(key).and_then(Value::as_u64).unwrap_or(0) as usize;
    let constant: Vec<usize> = (case.get("constant_inputs").and_then(Value::as_array).into_iter().flatten())
        .filter_map(|at| Some(at.as_u64()? as usize))
        .collect();
    let data = dir.join("test_data_set_0");
    let run = || -> Result<Verdict> {
        let file = bytes(&dir.join("model.onnx"))?;
        let model = onnx::Model::parse(&file)?;
        let mut files = Vec::new();
        for at in 0..count("inputs") {
            files.push(bytes(&data.join(format!("input_{at}.pb")))?);
        }
        let mut options = onnx::Options::default();
        let mut inputs = Vec::new();
        for (at, (value, file)) in model.inputs().zip(&files).enumerate() {
            let tensor = onnx::Tensor::parse(file)?;
            if constant.contains(&at) {
                options = options.known(value.name(), file.clone());
            } else {
                options = options.shape(value.name(), tensor.shape()?);
                inputs.push(Numbers::of_proto(&tensor)?);
            }
        }
        let mut expected = Vec::new();
        for at in 0..count("outputs") {
            expected.push(Numbers::of_proto(&onnx::Tensor::parse(&bytes(
                &data.join(format!("output_{at}.pb")),
            )?)?)?);
        }
        Ok(compare(&model.program(&options)?, &inputs, &expected, tolerance, backend))
    };
    run().unwrap_or_else(|error| refused(&error))
}

/// A graph with one or two sets of tensors.
fn graph(dir: &Path, name: &str, backend: &Backend) -> Verdict {
    let run = || -> Result<Verdict> {
        let path = dir.join(format!("{name}.onnx"));
        let file = onnx::read(&path)?;
        let tensors = bytes(&dir.join(format!("{name}.safetensors")))?;
        for set in ["", "2"] {
            let Some((inputs, expected)) = Numbers::set(&tensors, set)? else { continue };
            let verdict = whole(&path, &file, &inputs, &expected, backend)?;
            if verdict != Verdict::Passed {
                return Ok(verdict);
            }
        }
        Ok(Verdict::Passed)
    };
    run().unwrap_or_else(|error| refused(&error))
}

fn whole(
    path: &Path,
    file: &[u8],
    inputs: &[Numbers],
    expected: &[Numbers],
    backend: &Backend,
) -> Result<Verdict> {
    let model = onnx::Model::parse(file)?;
    let folder = onnx::Folder::of_model(path)?;
    let mut options = onnx::Options::default();
    for (value, input) in model.inputs().zip(inputs) {
        options = options.shape(value.name(), input.shape.clone());
    }
    let program = model.program_with(&options, |tensor| folder.read(tensor))?;
    Ok(compare(&program, inputs, expected, Tolerance::OfLargest(OF_LARGEST), backend))
}

/// A file with an outcome: `refuse`, `accept`, or either.
fn hostile(dir: &Path, name: &str, outcome: &str, backend: &Backend) -> Verdict {
    let path = dir.join(format!("{name}.onnx"));
    let tensors = std::fs::read(dir.join(format!("{name}.safetensors")));
    let run = || -> Result<Verdict> {
        let file = onnx::read(&path)?;
        match &tensors {
            Ok(tensors) => match Numbers::set(tensors, "")? {
                Some((inputs, expected)) => whole(&path, &file, &inputs, &expected, backend),
                None => Ok(failed("the case", "its tensors have no names")),
            },
            Err(_) => {
                let model = onnx::Model::parse(&file)?;
                let folder = onnx::Folder::of_model(&path)?;
                let program = model.program_with(&onnx::Options::default(), |tensor| folder.read(tensor))?;
                Session::compile(backend, program).map(|_| Verdict::Passed)
            }
        }
    };
    match (outcome, run()) {
        ("refuse", Ok(_)) => failed("it must be refused", "it was accepted"),
        ("refuse", Err(_)) => Verdict::Passed,
        (_, Ok(verdict)) => verdict,
        ("either", Err(_)) => Verdict::Passed,
        (_, Err(error)) => failed("it must be accepted", error.to_string()),
    }
}

/// Runs a program as it is and with its operations joined.
fn compare(
    program: &Program,
    inputs: &[Numbers],
    expected: &[Numbers],
    tolerance: Tolerance,
    backend: &Backend,
) -> Verdict {
    let run = |program: Program, what: &'static str| -> Result<Option<Verdict>> {
        let mut tensors = Vec::with_capacity(inputs.len());
        for (input, port) in inputs.iter().zip(&program.inputs) {
            tensors.push(input.to_tensor(port.desc.dtype)?);
        }
        let session = Session::compile(backend, program)?;
        let outputs = session.run_all(&tensors.iter().collect::<Vec<_>>())?;
        for (at, expected) in expected.iter().enumerate() {
            let Some(got) = outputs.get(at) else {
                return Ok(Some(failed(what, format!("output {at} is missing"))));
            };
            let (absolute, relative) = match tolerance {
                Tolerance::Near { absolute, relative } => (absolute, relative),
                Tolerance::OfLargest(share) => (share * expected.largest(), 0.0),
            };
            if let Some(reason) = expected.differs(&Numbers::of_tensor(got), absolute, relative) {
                return Ok(Some(failed(what, format!("output {at}: {reason}"))));
            }
        }
        Ok(None)
    };
    let both = || -> Result<Option<Verdict>> {
        if let Some(wrong) = run(program.clone(), "operations as they are")? {
            return Ok(Some(wrong));
        }
        run(program.clone().optimised()?, "operations joined")
    };
    match both() {
        Ok(None) => Verdict::Passed,
        Ok(Some(wrong)) => wrong,
        Err(error) => refused(&error),
    }
}
