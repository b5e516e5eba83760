//! Gives wgpool's shaders to compilers that drivers and browsers have, and says what became of them; `scripts/compilers.sh`
//! brings the compilers.

mod hlsl;
mod pipelines;
mod table;
mod windows;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use hlsl::Shader;
use naga::back::hlsl::ShaderModel;
use pipelines::Pipeline;
use serde_json::json;
use table::Table;
use windows::{Compiler, Outcome};

const USAGE: &str = "usage: wgpool-compilers fxc|dxc windows.exe DLL FOLDER [--activations]
       wgpool-compilers browser FILE [--activations]

fxc, dxc: compiles every shader with a compiler of Windows, under Wine; the HLSL stays in the folder
browser:  writes every shader's text and constants for dawn.mjs
--activations: every activation instead of the longest alone";

/// What FXC may take for a shader, in times of what it takes for the reference.
const MOST: f64 = 6.0;

/// How often the reference is compiled.
const REFERENCES: usize = 9;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let count = arguments.len();
    arguments.retain(|argument| argument != "--activations");
    let activations = arguments.len() < count;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["fxc", program, library, folder] => {
            let compiler = compiler(program, library, "cs_5_1");
            fxc(&compiler, &pipelines::for_fxc(activations), Path::new(folder))
        }
        ["dxc", program, library, folder] => {
            let compiler = compiler(program, library, "cs_6_6");
            dxc(&compiler, &pipelines::for_dxc(activations), Path::new(folder))
        }
        ["browser", file] => browser(&pipelines::for_browser(activations), Path::new(file)).map(|()| true),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::from(2)
        }
    }
}

fn compiler(program: &str, library: &str, profile: &'static str) -> Compiler {
    Compiler { program: program.into(), library: library.into(), profile }
}

/// Writes each pipeline's HLSL, and returns the files in the pipelines' order.
fn write(pipelines: &[Pipeline], model: ShaderModel, folder: &Path) -> Result<Vec<PathBuf>, String> {
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut shaders: HashMap<&str, Shader> = HashMap::new();
    let mut files = Vec::new();
    for (number, pipeline) in pipelines.iter().enumerate() {
        if !shaders.contains_key(pipeline.text.as_str()) {
            let shader = Shader::read(&pipeline.text).map_err(|e| format!("{pipeline}: {e}"))?;
            shaders.insert(&pipeline.text, shader);
        }
        let text = shaders[pipeline.text.as_str()].write(&pipeline.constants, model);
        let name = pipeline.key.to_string();
        let name = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        let file = folder.join(format!("{number:04}_{name}.hlsl"));
        let text = text.map_err(|e| format!("{pipeline}: {e}"))?;
        std::fs::write(&file, text).map_err(|e| format!("{}: {e}", file.display()))?;
        files.push(file);
    }
    Ok(files)
}

/// Every shader in at most [`MOST`] times what the reference takes, which is compiled again and again among them.
fn fxc(compiler: &Compiler, pipelines: &[Pipeline], folder: &Path) -> Result<bool, String> {
    let files = write(pipelines, ShaderModel::V5_1, folder)?;
    let begin = Instant::now();
    let mut references = Vec::new();
    let outcomes = among_references(compiler, &files, &mut references)?;
    let mut table = Table::new("FXC", pipelines, &files, outcomes);
    // A processor that others use is not equally fast at all times: what took too long has a second try.
    let slow = table.slower_than(MOST * median(&references));
    let again: Vec<PathBuf> = slow.iter().map(|&number| files[number].clone()).collect();
    table.improve(&slow, among_references(compiler, &again, &mut references)?);
    table.print(begin.elapsed(), Some((median(&references), MOST)));
    Ok(table.all_built() && table.slower_than(MOST * median(&references)).is_empty())
}

/// The outcomes of `files`, and in `times` those of the reference, which is compiled before every few of them.
fn among_references(
    compiler: &Compiler,
    files: &[PathBuf],
    times: &mut Vec<f64>,
) -> Result<Vec<Outcome>, String> {
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference.hlsl");
    let few = files.len().div_ceil(REFERENCES).max(1);
    let all: Vec<PathBuf> =
        files.chunks(few).flat_map(|few| [std::slice::from_ref(&reference), few].concat()).collect();
    let mut outcomes = Vec::new();
    for (file, outcome) in all.iter().zip(compiler.compile(&all)?) {
        match outcome {
            Outcome::Built(ms) if *file == reference => times.push(ms),
            Outcome::Failed(why) if *file == reference => return Err(format!("{}: {why}", file.display())),
            _ => outcomes.push(outcome),
        }
    }
    Ok(outcomes)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn dxc(compiler: &Compiler, pipelines: &[Pipeline], folder: &Path) -> Result<bool, String> {
    let files = write(pipelines, ShaderModel::V6_6, folder)?;
    let begin = Instant::now();
    let table = Table::new("DXC", pipelines, &files, compiler.compile(&files)?);
    table.print(begin.elapsed(), None);
    Ok(table.all_built())
}

/// The texts, and each pipeline with the number of its text.
fn browser(pipelines: &[Pipeline], file: &Path) -> Result<(), String> {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut texts = Vec::new();
    let rows: Vec<_> = (pipelines.iter())
        .map(|pipeline| {
            let text = *numbers.entry(&pipeline.text).or_insert_with(|| {
                texts.push(pipeline.text.as_str());
                texts.len() - 1
            });
            let constants: HashMap<_, _> = pipeline.constants.iter().copied().collect();
            json!({"name": pipeline.to_string(), "text": text, "constants": constants})
        })
        .collect();
    let document = json!({"texts": texts, "pipelines": rows}).to_string();
    std::fs::write(file, document).map_err(|e| format!("{}: {e}", file.display()))
}
