//! `--profile`: the time of each operation of a model, as a table, JSON or a picture.

mod picture;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};
use wgpool::{Result, TensorDesc};
use wgpool_net::{Clock, Profile, StepTime};

use crate::args::ProfileArgs;
use crate::files::OutputFile;
use crate::terminal::{aligned, line, ms, shapes, short};

/// Characters of an operation's name in the table.
const NAME: usize = 48;

/// The file that is asked for, if it can be written.
pub fn file(args: &ProfileArgs) -> Result<Option<OutputFile>> {
    args.file().map(OutputFile::create).transpose()
}

/// Writes the file: JSON, or a picture where its name says so.
pub fn write(profile: &Profile, path: &Path, mut file: OutputFile) -> Result<()> {
    match path.extension().is_some_and(|end| end.eq_ignore_ascii_case("svg")) {
        true => file.write(&picture::draw(profile)?)?,
        false => file.write(format!("{:#}\n", to_json(profile)).as_bytes())?,
    }
    file.publish()
}

/// Prints the table, and what each kind of operation takes.
pub fn print(profile: &Profile, out: &mut dyn Write) -> Result<()> {
    line(out, heading(profile))?;
    let mut rows = vec![["operation", "of", "kernel", "ms", "share", "shapes"].map(str::to_owned)];
    // Operations and seconds of each kind.
    let mut kinds: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
    for step in &profile.steps {
        let explanation = &step.cost.explanation;
        let kind = kinds.entry(&explanation.op).or_default();
        *kind = (kind.0 + 1, kind.1 + step.median());
        rows.push([
            short(&step.cost.name, NAME),
            explanation.op.to_string(),
            kernels(step).join(" + "),
            ms(step.median()),
            share(step.median(), profile),
            format!("{} -> {}", shapes(&explanation.inputs), shapes(&explanation.outputs)),
        ]);
    }
    aligned(&rows, 3, out)?;
    line(out, "")?;
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by(|(_, a), (_, b)| b.1.total_cmp(&a.1));
    let mut rows = vec![["all of", "operations", "ms", "share"].map(str::to_owned)];
    rows.extend(kinds.into_iter().map(|(kind, (count, seconds))| {
        [kind.to_owned(), count.to_string(), ms(seconds), share(seconds, profile)]
    }));
    rows.push(["sum".into(), profile.steps.len().to_string(), ms(profile.total()), String::new()]);
    aligned(&rows, 1, out)
}

/// What was timed, and how.
fn heading(profile: &Profile) -> String {
    let how = match profile.clock {
        Clock::Timestamps => "by the device's timestamps around a compute pass of each operation",
        Clock::Submissions => {
            "by the host's clock around a submission of each operation, whose cost is in it: the device has no timestamps"
        }
        _ => "by the host's clock",
    };
    let runs = runs(profile);
    format!("{} on {}: medians of {runs} runs {how}", profile.name, profile.backend)
}

fn runs(profile: &Profile) -> usize {
    profile.steps.first().map_or(0, |step| step.samples.len())
}

fn share(seconds: f64, profile: &Profile) -> String {
    format!("{:.1}%", 100.0 * seconds / profile.total().max(f64::MIN_POSITIVE))
}

/// The kernels of an operation that run each time.
fn kernels(step: &StepTime) -> Vec<String> {
    step.cost.explanation.steps.iter().filter(|kernel| !kernel.prepack).map(|kernel| kernel.name()).collect()
}

/// Times are seconds, medians and those of each run.
pub fn to_json(profile: &Profile) -> Value {
    let descs = |descs: &[TensorDesc]| -> Vec<Value> {
        descs.iter().map(|desc| json!({ "shape": desc.shape, "dtype": desc.dtype.to_string() })).collect()
    };
    let operation = |step: &StepTime| {
        let explanation = &step.cost.explanation;
        json!({
            "name": step.cost.name,
            "operation": explanation.op,
            "kernels": kernels(step),
            "inputs": descs(&explanation.inputs),
            "outputs": descs(&explanation.outputs),
            "seconds": step.median(),
            "samples": step.samples,
        })
    };
    let clock = match profile.clock {
        Clock::Timestamps => "timestamps",
        Clock::Submissions => "submissions",
        _ => "host",
    };
    json!({
        "model": profile.name,
        "adapter": profile.backend,
        "clock": clock,
        "runs": runs(profile),
        "seconds": profile.total(),
        "operations": profile.steps.iter().map(operation).collect::<Vec<_>>(),
    })
}
