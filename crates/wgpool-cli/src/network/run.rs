//! `wgpool run`: a model on arrays and pictures, all of its outputs.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};
use wgpool::{Error, Result, Tensor};
use wgpool_net::{Port, Session};

use super::Network;
use super::inputs::{self, Ready};
use crate::args::{Place, RunArgs};
use crate::files::{self, OutputFile};
use crate::maps::plain;
use crate::op::printed;
use crate::terminal::{block, duration, line};
use crate::{backends, document, profile};

/// Elements that JSON has at most of an output that is not written.
const IN_JSON: usize = 1000;

/// Runs the command.
pub fn run(args: &RunArgs, place: &Place, out: &mut dyn Write) -> Result<()> {
    let model = &args.network.model;
    let Ready { program, inputs } =
        inputs::read(&Network::load(model, args.network.weights.as_deref())?, &args.network, None)?;
    let paths = args.out.as_deref().map(|folder| paths(folder, &program.outputs)).transpose()?;
    let read = std::iter::once(model)
        .chain(&args.network.weights)
        .chain(args.network.inputs.iter().map(|(_, path)| path));
    let written: Vec<&Path> = paths.iter().flatten().map(AsRef::as_ref).chain(args.profile.file()).collect();
    files::apart(&written, read.map(AsRef::as_ref))?;
    let profile_file = profile::file(&args.profile)?;
    let backend = backends::open(place)?.backend;
    let session = Session::compile(&backend, program)?;
    let begun = Instant::now();
    let inputs: Vec<&Tensor> = inputs.iter().collect();
    let outputs = session.run_all(&inputs)?;
    let time = begun.elapsed();
    let runs = args.profile.profile_runs;
    let profile = args.profile.is_wanted().then(|| session.profile(&inputs, runs)).transpose()?;

    if let (Some(folder), Some(paths)) = (&args.out, &paths) {
        fs::create_dir_all(folder).map_err(|source| Error::File { path: folder.clone(), source })?;
        let mut files = Vec::with_capacity(paths.len());
        for (path, output) in paths.iter().zip(&outputs) {
            let mut file = OutputFile::create_for_tensor(path)?;
            file.write_tensor(output)?;
            files.push(file);
        }
        files.into_iter().try_for_each(OutputFile::publish)?;
    }
    if let (Some(profile), Some(path), Some(file)) = (&profile, args.profile.file(), profile_file) {
        profile::write(profile, path, file)?;
    }
    let path = |at: usize| paths.as_ref().and_then(|paths| paths.get(at));
    let ports = session.outputs().iter().zip(&outputs).enumerate();
    if args.network.json {
        let rows: Vec<Value> = ports.map(|(at, (port, output))| row(port, output, path(at))).collect();
        let mut text = json!({
            "model": session.name(), "adapter": backend.name(), "seconds": time.as_secs_f64(), "outputs": rows
        });
        if let Some(profile) = &profile {
            text["profile"] = profile::to_json(profile);
        }
        return block(out, format_args!("{text:#}"));
    }
    line(out, format_args!("{} in {} on {}", session.name(), duration(time), backend.name()))?;
    for (at, (port, output)) in ports {
        match path(at) {
            Some(path) => line(out, format_args!("{}: {} in {}", port.name, port.desc, path.display()))?,
            None => {
                line(out, format_args!("{}: {}", port.name, port.desc))?;
                block(out, printed(output)?)?;
            }
        }
    }
    if let Some(profile) = &profile {
        line(out, "")?;
        profile::print(profile, out)?;
    }
    if args.explain {
        line(out, "")?;
        block(out, session.explain())?;
    }
    Ok(())
}

/// The file of each output.
fn paths(folder: &Path, outputs: &[Port]) -> Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = Vec::with_capacity(outputs.len());
    for port in outputs {
        let name = plain(&port.name);
        let path = folder.join(format!("{}.npy", if name.is_empty() { "_" } else { &name }));
        // Some file systems do not tell letters of different case apart.
        let is_same = |other: &PathBuf| other.as_os_str().eq_ignore_ascii_case(path.as_os_str());
        if let Some(other) = paths.iter().position(is_same).and_then(|at| outputs.get(at)) {
            let reason =
                format_args!("the outputs {:?} and {:?} would both be this file", other.name, port.name);
            return Err(document(&path, reason));
        }
        paths.push(path);
    }
    Ok(paths)
}

fn row(port: &Port, output: &Tensor, path: Option<&PathBuf>) -> Value {
    let mut row = json!({ "name": port.name, "shape": port.desc.shape, "type": port.desc.dtype.to_string() });
    match path {
        Some(path) => row["file"] = path.display().to_string().into(),
        // JSON has no numbers for infinities and NaN: they are null.
        None if output.data().len() <= IN_JSON => {
            let values: Vec<Option<f64>> = (0..output.data().len()).map(|i| output.data().get(i)).collect();
            row["values"] = json!(values);
        }
        None => {}
    }
    row
}
