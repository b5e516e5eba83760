//! `wgpool predict`: a model on arrays and pictures.

use std::collections::VecDeque;
use std::io::Write;
use std::path::Path;

use rayon::prelude::*;
use serde_json::{Value, json};
use wgpool::{Error, Result, Softmax, Tensor, host};

use super::args::{Place, PredictArgs};
use super::batches::Batches;
use super::examples::{self, Examples};
use super::files::{self, OutputFile};
use super::network::Network;
use super::terminal::{block, line, progress};
use super::{backends, document, labels};

/// Examples that are computed together, unless it is said how many or the model has its own batch.
const BATCH: usize = 64;

/// Classes that are named beside the most probable one, unless it is said how many.
const RUNNERS_UP: usize = 2;

/// Runs the command.
pub fn run(args: &PredictArgs, place: &Place, out: &mut dyn Write) -> Result<()> {
    let all_outputs: Vec<&Path> = args.out.iter().map(AsRef::as_ref).collect();
    let read = [Some(&args.model), args.weights.as_ref(), args.labels.as_ref()];
    files::apart(&all_outputs, read.into_iter().flatten().chain(&args.inputs).map(AsRef::as_ref))?;
    let network = Network::load(&args.model, args.weights.as_deref())?;
    let example = network.example(args.size)?;
    let size = match (args.batch, example.batch) {
        (Some(asked), Some(own)) if asked != own => {
            let rule = format!("the model has the batch {own} in the file");
            return Err(Error::parameter("command line", "--batch", asked, rule));
        }
        (asked, own) => asked.or(own).unwrap_or(BATCH),
    };
    let mut file = args.out.as_deref().map(OutputFile::create_for_tensor).transpose()?;
    let opened = backends::open(place)?;
    let how = args.reading.how();
    let bar = progress(args.inputs.len(), "examples");
    let program = |batch| example.program(&network, batch);
    let mut batches = Batches::new(&opened.backend, &program);
    let mut printer: Option<Printer> = None;
    let (mut waiting, mut outputs, mut rows) = (Examples::default(), Vec::new(), Vec::new());
    let mut width = args.inputs.iter().map(|path| examples::name(path).chars().count()).max().unwrap_or(0);
    let mut left: VecDeque<&[_]> = args.inputs.chunks(size).collect();
    let mut done = 0;
    loop {
        while waiting.names.len() < size {
            let Some(paths) = left.pop_front() else { break };
            let read: Vec<Examples> = paths
                .par_iter()
                .map(|path| examples::read(path, &example.shape, example.frame, &how))
                .collect::<Result<_>>()?;
            let found: usize = read.iter().map(|examples| examples.names.len()).sum();
            bar.set_length((bar.length().unwrap_or(0) + found as u64).saturating_sub(paths.len() as u64));
            read.into_iter().for_each(|examples| waiting.append(examples));
        }
        let (names, batch) = waiting.take(size, &example.shape, example.batch)?;
        // Where there are no examples at all, the output says so by its shape.
        if names.is_empty() && done > 0 {
            break;
        }
        done += names.len();
        let printer = match &mut printer {
            Some(printer) => &*printer,
            slot => {
                let output = batches.output(batch.shape().first().copied().unwrap_or(0))?;
                &*slot.insert(Printer::new(args, output.shape.get(1..).unwrap_or_default())?)
            }
        };
        let output = batches.run(&batch)?;
        bar.set_position(done as u64);
        width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(width);
        let values = printer.finished(output, names.len())?;
        for (name, values) in names.iter().zip(values.chunks(printer.elements().max(1))) {
            match args.json {
                true => rows.push(printer.json(name, values)),
                false => {
                    bar.suspend(|| line(out, format_args!("{name:width$}  {}", printer.text(values))))?
                }
            }
        }
        if file.is_some() {
            outputs.extend_from_slice(&values);
        }
        if names.is_empty() {
            break;
        }
    }
    bar.finish_and_clear();
    if let (Some(file), Some(printer)) = (&mut file, &printer) {
        let shape: Vec<usize> = std::iter::once(done).chain(printer.shape.iter().copied()).collect();
        file.write_tensor(&Tensor::from_f32(&shape, outputs)?)?;
    }
    file.map_or(Ok(()), OutputFile::publish)?;
    if args.json {
        let name = opened.backend.name();
        block(
            out,
            format_args!("{:#}", json!({ "model": example.model, "adapter": name, "examples": rows })),
        )?;
    }
    if args.explain {
        line(out, "")?;
        let batch = example.batch.unwrap_or(size.min(done));
        block(out, program(batch)?.explain(&opened.backend)?)?;
    }
    Ok(())
}

