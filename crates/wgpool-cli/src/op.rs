//! `wgpool op`: one operation on arrays and pictures in files.

use std::io::Write;
use std::time::{Duration, Instant};

use ndarray::ArrayViewD;
use wgpool::{Backend, Data, Error, KernelLayout, Layout, Op, Problem, Result, Tensor, TensorDesc};

use super::args::{Arguments, Input, OpArgs, Place, Plane};
use super::files::array::{Array, Wanted, convert};
use super::files::{self, Format, OutputFile, photo};
use super::terminal::{self, block, line, note};
use super::{backends, document};

/// Elements that are printed at most; of more, those at the ends.
const PRINTED: usize = 1000;

/// What takes as long is not run twice to find out how long pipelines were built.
const LONG: Duration = Duration::from_secs(5);

/// Runs the command.
pub fn run(args: &OpArgs, place: &Place, out: &mut dyn Write) -> Result<()> {
    let arguments = args.operation.arguments();
    let paths = arguments.files();
    let read = |(i, input)| read(input, i == 0, args);
    let sources: Vec<Source> = paths.inputs.iter().enumerate().map(read).collect::<Result<_>>()?;
    let (op, problem, tensors) = resolve(arguments, &sources, args.cast)?;
    let layout = match paths.inputs.first().and_then(|input| input.plane) {
        Some(Plane::Image(layout)) => layout,
        _ => Layout::Nchw,
    };
    let is_deep = sources.iter().any(|source| matches!(source.value, Value::Photo { is_deep: true, .. }));
    files::distinct(&paths.outputs.iter().copied().flatten().collect::<Vec<_>>())?;
    // That every file can be written is known before anything is computed; all appear when all results are there.
    let mut files = Vec::with_capacity(paths.outputs.len());
    for (path, desc) in paths.outputs.iter().zip(&problem.outputs) {
        let file = path.map(|path| create(path, desc, layout).map(|(file, format)| (path, file, format)));
        files.push(file.transpose()?);
    }

    let backend = backends::open_with(place, &args.kernels)?;
    let inputs: Vec<&Tensor> = tensors.iter().collect();
    let (results, times) = timed(&backend, &op, &inputs)?;
    for (result, file) in results.iter().zip(&mut files) {
        match file {
            Some((path, file, format)) if format.is_picture() => {
                let encoded = photo::encode(result, layout, *format, is_deep);
                let (bytes, clipped) = encoded.map_err(|reason| document(path, reason))?;
                file.write(&bytes)?;
                if let Some(what) = clipped {
                    note(&format!("{}: {what}", path.display()));
                }
            }
            Some((_, file, _)) => file.write_tensor(result)?,
            None => {}
        }
    }
    let is_printed = matches!(files.first(), Some(None));
    files.into_iter().flatten().try_for_each(|(_, file, _)| file.publish())?;

    let shapes: Vec<String> = results.iter().map(|r| r.desc().to_string()).collect();
    let from = tensors.first().map(|tensor| tensor.desc().to_string()).unwrap_or_default();
    let name = backend.name();
    line(out, format_args!("{}: {from} -> {} {times} on {name}", problem.op, shapes.join(" and ")))?;
    if let (true, Some(result)) = (is_printed, results.first()) {
        block(out, printed(result)?)?;
    }
    if args.explain {
        line(out, "")?;
        block(out, backend.explain(&op, &problem.inputs)?)?;
    }
    Ok(())
}

/// What one file holds, and what is wanted of it.
struct Source<'a> {
    input: Input<'a>,
    value: Value,
}

enum Value {
    Array(Array),
    Photo { tensor: Tensor, is_deep: bool },
}

/// Reads a file; pictures are read at the first place alone.
fn read<'a>(input: &Input<'a>, is_first: bool, args: &OpArgs) -> Result<Source<'a>> {
    let failed = |reason| document(input.path, reason);
    let (bytes, format) = files::read(input.path)?;
    let layout = match input.plane {
        Some(Plane::Image(layout)) => layout,
        _ => Layout::Nchw,
    };
    let value = if format.is_picture() && is_first {
        let photo = photo::read(&bytes, format, layout, args.grey, input.wanted).map_err(failed)?;
        Value::Photo { tensor: photo.tensor, is_deep: photo.is_deep }
    } else {
        Value::Array(files::array_of(input.path, &bytes, format)?)
    };
    Ok(Source { input: *input, value })
}

