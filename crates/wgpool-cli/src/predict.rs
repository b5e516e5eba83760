//! `wgpool predict`: a Keras model on arrays and pictures.

use std::io::Write;
use std::path::Path;

use wgpool::text::escaped;
use wgpool::{Data, Result, Tensor};
use wgpool_net::keras;

use super::args::{Place, PredictArgs};
use super::files::{self, Format, OutputFile};
use super::terminal::{block, line, progress};
use super::{backends, batches, document};

/// Classes that are named beside the most probable one.
const RUNNERS_UP: usize = 2;

/// Examples of one file, with the name each goes by.
struct Examples {
    names: Vec<String>,
    elements: Vec<f32>,
}

/// Runs the command.
pub fn run(args: &PredictArgs, place: &Place, out: &mut dyn Write) -> Result<()> {
    let model = keras::load(&args.model, args.weights.as_deref())?;
    let mut all = Examples { names: Vec::new(), elements: Vec::new() };
    for path in &args.inputs {
        let examples = read(path, &model.input)?;
        all.names.extend(examples.names);
        all.elements.extend(examples.elements);
    }
    let mut file = args.out.as_deref().map(OutputFile::create_for_tensor).transpose()?;
    let shape: Vec<usize> = std::iter::once(all.names.len()).chain(model.input.iter().copied()).collect();
    let inputs = Tensor::from_f32(&shape, all.elements)?;

    let opened = backends::open(place)?;
    let bar = progress(all.names.len(), "examples");
    let outputs =
        batches::run(&opened.backend, &model, &inputs, args.batch, |done| bar.set_position(done as u64));
    bar.finish_and_clear();
    let outputs = outputs?;
    if let Some(file) = &mut file {
        file.write_tensor(&outputs)?;
    }
    file.map_or(Ok(()), OutputFile::publish)?;
    print(&all.names, &outputs, out)?;
    if args.explain {
        let batch = args.batch.min(all.names.len());
        line(out, "")?;
        block(out, model.program(batch)?.explain(&opened.backend)?)?;
    }
    Ok(())
}

/// Reads the examples of one file in the shape that the model takes.
fn read(path: &Path, shape: &[usize]) -> Result<Examples> {
    if files::format(path)? == Format::Png {
        return picture(path, shape);
    }
    let tensor = files::read_tensor(path)?;
    let given = tensor.shape().to_vec();
    // One example may come without the axis of the batch, and grey pictures without that of the channel.
    let grey = match shape {
        [plane @ .., 1] | [1, plane @ ..] => plane,
        _ => shape,
    };
    let fits = |given: &[usize]| given == shape || given == grey;
    let count = match given.split_first() {
        _ if fits(&given) => 1,
        Some((&count, each)) if fits(each) => count,
        _ => {
            let rule =
                format_args!("its shape is {given:?}, but the model takes {shape:?}, alone or as a batch");
            return Err(document(path, rule));
        }
    };
    let name = name(path);
    let names = if count == 1 { vec![name] } else { (0..count).map(|i| format!("{name}[{i}]")).collect() };
    let elements = match tensor.into_data() {
        Data::F32(elements) => elements,
        Data::F16(elements) => elements.into_iter().map(f32::from).collect(),
        Data::BF16(elements) => elements.into_iter().map(f32::from).collect(),
        Data::U8(elements) => elements.into_iter().map(|byte| f32::from(byte) / 255.0).collect(),
        other => {
            return Err(document(
                path,
                format_args!("its elements are {}, not f32, f16, bf16 or u8", other.dtype()),
            ));
        }
    };
    Ok(Examples { names, elements })
}

/// Reads a picture for a model of channels last, or first.
fn picture(path: &Path, shape: &[usize]) -> Result<Examples> {
    let is_channels = |n: usize| matches!(n, 1 | 3 | 4);
    let (height, width, channels, first) = match *shape {
        [h, w, c] if is_channels(c) => (h, w, c, false),
        [c, h, w] if is_channels(c) => (h, w, c, true),
        [h, w] => (h, w, 1, false),
        _ => {
            return Err(document(
                path,
                format_args!("the model takes {shape:?}, which is no picture's shape"),
            ));
        }
    };
    let pixels = files::read_png(path, height, width, channels)?;
    let pixels = pixels.as_f32()?;
    let elements = if first {
        (0..channels).flat_map(|c| pixels.iter().skip(c).step_by(channels).copied()).collect()
    } else {
        pixels.to_vec()
    };
    Ok(Examples { names: vec![name(path)], elements })
}

/// What an example goes by in the table.
fn name(path: &Path) -> String {
    escaped(&path.to_string_lossy()).into_owned()
}

/// Prints the class and probability of each example, or the extremes of an output that is no list of classes.
fn print(names: &[String], outputs: &Tensor, out: &mut dyn Write) -> Result<()> {
    let elements = outputs.as_f32()?;
    let each = elements.len().checked_div(names.len()).unwrap_or(0).max(1);
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    for (name, values) in names.iter().zip(elements.chunks(each)) {
        let text = match outputs.shape() {
            [_, classes] if *classes > 1 => ranking(values),
            [_, _] => values.iter().map(|v| format!("{v}")).collect(),
            shape => {
                let (low, high) = (f32::INFINITY, f32::NEG_INFINITY);
                let (low, high) = values.iter().fold((low, high), |(l, h), &v| (l.min(v), h.max(v)));
                format!("{:?}, from {low} to {high}", &shape[1..])
            }
        };
        line(out, format_args!("{name:width$}  {text}"))?;
    }
    Ok(())
}

/// The most probable class, and those that come next.
fn ranking(values: &[f32]) -> String {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]).then(a.cmp(&b)));
    let shares = values.iter().all(|v| (0.0..=1.0).contains(v));
    let show = |i: usize| {
        if shares { format!("{:.2}%", f64::from(values[i]) * 100.0) } else { format!("{}", values[i]) }
    };
    let next: Vec<String> =
        order.iter().skip(1).take(RUNNERS_UP).map(|&i| format!("{i}: {}", show(i))).collect();
    let best = order.first().copied().unwrap_or(0);
    format!("{best}  {}  ({})", show(best), next.join(", "))
}