/// How outputs are shown.
struct Printer {
    labels: Option<Vec<String>>,
    /// Classes of each example.
    top: usize,
    /// The shape of an output, without the batch.
    shape: Vec<usize>,
    /// How many classes it is a list of, if it is one: axes of one element behind them say nothing.
    classes: Option<usize>,
    /// Whether outputs become probabilities.
    softmax: bool,
}

impl Printer {
    fn new(args: &PredictArgs, shape: &[usize]) -> Result<Printer> {
        let classes = match shape {
            [classes, rest @ ..] if rest.iter().all(|&n| n == 1) => Some(*classes),
            _ => None,
        };
        let is_none = format_args!("the model's output is {shape:?}, which is no list of classes");
        let labels = match (&args.labels, classes) {
            (None, _) => None,
            (Some(path), Some(classes)) => Some(labels::read(path, classes)?),
            (Some(path), None) => return Err(document(path, is_none)),
        };
        if args.softmax && classes.is_none() {
            return Err(document("--softmax".as_ref(), is_none));
        }
        let top = args.top.unwrap_or(1 + RUNNERS_UP);
        Ok(Printer { labels, top, shape: shape.to_vec(), classes, softmax: args.softmax })
    }

    /// Elements of an example's output.
    fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// The outputs of the first `count` examples, as they are shown and written.
    fn finished(&self, output: Tensor, count: usize) -> Result<Vec<f32>> {
        let output = match self.softmax {
            true => host::run(&Softmax { axis: 1 }.into(), &[&output])?.into_iter().next().unwrap_or(output),
            false => output,
        };
        let mut values = output.as_f32()?.to_vec();
        values.truncate(count * self.elements());
        Ok(values)
    }

    /// The class and probability of an example, or the extremes of an output that is no list of classes.
    fn text(&self, values: &[f32]) -> String {
        match self.classes {
            Some(classes) if classes > 1 => self.ranking(values),
            Some(_) => values.iter().map(|v| format!("{v}")).collect(),
            None => {
                let ((low, high), shape) = (ends(values), &self.shape);
                format!("{shape:?}, from {low} to {high}")
            }
        }
    }

    /// The most probable class, and those that come next.
    fn ranking(&self, values: &[f32]) -> String {
        let shares = values.iter().all(|v| (0.0..=1.0).contains(v));
        let show = |i: usize| {
            if shares { format!("{:.2}%", f64::from(values[i]) * 100.0) } else { format!("{}", values[i]) }
        };
        let order = order(values);
        let name = |i: usize| match &self.labels {
            Some(labels) => format!("{i} {}", labels[i]),
            None => i.to_string(),
        };
        let best = order.first().copied().unwrap_or(0);
        let next: Vec<String> =
            order.iter().skip(1).take(self.top - 1).map(|&i| format!("{}: {}", name(i), show(i))).collect();
        let next = if next.is_empty() { String::new() } else { format!("  ({})", next.join(", ")) };
        format!("{}  {}{next}", name(best), show(best))
    }

    fn json(&self, name: &str, values: &[f32]) -> Value {
        if self.classes.is_none() {
            let (low, high) = ends(values);
            return json!({ "input": name, "shape": self.shape, "min": low, "max": high });
        }
        let class = |i: usize| {
            let mut class = json!({ "class": i, "value": values[i] });
            if let Some(labels) = &self.labels {
                class["label"] = labels[i].clone().into();
            }
            class
        };
        let classes: Vec<Value> = order(values).into_iter().take(self.top).map(class).collect();
        json!({ "input": name, "classes": classes })
    }
}

/// The classes, the most probable first; of equals the first.
fn order(values: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]).then(a.cmp(&b)));
    order
}

fn ends(values: &[f32]) -> (f32, f32) {
    let ends = (f32::INFINITY, f32::NEG_INFINITY);
    values.iter().fold(ends, |(low, high), &v| (low.min(v), high.max(v)))
}