/// The operation on these inputs, as tensors that it takes: what had to be changed for it is said.
///
/// Bytes and floats of 16 bits stay what they are where the operation takes them, and become f32 where it does not.
fn resolve(
    arguments: &dyn Arguments,
    sources: &[Source<'_>],
    cast: bool,
) -> Result<(Op, Problem, Vec<Tensor>)> {
    let mut first = None;
    for numbers in [Wanted::Numbers, Wanted::Floats] {
        let (mut tensors, mut notes) = (Vec::with_capacity(sources.len()), Vec::new());
        for Source { input, value } in sources {
            let wanted = if input.wanted == Wanted::Numbers { numbers } else { input.wanted };
            let (tensor, changed) = match value {
                Value::Photo { tensor, .. } => (tensor.clone(), None),
                Value::Array(array) => {
                    convert(array.clone(), wanted, cast).map_err(|reason| document(input.path, reason))?
                }
            };
            let (tensor, lifted) = lifted(tensor, input.plane)?;
            let changes: Vec<String> = changed.into_iter().chain(lifted).collect();
            if !changes.is_empty() {
                notes.push(format!("{}: {}", input.path.display(), changes.join(", ")));
            }
            tensors.push(tensor);
        }
        let descs: Vec<TensorDesc> = tensors.iter().map(Tensor::desc).collect();
        let op = arguments.op(descs.first().map_or(&[], |input| &input.shape));
        match op.and_then(|op| Problem::new(&op, &descs).map(|problem| (op, problem))) {
            Ok((op, problem)) => {
                notes.iter().for_each(|text| note(text));
                return Ok((op, problem, tensors));
            }
            Err(error @ Error::Type { .. }) if first.is_none() => first = Some(error),
            Err(error) => return Err(first.unwrap_or(error)),
        }
    }
    Err(first.unwrap_or(Error::Arity { op: "operation", expected: "inputs", got: 0 }))
}

/// A plane with the axes of length 1 that it lacks.
fn lifted(tensor: Tensor, plane: Option<Plane>) -> Result<(Tensor, Option<String>)> {
    let (&[height, width], Some(plane)) = (tensor.shape(), plane) else { return Ok((tensor, None)) };
    let shape = match plane {
        Plane::Image(Layout::Nhwc) => [1, height, width, 1],
        Plane::Kernel(KernelLayout::Hwio) => [height, width, 1, 1],
        _ => [1, 1, height, width],
    };
    let said = format!("[{height}, {width}] is read as {shape:?}, one channel");
    Ok((tensor.reshaped(&shape)?, Some(said)))
}

/// The file of an output like this, and its format.
fn create(path: &std::path::Path, desc: &TensorDesc, layout: Layout) -> Result<(OutputFile, Format)> {
    let format = files::format(path)?;
    if !format.is_picture() {
        return Ok((OutputFile::create_for_tensor(path)?, format));
    }
    photo::size(&desc.shape, layout, format).map_err(|reason| document(path, reason))?;
    Ok((OutputFile::create(path)?, format))
}

/// Runs the operation; in words, how long it computes, and how long pipelines are built for it where there are any.
///
/// Drivers compile when a pipeline is made or when it runs for the first time. So what a first run takes longer than a
/// second one counts as building, unless the first takes so long that there is no second.
fn timed(backend: &Backend, op: &Op, inputs: &[&Tensor]) -> Result<(Vec<Tensor>, String)> {
    let run = || {
        let start = Instant::now();
        backend.run(op, inputs).map(|results| (results, start.elapsed()))
    };
    let (results, first) = run()?;
    let text = match backend {
        Backend::Gpu(_) if first < LONG => {
            let (_, again) = run()?;
            let [building, computing] = [first.saturating_sub(again), again].map(terminal::duration);
            format!("in {computing}, after {building} of building pipelines,")
        }
        Backend::Gpu(_) => format!("in {}, building pipelines included,", terminal::duration(first)),
        _ => format!("in {}", terminal::duration(first)),
    };
    Ok((results, text))
}

/// The elements as NumPy prints them.
pub fn printed(tensor: &Tensor) -> Result<String> {
    fn text<T: std::fmt::Display>(shape: &[usize], all: &[T]) -> Result<String> {
        let array = ArrayViewD::from_shape(shape, all);
        let array = array.map_err(|e| Error::document("output", e.to_string()))?;
        let is_short = all.len() <= PRINTED;
        let shown = if is_short { all.len() } else { 0 };
        let width = all.iter().take(shown).map(|v| v.to_string().chars().count()).max().unwrap_or(0);
        Ok(if is_short { format!("{array:#width$}") } else { format!("{array:width$}") })
    }
    let shape = tensor.shape();
    match tensor.data() {
        Data::F32(all) => text(shape, all),
        Data::F16(all) => text(shape, all),
        Data::BF16(all) => text(shape, all),
        Data::U8(all) => text(shape, all),
        Data::I8(all) => text(shape, all),
        Data::I32(all) => text(shape, all),
        other => Err(Error::document("output", format!("{} are not printed", other.dtype()))),
    }
}
